"""Progress for people: a bar with rate and time left on a terminal, a line an epoch elsewhere."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def console() -> Console:
    """Standard error, where all that a person reads goes."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def progress_bar(unit: str, *more: str) -> Progress:
    """A bar with counts, rate in `unit` a second, time taken and left, and the given text fields."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn() if unit == "steps" else TextColumn("{task.percentage:>3.0f}%"),
        _Rate(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        *(TextColumn(f"{{task.fields[{name}]}}") for name in more),
        console=console(),
        disable=not sys.stderr.isatty(),
        transient=True,
    )


class _Rate(TextColumn):
    def __init__(self, unit):
        super().__init__("")
        self._unit = unit

    def render(self, task):
        from rich.text import Text

        speed = task.finished_speed or task.speed or 0.0
        return Text(f"{speed:,.1f} {self._unit}/s", style="cyan")

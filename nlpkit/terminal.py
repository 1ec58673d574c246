"""Output on a terminal: one console and one kind of progress bar for all of nlpkit.

Two consoles on one terminal garble each other, so everything is printed through `console`, which knows the active
progress bar and prints above it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


@functools.cache
def console() -> Console:
    """The console on standard error, for all messages to people."""
    from rich.console import Console

    # In a notebook, too, a line is a line, not an output of its own.
    return Console(stderr=True, highlight=False, soft_wrap=True, force_jupyter=False)


@contextlib.contextmanager
def libraries_quiet() -> Iterator[None]:
    """Suppress the messages of TensorFlow's import on standard error, on which no user can act.

    They go to the file descriptor. They are shown if the import fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        own = None if "tensorflow" in sys.modules else os.dup(2)
    except OSError:
        own = None  # standard error is closed
    if own is None:
        yield
        return
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except ImportError:
            messages.seek(0)
            os.write(own, messages.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)


def say(text: str) -> None:
    """Print a line for people, without markup."""
    console().print(text, markup=False)


def progress_bar(unit: str, *more: str, hidden: bool = False) -> Progress:
    """A progress bar with the percentage done, the rate in `unit` per second, time elapsed and left, and text fields.

    It is drawn on terminals only.

    Args:
        unit: unit of the count; for ``steps`` the bar shows the number, not the percentage.
        more: names of text fields.
        hidden: whether to draw nothing on a terminal either, for example while a person types there.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeftColumn
    from rich.text import Text

    class Rate(TextColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0.0:,.1f} {unit}/s", style="cyan")

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn() if unit == "steps" else TextColumn("{task.percentage:>3.0f}%"),
        Rate(""),
        TimeElapsedColumn(),
        TimeLeftColumn(compact=True),
        *(TextColumn(f"{{task.fields[{name}]}}") for name in more),
        console=console(),
        disable=hidden or not sys.stderr.isatty(),
        transient=True,
    )

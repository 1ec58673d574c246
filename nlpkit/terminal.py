"""What a person sees on a terminal: one console and one kind of progress bar for all of nlpkit.

Two consoles on one terminal garble each other, so everything is printed through `console`, which knows of the bar that
is being drawn and prints above it.
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
    """Standard error, where all that a person reads goes."""
    from rich.console import Console

    # In a notebook a line is a line as well, not an output of its own.
    return Console(stderr=True, highlight=False, soft_wrap=True, force_jupyter=False)


@contextlib.contextmanager
def libraries_quiet() -> Iterator[None]:
    """Keep away what TensorFlow writes to standard error when it is imported, on which no user can act.

    It writes to the file descriptor. Nothing is lost if the import fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        own = None if "tensorflow" in sys.modules else os.dup(2)
    except OSError:
        own = None  # standard error is closed
    if own is None:
        yield
        return
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except ImportError:
            said.seek(0)
            os.write(own, said.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)


def say(text: str) -> None:
    """Print a line for people, as it is."""
    console().print(text, markup=False)


def progress_bar(unit: str, *more: str, hidden: bool = False) -> Progress:
    """A progress bar with the percentage done, the rate in `unit` per second, time elapsed and left, and text fields.

    It is drawn on terminals only.

    Args:
        unit: what is counted; of ``steps`` the number is shown, not the percentage.
        more: names of text fields.
        hidden: whether to draw nothing on a terminal either, for example because a person types there.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeftColumn
    from rich.text import Text

    class Rate(TextColumn):
        def render(self, task):
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

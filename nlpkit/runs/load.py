"""From a folder to a model in use, and to its metrics over data."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlpkit.runs.artefact import load_artefact
from nlpkit.runs.manifest import read_object

if TYPE_CHECKING:
    from nlpkit.prediction.predictor import Predictor
    from nlpkit.tasks.task import Task


def load(folder: str | Path, task: type[Task] | None = None) -> Predictor:
    """Open the folder that `nlpkit.train` wrote; nothing else is needed.

    Args:
        folder: the folder.
        task: the class of its task, if that is one of your own which is not registered.

    Returns:
        A `nlpkit.Predictor`.

    Raises:
        ArtefactError: if it is missing, damaged, foreign or of another version.
    """
    opened = load_artefact(folder, task)
    from nlpkit.prediction.predictor import Predictor

    path = Path(folder) / "metrics.json"
    try:
        metrics = read_object(path)
    except (OSError, ValueError, RecursionError):  # metrics are for people; a folder answers without them
        metrics = {}
    return Predictor(opened, metrics, opener_of(folder, opened))


def opener_of(folder: str | Path, task: Task) -> tuple[Callable, tuple]:
    """How a pickled predictor is opened: a function and its arguments."""
    return _opened, (str(Path(folder).absolute()), type(task))


@functools.lru_cache(maxsize=4)
def _opened(folder, task):
    """Once in a process, though a pool sends a pickle with each piece of work."""
    return load(folder, task)


def evaluate(folder: str | Path, data: str | Path, **reading: Any) -> dict[str, Any]:
    """Metrics of a trained model over a labelled file.

    Args:
        folder: that of the model.
        data: the file.
        reading: the task's reading options; ``nlpkit evaluate DIR --help`` lists them.

    Returns:
        Metrics by name; a dictionary of rows is a table.

    Raises:
        ArtefactError, ConfigError, DataError: as `load` and `nlpkit.Predictor.evaluate`.
    """
    return load(folder).evaluate(data, **reading)

"""From a folder to a model in use, and to its metrics over data."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from nlpkit.datasets.files import digest_of
from nlpkit.runs.artefact import load_artefact
from nlpkit.runs.manifest import MANIFEST, read_object
from nlpkit.runs.models import model_folder
from nlpkit.terminal import libraries_quiet

if TYPE_CHECKING:
    from nlpkit.tasks.task import Task

T = TypeVar("T", bound="Task[Any]")


@overload
def load(folder: str | Path, *, runtime: str = ...) -> Task[Any]: ...


@overload
def load(folder: str | Path, task: type[T], *, runtime: str = ...) -> T: ...


def load(folder: str | Path, task: type[Task[Any]] | None = None, *, runtime: str = "auto") -> Task[Any]:
    """Open the folder that `nlpkit.train` wrote, or a model that comes with nlpkit; nothing else is needed.

    Args:
        folder: the folder; where there is none of that name, the name of a model, see `nlpkit.models`.
        task: the class of its task, such as `nlpkit.Tagger`: a type checker then knows the answers, and a folder of
            another task is refused. A class of your own that is not registered must be given.
        runtime: what computes: ``onnx`` is onnxruntime, which starts at once and has no framework, ``keras`` is Keras,
            ``auto`` the first if it is installed and the folder has what it needs.

    Returns:
        The trained model.

    Raises:
        ConfigError: if there is no such runtime, or the folder has no files for it.
        MissingPackageError: without onnxruntime.
        ArtefactError: if it is missing, damaged, foreign or of another version.
    """
    folder = model_folder(folder)
    with libraries_quiet():
        model = load_artefact(folder, task, runtime=runtime)
    path = Path(folder) / "metrics.json"
    try:
        metrics = read_object(path)
    except (OSError, ValueError, RecursionError):  # metrics are for people; a folder answers without them
        metrics = {}
    return in_use(model, folder, metrics, runtime)


def in_use(model: T, folder: str | Path, metrics: dict[str, Any], runtime: str = "auto") -> T:
    """A trained model that knows its metrics and from where a pickle of it is opened."""
    model.metrics = metrics
    with contextlib.suppress(OSError):  # training is without a folder where it was removed meanwhile
        model.identity = {"model": digest_of(Path(folder) / MANIFEST), "runtime": model.runtime}
    model.opened_by(_opened, str(Path(folder).absolute()), type(model), runtime)
    return model


@functools.lru_cache(maxsize=4)
def _opened(folder, task, runtime):
    """Once in a process, though a pool sends a pickle with each piece of work."""
    return load(folder, task, runtime=runtime)


def evaluate(folder: str | Path, data: str | Path, *, runtime: str = "auto", **reading: Any) -> dict[str, Any]:
    """Metrics of a trained model over a labelled file.

    Args:
        folder: that of the model, or its name.
        data: the file.
        runtime: as of `load`.
        reading: the task's reading options; ``nlpkit evaluate DIR --help`` lists them.

    Returns:
        Metrics by name; a dictionary of rows is a table.

    Raises:
        ArtefactError, ConfigError, DataError: as `load` and `nlpkit.Task.evaluate`.
    """
    return load(folder, runtime=runtime).evaluate(data, **reading)

"""From a trained folder to a model in use, and to its metrics over data."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from nlpkit.artefacts.backend import check_backend
from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.manifest import MANIFEST, WEIGHTS, by_file_name, read_object
from nlpkit.datasets.files import digest_of
from nlpkit.errors import ArtefactError, ConfigError, DataError, unknown_name
from nlpkit.prediction import RUNTIMES
from nlpkit.tasks import get_declaration, get_task, names
from nlpkit.terminal import libraries_quiet, say

if TYPE_CHECKING:
    from nlpkit.tasks.task import Task

T = TypeVar("T", bound="Task[Any]")


@overload
def load(folder: str | Path | Folder, *, runtime: str = ...) -> Task[Any]: ...


@overload
def load(folder: str | Path | Folder, task: type[T], *, runtime: str = ...) -> T: ...


def load(folder: str | Path | Folder, task: type[Task[Any]] | None = None, *, runtime: str = "auto") -> Task[Any]:
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
    folder = Folder.open(folder)
    with libraries_quiet():
        model = load_artefact(folder, task, runtime)
    try:
        metrics = read_object(folder.file("metrics.json"))
    except (OSError, ValueError, RecursionError):  # metrics are for people; a folder answers without them
        metrics = {}
    return in_use(model, folder.path, metrics, runtime)


def in_use(model: T, folder: Path, metrics: dict[str, Any], runtime: str = "auto") -> T:
    """A trained model that knows its metrics and from where a pickle of it is opened."""
    model.metrics = metrics
    with contextlib.suppress(OSError):  # training is without a folder where it was removed meanwhile
        model.runtime.identity = {"model": digest_of(folder / MANIFEST), "runtime": model.runtime.name}
    model.runtime.opened_by(_opened, str(folder.absolute()), type(model), runtime)
    return model


@functools.lru_cache(maxsize=4)
def _opened(folder, task, runtime):
    """Once in a process, though a pool sends a pickle with each piece of work."""
    return load(folder, task, runtime=runtime)


def evaluate(folder: str | Path | Folder, data: str | Path, *, runtime: str = "auto", **reading: Any) -> dict[str, Any]:
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


def load_artefact(folder: Folder, task: type[Task[Any]] | None = None, runtime: str = "keras") -> Task[Any]:
    """The trained task of a folder, with its sub-models.

    Args:
        folder: the folder.
        task: its class, if it is one that is not known by name.
        runtime: one of `nlpkit.prediction.RUNTIMES`.

    Returns:
        The task, with its network, or with its programs alone if onnxruntime computes them.

    Raises:
        ConfigError: if there is no such runtime, or the folder has no files for it.
        MissingPackageError: without onnxruntime.
        ArtefactError: if it is damaged, foreign or of another version.
    """
    try:
        declaration = get_declaration(task or folder.task)
    except ConfigError:
        raise ArtefactError(
            f"{folder}: is of the task {folder.task!r}; this nlpkit knows {', '.join(names())}"
        ) from None
    if declaration.name != folder.task:
        raise ArtefactError(f"{folder}: is of the task {folder.task!r}, not {declaration.name!r}")
    manifest = folder.file(MANIFEST)
    if not (folder.has_network or folder.programs):
        raise ArtefactError(f"{manifest}: is damaged: it does not list {folder.prefix}{WEIGHTS}")
    metadata = folder.manifest["metadata"]
    try:
        settings = declaration.settings.create(folder.settings)
        if declaration.metadata is not None:
            declaration.metadata.check_values(metadata)
    except ConfigError as error:
        raise ArtefactError(f"{manifest}: is damaged or of another version: {error}") from None
    _check_files(folder)
    cls = get_task(task or folder.task)
    try:
        parts = {
            part.name: part.kind.load(folder.file(part.file))
            for part in cls.part_files
            if f"{folder.prefix}{part.file}" in folder.files
        }
        loaded = cls(settings, metadata, **parts)
    except _DAMAGE as error:
        raise _damaged(folder, error) from None
    _load_programs(loaded, folder, runtime)
    if loaded.runtime.name == "keras":
        if not folder.has_network:
            raise ConfigError(f"{folder}: has no network for Keras; it can only answer, by onnxruntime")
        loaded.network = _read_network(loaded, folder)
    sub_models = {
        name: load_artefact(folder.sub_model(name), runtime=runtime) for name in folder.manifest["sub_models"]
    }
    try:
        loaded.attach(sub_models)
    except _DAMAGE as error:
        raise _damaged(folder, error) from None
    return loaded


def _load_programs(task: Task[Any], folder: Folder, runtime: str) -> None:
    """Give a task its programs by onnxruntime, if these are wanted and can be had."""
    if runtime not in RUNTIMES:
        raise ConfigError(unknown_name("runtime", runtime, RUNTIMES))
    paths = folder.programs
    task.runtime.onnx_files = {name: path.read_bytes() for name, path in paths.items()}
    if runtime == "onnx" and not paths:
        raise ConfigError(f"{folder}: has no ONNX files; train it with --set onnx=on, or take the runtime keras")
    if runtime == "keras" or not paths:
        return
    if runtime == "auto" and importlib.util.find_spec("onnxruntime") is None:
        say("nlpkit: Keras computes this, which takes some seconds to start, as onnxruntime is not installed")
        return
    from nlpkit.prediction.programs import cores

    def read_network() -> Any:
        """Read the network for a computation without a program, such as under options that change it."""
        if not folder.has_network:
            raise ConfigError(f"{folder}: can't do this: it has no network for Keras, and onnxruntime can't compute it")
        if runtime == "onnx":
            raise ConfigError(f"{folder}: onnxruntime can't compute all of this; take the runtime auto or keras")
        say("nlpkit: Keras computes this, which takes some seconds to start")
        with libraries_quiet():
            return _read_network(task, folder)

    try:
        task.runtime.use_onnx(max(1, cores() // task.declaration.batches_at_once), read_network)
    except ValueError as error:
        reason, name = error.args
        raise ArtefactError(f"{paths[name]}: {reason}") from None


def _read_network(task: Task[Any], folder: Folder) -> Any:
    check_backend()
    from nlpkit.artefacts.weights import load_network

    return load_network(task.build_network, folder.file(WEIGHTS), by_file_name(task.runtime.onnx_files))


def _check_files(folder: Folder) -> None:
    """Raise an `ArtefactError` unless all files are there, of the size and content that the manifest says."""
    for file, digest in folder.files.items():
        path = folder.path / file
        if not path.is_file():
            raise ArtefactError(f"{path}: is missing; copy the whole folder anew or train again")
        if path.stat().st_size != folder.manifest["sizes"][file] or digest_of(path) != digest:
            raise ArtefactError(f"{path}: is damaged or was changed; copy the folder anew or train again")


# What reading a file, or making an object of what stands in it, raises where it holds something else.
_DAMAGE = (
    ConfigError, DataError, ArithmeticError, AttributeError, EOFError, LookupError, OSError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip


def _damaged(folder: Folder, error: Exception) -> ArtefactError:
    kind = f"{type(error).__name__}: " if isinstance(error, LookupError) else ""
    return ArtefactError(f"{folder}: is damaged or of another version ({kind}{error})")

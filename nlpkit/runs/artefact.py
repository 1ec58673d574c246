"""The folder that training leaves and prediction needs: complete by itself, checked when it is opened.

================  =====================================================================
file              content
================  =====================================================================
``task.json``     format, task, settings, metadata, versions, seed, hashes, seconds
``model.keras``   the network; a folder without it answers by its ``.onnx`` alone
``*.onnx``        what prediction computes of it, for onnxruntime
``*.txt``         vocabularies and labels, readable; ``.gz`` may follow
``NAME-*``        the files of another model that this one brings along
``metrics.json``  of the validation and test data
``history.csv``   a row an epoch
``report.html``   curves and sample predictions
``resume/``       state for ``--resume``, the names of all that the run writes beside
                  it, and the lock; prediction does not need it
================  =====================================================================

``task.json`` is written last: a folder that has it is complete, and it lists the files that prediction needs and what
else was written. Nothing is ever removed that is listed neither there nor in ``resume/``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlpkit.datasets.files import PARTIAL, PARTIAL_MODEL, check_name, digest_of, write_atomically, written_atomically
from nlpkit.datasets.locks import check_free, exclusive
from nlpkit.errors import ArtefactError, ConfigError, DataError, unknown_name
from nlpkit.prediction import RUNTIMES
from nlpkit.runs.backend import check_backend
from nlpkit.runs.manifest import FORMAT, MANIFEST, RESUME, VERSION, is_plain_name, manifest_or_none, read_manifest
from nlpkit.runs.models import model_folder
from nlpkit.tasks import get_declaration, get_task, names
from nlpkit.terminal import libraries_quiet, say

if TYPE_CHECKING:
    from nlpkit.tasks.task import Task

_MODEL = "model.keras"
_ONNX = ".onnx"
_MARKER = "nlpkit-run"  # in the folder for resuming: lists what the run writes beside it
_LOCK = "lock"
_OWN_STATE = {_MARKER, _LOCK, "replaced", "state.npz", "best.npz", "tensorboard"}  # in that folder
_OTHERS = ("metrics.json", "history.csv", "report.html")  # of a run, which prediction does not need


def check_folder(
    folder: str | Path, task: str | type[Task], resume: bool, force: bool, can_resume: bool = True
) -> None:
    """See whether a training run may write to a folder; nothing is changed, and no framework is imported.

    Args:
        folder: the folder.
        task: what is to be written.
        resume, force: what the user wants done with a run that is there.
        can_resume: whether the user can ask for `resume`.

    Raises:
        ArtefactError: if the folder holds something that nlpkit did not write; if it holds a run and neither `resume`
            nor `force` says what to do with it.
    """
    folder = Path(folder)
    check_name(folder, ArtefactError)
    if folder.exists() and not folder.is_dir():
        raise ArtefactError(f"{folder}: is a file; --out takes a folder")
    present = {path.name for path in folder.iterdir()} if folder.exists() else set()
    states = {path.name for path in (folder / RESUME).iterdir()} if (folder / RESUME).is_dir() else set()
    if present <= {RESUME} and {_whole(name) for name in states} <= {_LOCK, _MARKER} - _begun(folder):
        return
    own = _own_names(folder)
    foreign = sorted(name for name in present - {RESUME} if _whole(name) not in own or (folder / name).is_dir())
    foreign += [f"{RESUME}/{name}" for name in sorted(states) if _whole(name) not in _OWN_STATE]
    if foreign or not (_begun(folder) or manifest_or_none(folder)):
        shown = ", ".join((foreign or sorted(present))[:3])
        raise ArtefactError(f"{folder}: holds something else ({shown}); choose another folder")
    if not resume and not force:
        others = "go on with --resume or " if can_resume else ""
        raise ArtefactError(f"{folder}: holds a model or a run already; {others}replace it with --force")
    if resume and (folder / MANIFEST).exists():
        saved = read_manifest(folder)["task"]
        name = get_declaration(task).name
        if saved != name:
            raise ArtefactError(f"{folder}: holds a model of the task {saved}; choose another folder for {name}")


def locked(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Keep other runs out of a folder; see `nlpkit.datasets.locks.exclusive`."""
    return exclusive(folder / RESUME / _LOCK, folder)


def check_not_in_use(folder: str | Path) -> None:
    """Raise an `ArtefactError` if another process is writing to a folder."""
    check_name(folder, ArtefactError)
    check_free(Path(folder) / RESUME / _LOCK, Path(folder))


def open_folder(folder: Path, keep: bool) -> None:
    """Make the folder of a training run, and unless `keep` is set remove the run that is in it.

    What a kill left half-written is removed in any case. The folder has been checked, and is locked.

    Raises:
        ArtefactError: if the folder can't be written.
    """
    state = folder / RESUME
    try:
        state.mkdir(parents=True, exist_ok=True)
        for path in [*folder.iterdir(), *state.iterdir()]:
            if _whole(path.name) != path.name:
                path.unlink()
        own = _own_names(folder)
        plan_files(folder, [])
        if not keep:
            # First what makes it a model, so that a kill leaves no half of one.
            for name in sorted(own, key=lambda name: name != MANIFEST):
                (folder / name).unlink(missing_ok=True)
            for name in _OWN_STATE - {_LOCK, _MARKER}:
                _remove(state / name)
            _write_marker(folder, _OTHERS)
    except OSError as error:
        raise ArtefactError(f"{folder}: can't be written: {error.strerror}") from None


def _whole(name):
    """The name that a half-written file is going to have; of any other file its own."""
    return name.removesuffix(PARTIAL) if name.endswith(PARTIAL) else name.removesuffix(PARTIAL_MODEL)


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _begun(folder):
    """The mark of a run, if it is there."""
    return {_MARKER} if (folder / RESUME / _MARKER).is_file() else set()


def _own_names(folder):
    """Names in this folder that nlpkit wrote or is going to write: what the manifest and the mark of the run list."""
    names: set[str] = set()
    manifest = manifest_or_none(folder)
    if manifest is not None:
        others = manifest.get("others")
        names |= {MANIFEST, *manifest["files"], *(others if isinstance(others, list) else ())}
    if _begun(folder):
        names |= {*(folder / RESUME / _MARKER).read_text("utf-8", "replace").split("\n")}
    return {name for name in names if is_plain_name(name)}


def plan_files(folder: Path, files: Iterable[str]) -> None:
    """Note which files a run is going to write, so that they are known as its own; what was known stays so."""
    _write_marker(folder, sorted({*_own_names(folder), *_OTHERS, *files}))


def _write_marker(folder, names):
    write_atomically(folder / RESUME / _MARKER, "".join(f"{name}\n" for name in names).encode())


def is_complete(folder: Path) -> bool:
    """Whether training in this folder has ended."""
    return (folder / MANIFEST).exists()


def save_artefact(folder: Path, task: Task, more: Mapping[str, Any]) -> None:
    """Write what prediction needs, each file whole or not at all, and `task.json` last."""
    plan_files(folder, _names_of(task, ""))
    _save(folder, task, more, "")


def _names_of(task, prefix):
    """Names of the files of a task and of those that it brings along, the manifest first."""
    names = [MANIFEST, _MODEL, *(part.file for part in _parts_of(task)), *(f"{name}{_ONNX}" for name in task.exported)]
    names = [f"{prefix}{name}" for name in names]
    return [*names, *(file for name, model in task.models.items() for file in _names_of(model, f"{prefix}{name}-"))]


def _parts_of(task):
    return [part for part in task.parts if getattr(task, part.attribute) is not None]


def _save(folder, task, more, prefix):
    from nlpkit.runs.weights import save_model

    for name, model in task.models.items():
        _save(folder, model, {}, f"{prefix}{name}-")
    save_model(task.network.model, folder / f"{prefix}{_MODEL}")
    for part in _parts_of(task):
        with written_atomically(folder / f"{prefix}{part.file}") as target:
            getattr(task, part.attribute).write(target)
    for name, content in task.exported.items():
        write_atomically(folder / f"{prefix}{name}{_ONNX}", content)
    manifest, *files = _names_of(task, prefix)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "task": task.declaration.name,
        "settings": task.settings.to_dict(),
        "metadata": task.metadata,
        **more,
        "files": {name: digest_of(folder / name) for name in files},
        "sizes": {name: (folder / name).stat().st_size for name in files},
        "others": [*_OTHERS],
        "brings": [*task.models],
    }
    text = json.dumps(content, ensure_ascii=False, indent=1)
    write_atomically(folder / manifest, text.encode("utf-8", "backslashreplace"))  # names of files may not be UTF-8


def load_artefact(folder: str | Path, task: type[Task] | None = None, prefix: str = "", runtime: str = "keras") -> Task:
    """The trained task of a folder, with those that it brings along.

    Args:
        folder: the folder, or the name of a model that comes with nlpkit.
        task: its class, if it is one that is not known by name.
        prefix: of the names of a model's files that another one brings along.
        runtime: one of `nlpkit.prediction.RUNTIMES`.

    Returns:
        The task, with its network, or with its programs alone if onnxruntime computes them.

    Raises:
        ConfigError: if there is no such runtime, or the folder has no files for it.
        MissingPackageError: without onnxruntime.
        ArtefactError: if there is none, or it is damaged, foreign or of another version.
    """
    folder = model_folder(folder)
    manifest = read_manifest(folder, prefix)
    name, files = manifest["task"], manifest["files"]
    try:
        declaration = get_declaration(task or name)
    except ConfigError:
        raise ArtefactError(f"{folder}: is of the task {name!r}; this nlpkit knows {', '.join(names())}") from None
    if declaration.name != name:
        raise ArtefactError(f"{folder}: is of the task {name!r}, not {declaration.name!r}")
    path = folder / f"{prefix}{MANIFEST}"
    only_answers = f"{prefix}{_MODEL}" not in files
    if only_answers and not any(name.startswith(prefix) and name.endswith(_ONNX) for name in files):
        raise ArtefactError(f"{path}: is damaged: it does not list {prefix}{_MODEL}")
    try:
        settings = declaration.settings.create(manifest["settings"])
        if declaration.metadata is not None:
            declaration.metadata.check_values(manifest["metadata"])
    except ConfigError as error:
        raise ArtefactError(f"{path}: is damaged or of another version: {error}") from None
    _check_files(folder, files, manifest["sizes"])
    cls = get_task(task or name)
    try:
        parts = {
            part.attribute: part.kind.load(folder / f"{prefix}{part.file}")
            for part in cls.parts
            if f"{prefix}{part.file}" in files
        }
        loaded = cls(settings, manifest["metadata"], **parts)
    except _DAMAGE as error:
        raise _damaged(folder, error) from None
    _load_programs(loaded, folder, prefix, files, runtime)
    if loaded.runtime == "keras":
        if only_answers:
            raise ConfigError(f"{folder}: has no network for Keras; it can only answer, by onnxruntime")
        loaded.network = _read_network(loaded, folder / f"{prefix}{_MODEL}")
    models = {name: load_artefact(folder, prefix=f"{prefix}{name}-", runtime=runtime) for name in manifest["brings"]}
    try:
        loaded.bring(models)
    except _DAMAGE as error:
        raise _damaged(folder, error) from None
    return loaded


def _load_programs(task, folder, prefix, files, runtime):
    """Give a task its programs by onnxruntime, if these are wanted and can be had."""
    if runtime not in RUNTIMES:
        raise ConfigError(unknown_name("runtime", runtime, RUNTIMES))
    own = {name.removeprefix(prefix) for name in files if name.startswith(prefix) and name.endswith(_ONNX)}
    paths = {name.removesuffix(_ONNX): folder / f"{prefix}{name}" for name in sorted(own) if "-" not in name}
    task.exported = {name: path.read_bytes() for name, path in paths.items()}
    if runtime == "onnx" and not paths:
        raise ConfigError(f"{folder}: has no ONNX files; train it with --set onnx=on, or take the runtime keras")
    if runtime == "keras":
        return
    if runtime == "auto" and importlib.util.find_spec("onnxruntime") is None:
        if paths:
            say("nlpkit: Keras computes this, which takes some seconds to start, as onnxruntime is not installed")
        return
    from nlpkit.prediction.programs import OnnxProgram, cores

    threads = max(1, cores() // task.declaration.batches_at_once)
    programs = {}
    for name, content in task.exported.items():
        try:
            programs[name] = OnnxProgram(content, threads)
        except ValueError as error:
            raise ArtefactError(f"{paths[name]}: {error}") from None

    def read():
        """For what has no program, such as options that change it."""
        if f"{prefix}{_MODEL}" not in files:
            raise ConfigError(f"{folder}: can't do this: it has no network for Keras, and onnxruntime can't compute it")
        if runtime == "onnx":
            raise ConfigError(f"{folder}: onnxruntime can't compute all of this; take the runtime auto or keras")
        say("nlpkit: Keras computes this, which takes some seconds to start")
        with libraries_quiet():
            return _read_network(task, folder / f"{prefix}{_MODEL}")

    if programs:
        task.computed_by(programs, read)


def _read_network(task, path):
    check_backend()
    from nlpkit.runs.weights import load_network

    return load_network(task.build_network, path)


def _check_files(folder, files, sizes):
    """Raise an `ArtefactError` unless all files are there, of the size and content that the manifest says."""
    for file, digest in files.items():
        path = folder / file
        if not path.is_file():
            raise ArtefactError(f"{path}: is missing; copy the whole folder anew or train again")
        if path.stat().st_size != sizes[file] or digest_of(path) != digest:
            raise ArtefactError(f"{path}: is damaged or was changed; copy the folder anew or train again")


# What reading a file, or making an object of what stands in it, raises where it holds something else.
_DAMAGE = (
    ConfigError, DataError, ArithmeticError, AttributeError, EOFError, LookupError, OSError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip


def _damaged(folder, error):
    kind = f"{type(error).__name__}: " if isinstance(error, LookupError) else ""
    return ArtefactError(f"{folder}: is damaged or of another version ({kind}{error})")

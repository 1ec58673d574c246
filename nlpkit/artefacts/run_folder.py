"""The folder of a training run: who may write to it, and which of its files are nlpkit's.

Nothing is ever removed that neither the manifest nor the mark of a run in ``resume/`` lists.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nlpkit.artefacts.manifest import MANIFEST, RESUME, is_plain_name, manifest_or_none, read_manifest
from nlpkit.datasets.files import PARTIAL, PARTIAL_MODEL, check_name, write_atomically
from nlpkit.datasets.locks import check_free, exclusive
from nlpkit.errors import ArtefactError
from nlpkit.tasks import get_declaration

if TYPE_CHECKING:
    from nlpkit.tasks.task import Task

REPORTS = ("metrics.json", "history.csv", "report.html")
"""Files of a run that prediction does not need."""
_MARKER = "nlpkit-run"  # in the folder for resuming: lists what the run writes beside it
_LOCK = "lock"
_OWN_STATE = {_MARKER, _LOCK, "replaced", "state.npz", "best.npz", "tensorboard"}  # in that folder


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
        saved = read_manifest(folder / MANIFEST)["task"]
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
            _write_marker(folder, REPORTS)
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
    _write_marker(folder, sorted({*_own_names(folder), *REPORTS, *files}))


def _write_marker(folder, names):
    write_atomically(folder / RESUME / _MARKER, "".join(f"{name}\n" for name in names).encode())


def is_complete(folder: Path) -> bool:
    """Whether training in this folder has ended."""
    return (folder / MANIFEST).exists()

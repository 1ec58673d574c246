"""A trained task to a folder: each file whole or not at all, and the manifest last."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlpkit.artefacts.manifest import FORMAT, MANIFEST, VERSION, WEIGHTS, being_replaced, by_file_name
from nlpkit.artefacts.run_folder import REPORTS, check_folder, locked, open_folder, plan_files
from nlpkit.artefacts.versions import versions
from nlpkit.datasets.files import digest_of, write_atomically, written_atomically
from nlpkit.errors import ArtefactError

if TYPE_CHECKING:
    from nlpkit.tasks.task import Part, Task


def save_folder(task: Task[Any], target: Path, more: Mapping[str, Any], force: bool) -> None:
    """Write a trained task to a folder of its own; what is there stays as it is until the new folder is whole.

    Args:
        task: the task.
        target: the folder.
        more: plain values for its manifest.
        force: replace what is there.

    Raises:
        ArtefactError: if there is something at `target` already, or it can't be written.
    """
    check_folder(target, task.declaration.name, resume=False, force=force, can_resume=False)
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    replaced = being_replaced(target)
    new = replaced.parents[1]
    with locked(new), locked(target) if target.exists() else contextlib.nullcontext():
        _put_back(replaced, target)
        for folder, is_forced in ((target, force), (new, True)):
            check_folder(folder, task.declaration.name, resume=False, force=is_forced, can_resume=False)
        try:
            open_folder(new, keep=False)
            write_atomically(new / "metrics.json", b"{}")
            save_artefact(new, task, {**more, "versions": versions()})
            if target.exists():
                target.rename(replaced)
            new.rename(target)
        except BaseException as error:
            _put_back(replaced, target)
            shutil.rmtree(new, ignore_errors=True)
            if isinstance(error, OSError):
                raise ArtefactError(f"{target}: can't be written: {error.strerror}") from None
            raise
        shutil.rmtree(target / replaced.relative_to(new), ignore_errors=True)


def _put_back(replaced: Path, target: Path) -> None:
    """If nothing has come in the place of the old folder, move it there again."""
    if replaced.exists() and not target.exists():
        replaced.rename(target)


def save_artefact(folder: Path, task: Task[Any], more: Mapping[str, Any]) -> None:
    """Write what prediction needs into a folder that `open_folder` made.

    Args:
        folder: the folder.
        task: the trained task.
        more: plain values for its manifest.
    """
    plan_files(folder, _names_of(task, ""))
    _save(folder, task, more, "")


def _names_of(task: Task[Any], prefix: str) -> list[str]:
    """Names of the files of a task and of its sub-models, the manifest first."""
    names = [MANIFEST, WEIGHTS, *(part.file for part in _parts_of(task)), *by_file_name(task.runtime.onnx_files)]
    names = [f"{prefix}{name}" for name in names]
    return [*names, *(file for name, model in task.sub_models.items() for file in _names_of(model, f"{prefix}{name}-"))]


def _parts_of(task: Task[Any]) -> list[Part]:
    return [part for part in task.part_files if task.parts[part.name] is not None]


def _save(folder: Path, task: Task[Any], more: Mapping[str, Any], prefix: str) -> None:
    from nlpkit.artefacts.weights import save_weights

    for name, model in task.sub_models.items():
        _save(folder, model, {}, f"{prefix}{name}-")
    onnx_files = by_file_name(task.runtime.onnx_files)
    save_weights(task.network.model, folder / f"{prefix}{WEIGHTS}", onnx_files)
    for part in _parts_of(task):
        with written_atomically(folder / f"{prefix}{part.file}") as target:
            task.parts[part.name].write(target)
    for name, program in onnx_files.items():
        write_atomically(folder / f"{prefix}{name}", program)
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
        "others": [*REPORTS],
        "sub_models": [*task.sub_models],
    }
    text = json.dumps(content, ensure_ascii=False, indent=1)
    write_atomically(folder / manifest, text.encode("utf-8", "backslashreplace"))  # names of files may not be UTF-8

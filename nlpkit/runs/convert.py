"""Trained folders to files of other programs, and back."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlpkit.datasets.files import check_name, check_readable, ending_of, write_atomically
from nlpkit.errors import ArtefactError, ConfigError, DataError
from nlpkit.runs.artefact import (
    check_folder,
    load_artefact,
    locked,
    open_folder,
    save_artefact,
)
from nlpkit.runs.manifest import being_replaced, read_manifest
from nlpkit.runs.models import model_folder
from nlpkit.tasks import declarations, get_declaration, get_task

if TYPE_CHECKING:
    from nlpkit.tasks.task import Task


def convert(source: str | Path, target: str | Path, force: bool = False) -> None:
    """A trained folder to a file for other programs, or such a file to a folder that `nlpkit.load` opens.

    What a file is, its ending says; which there are, each task declares. What is at `target` stays as it is until the
    new file or folder is whole.

    Args:
        source: folder, name of a model, or file.
        target: file or folder.
        force: replace what is there.

    Raises:
        ArtefactError: if there is something at `target` already.
        ConfigError: if the endings or the task allow no conversion.
        DataError: if a file can't be read or written.
    """
    source, target = model_folder(source), Path(target)
    for path in (source, target):
        check_name(path)
    if not source.is_dir():
        check_readable(source)
    elif not target.parent.is_dir():
        raise DataError(f"can't be written: the folder {target.parent} does not exist", target)
    if source.is_dir():
        _to_file(source, target, force)
    else:
        _to_folder(source, target, force)


def _to_file(source, target, force):
    declaration = get_declaration(read_manifest(source)["task"])
    if not declaration.exports:
        raise ConfigError(f"{source}: is of the task {declaration.name}, which has no files for other programs")
    if ending_of(target) not in declaration.exports:
        accepted = ", ".join(f"{ending} ({kind})" for ending, kind in declaration.exports.items())
        raise ConfigError(f"{target}: the name must end in {accepted}, and .gz may follow")
    if target.exists() and not force:
        raise ArtefactError(f"{target}: is there already; replace it with --force")
    load_artefact(source, runtime="auto").export(target)


def _to_folder(source, target, force):
    readers = [each.name for each in declarations() if ending_of(source) in each.imports]
    if not readers:
        accepted = sorted({ending for each in declarations() for ending in each.imports})
        raise ConfigError(f"{source}: no task reads such a file; its name must end in {', '.join(accepted)}")
    check_folder(target, readers[0], resume=False, force=force, can_resume=False)
    save_folder(get_task(readers[0]).from_file(source), target, {"source": source.name}, force)


def save_folder(task: Task, target: Path, more: Mapping[str, Any], force: bool) -> None:
    """Write a trained task to a folder of its own; what is there stays as it is until the new folder is whole.

    Args:
        task: the task.
        target: the folder.
        more: plain values for its manifest.
        force: replace what is there.

    Raises:
        ArtefactError: if there is something at `target` already.
    """
    from nlpkit.runs.train import versions

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


def _put_back(replaced, target):
    """If nothing has come in the place of the old folder, move it there again."""
    if replaced.exists() and not target.exists():
        replaced.rename(target)

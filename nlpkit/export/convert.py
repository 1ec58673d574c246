"""Conversion of a trained folder to a file of another program, such as word vectors, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nlpkit.artefacts.bundled import bundled_folder
from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.load import load_artefact
from nlpkit.artefacts.run_folder import check_folder
from nlpkit.artefacts.saving import save_folder
from nlpkit.datasets.files import check_name, check_readable, ending_of
from nlpkit.errors import ArtefactError, ConfigError, DataError
from nlpkit.tasks import declarations, get_declaration, get_task


def convert(source: str | Path, target: str | Path, force: bool = False) -> None:
    """Convert a trained folder to a file of another program, or such a file to a folder that `nlpkit.load` opens.

    The ending of a file gives its format; each task declares its formats. The target is replaced once the new file or
    folder is complete.

    Args:
        source: trained folder, name of a bundled model, or file.
        target: file or folder.
        force: whether to replace an existing target.

    Raises:
        ArtefactError: if `target` already exists.
        ConfigError: if the endings or the task allow no conversion.
        DataError: if a file can't be read or written.
    """
    source, target = Path(source), Path(target)
    for path in (source, target):
        check_name(path)
    if not (source.is_dir() or bundled_folder(source)):
        check_readable(source)
        _to_folder(source, target, force)
        return
    if not target.parent.is_dir():
        raise DataError(f"can't be written: the folder {target.parent} does not exist", target)
    _to_file(Folder.open(source), target, force)


def _to_file(source: Folder, target: Path, force: bool) -> None:
    declaration = get_declaration(source.task)
    if not declaration.exports:
        raise ConfigError(f"{source}: is of the task {declaration.name}, which has no files for other programs")
    if ending_of(target) not in declaration.exports:
        accepted = ", ".join(f"{ending} ({kind})" for ending, kind in declaration.exports.items())
        raise ConfigError(f"{target}: the name must end in {accepted}, and .gz may follow")
    if target.exists() and not force:
        raise ArtefactError(f"{target}: already exists; replace it with --force")
    model: Any = load_artefact(source, runtime="auto")
    model.export(target)


def _to_folder(source: Path, target: Path, force: bool) -> None:
    readers = [each.name for each in declarations() if ending_of(source) in each.imports]
    if not readers:
        accepted = sorted({ending for each in declarations() for ending in each.imports})
        raise ConfigError(f"{source}: no task reads such a file; the name must end in {', '.join(accepted)}")
    check_folder(target, readers[0], resume=False, force=force, can_resume=False)
    task: Any = get_task(readers[0])
    save_folder(task.from_file(source), target, {"source": source.name}, force)

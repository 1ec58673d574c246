"""A trained folder, found by its name once: where it is and what its manifest says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from nlpkit.artefacts.bundled import bundled_folder, hint
from nlpkit.artefacts.manifest import MANIFEST, ONNX, RESUME, WEIGHTS, being_replaced, read_manifest
from nlpkit.datasets.files import check_name
from nlpkit.errors import ArtefactError, ConfigError


@dataclasses.dataclass(frozen=True)
class Folder:
    """A trained folder whose manifest has been read and checked. Every command opens it once and passes it on.

    Attributes:
        path: where it is.
        manifest: the content of its `task.json`.
        prefix: beginning of the names of its files; that of a sub-model's is ``NAME-``, and lies in the same place.
    """

    path: Path
    manifest: Mapping[str, Any]
    prefix: str = ""

    @classmethod
    def open(cls, folder: str | Path | Folder, task: str | None = None) -> Folder:
        """Find a folder and read its manifest; no framework is imported.

        Args:
            folder: the folder, or the name of a bundled model; a folder of that name wins.
            task: name of the task that is wanted.

        Raises:
            ArtefactError: if there is none, or it is damaged, foreign or of another version.
            ConfigError: if it is of another task than `task`.
        """
        found = folder if isinstance(folder, Folder) else cls._open(Path(folder))
        if task is not None and found.task != task:
            raise ConfigError(f"{found.path}: is of the task {found.task}; this is a command of {task}")
        return found

    @classmethod
    def _open(cls, name: Path) -> Self:
        check_name(name, ArtefactError)
        path = bundled_folder(name) or name
        _check_is_there(path)
        return cls(path, read_manifest(path / MANIFEST))

    def sub_model(self, name: str) -> Folder:
        """The folder of a sub-model, whose files lie in this one under names that begin with its own."""
        prefix = f"{self.prefix}{name}-"
        path = self.path / f"{prefix}{MANIFEST}"
        if not path.is_file():
            raise ArtefactError(f"{self.path}: holds no {path.name}; copy the whole folder anew or train again")
        return Folder(self.path, read_manifest(path), prefix)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def task(self) -> str:
        """Name of its task."""
        return self.manifest["task"]

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that it was trained with."""
        return self.manifest["settings"]

    @property
    def files(self) -> dict[str, str]:
        """Hash of each file that prediction needs, by name."""
        return self.manifest["files"]

    @property
    def programs(self) -> dict[str, Path]:
        """Its ONNX files, by the name of the program."""
        own = (name.removeprefix(self.prefix) for name in self.files if name.startswith(self.prefix))
        names = sorted(name.removesuffix(ONNX) for name in own if name.endswith(ONNX) and "-" not in name)
        return {name: self.file(f"{name}{ONNX}") for name in names}

    @property
    def has_network(self) -> bool:
        """Whether it holds a network for Keras."""
        return f"{self.prefix}{WEIGHTS}" in self.files

    def file(self, name: str) -> Path:
        """Path of one of its files."""
        return self.path / f"{self.prefix}{name}"


def _check_is_there(path: Path) -> None:
    """Raise an `ArtefactError` that says what is in the place of a trained folder."""
    if not path.is_dir():
        replaced = being_replaced(path)
        if replaced.is_dir():
            raise ArtefactError(
                f"{path}: a command was killed while it put another folder in this place; repeat it with --force, or "
                f"move {replaced} back"
            )
        if path.is_file():
            raise ArtefactError(f"{path}: is a file; give the folder written by nlpkit train")
        raise ArtefactError(f"{path}: no such folder; give one that nlpkit train wrote; {hint(path)}")
    if not (path / MANIFEST).is_file():
        if (path / RESUME).is_dir():
            raise ArtefactError(f"{path}: training has not ended here; finish it with nlpkit train … --resume")
        raise ArtefactError(f"{path}: holds no {MANIFEST}; give a folder that nlpkit train wrote")

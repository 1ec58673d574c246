"""`task.json`, the manifest of a trained folder: what it must look like, and reading it without trust."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nlpkit.datasets.files import PARTIAL
from nlpkit.errors import ArtefactError

FORMAT = "nlpkit-model"
VERSION = 4
MANIFEST = "task.json"
WEIGHTS = "weights.bin"
"""Weights of the network for Keras."""
ONNX = ".onnx"
"""Ending of the programs of a network for onnxruntime."""
RESUME = "resume"
"""Folder in the trained one, for ``--resume``."""
_LARGEST = 1 << 20  # bytes
_DEEPEST = 8  # lists and dictionaries in one another


def by_file_name(programs: Mapping[str, bytes]) -> dict[str, bytes]:
    """ONNX files by their names in a folder, from those by the name of the program."""
    return {f"{name}{ONNX}": content for name, content in programs.items()}


def read_manifest(path: Path) -> dict[str, Any]:
    """The content of a `task.json`, whose form has been checked.

    Raises:
        ArtefactError: if it is missing, damaged, foreign or of another version.
    """
    try:
        content = read_object(path)
        if content["format"] == 1:
            content["version"] = 1
        elif content["format"] != FORMAT:
            raise ValueError(f"its format is {_shown(content['format'])}")
        if content["version"] == VERSION:
            _check(content)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        raise ArtefactError(f"{path}: is damaged or foreign ({reason})") from None
    if content["version"] != VERSION:
        raise ArtefactError(
            f"{path.parent}: is of version {_shown(content['version'])} of the folder's format, this nlpkit reads "
            f"{VERSION}; train it anew, or install the nlpkit that wrote it"
        )
    return content


def manifest_or_none(folder: Path) -> dict[str, Any] | None:
    """The manifest, of any version of the format, if it is ours."""
    try:
        content = read_object(folder / MANIFEST)
        is_own = content["format"] == FORMAT and type(content["version"]) is int and isinstance(content["files"], dict)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return content if is_own else None


def is_plain_name(name: Any) -> bool:
    """Whether this can be the name of a file in the folder itself."""
    return isinstance(name, str) and Path(name).name == name and name not in ("", "..", RESUME)


def being_replaced(folder: Path) -> Path:
    """Place of a folder while another one is put in its place."""
    return folder.with_name(f".{folder.name}{PARTIAL}") / RESUME / "replaced"


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a file.

    Raises:
        OSError: if it can't be read, or is no file.
        ValueError, RecursionError: if it is something else, too large, or holds numbers that are not finite.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is no file")
    with open(path, "rb") as file:
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST:,} bytes")

    def refuse(constant):
        raise ValueError(f"it holds {constant}")

    content = json.loads(text.decode("utf-8"), parse_constant=refuse, parse_float=_finite)
    if not isinstance(content, dict):
        raise ValueError("it is no object")
    return content


def _finite(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"it holds {text[:20]}")
    return value


def _check(content):
    """Raise a `ValueError` or `KeyError` unless every field is what it must be."""
    if _depth(content) > _DEEPEST:
        raise ValueError(f"it is more than {_DEEPEST} lists and objects deep")
    for name, (is_right, accepted) in _FIELDS.items():
        if not is_right(content[name]):
            raise ValueError(f"{name} = {_shown(content[name])}: must be {accepted}")
    if content["files"].keys() != content["sizes"].keys():
        raise ValueError("files and sizes name different files")


def _depth(value):
    """Depth of nested lists and dictionaries."""
    depth, level = 0, [value]
    while level:
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, (dict, list))]
        depth, level = depth + 1, [each for values in inner for each in values]
    return depth - 1


def _shown(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_names(value):
    return isinstance(value, list) and len(value) <= 1000 and all(is_plain_name(name) for name in value)


def _is_by_name(is_value: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def check(value):
        return (
            isinstance(value, Mapping)
            and 0 < len(value) <= 1000
            and all(is_plain_name(name) and is_value(each) for name, each in value.items())
        )

    return check


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "task": (lambda value: isinstance(value, str) and 0 < len(value) < 100, "the name of a task"),
    "settings": (lambda value: isinstance(value, dict), "settings by name"),
    "metadata": (lambda value: isinstance(value, dict), "values by name"),
    "files": (
        _is_by_name(lambda value: isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value))),
        "SHA-256 by name of a file of this folder, one or more",
    ),
    "sizes": (
        _is_by_name(lambda value: type(value) is int and 0 <= value < 1 << 50),
        "numbers of bytes by name of a file of this folder",
    ),
    "others": (_is_names, "a list of names of files"),
    "sub_models": (_is_names, "a list of names"),
}

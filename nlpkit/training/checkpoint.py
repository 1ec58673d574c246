"""Saved states: variables and plain values in one file, restored bit for bit and written atomically."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from nlpkit.datasets.files import written_atomically
from nlpkit.errors import ArtefactError

_VALUES = "values"


def save_state(path: str | Path, groups: Mapping[str, Sequence[Any]], values: Mapping[str, Any]) -> None:
    """Save named lists of variables or arrays, and a JSON-able dictionary, in one file.

    Variables are written one by one, so that memory holds a copy of one of them at most.

    Raises:
        DataError: if the file can't be written.
    """
    with written_atomically(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, group in groups.items():
            for i, variable in enumerate(group):
                _write_array(archive, f"{name}/{i}", _array_of(variable))
        _write_array(archive, _VALUES, np.frombuffer(json.dumps(values).encode(), "uint8"))


def _write_array(archive: zipfile.ZipFile, name: str, array: Any) -> None:
    # In the format of numpy.savez, readable by numpy.load, but with deterministic bytes.
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def load_state(path: str | Path) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]]:
    """Read a file that `save_state` wrote.

    Raises:
        ArtefactError: if the file is damaged.
    """
    try:
        with open(path, "rb") as content, np.load(content) as file:
            groups: dict[str, dict[int, np.ndarray]] = {}
            for key in file.files:
                if key != _VALUES:
                    name, i = key.rsplit("/", 1)
                    groups.setdefault(name, {})[int(i)] = file[key]
            values = json.loads(file[_VALUES].tobytes())
            return {name: [group[i] for i in range(len(group))] for name, group in groups.items()}, dict(values)
    except Exception as error:  # a damaged file raises errors of many kinds
        raise ArtefactError(f"{path}: the saved state is damaged ({error}); train anew with --force") from None


def _array_of(variable: Any) -> np.ndarray:
    if isinstance(variable, np.ndarray):
        return variable
    value = variable.value
    # The sum of values that each device counts separately.
    return ops.convert_to_numpy(value.read_value() if hasattr(value, "read_value") else value)


def get_values(variables: Sequence[Any]) -> list[np.ndarray]:
    """Copies of the values of Keras variables."""
    return [np.array(_array_of(variable)) for variable in variables]


def set_values(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    """Assign arrays to Keras variables.

    Raises:
        ArtefactError: if their numbers or shapes differ.
    """
    if [tuple(v.shape) for v in variables] != [v.shape for v in values]:
        raise ArtefactError("the saved state belongs to another model; train anew with --force")
    for variable, value in zip(variables, values):
        variable.assign(value)

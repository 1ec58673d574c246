"""Variables and plain values to one file and back, bit for bit, written whole or not at all."""

import contextlib
import json
import os
import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from nlpkit.errors import ArtefactError


@contextlib.contextmanager
def written_atomically(path: Path):
    """A binary file beside `path`, which takes its place at the end, so that a kill leaves the old file or the new."""
    path = Path(path)
    temporary = path.with_name(path.name + ".partial")
    with open(temporary, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_atomically(path: Path, content: bytes):
    """Write a file whole or not at all."""
    with written_atomically(path) as file:
        file.write(content)


def save_state(path: Path, groups: dict[str, list[np.ndarray]], values: dict):
    """Save named lists of arrays and a JSON-able dictionary in one file."""
    arrays = {f"{name}/{i}": array for name, group in groups.items() for i, array in enumerate(group)}
    with written_atomically(path) as file:
        np.savez(file, values=np.frombuffer(json.dumps(values).encode(), "uint8"), **arrays)


def load_state(path: Path) -> tuple[dict[str, list[np.ndarray]], dict]:
    """What `save_state` wrote.

    Raises:
        ArtefactError: if the file is damaged.
    """
    try:
        with open(path, "rb") as content, np.load(content) as file:
            groups = {}
            for key in file.files:
                if key != "values":
                    name, i = key.rsplit("/", 1)
                    groups.setdefault(name, {})[int(i)] = file[key]
            values = json.loads(file["values"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ArtefactError(f"{path}: the saved state is damaged ({error}); train anew with --force") from None
    return {name: [group[i] for i in range(len(group))] for name, group in groups.items()}, values


def get_values(variables) -> list[np.ndarray]:
    """Copies of the values of Keras variables."""
    return [np.array(ops.convert_to_numpy(variable.value)) for variable in variables]


def set_values(variables, values):
    """Assign arrays to Keras variables; both must be as many, shape by shape."""
    shapes = [tuple(v.shape) for v in variables]
    if shapes != [v.shape for v in values]:
        raise ArtefactError("the saved state belongs to another model; train anew with --force")
    for variable, value in zip(variables, values):
        variable.assign(value)


def synchronize(model):
    """Make the model's variables hold what training has reached; during `fit` on JAX they lag behind."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()

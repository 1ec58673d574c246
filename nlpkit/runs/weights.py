"""The weights of a model on disk: in half precision, and checked before anything is allocated for them."""

from __future__ import annotations

import collections
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nlpkit.errors import ArtefactError

_WEIGHTS = "model.weights.h5"
_OVERHEAD = 1 << 20  # bytes that the weights file may have beside its numbers, and as much again for each thousand


def round_weights(model: Any) -> None:
    """Round float32 weights to what float16 can hold; call it before the last evaluation."""
    for weight in model.weights:
        value = keras.ops.convert_to_numpy(weight.value)
        weight.assign(_halve(value).astype(value.dtype))


def save_model(model: Any, path: Path) -> None:
    """Save a model for prediction: without optimiser, its float32 weights as float16.

    `keras.saving.load_model` reads the file like any other; the weights become float32 again.
    """
    import h5py

    _bare(model).save(path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    smaller = io.BytesIO()
    with h5py.File(io.BytesIO(members[_WEIGHTS])) as source, h5py.File(smaller, "w") as target:

        def copy(name, node):
            if isinstance(node, h5py.Dataset):
                copied = target.create_dataset(name, data=_halve(node[()]))
            else:
                copied = target.require_group(name)
            copied.attrs.update(node.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    members[_WEIGHTS] = smaller.getvalue()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def load_network(build: Callable[[], Any], path: Path) -> Any:
    """A network built by our own code, with the weights of a file of `save_model`.

    First the network is built without memory for its weights, and the shapes that the file declares are compared with
    those that it has; only then are the weights read.

    Args:
        build: builds the untrained network.
        path: the file.

    Raises:
        ArtefactError: if the file is damaged or does not fit the network.
    """
    with keras.StatelessScope(initialize_variables=False):
        bare = _bare(build().model)
    wanted = [tuple(weight.shape) for weight in bare.weights]
    try:
        declared = collections.Counter(_declared_shapes(path, wanted))
        missing = collections.Counter(wanted) - declared
        # States of random generators may be saved as well.
        states = collections.Counter(tuple(variable.shape) for variable in bare.variables) - collections.Counter(wanted)
        extra = declared - collections.Counter(wanted) - states
        if missing or extra:
            raise ValueError(_difference(missing, extra))
        network = build()
        _bare(network.model).load_weights(path)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        reason = str(error).strip().split("\n")[0]
        raise ArtefactError(f"{path}: does not hold the weights of this model: {reason}") from None
    return network


def _bare(model):
    """The same layers as a plain functional model, whatever class the model is of."""
    return keras.Model(model.input, model.output, name=model.name)


def _declared_shapes(path, wanted):
    """Shapes of the weights in a file, from its headers alone."""
    import h5py

    numbers = sum(int(np.prod(shape)) for shape in wanted)
    with zipfile.ZipFile(path) as file:
        size = file.getinfo(_WEIGHTS).file_size
        if size > 4 * numbers + _OVERHEAD * (1 + len(wanted) // 1000):
            raise ValueError(f"{size:,} bytes of weights, where {numbers:,} numbers are expected")
        content = io.BytesIO(file.read(_WEIGHTS))
    found = []
    with h5py.File(content) as weights:
        weights.visititems(lambda _, node: found.append(node.shape) if isinstance(node, h5py.Dataset) else None)
    return found


def _difference(missing, extra):
    parts = [f"it has no weight of the shape {shape}" for shape in missing]
    return "; ".join([*parts, *(f"one of the shape {shape} is too many" for shape in extra)][:3])


def _halve(values):
    return np.asarray(values).astype("float16") if np.asarray(values).dtype == np.float32 else np.asarray(values)

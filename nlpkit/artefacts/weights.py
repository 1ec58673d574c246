"""The weights of a model on disk: in half precision, and checked before anything is allocated for them."""

from __future__ import annotations

import collections
import io
import math
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state

from nlpkit.datasets import files
from nlpkit.errors import ArtefactError

_WEIGHTS = "model.weights.h5"
_MEMBERS = {"metadata.json", "config.json", _WEIGHTS}
_END_OF_ARCHIVE = 1024  # bytes, more than the list of these members and the end record take
_OVERHEAD = 1 << 20  # bytes that the weights file may have beside its numbers, and as much again for each thousand


_DAMAGE = (
    EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


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

    members = _saved_by_keras(_bare(model), path)
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
    with files.written_atomically(path) as whole, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _saved_by_keras(model, path):
    """What Keras writes of a model, by name."""
    partial = path.with_name(path.name + files.PARTIAL_MODEL)
    try:
        model.save(partial)
        with zipfile.ZipFile(partial) as file:
            return {name: file.read(name) for name in file.namelist()}
    except OSError as error:
        raise ArtefactError(f"{path}: {files.why_not_written(error, path)}") from None
    finally:
        files.remove(partial)


def load_network(build: Callable[[], Any], path: Path) -> Any:
    """A network built by our own code, with the weights of a file of `save_model`.

    First the network is built without memory for its weights, and what the file declares is compared with what it has:
    names and sizes in the archive, then shapes and numbers; only then do the weights get memory. What Keras describes
    of the model is never read.

    Args:
        build: builds the untrained network.
        path: the file.

    Returns:
        The network.

    Raises:
        ArtefactError: if the file is damaged or does not fit the network.
    """
    # Variables that are made in this scope have shapes, but no values before it ends.
    scope = keras.StatelessScope(initialize_variables=False)
    try:
        with scope:
            network = build()
            bare = _bare(network.model)
            content = _read_weights(path, bare)
            _check_weights(bare, content)
            scope.initialize_variables = True
        _load_weights(bare, content)
    except _DAMAGE as error:
        if not scope.initialize_variables:
            # Nobody is ever to give them values; Keras has no public way to say so.
            global_state.set_global_attribute("uninitialized_variables", [])
        reason = str(error).strip().split("\n")[0]
        raise ArtefactError(f"{path}: does not hold the weights of this model: {reason}") from None
    return network


def _read_weights(path, model):
    """The weights of a saved model as they are on disk, unless they are larger than the model's can be."""
    numbers = sum(math.prod(weight.shape) for weight in model.weights)
    _check_directory(path)
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
        if sorted(names) != sorted(_MEMBERS):
            raise ValueError(
                f"it holds {', '.join(sorted(names)[:5])}, where {', '.join(sorted(_MEMBERS))} are expected"
            )
        size = file.getinfo(_WEIGHTS).file_size
        if size > 4 * numbers + _OVERHEAD * (1 + len(model.weights) // 1000):
            raise ValueError(f"{size:,} bytes of weights, where {numbers:,} numbers are expected")
        if file.getinfo(_WEIGHTS).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is compressed in another way")
        return file.read(_WEIGHTS)


def _check_directory(path):
    """Raise a `ValueError` if the archive lists more than the few files that it may hold, before the list is read."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - _END_OF_ARCHIVE))
        end = file.read()
    place = end.rfind(b"PK\5\6")  # signature of the end record: at 10 the number of files, at 12 the bytes of the list
    if place < 0 or len(end) < place + 16:
        raise ValueError("it is no zip archive")
    count, size = struct.unpack_from("<HI", end, place + 10)
    if count != len(_MEMBERS) or size > _END_OF_ARCHIVE:
        raise ValueError(f"its list of files has {count} entries of {size:,} bytes")


def _load_weights(model, content):
    # From a file of their own Keras reads them at once; within the archive it would unpack them again and again.
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        path = Path(folder) / _WEIGHTS
        path.write_bytes(content)
        model.load_weights(path)


def _check_weights(model, content):
    """Raise a `ValueError` if a file declares other weights than the model has, or some that are not finite."""
    import h5py

    found = []

    def visit(name, node):
        if isinstance(node, h5py.Group):
            if any(not isinstance(node.get(key, getlink=True), h5py.HardLink) for key in node):
                raise ValueError(f"{name}: has a link to something else")
        elif node.dtype.kind not in "fiub" or node.external or node.is_virtual:
            raise ValueError(f"{name}: holds no numbers of its own")
        else:
            found.append(node)

    with h5py.File(io.BytesIO(content)) as file:
        visit("it", file)
        file.visititems(visit)
        _compare_shapes(model, [node.shape for node in found])
        for node in found:
            if node.dtype.kind == "f" and not np.isfinite(node[()]).all():
                raise ValueError(f"{node.name}: holds numbers that are not finite")


def _compare_shapes(model, shapes):
    wanted, declared = [tuple(weight.shape) for weight in model.weights], collections.Counter(shapes)
    missing = collections.Counter(wanted) - declared
    # States of random generators may be saved as well.
    states = collections.Counter(tuple(variable.shape) for variable in model.variables) - collections.Counter(wanted)
    extra = declared - collections.Counter(wanted) - states
    if missing or extra:
        parts = [f"it has no weight of the shape {shape}" for shape in missing]
        raise ValueError("; ".join([*parts, *(f"one of the shape {shape} is too many" for shape in extra)][:3]))


def _bare(model):
    """The same layers as a plain functional model, whatever class the model is of."""
    return keras.Model(model.input, model.output, name=model.name)


def _halve(values):
    return np.asarray(values).astype("float16") if np.asarray(values).dtype == np.float32 else np.asarray(values)

"""The weights of a network on disk, stored once: what an ONNX file of the folder holds is read from there.

A file of weights is a line that names the format, eight bytes with the size of the header (little-endian), the header
in JSON, and numbers. The header lists every weight in the order of the network: its shape and dtype, and where its
bytes begin, in this file's numbers or in a file that it names, for the order of axes in which they are stored there.
Float32 weights are stored as float16, and a weight whose numbers are all the same as that number.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state

from nlpkit.datasets.files import write_atomically
from nlpkit.errors import ArtefactError

_MAGIC = b"nlpkit weights 1\n"
_SIZE = struct.Struct("<Q")
_LARGEST_HEADER = 1 << 24  # bytes
_LARGE = 1024  # numbers of a weight that is looked for in other files; smaller ones may be anywhere by chance
_DAMAGE = (EOFError, KeyError, OSError, OverflowError, RecursionError, RuntimeError, TypeError, ValueError)


def round_weights(model: Any) -> None:
    """Round float32 weights to what float16 can hold; call it before the last evaluation."""
    for weight in model.weights:
        value = keras.ops.convert_to_numpy(weight.value)
        weight.assign(_halved(value).astype(value.dtype))


def save_weights(model: Any, path: Path, files: Mapping[str, bytes]) -> None:
    """Write the weights of a model, without those whose bytes other files of the folder hold.

    Args:
        model: the Keras model.
        path: file to write.
        files: contents of the other files, by name.
    """
    listed, numbers, size = [], [], 0
    for weight in model.weights:
        value = _halved(keras.ops.convert_to_numpy(weight.value))
        is_constant = value.size > 1 and bool((value == value.flat[0]).all())
        file, offset, axes = ("", 0, [*range(value.ndim)]) if is_constant else _found(value, files)
        if not file:
            content = (value.flat[:1] if is_constant else value).tobytes()
            numbers.append(content)
            offset, size = size, size + len(content)
        place = {"file": file, "offset": offset, "axes": axes, "is_constant": is_constant}
        listed.append({"shape": value.shape, "dtype": value.dtype.name, **place})
    header = json.dumps({"weights": listed}).encode()
    write_atomically(path, b"".join([_MAGIC, _SIZE.pack(len(header)), header, *numbers]))


def _found(value: np.ndarray, files: Mapping[str, bytes]) -> tuple[str, int, Sequence[int]]:
    """The file that holds a value, the offset of its bytes, and the order of its axes; no file if none does.

    A conversion to ONNX may transpose a kernel, and join it to others. Bytes that are equal are as good as the same.
    """
    plain = [*range(value.ndim)]
    if files and value.size >= _LARGE:
        for axes in itertools.permutations(plain):
            content = value.transpose(axes).tobytes()
            for name, whole in files.items():
                offset = whole.find(content)
                if offset >= 0:
                    return name, offset, axes
    return "", 0, plain


def load_network(build: Callable[[], Any], path: Path, files: Mapping[str, bytes]) -> Any:
    """A network built by our own code, with the weights of a file of `save_weights`.

    First the network is built without memory for its weights, and what the file declares is compared with what it has:
    shapes, places and numbers. Only then do the weights get memory.

    Args:
        build: builds the untrained network.
        path: the file.
        files: contents of the other files in which its weights may be, by name.

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
            values = _read(path, [tuple(weight.shape) for weight in network.model.weights], files)
            scope.initialize_variables = True
        for weight, value in zip(network.model.weights, values, strict=True):
            weight.assign(value)
    except _DAMAGE as error:
        if not scope.initialize_variables:
            # Nobody is ever to give them values; Keras has no public way to say so.
            global_state.set_global_attribute("uninitialized_variables", [])
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error).strip().split("\n")[0]
        raise ArtefactError(f"{path}: does not hold the weights of this model: {reason}") from None
    return network


def _read(path: Path, shapes: Sequence[tuple[int, ...]], files: Mapping[str, bytes]) -> list[np.ndarray]:
    """The weights of these shapes, as they are stored: views of the files' bytes."""
    content = path.read_bytes()
    begin = len(_MAGIC) + _SIZE.size
    if not content.startswith(_MAGIC) or len(content) < begin:
        raise ValueError("it is of another format")
    (length,) = _SIZE.unpack_from(content, len(_MAGIC))
    if length > min(_LARGEST_HEADER, len(content) - begin):
        raise ValueError(f"its header has {length:,} bytes")
    listed = json.loads(content[begin : begin + length].decode("utf-8"))["weights"]
    if [tuple(each["shape"]) for each in listed] != [*shapes]:
        raise ValueError(_difference([tuple(each["shape"]) for each in listed], shapes))
    sources = {**files, "": content[begin + length :]}
    return [_value(each, sources) for each in listed]


def _value(weight: Mapping[str, Any], sources: Mapping[str, bytes]) -> np.ndarray:
    """A weight from its place."""
    shape, axes, dtype, offset = (weight[name] for name in ("shape", "axes", "dtype", "offset"))
    if dtype not in _DTYPES or sorted(axes) != [*range(len(shape))] or type(offset) is not int or offset < 0:
        raise ValueError(f"dtype {dtype!r:.20}, axes {axes!r:.40}, offset {offset!r:.20} are none of a weight")
    if weight["file"] not in sources:
        raise ValueError(f"it needs {weight['file']!r:.60}, which the folder does not list")
    content, count = sources[weight["file"]], 1 if weight["is_constant"] else math.prod(shape)
    if offset + count * np.dtype(dtype).itemsize > len(content):
        raise ValueError("a weight ends behind the end of its file")
    value = np.frombuffer(content, dtype, count, offset)
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ValueError("it holds numbers that are not finite")
    if weight["is_constant"]:
        return np.broadcast_to(value.reshape([1] * len(shape)), shape)
    return value.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes))


_DTYPES = ("float16", "float32", "float64", "int32", "int64", "uint8", "uint32", "bool")


def _difference(declared: Sequence[tuple[int, ...]], wanted: Sequence[tuple[int, ...]]) -> str:
    """The first difference between the shapes of a file and those of a network, in words."""
    for number, (one, other) in enumerate(zip(declared, wanted)):
        if one != other:
            return f"weight {number} has the shape {one}, where {other} is expected"
    return f"it has {len(declared)} weights, where {len(wanted)} are expected"


def _halved(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).astype("float16") if np.asarray(values).dtype == np.float32 else np.asarray(values)

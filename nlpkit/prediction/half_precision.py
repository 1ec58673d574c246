"""Models with weights in half precision: half the size, the same answers as were measured."""

import io
import zipfile
from pathlib import Path

import keras
import numpy as np

_WEIGHTS = "model.weights.h5"


def round_weights(model: keras.Model):
    """Round float32 weights to what float16 can hold; call it before the last evaluation."""
    for weight in model.weights:
        value = keras.ops.convert_to_numpy(weight.value)
        weight.assign(_halve(value).astype(value.dtype))


def save_model(model: keras.Model, path: Path):
    """Save a model for prediction: without optimiser, its float32 weights as float16.

    `keras.saving.load_model` reads the file like any other; the weights become float32 again.
    """
    import h5py

    bare = keras.Model(model.input, model.output, name=model.name)
    bare.save(path)
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    smaller = io.BytesIO()
    with h5py.File(io.BytesIO(parts[_WEIGHTS])) as source, h5py.File(smaller, "w") as target:

        def copy(name, node):
            if isinstance(node, h5py.Dataset):
                node_copy = target.create_dataset(name, data=_halve(node[()]))
            else:
                node_copy = target.require_group(name)
            node_copy.attrs.update(node.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    parts[_WEIGHTS] = smaller.getvalue()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _halve(values):
    return np.asarray(values).astype("float16") if np.asarray(values).dtype == np.float32 else np.asarray(values)

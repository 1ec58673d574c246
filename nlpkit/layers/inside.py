"""A view of any tensor inside a built model, without rewriting it."""

from __future__ import annotations

import collections
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras

from nlpkit.errors import unknown_name


def names_inside(model: Any) -> dict[str, tuple[int | None, ...]]:
    """The tensors that `inside` can show, with their shapes.

    Args:
        model: a functional or sequential Keras model.

    Returns:
        Shape by name. A layer's own name stands for its output, ``layer/0``, ``layer/1``, … for its outputs if there
        are several; ``layer/operation`` is a tensor within the layer, named after the `keras.ops` function or the layer
        in it that computes it, with ``_2``, ``_3``, … if it does so more than once.

    Example:

        >>> from nlpkit.layers import GatedConv
        >>> x = keras.Input((4, 6))
        >>> names_inside(keras.Model(x, GatedConv(name="block")(x)))["block/sigmoid"]
        (None, 4, 6)
    """
    return {name: tuple(tensor.shape) for view in _views_of(model) for name, tensor in view.tensors.items()}


def inside(model: Any, *names: str) -> Any:
    """A model that gives tensors from within another one.

    Layers are not asked to take part: what happens within one is written down anew, by calling it with symbolic
    tensors, which gives the same operations on the same weights. That goes for layers that compute with `keras.ops`
    alone; of loops, of layers that need a size which is not known before they run, and of models and wrappers only the
    output can be shown. Of a layer that is called more than once, the first call is shown.

    Args:
        model: a functional or sequential Keras model.
        names: of tensors, see `names_inside`.

    Returns:
        A Keras model with the inputs of `model` and a dictionary of outputs by name.

    Raises:
        ValueError: if there is no tensor of a name, or a layer can't be looked into.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import VisibleAttention
        >>> x = keras.Input((4, 6))
        >>> read, _ = VisibleAttention(2, 3, name="attention")(x, x)
        >>> shown = inside(keras.Model(x, read), "attention/softmax")
        >>> tuple(shown(np.ones((1, 4, 6), "float32"))["attention/softmax"].shape)
        (1, 2, 4, 4)
    """
    views = {name: view for view in _views_of(model) for name in view.tensors}
    for name in names:
        if name not in views:
            layer = next((each for each in model.layers if each.name == name.split("/")[0]), None)
            if layer is not None and not any(known.startswith(f"{layer.name}/") for known in views):
                raise ValueError(
                    f"{layer.name} can't be looked into: {type(layer).__name__} is a model or a wrapper, or computes "
                    "with sizes or values that are known only when it runs"
                )
            raise ValueError(unknown_name("tensor", name, views))
    return keras.Model(model.input, {name: views[name].connected(name) for name in names})


class _View(NamedTuple):
    """Tensors by name. Those within a layer are computed from inputs of their own, which stand for `given`."""

    tensors: dict[str, Any]
    inputs: Sequence[Any] = ()
    given: Sequence[Any] = ()

    def connected(self, name):
        """A tensor, computed from the inputs of the model."""
        if not self.inputs:
            return self.tensors[name]
        # In a model of its own, for names within a layer may be those of other layers too.
        view = keras.Model(self.inputs, self.tensors[name], name=name.replace("/", "_"))
        view.supports_masking = True  # what the layer does with a mask it does here too
        return view(self.given)


def _views_of(model) -> Iterator[_View]:
    for layer in model.layers:
        if layer._inbound_nodes and not isinstance(layer, keras.layers.InputLayer):
            node = layer._inbound_nodes[0]
            yield _View(_named(layer.name, node.output_tensors))
            if not isinstance(layer, keras.Model):
                yield _within(layer, node)


def _within(layer, node):
    """The tensors within a layer, or none if it can't be called with symbolic tensors."""
    given: list[Any] = []
    inputs: list[Any] = []

    def stand_in(x):
        if not isinstance(x, keras.KerasTensor):
            return x
        for before, own in zip(given, inputs):
            if before is x:
                return own
        given.append(x)
        inputs.append(keras.Input(batch_shape=x.shape, dtype=x.dtype))
        return inputs[-1]

    try:
        call = _with_masks(layer, node)
        outputs = layer.call(
            *keras.tree.map_structure(stand_in, call.args), **keras.tree.map_structure(stand_in, call.kwargs)
        )
    except Exception:
        return _View({})
    found: dict[str, Any] = {}
    counts: collections.Counter[str] = collections.Counter()
    for operation, tensors in _operations_of(outputs, inputs):
        name = operation.name if isinstance(operation, keras.layers.Layer) else _snake(type(operation).__name__)
        counts[name] += 1
        found |= _named(f"{layer.name}/{name}{f'_{counts[name]}' if counts[name] > 1 else ''}", tensors)
    return _View(found, inputs, given)


def _with_masks(layer, node):
    """The arguments of a layer's call, and the masks that Keras adds to them: of the only tensor as ``mask``, of one of
    several as ``…_mask``."""
    signature = inspect.signature(layer.call)
    call = signature.bind(*node.arguments.args, **node.arguments.kwargs)
    tensors = {name: x for name, x in call.arguments.items() if isinstance(x, keras.KerasTensor)}
    for name, x in tensors.items():
        mask_name = "mask" if len(tensors) == 1 else f"{name}_mask"
        if mask_name in signature.parameters and call.arguments.get(mask_name) is None:
            call.arguments[mask_name] = getattr(x, "_keras_mask", None)
    return call


def _operations_of(outputs, inputs):
    """The operations that lead to outputs, with the tensors that each gives; those that come first come first."""
    known, seen, found = {id(x) for x in inputs}, set(), []

    def visit(tensor):
        if not isinstance(tensor, keras.KerasTensor) or id(tensor) in known:
            return
        operation, index, _ = tensor._keras_history
        if (id(operation), index) not in seen:
            seen.add((id(operation), index))
            node = operation._inbound_nodes[index]
            for each in node.input_tensors:
                visit(each)
            found.append((operation, node.output_tensors))

    for tensor in keras.tree.flatten(outputs):
        visit(tensor)
    return found


def _named(name, tensors):
    return {name: tensors[0]} if len(tensors) == 1 else {f"{name}/{i}": x for i, x in enumerate(tensors)}


def _snake(name):
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

"""Access to intermediate tensors of a built model, without changes to it."""

from __future__ import annotations

import collections
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras

from nlpkit.errors import unknown_name


def names_inside(model: Any) -> dict[str, tuple[int | None, ...]]:
    """Names and shapes of the tensors that `inside` can return.

    Args:
        model: a functional or sequential Keras model.

    Returns:
        Shape by name. The name of a layer is that of its output, with ``/0``, ``/1``, … if there are several;
        ``layer/operation`` is a tensor within the layer, named after the `keras.ops` function or the inner layer that
        computes it, with ``_2``, ``_3``, … for further calls.

    Example:

        >>> from nlpkit.layers import GatedConv
        >>> x = keras.Input((4, 6))
        >>> names_inside(keras.Model(x, GatedConv(name="block")(x)))["block/sigmoid"]
        (None, 4, 6)
    """
    return {name: tuple(tensor.shape) for view in _views_of(model) for name, tensor in view.tensors.items()}


def inside(model: Any, *names: str) -> Any:
    """A model that returns intermediate tensors of another one.

    Each layer is traced again, by a call with symbolic tensors, which gives the same operations on the same weights.
    That works for layers that compute with `keras.ops` only; for loops, layers that need a size which is not known
    before they run, models and wrappers only the output is available. For a layer that is called more than once, the
    tensors are those of the first call.

    Args:
        model: a functional or sequential Keras model.
        names: names of tensors, see `names_inside`.

    Returns:
        A Keras model with the inputs of `model` and a dictionary of outputs by name.

    Raises:
        ValueError: if there is no tensor of that name, or a layer can't be traced.

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
    """Tensors by name. Tensors within a layer are computed from new `inputs`, which replace the tensors `given`."""

    tensors: dict[str, Any]
    inputs: Sequence[Any] = ()
    given: Sequence[Any] = ()

    def connected(self, name: str) -> Any:
        """A tensor, computed from the inputs of the model."""
        if not self.inputs:
            return self.tensors[name]
        # In a separate model, as names within a layer may clash with those of other layers.
        view = keras.Model(self.inputs, self.tensors[name], name=name.replace("/", "_"))
        view.supports_masking = True  # as masks reach the layer here too
        return view(self.given)


def _views_of(model: Any) -> Iterator[_View]:
    for layer in model.layers:
        if layer._inbound_nodes and not isinstance(layer, keras.layers.InputLayer):
            node = layer._inbound_nodes[0]
            yield _View(_named(layer.name, node.output_tensors))
            if not isinstance(layer, keras.Model):
                yield _within(layer, node)


def _within(layer: Any, node: Any) -> _View:
    """The tensors within a layer, or none if it can't be called with symbolic tensors."""
    given: list[Any] = []
    inputs: list[Any] = []

    def stand_in(x: Any) -> Any:
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


def _with_masks(layer: Any, node: Any) -> inspect.BoundArguments:
    """A layer's call arguments with the masks that Keras adds: ``mask`` for one tensor, ``…_mask`` for several."""
    signature = inspect.signature(layer.call)
    call = signature.bind(*node.arguments.args, **node.arguments.kwargs)
    tensors = {name: x for name, x in call.arguments.items() if isinstance(x, keras.KerasTensor)}
    for name, x in tensors.items():
        mask_name = "mask" if len(tensors) == 1 else f"{name}_mask"
        if mask_name in signature.parameters and call.arguments.get(mask_name) is None:
            call.arguments[mask_name] = getattr(x, "_keras_mask", None)
    return call


def _operations_of(outputs: Any, inputs: Sequence[Any]) -> list[tuple[Any, list[Any]]]:
    """The operations between inputs and outputs, each with its output tensors, in the order of computation."""
    known = {id(x) for x in inputs}
    seen: set[tuple[int, int]] = set()
    found: list[tuple[Any, list[Any]]] = []

    def visit(tensor: Any) -> None:
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


def _named(name: str, tensors: Sequence[Any]) -> dict[str, Any]:
    return {name: tensors[0]} if len(tensors) == 1 else {f"{name}/{i}": x for i, x in enumerate(tensors)}


def _snake(name: str) -> str:
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

"""Fusion of ONNX operations: groups of small nodes become the single operations that onnxruntime has for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

_LARGE = 1 << 14  # elements of a large table


def fuse(model: Any) -> None:
    """Rewrite an ONNX model in place, so that it computes the same with fewer operations:

    - the thirteen nodes of a Keras layer normalisation become a ``LayerNormalization``;
    - a product whose bias is added after a reshape becomes a ``Gemm``;
    - the nodes that make negative indices positive before a ``Gather`` are removed: ``Gather`` accepts them.

    On a CPU each removed pass takes as long as a small product.
    """
    _fuse(model.graph, {})


def _fuse(graph: Any, outer: Mapping[str, Any]) -> None:
    from onnx import numpy_helper

    constants = {**outer, **{each.name: each for each in graph.initializer}}
    makers = {name: node for node in graph.node for name in node.output}
    pattern = _Patterns(makers, lambda name: numpy_helper.to_array(constants[name]) if name in constants else None)
    nodes: list[Any] = []
    for node in graph.node:
        for part in _subgraphs(node):
            _fuse(part, constants)
        if node.op_type == "Gather":
            node.input[1] = pattern.index(node.input[1])
        found = (pattern.normalisation(node) or pattern.product(node)) if node.op_type == "Add" else None
        new, weights = found or ([node], [])
        nodes += new
        graph.initializer.extend(weights)
    kept = [*_needed(nodes, {each.name for each in graph.output})]
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in _names_read(node)} | {each.name for each in graph.output}
    weights = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(weights)


def share_rows(model: Any) -> None:
    """Store shared rows of an ONNX model once, in place: a large weight that begins with the rows of another one, such
    as a padded table of vectors, becomes the concatenation of that one and the rest, computed when it is loaded."""
    from onnx import helper, numpy_helper

    graph = model.graph
    large = [each for each in graph.initializer if len(each.dims) == 2 and math.prod(each.dims) >= _LARGE]
    large.sort(key=lambda each: each.dims[0])
    values = {each.name: numpy_helper.to_array(each) for each in large}
    nodes = []  # smaller tables first, since larger ones may contain them
    for place, weight in enumerate(large):
        table = values[weight.name]
        for other in large[:place]:
            first = values[other.name]
            if first.dtype != table.dtype or first.shape[1] != table.shape[1] or len(first) < len(table) / 2:
                continue
            if np.array_equal(table[: len(first)], first):
                name = f"{weight.name}/rest"
                parts = [other.name, name] if len(table) > len(first) else [other.name]
                nodes.append(helper.make_node("Concat", parts, [weight.name], axis=0))
                if len(parts) > 1:
                    graph.initializer.append(numpy_helper.from_array(table[len(first) :], name))
                graph.initializer.remove(weight)
                break
    for node in reversed(nodes):
        graph.node.insert(0, node)


class _Patterns:
    """Groups of nodes that can be fused.

    Args:
        makers: nodes by the names of their outputs.
        value: function from the name of a constant to its value, or None.
    """

    def __init__(self, makers: Mapping[str, Any], value: Callable[[str], np.ndarray | None]):
        self._makers, self._value = makers, value

    def _made_by(self, name: str, kind: str) -> Any:
        node = self._makers.get(name)
        return node if node is not None and node.op_type == kind else None

    def _chain(self, name: str, *kinds: str) -> Any:
        """Last node of a chain of these kinds, in which each node makes the first input of the one before it."""
        node: Any = None
        for kind in kinds:
            node = self._made_by(name, kind)
            if node is None:
                return None
            name = node.input[0]
        return node

    def index(self, name: str) -> str:
        """Name of ``ids`` in ``where(ids < 0, ids + size, ids)``, else the same name."""
        chosen = self._made_by(name, "Where")
        if chosen is None or self._made_by(chosen.input[0], "Less") is None:
            return name
        moved = self._made_by(chosen.input[1], "Add")
        return chosen.input[2] if moved is not None and chosen.input[2] in moved.input else name

    def normalisation(self, end: Any) -> tuple[list[Any], list[Any]] | None:
        """Nodes and weights for ``x * s + (-mean * s + beta)``, where ``s = gamma / sqrt(variance + epsilon)``."""
        from onnx import helper, numpy_helper

        scaled, shift = self._made_by(end.input[0], "Mul"), self._made_by(end.input[1], "Add")
        if scaled is None or shift is None:
            return None
        x, scale = scaled.input
        gamma_of, mean_of = self._made_by(scale, "Mul"), self._chain(shift.input[0], "Mul", "Neg", "ReduceMean")
        inverse = self._chain(scale, "Mul", "Reciprocal", "Sqrt", "Add")
        square = inverse and self._chain(inverse.input[0], "ReduceMean", "Mul", "Sub")
        if gamma_of is None or mean_of is None or not square or {mean_of.input[0], square.input[0]} != {x}:
            return None
        found = [self._value(node.input[1]) for node in (mean_of, gamma_of, shift, inverse)]
        values = [value for value in found if value is not None]
        if len(values) < len(found) or values[0].tolist() != [-1]:
            return None
        names = [f"{end.output[0]}/{name}" for name in ("gamma", "beta")]
        weights = [numpy_helper.from_array(value.reshape(-1), name) for value, name in zip(values[1:3], names)]
        node = helper.make_node("LayerNormalization", [x, *names], [*end.output], axis=-1, epsilon=float(values[3]))
        return [node], weights

    def product(self, end: Any) -> tuple[list[Any], list[Any]] | None:
        """Nodes and weights for ``reshape(reshape(a) @ b) + bias``: the product has two axes, the bias one."""
        from onnx import helper

        shaped, bias = self._made_by(end.input[0], "Reshape"), self._value(end.input[1])
        product = shaped and self._made_by(shaped.input[0], "MatMul")
        rows = product and self._made_by(product.input[0], "Reshape")
        if rows is None or bias is None or bias.ndim != 1:
            return None
        shape = self._value(rows.input[1])
        if shape is None or len(shape) != 2:
            return None
        flat = f"{end.output[0]}/flat"
        gemm = helper.make_node("Gemm", [*product.input, end.input[1]], [flat])
        return [gemm, helper.make_node("Reshape", [flat, shaped.input[1]], [*end.output])], []


def _subgraphs(node: Any) -> list[Any]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _names_read(node: Any) -> Iterator[str]:
    """Names of the inputs of a node, including those of its subgraphs."""
    yield from node.input
    for graph in _subgraphs(node):
        yield from (each.name for each in graph.output)
        for inner in graph.node:
            yield from _names_read(inner)


def _needed(nodes: Sequence[Any], wanted: set[str]) -> Iterator[Any]:
    """The nodes on which wanted outputs depend, in order."""
    kept = []
    for node in reversed(nodes):
        if wanted & {*node.output}:
            kept.append(node)
            wanted |= {*_names_read(node)}
    return reversed(kept)

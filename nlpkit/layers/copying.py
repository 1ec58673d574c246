"""Attention that points at symbols of a source, and the switch between writing and copying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from nlpkit.ops.copying import SourceSymbols, last_symbols, matches, occur, shift_right, sum_by_symbol
from nlpkit.ops.top_k import top_k_of_many

_IMPOSSIBLE = -1e9
_CONTINUATION = 3.0  # initial bonus of a position right after a match: large enough to lift it over all others


@keras.saving.register_keras_serializable(package="nlpkit", name="CopyAttention")
class CopyAttention(keras.layers.Layer):
    """Attention that points at the next symbol to copy from a source.

    Its scores are scaled dot products of queries and memory, plus learned weights, dependent on the query, for evidence
    from the ids of the target so far (see `nlpkit.ops.copying`): a position right after a match of 1, 2, … symbols
    continues a copy; one that has matched before has been copied already. The former lets a model copy whole words from
    the first epoch on, the latter is its coverage: it prevents repetitions.

    Args:
        key_dim: int, size of queries and keys.
        continuation: int, length of the longest matches that count as continuing a copy; 0 for none.
        coverage: int, length of the longest matches that count as copied already; 0 for none.

    Call arguments:
        queries: float ``(batch, steps, features)``.
        memory: float ``(batch, time, channels)``.
        source: int32 ``(batch, time)``, ids of the source, from 2, one per symbol.
        previous: int32 ``(batch, steps)``, the id before each step, 0 at the first.
        memory_mask: optional bool ``(batch, time)``; by default the memory's own Keras mask.

    Returns:
        float32 ``(batch, steps, time)``, logarithms of weights that sum to 1 over time.

    Raises:
        ValueError: if an argument is no integer, or too small.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CopyAttention
        >>> source, previous = np.array([[5, 6, 7]], "int32"), np.array([[0, 5]], "int32")
        >>> layer = CopyAttention(4)
        >>> x = layer(np.zeros((1, 2, 8), "float32"), np.zeros((1, 3, 6), "float32"), source, previous)
        >>> np.asarray(x).argmax(-1).tolist()
        [[0, 1]]

    References:
        Vinyals, Fortunato and Jaitly (2015), Pointer Networks; See, Liu and Manning (2017), Get To The Point, for
        coverage, there as a sum of attention; Gu et al. (2016), CopyNet, whose selective read continues copies too.
    """

    def __init__(self, key_dim: int, continuation: int = 3, coverage: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        least_of = {"key_dim": (key_dim, 1), "continuation": (continuation, 0), "coverage": (coverage, 0)}
        for name, (value, least) in least_of.items():
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be an integer from {least}. Received: {value!r}")
        self.key_dim, self.continuation, self.coverage = key_dim, continuation, coverage
        self.query = keras.layers.Dense(key_dim, name="query", dtype=self.dtype_policy)
        self.key = keras.layers.Dense(key_dim, use_bias=False, name="key", dtype=self.dtype_policy)
        self.evidence = keras.layers.Dense(
            continuation + coverage, kernel_initializer="zeros", name="evidence", dtype=self.dtype_policy,
            bias_initializer=_first_weights(continuation, coverage),
        ) if self.reach else None  # fmt: skip

    @property
    def reach(self) -> int:
        """Number of last symbols of the target to match."""
        return max(self.continuation, self.coverage)

    def build(self, queries_shape: Any, memory_shape: Any, source_shape: Any, previous_shape: Any) -> None:
        self.query.build(queries_shape)
        self.key.build(memory_shape)
        if self.evidence is not None:
            self.evidence.build(queries_shape)
        self.built = True

    def call(self, queries: Any, memory: Any, source: Any, previous: Any, memory_mask: Any = None) -> Any:
        matched = matches(source, last_symbols(previous, self.reach))
        counts = [ops.cumsum(ops.cast(each, "int32"), axis=1) > 0 for each in matched[: self.coverage]]
        return ops.log_softmax(self.score(queries, self.keys(memory), matched, counts, memory_mask), axis=-1)

    def keys(self, memory: Any) -> Any:
        """Keys to compare queries with, float ``(batch, key_dim, time)``."""
        return ops.transpose(self.key(memory), (0, 2, 1))

    def score(
        self, queries: Any, keys: Any, matched: Sequence[Any], copied: Sequence[Any], memory_mask: Any = None
    ) -> Any:
        """Logits of the weights, float32 ``(batch, steps, time)``, from precomputed keys and matches.

        Args:
            queries: float ``(batch, steps, features)``.
            keys: float ``(batch, key_dim, time)``, result of `keys`.
            matched: `reach` matches, bool ``(batch, steps, time)``, see `nlpkit.ops.copying.matches`.
            copied: `coverage` tensors, bool ``(batch, steps, time)``, whether a position has matched so far.
            memory_mask: optional bool ``(batch, time)``.
        """
        scores = ops.matmul(self.query(queries) * self.key_dim**-0.5, keys)
        scores = ops.cast(scores, "float32")  # (batch, steps, time)
        if self.evidence is not None:
            weights = ops.cast(self.evidence(queries), "float32")  # (batch, steps, continuation + coverage)
            after = [shift_right(each, 2) for each in matched[: self.continuation]]
            for i, each in enumerate([*after, *copied]):
                scores = scores + ops.cast(each, "float32") * weights[..., i : i + 1]
        if memory_mask is not None:
            scores = ops.where(ops.cast(memory_mask, "bool")[:, None], scores, _IMPOSSIBLE)
        return scores

    def compute_mask(self, *_: Any) -> None:
        """None, as the result has no padding."""

    def compute_output_spec(
        self, queries: Any, memory: Any, source: Any, previous: Any, memory_mask: Any = None
    ) -> Any:
        return keras.KerasTensor((*queries.shape[:2], memory.shape[1]), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        own = {"key_dim": self.key_dim, "continuation": self.continuation, "coverage": self.coverage}
        return {**super().get_config(), **own}


def _first_weights(continuation: int, coverage: int) -> Callable[..., Any]:
    """An initializer of the weights of the evidence."""

    def initialize(shape: Any, dtype: Any = None) -> Any:
        return ops.cast([_CONTINUATION] * min(continuation, 1) + [2.0] * (continuation - 1) + [0.0] * coverage, dtype)

    return initialize


@keras.saving.register_keras_serializable(package="nlpkit", name="CopySwitch")
class CopySwitch(keras.layers.Layer):
    """The switch of a pointer-generator: a mixture of writing a symbol of the vocabulary and copying one of the source.

    Symbols outside of the vocabulary have ids from its size on, one for each distinct symbol of a source, up to
    `num_extra` of them. They can be copied, and so occur in the target, without weights.

    Args:
        num_extra: int, number of ids beside those of the vocabulary.

    Call arguments:
        logits: float ``(batch, steps, size)``, over the vocabulary.
        log_weights: float32 ``(batch, steps, time)``, logarithms of the weights of a `CopyAttention`.
        source: int32 ``(batch, time)``, ids from 0 to below ``size + num_extra``.
        states: float ``(batch, steps, features)``, inputs of the switch.
        gold: optional int32 ``(batch, steps)``, the target ids.

    Returns:
        float32 ``(batch, steps, size + num_extra)``, probabilities. With `gold` only the log probability of the target
        id, ``(batch, steps)``, without the memory for all ids; -1e9 for an id that can be neither written nor copied.

    Raises:
        ValueError: if `num_extra` is no integer from 0.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CopySwitch
        >>> logits, log_weights = np.zeros((1, 1, 4), "float32"), np.log([[[0.25, 0.75]]]).astype("float32")
        >>> p = CopySwitch(1)(logits, log_weights, np.array([[2, 4]], "int32"), np.zeros((1, 1, 3), "float32"))
        >>> np.asarray(p).round(3).tolist()
        [[[0.125, 0.125, 0.25, 0.125, 0.375]]]

    References:
        See, Liu and Manning (2017), Get To The Point: Summarization with Pointer-Generator Networks.
    """

    def __init__(self, num_extra: int = 0, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # logarithms of weights are float32 in any precision
        if not isinstance(num_extra, int) or num_extra < 0:
            raise ValueError(f"num_extra must be an integer from 0. Received: {num_extra!r}")
        self.num_extra = num_extra
        self.gate = keras.layers.Dense(1, name="gate", dtype=self.dtype_policy)

    def build(
        self, logits_shape: Any, log_weights_shape: Any, source_shape: Any, states_shape: Any, gold_shape: Any = None
    ) -> None:
        self.gate.build(states_shape)
        self.built = True

    def call(self, logits: Any, log_weights: Any, source: Any, states: Any, gold: Any = None) -> Any:
        if gold is not None:
            return self._log_probability(logits, log_weights, source, states, gold)
        more = [[0, 0], [0, 0], [0, self.num_extra]]
        logits = ops.pad(ops.cast(logits, "float32"), more, constant_values=_IMPOSSIBLE)
        return self.mix(logits, log_weights, source, states)

    def mix(self, logits: Any, log_weights: Any, source: Any, states: Any) -> Any:
        """The probabilities from logits that include the additional ids, with logits far below all others."""
        gate, source = ops.cast(self.gate(states), "float32"), ops.convert_to_tensor(source)  # gate (batch, steps, 1)
        weights = ops.exp(ops.cast(logits, "float32") - ops.max(logits, axis=-1, keepdims=True))
        written = weights * (ops.sigmoid(-gate) / ops.sum(weights, axis=-1, keepdims=True))
        batch, steps, size = ops.shape(written)
        rows = ops.reshape(ops.arange(batch * steps, dtype="int32"), (batch, steps, 1))
        places = ops.reshape(rows * size + source[:, None], (-1, 1))
        copied = ops.reshape(ops.exp(log_weights) * ops.sigmoid(gate), (-1,))
        flat = ops.scatter_update(ops.reshape(written, (-1,)), places, copied, reduction="add")
        return ops.reshape(flat, (batch, steps, size))

    def candidates(
        self,
        logits: Any,
        source_logits: Any,
        weights: Any,
        symbols: SourceSymbols,
        states: Any,
        count: Any,
        bonus: Any = None,
    ) -> tuple[Any, Any, Any]:
        """The likeliest ids of a step of a search, without the probabilities of all others.

        Args:
            logits: float32 ``(batch, steps, size)``, logits of all ids, far below all others beyond the vocabulary.
            source_logits: float32 ``(batch, steps, time)``, logits of the ids of the source, including their bonus, and
                far below all others at repetitions of an id.
            weights: float32 ``(batch, steps, time)``, weights of the positions of the source.
            symbols: symbols of the source, see `nlpkit.ops.copying.source_symbols`.
            states: float ``(batch, steps, features)``, inputs of the switch.
            count: int, number of likeliest ids of the vocabulary to return beside all ids of the source.
            bonus: float ``(batch, time)``, not negative, difference between `source_logits` and `logits`, see
                `nlpkit.layers.SourcePrior.bonus`; or None.

        Returns:
            Log probabilities, float32 ``(batch, steps, count + time)``, -inf for repeated ids; the ids, int32 of the
            same shape; and the difference of log probability and logit of all ids that are not in the source,
            ``(batch, steps, 1)``.
        """
        gate = ops.cast(self.gate(states), "float32")  # (batch, steps, 1)
        scores, ids, total = likeliest(logits, count)
        written = ops.exp(source_logits - total)  # (batch, steps, time)
        scale = ops.sigmoid(-gate)
        if bonus is not None:
            more = ops.cast(1 - ops.exp(-bonus), "float32")[..., None]  # share of the bonus in each
            scale = scale / (1 + ops.matmul(written, more))
        # The probability of an id of the source, written or copied, is at its first occurrence.
        own = ops.log(written * scale + sum_by_symbol(weights, symbols) * ops.sigmoid(gate))
        log_scale = ops.log(scale)
        scores = ops.where(occur(ids, symbols), -float("inf"), scores + log_scale)
        source = ops.broadcast_to(symbols.ids[:, None], ops.shape(own))
        ids = ops.concatenate([ids, source], axis=-1)
        return ops.concatenate([scores, own], axis=-1), ids, log_scale - total

    def _log_probability(self, logits: Any, log_weights: Any, source: Any, states: Any, gold: Any) -> Any:
        gate = ops.cast(self.gate(states), "float32")[..., 0]
        own = gold_log_probability(ops.cast(logits, "float32"), gold)
        is_there = ops.equal(source[:, None, :], gold[..., None])  # (batch, steps, time)
        copied = ops.logsumexp(ops.where(is_there, log_weights, _IMPOSSIBLE), axis=-1)
        both = ops.stack([own + ops.log_sigmoid(-gate), copied + ops.log_sigmoid(gate)])
        return ops.logsumexp(both, axis=0)  # ONNX has no logaddexp

    def compute_mask(self, *_: Any) -> None:
        """None, as the result has no padding."""

    def compute_output_spec(self, logits: Any, log_weights: Any, source: Any, states: Any, gold: Any = None) -> Any:
        if gold is not None:
            return keras.KerasTensor(gold.shape, dtype="float32")
        return keras.KerasTensor((*logits.shape[:2], logits.shape[-1] + self.num_extra), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_extra": self.num_extra}


def gold_log_probability(logits: Any, gold: Any) -> Any:
    """The log probability of one id at each step; -1e9 for ids without a logit.

    Args:
        logits: float32 ``(batch, steps, size)``.
        gold: int32 ``(batch, steps)``.

    Returns:
        float32 ``(batch, steps)``.
    """
    size = logits.shape[-1]
    known = ops.minimum(gold, size - 1)
    if keras.backend.backend() == "tensorflow":  # one operation instead of ten passes over all logits
        own = -ops.sparse_categorical_crossentropy(known, logits, from_logits=True)
    else:
        own = ops.take_along_axis(logits, known[..., None], axis=-1)[..., 0] - ops.logsumexp(logits, axis=-1)
    return ops.where(gold < size, own, _IMPOSSIBLE)


def likeliest(logits: Any, count: Any) -> tuple[Any, Any, Any]:
    """The largest log probabilities of a softmax.

    Args:
        logits: float32 ``(batch, steps, size)``.
        count: int, number of ids to return.

    Returns:
        Log probabilities ``(batch, steps, count)``, largest first; ids, int32 of the same shape; and the log-sum-exp of
        all logits, ``(batch, steps, 1)``.
    """
    values, ids = top_k_of_many(logits, count)
    # The log-sum-exp is the largest logit minus its log probability: a softmax is one operation on a CPU, a log-sum-exp
    # four.
    p = ops.take_along_axis(ops.softmax(logits, axis=-1), ids[..., :1], axis=-1)
    total = values[..., :1] - ops.log(p)
    return values - total, ids, total

"""Constraints on the symbols of a sequence."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

from keras import ops


@dataclass(frozen=True)
class Constraints:
    """Rules that make candidates of a step impossible, whatever their scores.

    `nlpkit.decoding.beam_search` and `nlpkit.decoding.sample` have the same rules as arguments.

    Args:
        end_id: int, end symbol, or None.
        min_length: int or int32 scalar, least number of ids before the end symbol.
        no_repeat: int n, length of the n-grams of ids that must not repeat in a sequence; 0 for none.
        forbidden: bool ``(num_ids,)`` or ``(batch, num_ids)``, true for ids that must not be chosen, or None.
        required: int32 ``(batch, steps)``, the required id of each step, 0 for any, or None. It overrides the other
            rules: only this id is possible, and the end is not.

    Example:

        >>> import numpy as np
        >>> constraints = Constraints(no_repeat=1, forbidden=[True, False, False, False])
        >>> history = ops.convert_to_tensor(np.array([[[2, 3, 0]]], "int32"))
        >>> ops.convert_to_numpy(constraints.mask(2, history, ops.zeros((1, 1, 4)))).tolist()
        [[[-inf, 0.0, -inf, -inf]]]

    References:
        Repeated n-grams: Paulus, Xiong and Socher (2018), A Deep Reinforced Model for Abstractive
        Summarization.
    """

    end_id: int | None = None
    min_length: Any = 0
    no_repeat: int = 0
    forbidden: Any = None
    required: Any = None

    def mask(self, t: Any, history: Any, scores: Any, symbols: Any = None) -> Any:
        """Scores of the candidates, with -inf for impossible ones.

        Args:
            t: int32 scalar, the step, which is the number of ids in the history.
            history: int32 ``(batch, sequences, steps)``, ids so far.
            scores: float ``(batch, sequences, candidates)``.
            symbols: int32 of the same shape, ids of the candidates, or None if candidate c is id c.

        Returns:
            Float ``(batch, sequences, candidates)``.
        """
        # (1, 1, candidates) or (batch, sequences, candidates)
        ids = ops.arange(ops.shape(scores)[-1], dtype="int32")[None, None] if symbols is None else symbols
        masks: list[Any] = []  # each broadcasts to the scores, and is true where a rule is broken
        if self.forbidden is not None:
            masks.append(self._is_forbidden(symbols))
        if self.end_id is not None and not is_number(self.min_length, 0):
            masks.append((ids == self.end_id) & (t < self.min_length))
        repeats: Any = self._repeats(t, history) if self.no_repeat else None  # (batch, sequences, steps)
        if self.no_repeat and symbols is not None:
            masks.append(ops.any(repeats[:, :, None] & (history[:, :, None] == symbols[..., None]), axis=-1))
        if self.required is not None:
            required = ops.cast(ops.take(self.required, t, axis=1), "int32")[:, None, None]  # (batch, 1, 1)
            is_free = required == 0
            masks = [is_free & mask for mask in masks] + [~is_free & (ids != required)]
            repeats = is_free & repeats if self.no_repeat else None
        if self.no_repeat and symbols is None:
            scores = _without(scores, history, repeats)
        if masks:
            scores = ops.where(reduce(ops.logical_or, masks), -float("inf"), scores)
        return scores

    def _is_forbidden(self, symbols: Any) -> Any:
        """Whether candidates are forbidden: bool like `symbols`, else ``(num_ids,)`` or ``(batch, 1, num_ids)``."""
        forbidden = ops.convert_to_tensor(self.forbidden, dtype="bool")
        if symbols is None:
            return forbidden[:, None] if forbidden.ndim == 2 else forbidden
        if forbidden.ndim == 2:
            batch, num_ids = ops.shape(forbidden)
            symbols = symbols + num_ids * ops.arange(batch, dtype="int32")[:, None, None]
        return ops.take(ops.reshape(forbidden, (-1,)), symbols, axis=0)

    def _repeats(self, t: Any, history: Any) -> Any:
        """Whether another occurrence of each id of the history would repeat an n-gram; bool, of its shape."""
        n, place = self.no_repeat, ops.arange(ops.shape(history)[-1], dtype="int32")
        repeats = (place >= n - 1) & (place < t)  # (steps,): whether an n-gram ends here
        for back in range(1, n):
            last = ops.take(history, ops.maximum(t - back, 0), axis=2)[..., None]  # (batch, sequences, 1)
            before = ops.take(history, ops.maximum(place - back, 0), axis=2)  # (batch, sequences, steps)
            repeats = repeats & (before == last)
        return ops.broadcast_to(repeats, ops.shape(history))


def _without(scores: Any, ids: Any, is_banned: Any) -> Any:
    """Scores of a whole vocabulary ``(batch, sequences, num_ids)``, with -inf for the banned ones among `ids`.

    All ids are scattered, few in comparison with the scores, with 0 for those that are not banned.
    """
    batch, sequences, size = ops.shape(scores)
    rows = ops.reshape(ops.arange(batch * sequences, dtype="int32"), (batch, sequences, 1))
    places = ops.reshape(rows * size + ids, (-1, 1))
    added = ops.reshape(ops.where(is_banned, -float("inf"), ops.zeros((), scores.dtype)), (-1,))
    flat = ops.scatter_update(ops.reshape(scores, (-1,)), places, added, reduction="add")
    return ops.reshape(flat, (batch, sequences, size))


def is_number(x: Any, value: float) -> bool:
    """Whether x is a Python number, not a tensor, and equal to the value, so that a rule is known to be off."""
    return isinstance(x, int | float) and x == value

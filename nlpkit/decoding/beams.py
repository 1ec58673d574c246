"""Batched beam search over any step function, in the graph."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from nlpkit.decoding.constraints import Constraints, is_number
from nlpkit.ops.top_k import GROUP, smaller, top_k_of_many


def beam_search(
    step: Callable[[Any, Any, Any], tuple[Any, Any, Any]],
    state: Any,
    batch: Any,
    steps: Any,
    beam_width: Any,
    *,
    lengths: Any = None,
    end_id: int | None = None,
    min_length: Any = 0,
    length_penalty: Any = 0.0,
    no_repeat: int = 0,
    forbidden: Any = None,
    required: Any = None,
) -> tuple[Any, Any]:
    """The best sequences of each row of a batch, by beam search.

    All rows are searched at once, with `keras.ops` only, so that the search runs inside a compiled graph. A sequence
    with the end symbol moves from the beam to a pool of finished ones, so that it never displaces a live one. The
    search stops when no sequence in any beam can still enter the pool; that changes no result as long as no score is
    above 0, which holds for log probabilities.

    Args:
        step: function of ``(t, history, state)``, where ``t`` is the step (an int32 scalar), ``history``, int32
            ``(batch, beam_width, steps)``, holds the ids so far and zeros after them, and ``state`` is the state
            returned by the step before. It returns scores, float ``(batch, beam_width, candidates)``, usually log
            probabilities, -inf for impossible candidates; their ids, int32 of the same shape, without repetitions
            among the possible candidates of a beam, or None if candidate c is id c; and the new state.
        state: tensors ``(batch, beam_width, …)`` in any nesting, ``[]`` for none. They are reordered with their
            sequences.
        batch, steps: ints or int32 scalars, number of rows, and of steps.
        beam_width: int, number of sequences to keep and return; on TensorFlow also an int32 scalar.
        lengths: int32 ``(batch,)``, number of ids of the sequences of each row: exact without an end symbol, the
            maximum with one. None stands for `steps`.
        end_id: int, end symbol; its score counts, but it is not part of the returned ids. A sequence of maximum length
            stops without it. None if only the length ends a sequence.
        min_length: int or int32 scalar, least number of ids before the end symbol.
        length_penalty: float or float scalar p; sequences are ranked by the sum of their scores divided by the p-th
            power of the number of scored symbols, including the end. 0 ranks by the sum, 1 by the mean.
        no_repeat: int n, length of the n-grams of ids that must not repeat in a sequence; 0 for none.
        forbidden: bool ``(num_ids,)`` or ``(batch, num_ids)``, true for ids that must not be chosen, or None.
        required: int32 ``(batch, steps)``, the required id of each step, 0 for any, or None. It overrides the other
            rules.

    Returns:
        Ids, int32 ``(batch, beam_width, steps)``, best first, 0 after the end; and the ranking scores, float32
        ``(batch, beam_width)``. Where a row has fewer sequences, the rest have zeros and -inf.

    Example:

        >>> import numpy as np
        >>> table = np.log([[0.1, 0.3, 0.6], [0.8, 0.1, 0.1]]).astype("float32")
        >>> step = lambda t, history, state: (ops.broadcast_to(ops.take(table, t, axis=0), (1, 2, 3)), None, state)
        >>> ids, scores = beam_search(step, [], batch=1, steps=2, beam_width=2, end_id=0)
        >>> print(ops.convert_to_numpy(ids).tolist(), ops.convert_to_numpy(ops.exp(scores)).round(2))
        [[[2, 0], [1, 0]]] [[0.48 0.24]]

    References:
        Graves (2012), Sequence Transduction with Recurrent Neural Networks. Sutskever, Vinyals and Le (2014), Sequence
        to Sequence Learning with Neural Networks. On the length: Wu et al. (2016), Google's Neural Machine
        Translation System; on when to stop: Huang, Zhao and Ma (2017), When to Finish?
    """
    lengths = ops.broadcast_to(steps, (batch,)) if lengths is None else ops.minimum(lengths, steps)
    constraints = Constraints(end_id, min_length, no_repeat, forbidden, required)
    search = _Search(step, state, batch, steps, beam_width, ops.cast(lengths, "int32"), length_penalty, constraints)
    t, alive, finished, _ = ops.while_loop(search.goes_on, search.advance, search.start())
    return search.result(t, alive, finished)


@dataclass(frozen=True)
class _Search:
    """The loop of a search.

    Its variables are the step; two sets of sequences, the beams (`alive`) and the finished ones, each a pair of ids
    ``(batch, beams, steps)`` and scores ``(batch, beams)``, best first; and the flattened state.
    """

    step: Callable
    state: Any
    batch: Any
    steps: Any
    beam_width: Any
    lengths: Any
    length_penalty: Any
    constraints: Constraints

    def start(self) -> tuple[Any, tuple[Any, Any], tuple[Any, Any], list[Any]]:
        """The variables before the first step."""
        ids = ops.zeros((self.batch, self.beam_width, self.steps), dtype="int32")
        none = ops.full((self.batch, self.beam_width), -float("inf"), dtype="float32")
        # All beams begin equal, so only the first of them counts.
        totals = ops.where(ops.arange(self.beam_width) == 0, 0.0, none)
        return ops.convert_to_tensor(0, dtype="int32"), (ids, totals), (ids, none), keras.tree.flatten(self.state)

    def goes_on(self, t: Any, alive: tuple[Any, Any], finished: tuple[Any, Any], state: list[Any]) -> Any:
        """Whether, in any row, a beam can still rank above the worst finished sequence."""
        # Scores only decrease, so the best case of a beam is to add nothing, at the length with the best rank.
        length = ops.where(ops.convert_to_tensor(self.length_penalty, "float32") < 0, t + 1, self.lengths)
        bound = self._ranked(alive[1][:, 0], length)  # (batch,)
        return ops.any((t < self.lengths) & (bound > finished[1][:, -1]))

    def advance(
        self, t: Any, alive: tuple[Any, Any], finished: tuple[Any, Any], state: list[Any]
    ) -> tuple[Any, tuple[Any, Any], tuple[Any, Any], list[Any]]:
        """The variables after step t."""
        history, totals = alive
        is_on = (t < self.lengths)[:, None]  # (batch, 1)
        scores, symbols, state = self.step(t, history, keras.tree.pack_sequence_as(self.state, state))
        # (batch, beams, candidates)
        scores = self.constraints.mask(t, history, ops.cast(scores, "float32"), symbols)
        if self.constraints.end_id is not None:
            ended = totals + self._end_scores(scores, symbols)  # (batch, beams)
            ended = ops.where(is_on, self._ranked(ended, t + 1), -float("inf"))
            finished = self._best(finished, (history, ended))
        parents, symbols, new = self._extend(totals, scores, symbols)
        # A row past its length does not change.
        parents = ops.where(is_on, parents, ops.arange(self.beam_width, dtype="int32"))  # (batch, beams)
        history, state = keras.tree.map_structure(lambda x: _gather(x, parents), (history, state))
        symbols = ops.where(is_on & (new > -float("inf")), symbols, 0)
        is_now = ops.arange(self.steps, dtype="int32") == t  # (steps,)
        history = ops.where(is_now, symbols[..., None], history)
        return t + 1, (history, ops.where(is_on, new, totals)), finished, keras.tree.flatten(state)

    def result(self, t: Any, alive: tuple[Any, Any], finished: tuple[Any, Any]) -> tuple[Any, Any]:
        """The best of the finished sequences and of the beams that have reached their length."""
        ids, totals = alive
        ranked = self._ranked(totals, ops.maximum(self.lengths, 1)[:, None])
        ids, scores = self._best(finished, (ids, ops.where((t >= self.lengths)[:, None], ranked, -float("inf"))))
        return ops.where(scores[..., None] > -float("inf"), ids, 0), scores

    def _ranked(self, totals: Any, length: Any) -> Any:
        """Sums of scores divided by a power of the number of scored symbols."""
        if is_number(self.length_penalty, 0):
            return totals
        return totals / ops.power(ops.cast(length, "float32"), ops.cast(self.length_penalty, "float32"))

    def _best(self, *sequences: tuple[Any, Any]) -> tuple[Any, Any]:
        """The best `beam_width` sequences of several sets."""
        ids, scores = (ops.concatenate(x, axis=1) for x in zip(*sequences))  # (batch, several * beams, …)
        scores, chosen = ops.top_k(scores, self.beam_width)  # (batch, beams)
        return _gather(ids, chosen), scores

    def _end_scores(self, scores: Any, symbols: Any) -> Any:
        """Scores of the end symbol, -inf where it is no candidate, ``(batch, beams)``."""
        if symbols is None:
            return scores[..., self.constraints.end_id]
        return ops.max(ops.where(symbols == self.constraints.end_id, scores, -float("inf")), axis=-1)

    def _extend(self, totals: Any, scores: Any, symbols: Any) -> tuple[Any, Any, Any]:
        """The best extensions by one symbol, without the end: parents, symbols and totals ``(batch, beams)``."""
        count = ops.shape(scores)[-1]
        if isinstance(count, int) and count >= 2 * GROUP * GROUP:
            # Only the best candidates of a beam can be chosen, and one more in place of the end.
            size, count = count, smaller(self.beam_width + 1, count)
            scores, places = top_k_of_many(scores, count)  # (batch, beams, beams + 1)
            places = ops.minimum(places, size - 1)  # places of the padding of groups are impossible
            symbols = places if symbols is None else ops.take_along_axis(symbols, places, axis=-1)
        elif symbols is None:
            symbols = ops.broadcast_to(ops.arange(count, dtype="int32"), ops.shape(scores))
        if self.constraints.end_id is not None:
            scores = ops.where(symbols == self.constraints.end_id, -float("inf"), scores)
        flat = (self.batch, self.beam_width * count)
        totals, chosen = ops.top_k(ops.reshape(totals[..., None] + scores, flat), self.beam_width)
        return ops.cast(chosen, "int32") // count, _gather(ops.reshape(symbols, flat), chosen), totals


def _gather(x: Any, places: Any) -> Any:
    """``x[b, places[b, i]]``: ``(batch, size, …)`` and ``(batch, count)`` to ``(batch, count, …)``."""
    batch, size, *rest = ops.shape(x)
    rows = ops.cast(places, "int32") + size * ops.arange(batch, dtype="int32")[:, None]
    return ops.take(ops.reshape(x, (batch * size, *rest)), rows, axis=0)

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
    """The best sequences of each row of a batch, by a beam.

    All rows are searched at once, by `keras.ops` only, so that the search runs inside a compiled graph. A sequence
    that takes the end symbol leaves the beam for a pool of finished ones, so that it never displaces one that goes
    on. The search stops as soon as no sequence in any beam can still come among the finished ones; that changes no
    result as long as no score is above 0, which holds for log probabilities.

    Args:
        step: function of ``(t, history, state)``, where ``t`` is the step (an int32 scalar), ``history``, int32
            ``(batch, beam_width, steps)``, holds the ids so far and zeros after them, and ``state`` is what the step
            before has returned. It returns scores, float ``(batch, beam_width, candidates)``, usually log
            probabilities, -inf for what is impossible; the ids that they belong to, int32 of the same shape, in which
            no two possible candidates of a beam are the same, or None if candidate c is id c; and the new state.
        state: tensors ``(batch, beam_width, …)`` in any nesting, ``[]`` for none. They follow their sequences as
            these change places.
        batch, steps: ints or int32 scalars.
        beam_width: int, the number of sequences that are kept, and returned; on TensorFlow also an int32 scalar.
        lengths: int32 ``(batch,)``, how many ids a sequence of each row has: exactly without an end symbol, at most
            with one. None stands for `steps`.
        end_id: int, the symbol that ends a sequence; its score counts, but it is not among the ids that are returned.
            A sequence of the maximum length stops without it. None if nothing ends a sequence but its length.
        min_length: int or int32 scalar; the end is impossible before that many ids.
        length_penalty: float or float scalar p; sequences are ranked by the sum of their scores divided by the p-th
            power of the number of scored symbols, the end counted. 0 ranks by the sum, 1 by the mean.
        no_repeat: int n; no n-gram of ids occurs twice in a sequence. 0 allows every repetition.
        forbidden: bool ``(num_ids,)`` or ``(batch, num_ids)``, true for ids that must not be chosen, or None.
        required: int32 ``(batch, steps)``, the id that must stand at a step and 0 where any may, or None. It overrides
            the other rules.

    Returns:
        Ids, int32 ``(batch, beam_width, steps)``, best first, 0 after the end; and the scores by which they are
        ranked, float32 ``(batch, beam_width)``. Where a row has fewer sequences, the rest have zeros and -inf.

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
    ``(batch, beams, steps)`` and scores ``(batch, beams)``, best first; and the flat state.
    """

    step: Callable
    state: Any
    batch: Any
    steps: Any
    beam_width: Any
    lengths: Any
    length_penalty: Any
    constraints: Constraints

    def start(self):
        """The variables before the first step."""
        ids = ops.zeros((self.batch, self.beam_width, self.steps), dtype="int32")
        none = ops.full((self.batch, self.beam_width), -float("inf"), dtype="float32")
        # All beams begin alike, so only the first of them counts.
        totals = ops.where(ops.arange(self.beam_width) == 0, 0.0, none)
        return ops.convert_to_tensor(0, dtype="int32"), (ids, totals), (ids, none), keras.tree.flatten(self.state)

    def goes_on(self, t, alive, finished, state):
        """Whether, in any row, a beam can still come before the worst finished sequence."""
        # Scores only fall, so the best that a beam can hope for is to add nothing, at the length that suits it best.
        length = ops.where(ops.convert_to_tensor(self.length_penalty, "float32") < 0, t + 1, self.lengths)
        bound = self._ranked(alive[1][:, 0], length)  # (batch,)
        return ops.any((t < self.lengths) & (bound > finished[1][:, -1]))

    def advance(self, t, alive, finished, state):
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
        # A row past its length stays as it is.
        parents = ops.where(is_on, parents, ops.arange(self.beam_width, dtype="int32"))  # (batch, beams)
        history, state = keras.tree.map_structure(lambda x: _gather(x, parents), (history, state))
        symbols = ops.where(is_on & (new > -float("inf")), symbols, 0)
        is_now = ops.arange(self.steps, dtype="int32") == t  # (steps,)
        history = ops.where(is_now, symbols[..., None], history)
        return t + 1, (history, ops.where(is_on, new, totals)), finished, keras.tree.flatten(state)

    def result(self, t, alive, finished):
        """The best of the finished sequences and of those that have reached their length."""
        ids, totals = alive
        ranked = self._ranked(totals, ops.maximum(self.lengths, 1)[:, None])
        ids, scores = self._best(finished, (ids, ops.where((t >= self.lengths)[:, None], ranked, -float("inf"))))
        return ops.where(scores[..., None] > -float("inf"), ids, 0), scores

    def _ranked(self, totals, length):
        """Sums of scores, divided by a power of the number of symbols that were scored."""
        if is_number(self.length_penalty, 0):
            return totals
        return totals / ops.power(ops.cast(length, "float32"), ops.cast(self.length_penalty, "float32"))

    def _best(self, *sequences):
        """The best of several sets of sequences, as many as one set has."""
        ids, scores = (ops.concatenate(x, axis=1) for x in zip(*sequences))  # (batch, several * beams, …)
        scores, chosen = ops.top_k(scores, self.beam_width)  # (batch, beams)
        return _gather(ids, chosen), scores

    def _end_scores(self, scores, symbols):
        """Scores of the end symbol, -inf where it is no candidate, ``(batch, beams)``."""
        if symbols is None:
            return scores[..., self.constraints.end_id]
        return ops.max(ops.where(symbols == self.constraints.end_id, scores, -float("inf")), axis=-1)

    def _extend(self, totals, scores, symbols):
        """The best sequences of one more symbol, without the end: parents, symbols and totals ``(batch, beams)``."""
        count = ops.shape(scores)[-1]
        if isinstance(count, int) and count >= 2 * GROUP * GROUP:
            # Of each beam only the best candidates can be chosen, and one more in place of the end.
            size, count = count, smaller(self.beam_width + 1, count)
            scores, places = top_k_of_many(scores, count)  # (batch, beams, beams + 1)
            places = ops.minimum(places, size - 1)  # those of the filling up to whole groups are impossible
            symbols = places if symbols is None else ops.take_along_axis(symbols, places, axis=-1)
        elif symbols is None:
            symbols = ops.broadcast_to(ops.arange(count, dtype="int32"), ops.shape(scores))
        if self.constraints.end_id is not None:
            scores = ops.where(symbols == self.constraints.end_id, -float("inf"), scores)
        flat = (self.batch, self.beam_width * count)
        totals, chosen = ops.top_k(ops.reshape(totals[..., None] + scores, flat), self.beam_width)
        return ops.cast(chosen, "int32") // count, _gather(ops.reshape(symbols, flat), chosen), totals


def _gather(x, places):
    """For each row of ``(batch, size, …)`` what stands at its places ``(batch, count)``: ``(batch, count, …)``."""
    batch, size, *rest = ops.shape(x)
    rows = ops.cast(places, "int32") + size * ops.arange(batch, dtype="int32")[:, None]
    return ops.take(ops.reshape(x, (batch * size, *rest)), rows, axis=0)

"""Sentences of a file with the same meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from nlpkit.tasks.similarity.index.cells import CellIndex, cells_for
from nlpkit.tasks.similarity.index.table import VectorTable
from nlpkit.tasks.similarity.scoring.score import CANDIDATES, PairScore
from nlpkit.terminal import progress_bar

_AT_ONCE = 1024  # sentences in a batch


def duplicates(
    texts: Sequence[str], encode: Callable[[Sequence[str]], np.ndarray], score: PairScore, threshold: float
) -> list[tuple[float, int, int]]:
    """Pairs of sentences whose score is at least a threshold.

    Each sentence is compared with its `CANDIDATES` nearest by cosine; an identical sentence is a pair with its first
    occurrence alone.

    Args:
        texts: sentences, none of them empty.
        encode: function from sentences to unit vectors.
        score: score of pairs.
        threshold: lowest score, from 0 to 1.

    Returns:
        Score and both places of each pair, the surest first.
    """
    firsts: dict[str, int] = {}
    found = {(firsts[text], place): 1.0 for place, text in enumerate(texts) if firsts.setdefault(text, place) != place}
    distinct, places = [*firsts], [*firsts.values()]
    vectors = encode(distinct)
    index: CellIndex | VectorTable = cells_for(vectors, "auto") or VectorTable(vectors)
    with progress_bar("sentences", hidden=len(distinct) <= _AT_ONCE) as bar:
        row = bar.add_task("comparing", total=len(distinct))
        for start in range(0, len(distinct), _AT_ONCE):
            cosines, others = index.nearest(vectors[start : start + _AT_ONCE], CANDIDATES + 1)
            own = np.repeat(np.arange(start, start + len(others)), others.shape[1])
            is_other = own != others.ravel()
            first, second = np.sort([own[is_other], others.ravel()[is_other]], axis=0)
            for one, other, each in _scored(distinct, first, second, cosines.ravel()[is_other], score):
                found[places[one], places[other]] = each
            bar.advance(row, len(others))
    kept = [(each, *pair) for pair, each in found.items() if each >= threshold]
    return sorted(kept, key=lambda each: (-each[0], each[1:]))


def _scored(
    texts: Sequence[str], first: np.ndarray, second: np.ndarray, cosines: np.ndarray, score: PairScore
) -> Iterator[tuple[int, int, float]]:
    """Both places and the score of each pair."""
    logits = score.logits([texts[i] for i in first], [texts[i] for i in second], cosines)
    return zip(first.tolist(), second.tolist(), score.from_logits(logits).tolist())

"""Vectors to answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nlpkit.tasks.similarity.answers import SentencePair, SentenceVector


def answers_of(
    records: Sequence[tuple[str, ...]], vectors: np.ndarray, threshold: float
) -> list[SentenceVector | SentencePair]:
    """An answer for each record.

    Args:
        records: sentences, one or two each.
        vectors: float ``(sentences, size)``, of length 1, in their order; zeros for an empty one.
        threshold: cosine from which two sentences count as the same.
    """
    answers: list[SentenceVector | SentencePair] = []
    place = 0
    for record in records:
        own = vectors[place : place + len(record)]
        place += len(record)
        is_empty = not own.any(axis=1).all()
        if len(record) == 1:
            answers.append(SentenceVector(record[0], () if is_empty else tuple(own[0].tolist())))
        else:
            cosine = None if is_empty else round(float(own[0] @ own[1]), 6)
            answers.append(SentencePair(record[0], record[1], cosine, None if cosine is None else cosine >= threshold))
    return answers

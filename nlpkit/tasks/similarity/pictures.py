"""Vectors and scores to pictures for the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.ops.tsne import tsne
from nlpkit.tasks.pictures import Distribution, Listing, Map, Picture
from nlpkit.tasks.similarity.evaluate import labelled_logits, lists_of, logits_of_lists
from nlpkit.tasks.similarity.examples import Pair, group_numbers
from nlpkit.tasks.similarity.score import PairScore

_GROUPS = 30  # on the map
_WRONG = 20  # questions that are listed


def pictures_of(examples: Sequence[Any], vectors: np.ndarray, score: PairScore) -> list[Picture]:
    """A map of groups, questions whose nearest sentence is of another group, and how scores are spread.

    Args:
        examples: sentences in groups, or pairs.
        vectors: float32 ``(sentences, size)``, of length 1, those of pairs side by side.
        score: of pairs.
    """
    is_same, logits = labelled_logits(examples, vectors, score)
    scores = score.from_logits(logits)
    names = ("pairs that mean the same", "pairs that do not, the likeliest ones")
    spread = Distribution("Scores of pairs", {names[0]: scores[is_same], names[1]: scores[~is_same]}, 0.5)
    if isinstance(examples[0], Pair):
        return [spread]
    return [*_map(examples, vectors), _wrong(examples, vectors, score), spread]


def _map(sentences, vectors):
    groups = group_numbers(sentences)
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    chosen = np.flatnonzero(sizes > 1)[:_GROUPS]
    rows = np.flatnonzero(np.isin(groups, chosen))
    if not len(rows):
        return []
    rows = rows[np.argsort(groups[rows], kind="stable")]
    texts, title = [sentences[row].text for row in rows], f"Sentences of {len(chosen)} groups, by t-SNE"
    return [Map(title, texts, tsne(vectors[rows], perplexity=5.0), groups[rows].tolist())]


def _wrong(sentences, vectors, score):
    lists = lists_of(vectors, group_numbers(sentences))
    logits = logits_of_lists(sentences, lists, score)
    scores = score.from_logits(logits)
    own = np.where(lists.is_own, logits, -np.inf)
    others = np.where(lists.is_own, -np.inf, logits)
    wrong = np.flatnonzero(others.max(axis=1, initial=-np.inf) > own.max(axis=1, initial=-np.inf))
    rows = []
    for i in wrong[np.linspace(0, len(wrong) - 1, min(_WRONG, len(wrong))).astype(int)]:
        best, found = own[i].argmax(), others[i].argmax()
        right = [sentences[lists.rows[i, best]].text, f"{scores[i, best]:.4f}"] if lists.is_own[i].any() else ["", ""]
        near = [sentences[lists.rows[i, found]].text, f"{scores[i, found]:.4f}"]
        rows.append([sentences[lists.queries[i]].text, *near, *right])
    title = f"Questions whose nearest sentence is of another group: {len(wrong):,} of {len(lists.queries):,}"
    columns = ("question", "nearest sentence", "score", "nearest of its group", "score")
    return Listing(title, columns, rows)

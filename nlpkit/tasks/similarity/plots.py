"""Plots of vectors and scores for the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.ops.tsne import tsne
from nlpkit.tasks.shared.plots import Distribution, Listing, Map, Plot
from nlpkit.tasks.similarity.evaluate import labelled_groups, labelled_pairs, pair_cosines
from nlpkit.tasks.similarity.examples import Pair, Sentence, group_numbers
from nlpkit.tasks.similarity.scoring.lists import Lists, lists_of
from nlpkit.tasks.similarity.scoring.score import PairScore

_GROUPS = 30  # number of groups on the map
_WRONG = 20  # number of questions in the list


def plots_of(examples: Sequence[Any], vectors: np.ndarray, score: PairScore) -> list[Plot]:
    """A map of groups, a list of questions whose nearest sentence is of another group, and the distribution of scores.

    Args:
        examples: sentences in groups, or pairs.
        vectors: unit vectors, float32 ``(sentences, size)``, of pairs one after the other.
        score: score of pairs.
    """
    if isinstance(examples[0], Pair):
        return [_spread(score, *labelled_pairs(examples, pair_cosines(vectors), score))]
    lists = lists_of(examples, vectors)
    logits = lists.logits(score)
    spread = _spread(score, *labelled_groups(lists, vectors, score, logits))
    return [*_map(examples, vectors), _wrong(lists, logits, score), spread]


def _spread(score: PairScore, is_same: np.ndarray, logits: np.ndarray) -> Distribution:
    scores = score.from_logits(logits)
    names = ("pairs with the same meaning", "likeliest pairs with different meanings")
    return Distribution("Scores of pairs", {names[0]: scores[is_same], names[1]: scores[~is_same]}, 0.5)


def _map(sentences: Sequence[Sentence], vectors: np.ndarray) -> list[Plot]:
    groups = group_numbers(sentences)
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    chosen = np.flatnonzero(sizes > 1)[:_GROUPS]
    rows = np.flatnonzero(np.isin(groups, chosen))
    if not len(rows):
        return []
    rows = rows[np.argsort(groups[rows], kind="stable")]
    texts, title = [sentences[row].text for row in rows.tolist()], f"Sentences of {len(chosen)} groups, by t-SNE"
    return [Map(title, texts, tsne(vectors[rows], perplexity=5.0), groups[rows].tolist())]


def _wrong(lists: Lists, logits: np.ndarray, score: PairScore) -> Listing:
    sentences, scores = lists.sentences, score.from_logits(logits)
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

"""Metrics of word vectors: on text, pairs of words, and analogies."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nlpkit.metrics import analogy_hits, spearman
from nlpkit.tasks.word2vec.corpus import EDGE, Corpus
from nlpkit.tasks.word2vec.decode import WordTable
from nlpkit.tasks.word2vec.questions import Analogy, Pair
from nlpkit.text.vocabulary import FIRST_ID

_TRIALS = 100_000  # largest number of pairs of words for `neighbours`
_TRIALS_AT_ONCE = 4096


def scores(table: WordTable, contexts: Callable[[], np.ndarray], examples: Any) -> dict[str, Any]:
    """Metrics over examples of any kind.

    Args:
        table: the words.
        contexts: function that returns the context vectors of the words, needed for text only, float32
            ``(words + 2, size)``.
        examples: a `Corpus`, or a sequence of `Pair` or of `Analogy`.
    """
    if isinstance(examples, Corpus):
        return {"neighbours": predict_neighbours(table, contexts(), examples)}
    return (rank_pairs if isinstance(examples[0], Pair) else solve_analogies)(table, examples)


def rank_pairs(table: WordTable, pairs: Sequence[Pair]) -> dict[str, float]:
    """``spearman``, the rank correlation of the pairs' scores with the cosines of their words, and ``coverage``, the
    share of the pairs whose words have vectors, own ones or from subwords."""
    words = sorted({word for pair in pairs for word in pair.words})
    every = {word: table.unit_of(word) for word in words}
    # A vector of zeros has no direction.
    unit = {word: vector for word, vector in every.items() if vector is not None and vector.any()}
    known = [pair for pair in pairs if all(word in unit for word in pair.words)]
    coverage = {"coverage": len(known) / len(pairs)}
    if not known:
        return coverage
    cosines = [float(unit[first] @ unit[second]) for first, second in (pair.words for pair in known)]
    return {"spearman": spearman([pair.score for pair in known], cosines), **coverage}


def solve_analogies(table: WordTable, analogies: Sequence[Analogy]) -> dict[str, Any]:
    """``accuracy`` by 3CosAdd on the analogies whose words are all known; ``coverage``, their share; and ``sections``,
    the accuracy of each section."""
    ids = [table.vocabulary.encode(analogy.words) - FIRST_ID for analogy in analogies]
    known = [i for i, row in enumerate(ids) if row.min() >= 0]
    coverage = len(known) / len(analogies)
    if not known:
        return {"coverage": coverage}
    hits = analogy_hits(table.unit, np.stack([ids[i] for i in known]))
    sections: collections.defaultdict[str, list[Any]] = collections.defaultdict(list)
    for i, hit in zip(known, hits):
        sections[analogies[i].section].append(hit)
    shares = {name: {"accuracy": float(np.mean(of)), "known": len(of)} for name, of in sections.items()}
    return {"accuracy": float(hits.mean()), "coverage": coverage, "sections": shares}


def predict_neighbours(table: WordTable, contexts: np.ndarray, corpus: Corpus) -> float:
    """Share of pairs in which the right neighbour of a word scores higher than a random word; 0.5 is chance.

    Args:
        table: the words.
        contexts: context vectors of the words, float32 ``(ids, size)``.
        corpus: the text.
    """
    ids = table.vocabulary.encode(corpus.words) - FIRST_ID
    words = np.append(np.where(ids >= 0, ids, EDGE), EDGE)[corpus.ids]
    beside = np.flatnonzero((words[:-1] >= 0) & (words[1:] >= 0) & (words[:-1] != words[1:]))
    if not len(beside):
        return 0.5
    rng = np.random.default_rng(0)
    beside = rng.choice(beside, min(_TRIALS, len(beside)), replace=False)
    others = rng.choice(words[words >= 0], len(beside))
    contexts = contexts[FIRST_ID:]
    won = 0.0
    for start in range(0, len(beside), _TRIALS_AT_ONCE):
        some = slice(start, start + _TRIALS_AT_ONCE)
        positive, negative = contexts[words[beside[some] + 1]], contexts[others[some]]
        gap = ((positive - negative) * table.vectors[words[beside[some]]]).sum(axis=1)
        won += (gap > 0).sum() + 0.5 * (gap == 0).sum()
    return float(won / len(beside))

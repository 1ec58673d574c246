"""Metrics of extracted triples, each under the name of its protocol."""

from __future__ import annotations

import collections
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from nlpkit.metrics import (
    alias_triple_scores,
    partial_triple_scores,
    scores_by_count,
    scores_by_overlap,
    scores_by_predicate,
    triple_scores,
)
from nlpkit.tasks.extraction.answers import Extraction, Triple
from nlpkit.tasks.extraction.examples import Example

_THRESHOLDS = np.arange(0.1, 0.91, 0.02)


def best_threshold(examples: Sequence[Example], answers: Sequence[Extraction]) -> float:
    """The threshold of probability with the best F1 of exact triples.

    Args:
        examples: texts with the right triples.
        answers: answers that include triples of low probability.
    """
    probabilities: list[float | None] = []
    is_right: list[bool] = []
    for example, answer in zip(examples, answers, strict=True):
        wanted = {triple.key for triple in example.triples}
        probabilities += [triple.probability for triple in answer]
        is_right += [triple.key in wanted for triple in answer]
    given = np.array(probabilities, "float64")
    right = np.array(is_right, bool)
    total = sum(len({triple.key for triple in example.triples}) for example in examples)
    f1 = [2 * right[given >= t].sum() / max(int((given >= t).sum()) + total, 1) for t in _THRESHOLDS]
    # The middle of the best thresholds, often several in a row.
    best = np.flatnonzero(np.array(f1) >= max(f1) - 1e-12)
    return float(_THRESHOLDS[best[len(best) // 2]].round(2))


def quality(
    examples: Sequence[Example],
    answers: Sequence[Extraction],
    predicates: Collection[str],
    aliases: Mapping[str, Collection[str]],
    seen: Any = None,
) -> dict[str, Any]:
    """Quality of answers.

    Args:
        examples: texts with the right triples.
        answers: the answer for each text.
        predicates: predicates of the model.
        aliases: aliases by name, for the protocol ``aliases``; may be empty.
        seen: container of the triples of the training data, or None if they are unknown.

    Returns:
        The scores of `nlpkit.metrics.triple_scores` for exact triples. Tables: ``protocols``, the same beside others;
        ``seen``, for triples within the training data or not, if they are known; ``overlap`` and
        ``triples a sentence``, by kinds of sentences; and ``predicates``.
    """
    gold = [[triple.key for triple in example.triples] for example in examples]
    found = [[triple.key for triple in answer] for answer in answers]
    exact = triple_scores(gold, found)
    protocols = {"exact": exact, "partial (subject, object)": partial_triple_scores(gold, found)}
    with_offsets = [pair for pair in zip(examples, answers) if all(each.places for each in pair[0].triples)]
    if any(example.triples for example, _ in with_offsets):
        both = ([[triple.places or () for triple in own] for own in side] for side in _sides(with_offsets))
        protocols["exact, with offsets"] = triple_scores(*both)  # over texts whose triples all have offsets
    if aliases:
        protocols["aliases"] = alias_triple_scores(gold, found, aliases)
    scores: dict[str, Any] = {**exact, "protocols": protocols}
    unknown = sum(key[1] not in predicates for own in gold for key in own)
    if unknown:
        scores["triples of unknown predicates"] = unknown
    if seen is not None:
        scores["seen"] = {
            name: triple_scores(
                *([[key for key in own if (key in seen) == is_seen] for own in each] for each in (gold, found))
            )
            for name, is_seen in (("seen in training", True), ("not seen", False))
        }
    scores["overlap"] = scores_by_overlap(gold, found)
    scores["triples a sentence"] = scores_by_count(gold, found)
    scores["predicates"] = scores_by_predicate(gold, found)
    return scores


def _sides(pairs: Sequence[tuple[Example, Extraction]]) -> tuple[list[Sequence[Triple]], list[Sequence[Triple]]]:
    return [example.triples for example, _ in pairs], [answer.triples for _, answer in pairs]


def common_errors(examples: Sequence[Example], answers: Sequence[Extraction]) -> list[tuple[Any, ...]]:
    """Numbers of right, missed and wrong triples of each predicate, with an example of both, most errors first."""
    right: collections.Counter[str] = collections.Counter()
    missed: dict[str, list[str]] = collections.defaultdict(list)
    wrong: dict[str, list[str]] = collections.defaultdict(list)
    for example, answer in zip(examples, answers, strict=True):
        wanted, given = {triple.key for triple in example.triples}, {triple.key for triple in answer}
        right.update(predicate for _, predicate, _ in wanted & given)
        for keys, errors in ((sorted(wanted - given), missed), (sorted(given - wanted), wrong)):
            for subject, predicate, object_ in keys:
                errors[predicate].append(f"{subject} → {object_}")
    names = sorted({*right, *missed, *wrong}, key=lambda name: (-len(missed[name]) - len(wrong[name]), name))
    return [
        (
            name,
            right[name],
            len(missed[name]),
            len(wrong[name]),
            *(next(iter(each[name]), "") for each in (missed, wrong)),
        )
        for name in names
    ]

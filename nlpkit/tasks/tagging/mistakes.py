"""Differences between the spans of two answers to one text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nlpkit.prediction.answers import Mistake


def word_mistakes(right: Sequence[Any], found: Sequence[Any]) -> Iterator[Mistake]:
    """The smallest parts of a text whose ends two segmentations share, but not the boundaries inside.

    Args:
        right, found: right and predicted words, with ``text`` and ``end``.

    Example:

        >>> from nlpkit.tasks.tagging.answers import Word
        >>> right, found = [Word("天气", 0, 2)], [Word("天", 0, 1), Word("气", 1, 2)]
        >>> next(word_mistakes(right, found))[:3]
        ('split', '天气', '天 气')
    """
    rest = [list(right), list(found)]
    while all(rest):
        sides = [[words.pop(0)] for words in rest]
        ends = [side[-1].end for side in sides]
        while ends[0] != ends[1] and rest[ends[0] > ends[1]]:
            shorter = int(ends[0] > ends[1])
            sides[shorter].append(rest[shorter].pop(0))
            ends = [side[-1].end for side in sides]
        texts = [" ".join(word.text for word in side) for side in sides]
        if texts[0] != texts[1]:
            kind = "split" if len(sides[0]) == 1 else "joined" if len(sides[1]) == 1 else "cut elsewhere"
            yield Mistake(kind, texts[0], texts[1])


def span_mistakes(right: Sequence[Any], found: Sequence[Any]) -> Iterator[Mistake]:
    """The missed and spurious spans, and those with another label or other ends, between two lists of spans.

    Args:
        right, found: right and predicted spans with ``text``, ``start``, ``end`` and ``label``, in order.
    """
    exact = {(each.start, each.end, each.label) for each in right} & {(e.start, e.end, e.label) for e in found}
    right, found = ([e for e in side if (e.start, e.end, e.label) not in exact] for side in (right, found))
    met = set()
    for each in right:
        near = [other for other in found if other.start < each.end and each.start < other.end]
        met |= {id(other) for other in near}
        instead = " ".join(f"{other.text}/{other.label}" for other in near)
        if not near:
            kind, labels = f"{each.label} missed", None
        elif any((other.start, other.end) == (each.start, each.end) for other in near):
            kind, labels = f"{each.label} taken for {near[0].label}", (each.label, near[0].label)
        elif all(other.label == each.label for other in near):
            kind, labels = f"{each.label} with other ends", None
        else:
            kind, labels = f"{each.label} with other ends, as {near[0].label}", (each.label, near[0].label)
        yield Mistake(kind, f"{each.text}/{each.label}", instead, labels)
    for other in found:
        if id(other) not in met:
            yield Mistake(f"{other.label} where there is none", "", f"{other.text}/{other.label}")

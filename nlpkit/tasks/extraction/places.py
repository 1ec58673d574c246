"""Places of names in texts, in characters and in units."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nlpkit.tasks.extraction.answers import Triple
from nlpkit.tasks.shared.records import Sentence
from nlpkit.text.sentences import sentence_ends

Span = tuple[int, int]
"""First and last unit."""
BY_SENTENCE = 0.99
"""Share of triples with both names in one sentence from which texts are read sentence by sentence."""
_MOST = 8  # largest number of occurrences of a name in a text
_NESTED = 1000  # distance of two names of which one lies in the other, in units


class Place(NamedTuple):
    """The spans of a triple in a text, and the id of its predicate."""

    subject: Span
    object: Span
    predicate: int


class Ruler:
    """Conversion between characters and units of a sentence.

    Args:
        sentence: a text, or its tokens.
    """

    def __init__(self, sentence: Sentence):
        self._text, self._tokens, self._starts = sentence.text, sentence.tokens, sentence.starts
        if self._tokens is not None:
            self._unit_at = {start: i for i, start in enumerate(self._starts)}
            self._unit_to = {start + len(token): i for i, (start, token) in enumerate(zip(self._starts, self._tokens))}

    def units(self, start: int, end: int) -> Span | None:
        """The units of characters from `start` to before `end`, or None if these don't begin and end with tokens."""
        if self._tokens is None:
            return start, end - 1
        first, last = self._unit_at.get(start), self._unit_to.get(end)
        return None if first is None or last is None else (first, last)

    def characters(self, span: Span) -> tuple[int, int]:
        """The characters of a span of units, from the first to before the second number."""
        first, last = span
        if self._tokens is None:
            return first, last + 1
        return self._starts[first], self._starts[last] + len(self._tokens[last])

    def sentence_ends(self) -> list[int]:
        """The ends of sentences, in units; the last one is the end of the text."""
        ends = sentence_ends(self._text)
        if self._tokens is None:
            return ends
        return sorted({bisect.bisect_left(self._starts, end) for end in ends} - {0})

    def find(self, name: str) -> Iterator[Span]:
        """The units of the first occurrences of a name."""
        start, count = self._text.find(name), 0
        while start >= 0 and count < _MOST:
            span = self.units(start, start + len(name))
            if span is not None:
                count += 1
                yield span
            start = self._text.find(name, start + 1)

    def place(self, triple: Triple) -> tuple[Span, Span] | None:
        """The spans of the subject and the object of a triple; None if one of them does not occur as whole units.

        Without offsets these are the two spans nearest to each other, which most likely state the triple.
        """
        subjects, objects = (
            [self.units(start, end)] if start is not None and end is not None else [*self.find(name)]
            for name, start, end in (
                (triple.subject, triple.subject_start, triple.subject_end),
                (triple.object, triple.object_start, triple.object_end),
            )
        )
        pairs = [(one, other) for one in subjects for other in objects if one and other]
        return min(pairs, key=lambda pair: _distance(*pair)) if pairs else None


def _distance(one: Span, other: Span) -> int:
    """Units between two spans; overlapping spans count as far apart."""
    if one == other:
        return 2 * _NESTED
    gap = max(one[0] - other[1], other[0] - one[1])
    return gap if gap > 0 else _NESTED


def share_within_sentences(sentences: Sequence[Sentence], places: Sequence[Sequence[Place]]) -> float:
    """Share of the triples of texts with both names in one sentence, from 0 to 1; 1 without triples."""
    within = total = 0
    for sentence, own in zip(sentences, places):
        ends = Ruler(sentence).sentence_ends() if own else []
        for place in own:
            first = min(place.subject[0], place.object[0])
            last = max(place.subject[1], place.object[1])
            within += bisect.bisect_right(ends, first) == bisect.bisect_right(ends, last)
            total += 1
    return within / total if total else 1.0


def places_of(
    sentences: Sequence[Sentence], triples: Sequence[Sequence[Triple]], predicates: Sequence[str]
) -> tuple[list[list[Place]], int]:
    """The places of the triples of sentences, and the number of triples whose names split tokens.

    Args:
        sentences: the texts.
        triples: the triples of each text.
        predicates: known predicates in the order of their ids; triples of others are left out.
    """
    ids = {name: i for i, name in enumerate(predicates)}
    placed: list[list[Place]] = []
    split = 0
    for sentence, own in zip(sentences, triples):
        ruler, places = Ruler(sentence), []
        for triple in own:
            pair = ruler.place(triple) if triple.predicate in ids else None
            if pair is not None:
                places.append(Place(*pair, ids[triple.predicate]))
            elif triple.predicate in ids and triple.subject in sentence.text and triple.object in sentence.text:
                split += 1
        placed.append(places)
    return placed, split

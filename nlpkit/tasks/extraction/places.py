"""Names in texts: where they stand, in characters and in units."""

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
"""Share of triples with both names in one sentence from which on texts are read by sentence."""
_MOST = 8  # places of one name in a text that are looked at
_NESTED = 1000  # so far apart count two names of which one lies in the other


class Place(NamedTuple):
    """Where a triple stands in a text, and which predicate it has."""

    subject: Span
    object: Span
    predicate: int


class Ruler:
    """Places of a sentence in characters and in units.

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
        """From which to before which character units go."""
        first, last = span
        if self._tokens is None:
            return first, last + 1
        return self._starts[first], self._starts[last] + len(self._tokens[last])

    def sentence_ends(self) -> list[int]:
        """After which units a sentence ends, the last one after the text."""
        ends = sentence_ends(self._text)
        if self._tokens is None:
            return ends
        return sorted({bisect.bisect_left(self._starts, end) for end in ends} - {0})

    def find(self, name: str) -> Iterator[Span]:
        """The units of the first places of a name."""
        start, found = self._text.find(name), 0
        while start >= 0 and found < _MOST:
            span = self.units(start, start + len(name))
            if span is not None:
                found += 1
                yield span
            start = self._text.find(name, start + 1)

    def place(self, triple: Triple) -> tuple[Span, Span] | None:
        """Where the subject and the object of a triple stand; None if one of them is not there as whole units.

        Of a triple without offsets the places that are nearest to each other are taken, for there it is most likely
        stated.
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


def _distance(one, other):
    """Units between two spans; spans that overlap count as far apart."""
    if one == other:
        return 2 * _NESTED
    gap = max(one[0] - other[1], other[0] - one[1])
    return gap if gap > 0 else _NESTED


def share_within_sentences(sentences: Sequence[Sentence], places: Sequence[Sequence[Place]]) -> float:
    """Which share of the triples of texts has both names in one sentence, from 0 to 1; 1 if there are none."""
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
    """Where the triples of sentences stand, and how many of those whose names are in the text don't end with tokens.

    Args:
        sentences: the texts.
        triples: of each.
        predicates: the known ones, in the order of their ids; triples of others are left out.
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

"""Plots of an extraction model for the report: triples as arcs over sentences, and the commonest errors."""

from __future__ import annotations

from collections.abc import Sequence

from nlpkit.tasks.extraction.answers import Extraction, Triple
from nlpkit.tasks.extraction.evaluate import common_errors
from nlpkit.tasks.extraction.examples import Example
from nlpkit.tasks.shared.plots import Arc, Arcs, Listing, Plot

_SHOWN = 8  # number of sentences
_LONGEST = 90  # longest sentence of a plot, in characters
_ERRORS = 20  # number of predicates


def triple_plots(examples: Sequence[Example], answers: Sequence[Extraction]) -> list[Plot]:
    """Arcs from subjects to objects, preferably of texts with several triples; and errors by predicate.

    Args:
        examples: texts with the right triples.
        answers: the answer for each text.
    """
    short = [
        (e, a) for e, a in zip(examples, answers, strict=True) if len(e.text) <= _LONGEST and (e.triples or a.triples)
    ]
    several = [pair for pair in short if len(pair[0].triples) > 1] or short
    chosen = several[:: max(1, len(several) // _SHOWN)][:_SHOWN]
    pictures: list[Plot] = [_arcs(example, answer) for example, answer in chosen]
    columns = ("predicate", "right", "missed", "wrong", "a missed one", "a wrong one")
    return [*pictures, Listing("Commonest errors", columns, common_errors(examples, answers)[:_ERRORS])]


def answer_arcs(answer: Extraction) -> Arcs:
    """The triples of a text as arcs over it."""
    arcs = [_arc(answer.text, triple, "") for triple in answer]
    return Arcs(f"Triples: {answer.text[:24]}", answer.text, tuple(arc for arc in arcs if arc))


def _arcs(example: Example, answer: Extraction) -> Arcs:
    given = {triple.key: triple for triple in answer}
    wanted = {triple.key for triple in example.triples}
    arcs = [_arc(example.text, triple, "right" if triple.key in wanted else "wrong") for triple in answer]
    arcs += [_arc(example.text, triple, "missed") for triple in example.triples if triple.key not in given]
    return Arcs(f"Triples: {example.text[:24]}", example.text, tuple(arc for arc in arcs if arc))


def _arc(text: str, triple: Triple, kind: str) -> Arc | None:
    starts = [
        place if place is not None else text.find(name)
        for name, place in ((triple.subject, triple.subject_start), (triple.object, triple.object_start))
    ]
    if min(starts) < 0:
        return None
    (a, b), lengths = starts, (len(triple.subject), len(triple.object))
    return Arc((a, a + lengths[0]), (b, b + lengths[1]), triple.predicate, kind)

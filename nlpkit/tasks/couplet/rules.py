"""The rules of couplets: tests of answers, and the tones that they demand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from nlpkit.errors import MissingPackageError
from nlpkit.tasks.couplet.config import RULES
from nlpkit.text.character_types import MARK, character_types
from nlpkit.text.characters import code_points
from nlpkit.text.tones import LEVEL, OBLIQUE, tones_of


def is_kept(rule: str, upper: str, lower: str) -> bool:
    """Whether an answer keeps a rule of `nlpkit.tasks.couplet.config.RULES`. Marks count for `punctuation` only.

    Raises:
        MissingPackageError: for `tone`, without pypinyin.
    """
    marks = character_types(code_points(upper)) == MARK
    if rule == "punctuation":
        return all(a == b for a, b, mark in zip(upper, lower, marks) if mark)
    if rule == "tone":
        return all(tones_of(lower[i]) & demand for i, demand in tone_demands(upper))
    pairs = [(a, b) for a, b, mark in zip(upper, lower, marks) if not mark]
    if rule == "no_copy":
        return all(a != b for a, b in pairs)
    if rule == "no_share":
        return {a for a, _ in pairs}.isdisjoint(b for _, b in pairs)
    return len({a for a, _ in pairs}) == len(set(pairs)) == len({b for _, b in pairs})  # repetition


def kept_rules(upper: str, lower: str) -> dict[str, bool]:
    """For each rule, whether an answer keeps it; `tone` is left out without pypinyin."""
    kept = {}
    for rule in RULES:
        with contextlib.suppress(MissingPackageError):
            kept[rule] = is_kept(rule, upper, lower)
    return kept


def tone_demands(upper: str) -> Iterator[tuple[int, int]]:
    """Positions of a lower line and the tone, `LEVEL` or `OBLIQUE`, that one of the character's readings must have.

    The key positions are the second, fourth, sixth … of each clause and its last. There an answer has the opposite tone
    of the upper line, or any if the upper line's character has readings of both kinds. The last character of the line
    is level.
    """
    marks = character_types(code_points(upper)) == MARK
    places = [i for i, mark in enumerate(marks) if not mark]
    within = 0
    for place, following in zip(places, [*places[1:], None]):
        within += 1
        ends = following is None or following != place + 1
        if following is None:
            yield place, LEVEL
        elif ends or within % 2 == 0:
            demand = {LEVEL: OBLIQUE, OBLIQUE: LEVEL}.get(tones_of(upper[place]))
            if demand:
                yield place, demand
        if ends:
            within = 0

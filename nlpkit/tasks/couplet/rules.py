"""The rules of couplets: what each demands of an answer, and whether an answer keeps it."""

from collections.abc import Iterable, Iterator

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.text.characters import code_points
from nlpkit.text.kinds import MARK, character_kinds
from nlpkit.text.tones import LEVEL, OBLIQUE, tones_of

RULES = {
    "no_copy": "no character answers itself",
    "no_share": "no character of the upper line stands anywhere in the lower one",
    "repetition": "characters of the lower line are equal exactly where those of the upper line are",
    "punctuation": "a punctuation mark answers itself",
    "tone": "at the key positions level and oblique tones answer each other, and the lower line ends on a level one",
}
"""Rules by name. That an answer has the length of its upper line is no rule: there is no other answer."""


def parse_rules(names: str | Iterable[str]) -> frozenset[str]:
    """A set of rules from names, or from one string with commas; ``none`` is the empty set.

    Raises:
        ConfigError: if there is no rule of a name.
    """
    if isinstance(names, str):
        names = [] if names == "none" else [name.strip() for name in names.split(",")]
    names = frozenset(names)
    for name in sorted(names - RULES.keys()):
        raise ConfigError(unknown_name("rule", name, [*RULES, "none"]))
    return names


def is_kept(rule: str, upper: str, lower: str) -> bool:
    """Whether an answer keeps a rule. Marks count for `punctuation` only."""
    marks = character_kinds(code_points(upper)) == MARK
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


def tone_demands(upper: str) -> Iterator[tuple[int, int]]:
    """Positions of a lower line and the tone, `LEVEL` or `OBLIQUE`, that one of the character's readings must have.

    The key positions are the second, fourth, sixth … of each clause and its last. There an answer has the tone that the
    upper line has not; where the upper line's character has readings of both kinds, anything goes. The last character
    of all is level.
    """
    marks = character_kinds(code_points(upper)) == MARK
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

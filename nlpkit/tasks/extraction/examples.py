"""Files to sentences with triples."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.bad_lines import read_good_lines
from nlpkit.datasets.files import read_lines
from nlpkit.datasets.readers import field_of, parse_object
from nlpkit.errors import DataError
from nlpkit.tasks.extraction.answers import Triple
from nlpkit.text.character_types import separates_words

_SHOWN = 5  # number of troubles of a kind in single notes
_LOOKED_AT = 500  # number of texts to detect the unit from


@dataclasses.dataclass(frozen=True)
class Example:
    """A text and its distinct triples."""

    text: str
    triples: tuple[Triple, ...]
    line: int


class Examples(list[Example]):
    """Examples, and aliases of the names in them.

    Attributes:
        aliases: other names by name, or empty.
    """

    aliases: Mapping[str, Collection[str]] = {}


class Trouble(NamedTuple):
    """A problem of a triple whose line is still of use."""

    kind: str
    line: int
    message: str


class Reading(NamedTuple):
    """The content of a file, with notes for people and counts of troubles."""

    examples: Examples
    notes: list[str]
    counts: dict[str, int]


TROUBLES = {
    "malformed": "triples that can't be read",
    "not_in_text": "triples whose subject or object is not in the text",
    "unknown_predicate": "triples of a predicate that the model does not know",
    "repeated": "triples listed twice for one text",
    "without_triples": "texts without triples",
}
"""Kinds of `Trouble`, and of the counts of a file."""


def read_triples(
    path: str | Path, on_error: str = "skip", predicates: Collection[str] | None = None, aliases: str = ""
) -> Reading:
    """The sentences of a JSON lines file, with notes about problems.

    A line is bad if it is not an object with a text and a list of triples; with ``on_error="stop"`` also if one of its
    triples can't be read, which is left out otherwise. A triple whose names are not in the text, or whose predicate is
    unknown, can't be learnt or predicted; it stays, since it counts in evaluation.

    Args:
        path: the file.
        on_error: action at a bad line, ``skip`` or ``stop``.
        predicates: predicates of the model, for evaluation, or None.
        aliases: file of aliases, or empty.

    Raises:
        DataError: if the file can't be read or holds no sentence.
    """
    troubles: list[Trouble] = []

    def parse(line: str, number: int) -> Example:
        return _parse(line, number, predicates, troubles, on_error == "stop")

    examples, notes, bad = read_good_lines(path, parse, on_error, "sentence with triples")
    counts = {"bad_lines": bad}
    for kind, meaning in TROUBLES.items():
        of_kind = [trouble for trouble in troubles if trouble.kind == kind]
        counts[kind] = len(of_kind)
        if kind == "without_triples":  # not a mistake
            continue
        notes += [str(DataError(each.message, path, each.line)) for each in of_kind[:_SHOWN]]
        if len(of_kind) > _SHOWN:
            notes.append(f"{path}: {len(of_kind):,} {meaning}")
    read = Examples(examples)
    if aliases:
        read.aliases = read_aliases(aliases)
    return Reading(read, notes, {kind: count for kind, count in counts.items() if count})


def _parse(line: str, number: int, predicates: Collection[str] | None, troubles: list[Trouble], stops: bool) -> Example:
    fields = parse_object(line, text=str, spo_list=list)
    text = fields["text"]
    if not text.strip():
        raise ValueError("the text is empty")
    triples: dict[tuple[str, str, str], Triple] = {}
    for given in fields["spo_list"]:
        try:
            triple = parse_triple(given, text)
        except ValueError as error:
            if stops:
                raise
            troubles.append(Trouble("malformed", number, f"a triple is left out: {error}"))
            continue
        description = f"({triple.subject}, {triple.predicate}, {triple.object})"
        for role in ("subject", "object"):
            if getattr(triple, role) not in text:
                name = getattr(triple, role)
                message = f"{description}: the {role} {name!r} is not in the text"
                troubles.append(Trouble("not_in_text", number, message))
                break
        if predicates is not None and triple.predicate not in predicates:
            message = f"{description}: the model does not know this predicate"
            troubles.append(Trouble("unknown_predicate", number, message))
        if triple.key in triples and triple.places in (None, triples[triple.key].places):
            troubles.append(Trouble("repeated", number, f"{description} is listed twice"))
        triples.setdefault(triple.key, triple)
    if not triples:
        troubles.append(Trouble("without_triples", number, "has no triples"))
    return Example(text, tuple(triples.values()), number)


def parse_triple(given: Any, text: str) -> Triple:
    """A triple of a data file.

    An object may also have the form of DuIE 2.0: a dictionary whose ``@value`` is the object itself.

    Raises:
        ValueError: if it is anything else.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"expected an object with subject, predicate and object. Received: {given!r:.60}")
    values = {name: _value(given.get(name)) for name in given}
    names = [field_of(values, name, str) for name in ("subject", "predicate", "object")]
    if not all(name.strip() for name in names):
        raise ValueError(f"subject, predicate or object is empty: {names!r:.60}")
    places: dict[str, Any] = {}
    for role, name in zip(("subject", "object"), (names[0], names[2])):
        if isinstance(values.get(f"{role}_type"), str) and values[f"{role}_type"]:
            places[f"{role}_type"] = values[f"{role}_type"]
        start = values.get(f"{role}_start")
        if start is None:
            continue
        end = start + len(name) if type(start) is int else None
        if end is None or text[start:end] != name or start < 0 or values.get(f"{role}_end", end) != end:
            raise ValueError(f"the text does not hold the {role} {name!r:.30} at {role}_start = {start!r}")
        places |= {f"{role}_start": start, f"{role}_end": end}
    return Triple(*names, **places)


def _value(given: Any) -> Any:
    return given.get("@value") if isinstance(given, Mapping) else given


def read_aliases(path: str | Path) -> dict[str, list[str]]:
    """Aliases from a file, the names of one thing on each line, separated by tabs: the other names by the first."""
    aliases: dict[str, list[str]] = {}
    for number, line in read_lines(path):
        names = [name.strip() for name in line.split("\t") if name.strip()]
        if len(names) == 1:
            raise DataError(f"expected two or more names, separated by tabs. Received: {line[:40]!r}", path, number)
        if names:
            aliases.setdefault(names[0], []).extend(names[1:])
    return aliases


def unit_of(texts: Iterable[str]) -> str:
    """``token`` if most letters of some texts are of scripts that separate words by spaces, else ``character``."""
    first = [text for text, _ in zip(texts, range(_LOOKED_AT))]
    return "token" if separates_words("".join(first)) else "character"


def types_of(examples: Iterable[Example]) -> dict[str, list[str]]:
    """The most frequent types of subject and object by predicate, for predicates whose triples have types."""
    counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for example in examples:
        for triple in example.triples:
            if triple.subject_type and triple.object_type:
                counts[triple.predicate][triple.subject_type, triple.object_type] += 1
    return {name: [*max(sorted(types), key=types.__getitem__)] for name, types in sorted(counts.items())}

"""Data files to examples: texts with a label for each of their characters, or for each of their tokens."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.files import ending_of, read_lines
from nlpkit.datasets.readers import field_of, read_conll, read_jsonl, read_words
from nlpkit.errors import DataError
from nlpkit.tasks.shared.records import column_of, tokens_of
from nlpkit.text import tag_schemes
from nlpkit.text.graphemes import graphemes

_SHOWN = 5  # number of places in an error about many
_LOOKED_AT = 200  # number of lines to detect the format from


@dataclasses.dataclass(frozen=True)
class Example:
    """A text with a label for each of its units: its characters, or its tokens.

    Attributes:
        text: the text; of tokens, with spaces between them.
        labels: the label of each unit.
        line: its first line in the file.
        tokens: the tokens, or None if the units are characters.
        columns: further columns of the file, a value for each token, by name.
    """

    text: str
    labels: tuple[str, ...]
    line: int
    tokens: tuple[str, ...] | None = None
    columns: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    @property
    def units(self) -> Sequence[str]:
        return self.text if self.tokens is None else self.tokens


def detect_format(path: str | Path) -> str:
    """`jsonl` by the file's name or first character, `conll` if most lines have columns and a label, else `words`."""
    begin = [line for _, line in itertools.islice(read_lines(path), _LOOKED_AT)]
    lines = [line for line in begin if line.strip()]
    if ending_of(path) == ".jsonl" or (lines and lines[0].lstrip().startswith("{")):
        return "jsonl"
    prefixes = tag_schemes.SCHEMES["BIOES"]
    columns = [line.split() for line in lines]
    labelled = sum(len(c) >= 2 and tag_schemes.split_label(c[-1])[0] in prefixes for c in columns)
    # Labels of an unknown scheme in a column of their own: the check of the scheme reports the error.
    tabbed = sum("\t" in line.rstrip() for line in lines)
    widths = {*map(len, columns)}
    is_table = len(widths) == 1 and min(widths) > 1 and len(lines) < len(begin)  # and empty lines between sentences
    return "conll" if lines and (2 * max(labelled, tabbed) >= len(lines) or is_table) else "words"


def read_examples(path: str | Path, file_format: str | None = None, columns: Sequence[str] = ()) -> list[Example]:
    """Examples of a file in any of the three formats, with the labels of the file.

    In columns and in JSON lines with ``tokens`` the units are tokens, see `to_characters`.
    """
    file_format = file_format or detect_format(path)
    if file_format == "words":
        examples = [_from_words(record.words, record.line) for record in read_words(path)]
    elif file_format == "conll":
        examples = [
            _from_tokens(record.tokens, record.labels, record.line, record.more) for record in read_conll(path, columns)
        ]
    else:
        examples = [_from_json(record.fields, path, record.line, columns) for record in read_jsonl(path)]
    examples = [example for example in examples if example.text]
    if not examples:
        raise DataError(f"holds no example (read as {file_format})", path)
    return examples


class Labelled(NamedTuple):
    """The examples of a file, in the units of a model, with legal labels of one tag scheme."""

    examples: list[Example]
    unit: str
    scheme: str
    repaired: list[int]  # lines of examples with repaired labels


def read_labelled(
    path: str | Path, repair: bool, unit: str = "auto", scheme: str | None = None, columns: Sequence[str] = ()
) -> Labelled:
    """Examples of a file, in the units of a model.

    Args:
        path: the file.
        repair: whether to repair illegal labels as conlleval does.
        unit: ``character``, ``token``, or ``auto``, decided by the tokens of the file.
        scheme: required tag scheme of the labels, if it is known.
        columns: names of the columns, see `nlpkit.datasets.readers.read_conll`.

    Raises:
        DataError: if the file can't be read in these units, or its labels are not legal.
    """
    examples = read_examples(path, columns=columns)
    unit = unit_of(examples) if unit == "auto" else unit
    for example in examples if unit == "token" else ():
        if example.tokens is None:
            raise DataError("holds a text without tokens, where a model of tokens needs them", path, example.line)
        for line, token in enumerate(example.tokens, example.line):  # of columns; tokens in JSON are checked already
            if token.split() != [token]:
                what = "has white space in it" if token.split() else "is empty"
                raise DataError(f"the token {token!r:.40} {what}", path, line)
    # Words with labels without prefixes, for a model of characters, will have a scheme of their own.
    are_words = unit == "character" and unit_of(examples) == "token"
    own, legal, count = check_labels(examples, path, repair, None if are_words else scheme)
    repaired = [old.line for old, new in zip(examples, legal) if old.labels != new.labels] if count else []
    examples = legal
    if unit == "character":
        own, examples = to_characters(examples, own)
    if scheme not in (None, own):
        raise DataError(f"has labels of the scheme {own}, where the model's are {scheme}", path)
    return Labelled(examples, unit, own, repaired)


def unit_of(examples: Iterable[Example]) -> str:
    """``character`` if each token of each example is a single grapheme, else ``token``."""
    seen = {token for example in examples for token in example.tokens or ()}
    return "token" if any(len(token) > 1 and len(graphemes(token)) > 1 for token in seen) else "character"


def to_characters(examples: Sequence[Example], scheme: str) -> tuple[str, list[Example]]:
    """Examples of tokens as examples of characters, joined without spaces, and their tag scheme.

    Spans keep their characters. Labels without prefixes become those of words with a type, such as ``B-NOUN``, unless
    each token is one character.
    """
    if all(len(token) == 1 for example in examples for token in example.tokens or ()):
        return scheme, [each if each.tokens is None else _joined(each, each.labels) for each in examples]
    spelt = "BMES" if scheme == "plain" else scheme
    prefixes = {tag_schemes.split_label(label)[0] for example in examples for label in example.labels}
    prefixes = {*"BMES"} if scheme == "plain" else prefixes
    converted = []
    for each in examples:
        if each.tokens is not None:
            ends = [0, *itertools.accumulate(map(len, each.tokens))]
            spans = [(ends[a], ends[b], kind) for a, b, kind in tag_schemes.read_spans(each.labels, scheme)]
            each = _joined(each, tag_schemes.write_spans(spans, ends[-1], spelt, prefixes))
        converted.append(each)
    return spelt, converted


def _joined(example: Example, labels: Sequence[str]) -> Example:
    return Example("".join(example.tokens or ()), tuple(labels), example.line)


def check_labels(
    examples: Sequence[Example], path: str | Path, repair: bool, scheme: str | None = None
) -> tuple[str, list[Example], int]:
    """The tag scheme of examples, the examples with legal labels, and the number of repaired ones.

    Args:
        examples: the examples.
        path: their file, for messages.
        repair: whether to repair illegal sequences as conlleval does.
        scheme: the scheme, or None to detect it.

    Raises:
        DataError: if the labels follow no scheme; if some sequence is illegal and `repair` is False.
    """
    labels = {label for example in examples for label in example.labels}
    try:
        scheme = scheme or tag_schemes.detect_scheme(labels)
        must_close = tag_schemes.needs_closing(labels, scheme)
        places = [tag_schemes.find_illegal(e.labels, scheme, must_close) for e in examples]
    except ValueError as error:
        accepted, is_conll = tag_schemes.SCHEMES[scheme or "BIOES"], detect_format(path) == "conll"
        strange = (
            example.line + (i if is_conll else 0)
            for example in examples
            for i, label in enumerate(example.labels)
            if tag_schemes.split_label(label)[0] not in accepted
        )
        raise DataError(str(error), path, next(strange, None)) from None
    illegal = [i for i, place in enumerate(places) if place is not None]
    if not illegal:
        return scheme, list(examples), 0
    if not repair:
        shown = ", ".join(_describe(examples[i], places[i] or 0) for i in illegal[:_SHOWN])
        more = f" and {len(illegal) - _SHOWN} more" if len(illegal) > _SHOWN else ""
        raise DataError(
            f"{len(illegal)} illegal tag sequence(s) under {scheme}: {shown}{more}; mend them, or pass --repair to "
            "read them as conlleval does",
            path,
        )
    prefixes = {tag_schemes.split_label(label)[0] for label in labels}
    repaired = list(examples)
    for i in illegal:
        repaired[i] = dataclasses.replace(
            examples[i], labels=tuple(repair_labels(examples[i].labels, scheme, prefixes))
        )
    return scheme, repaired, len(illegal)


def repair_labels(labels: Sequence[str], scheme: str, prefixes: Collection[str]) -> list[str]:
    """The legal label sequence of the spans that conlleval reads in a possibly illegal one."""
    return tag_schemes.write_spans(tag_schemes.read_spans(labels, scheme), len(labels), scheme, prefixes)


def _describe(example: Example, place: int) -> str:
    if place == len(example.labels):
        return f"the sentence at line {example.line} ends inside {example.labels[-1]}"
    before = example.labels[place - 1] if place else "the start"
    unit = "character" if example.tokens is None or len("".join(example.tokens)) == len(example.tokens) else "token"
    return f"{example.labels[place]} after {before} (sentence at line {example.line}, {unit} {place + 1})"


def _from_words(words: Sequence[str], line: int) -> Example:
    labels: list[str] = []
    for word in words:
        labels += ["S"] if len(word) == 1 else ["B"] + ["M"] * (len(word) - 2) + ["E"]
    return Example("".join(words), tuple(labels), line)


def _from_tokens(
    tokens: Sequence[str], labels: Sequence[str], line: int, columns: Mapping[str, Sequence[str]]
) -> Example:
    more = {name: tuple(column) for name, column in columns.items()}
    return Example(" ".join(tokens), tuple(labels), line, tuple(tokens), more)


def _from_json(fields: Mapping[str, Any], path: str | Path, line: int, columns: Sequence[str]) -> Example:
    try:
        return _from_token_fields(fields, line, columns) if "tokens" in fields else _from_spans(fields, line)
    except ValueError as error:
        raise DataError(str(error), path, line) from None


def _from_token_fields(fields: Mapping[str, Any], line: int, columns: Sequence[str]) -> Example:
    if isinstance(fields["tokens"], list) and all(isinstance(each, dict) for each in fields["tokens"]):
        # As in the output of prediction: objects with a text and a label.
        lists = {"tokens": "text", "labels": "label"}
        fields = {**fields, **{name: [each.get(key) for each in fields["tokens"]] for name, key in lists.items()}}
    tokens = tokens_of(fields["tokens"])
    more = {name: column_of(fields, name, len(tokens)) for name in columns if name not in ("token", "label", "_")}
    return _from_tokens(tokens, column_of(fields, "labels", len(tokens)), line, more)


def _from_spans(fields: Mapping[str, Any], line: int) -> Example:
    text = field_of(fields, "text", str)
    labels: Sequence[str]
    if isinstance(fields.get("words"), list):
        spans_given, labels, scheme = fields["words"], [], "BMES"
    elif isinstance(fields.get("entities"), list):
        spans_given, labels, scheme = fields["entities"], ["O"] * len(text), "BIO"
    else:
        raise ValueError('expected a list in the field "words", "entities" or "tokens"')
    spans: list[tuple[int, int, str]] = []
    end = 0
    for given in sorted(spans_given, key=_start_of):
        if not isinstance(given, dict) or not all(type(given.get(name)) is int for name in ("start", "end")):
            label = "" if scheme == "BMES" else ', "label": "LOC"'
            raise ValueError(f'expected objects like {{"start": 2, "end": 5{label}}}. Received: {given!r:.80}')
        first, last, kind = given["start"], given["end"], given.get("label", given.get("type", ""))
        if type(kind) is not str:
            raise ValueError(f"expected a string as the label. Received: {given!r:.80}")
        if not end <= first < last <= len(text):
            raise ValueError(
                f"expected start < end inside the text, which has {len(text)} characters, and after the span before, "
                f"which ends at {end}. Received: {given!r:.80}"
            )
        if given.get("text", text[first:last]) != text[first:last]:
            raise ValueError(
                f"the text from {first} to {last} is {text[first:last]!r:.40}, not {given['text']!r:.40}; places are "
                "counted in characters from 0, and the end is not part of a span"
            )
        spans.append((first, last, kind))
        end = last
    if scheme == "BMES" and sum(last - first for first, last, _ in spans) != len(text):
        raise ValueError("the words do not cover the text")
    labels = tag_schemes.write_spans(spans, len(text), scheme, "BIO" if scheme == "BIO" else "BMES")
    return Example(text, tuple(labels), line)


def _start_of(given: Any) -> int:
    start = given.get("start") if isinstance(given, dict) else None
    return start if type(start) is int else -1


def count_words(examples: Iterable[Example], scheme: str) -> collections.Counter[str]:
    """The count of each word, entity or labelled token."""
    words: collections.Counter[str] = collections.Counter()
    for example in examples:
        space, units = "" if example.tokens is None else " ", example.units
        words.update(space.join(units[a:b]) for a, b, _ in tag_schemes.read_spans(example.labels, scheme))
    return words

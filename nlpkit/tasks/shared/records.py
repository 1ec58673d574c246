"""Records to sentences: whole texts, or texts cut into tokens."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nlpkit.datasets.readers import field_of
from nlpkit.errors import ConfigError
from nlpkit.prediction.answers import Problem
from nlpkit.prediction.predictor import answer_parsed
from nlpkit.tasks.task import Task
from nlpkit.text.characters import code_points
from nlpkit.text.graphemes import continues_character
from nlpkit.text.words import WordTokenizer

Segmenter = Callable[[Sequence[str]], Iterable[Sequence[tuple[str, int]]]]
"""Texts to the tokens of each text and their offsets."""
_SPACED = re.compile(r"\S+")
_RULES = re.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.\w+)+"  # addresses
    r"|(?:[A-Za-z]\.){2,}"  # U.S.
    r"|\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|No)\."
    r"|\d+(?:[.,:]\d+)*%?"  # 1,000.5 and 12:30
    r"|\w+?(?=n['’]t\b)|n['’]t\b"  # do n't
    r"|['’](?:s|re|ve|ll|d|m)\b"  # it 's
    r"|[\w\u0300-\u036f]+(?:[-&][\w\u0300-\u036f]+)*"  # with combining marks
    r"|\.{2,}|-{2,}|[^\w\s]",
    re.IGNORECASE,
)


class TextRecord(NamedTuple):
    """A text, or tokens and perhaps the other fields of a file."""

    text: str
    tokens: tuple[str, ...] | None = None
    fields: Mapping[str, Any] = {}


class Sentence(NamedTuple):
    """A text, and for models of tokens its tokens and their offsets."""

    text: str
    tokens: tuple[str, ...] | None = None
    starts: Sequence[int] = ()
    columns: Mapping[str, Sequence[str]] = {}


def tokens_of(tokens: Any) -> tuple[str, ...]:
    """A list of tokens as a tuple; a `ValueError` if an item is not a token."""
    if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, str) for token in tokens):
        raise ValueError(f"expected a list of tokens. Received: {tokens!r:.60}")
    for place, token in enumerate(tokens):
        if token.split() != [token]:
            what = "is empty" if not token.strip() else "has white space in it"
            raise ValueError(f"token {place + 1}, {token!r:.40}, {what}")
        field_of({"tokens": token}, "tokens", str)
    return tuple(tokens)


def column_of(fields: Mapping[str, Any], name: str, count: int) -> tuple[str, ...]:
    """A field with a value for each token; a `ValueError` if it is anything else."""
    given = fields.get(name)
    values = given if isinstance(given, tuple) else field_of(fields, name, list)
    if len(values) != count or not all(isinstance(value, str) and value for value in values):
        raise ValueError(f'expected {count} texts in the field "{name}", one for each token. Received: {values!r:.60}')
    return tuple(values)


def parse_record(item: Any) -> TextRecord:
    """A record from a text, a list of tokens, or an object with ``text`` or ``tokens``.

    Raises:
        ValueError: if it is anything else.
    """
    if isinstance(item, TextRecord):
        return item
    if isinstance(item, str):
        return TextRecord(item)
    if isinstance(item, (list, tuple)):
        return TextRecord("", tokens_of(item))
    if isinstance(item, Mapping) and "tokens" in item:
        return TextRecord("", tokens_of(item["tokens"]), item)
    if isinstance(item, Mapping):
        return TextRecord(field_of(item, "text", str))
    raise ValueError(f"expected a text or a list of tokens. Received: {item!r:.60}")


def joined(tokens: Sequence[str], columns: Mapping[str, Sequence[str]] | None = None) -> Sentence:
    """Tokens as a sentence, with spaces between them.

    >>> joined(["New", "York"])[:3]
    ('New York', ('New', 'York'), [0, 4])
    """
    starts = [0, *itertools.accumulate(len(token) + 1 for token in tokens)][: len(tokens)]
    return Sentence(" ".join(tokens), tuple(tokens), starts, columns or {})


def sentences_of(
    records: Sequence[TextRecord], unit: str, names: Sequence[str], segmenter: Segmenter
) -> tuple[list[Sentence], list[Problem]]:
    """Records to sentences, and the problems of bad records, whose sentences are empty.

    Args:
        records: the records.
        unit: ``character`` or ``token``.
        names: names of the further columns of the model.
        segmenter: segmenter of texts into tokens.
    """
    cut = segmenter([record.text for record in records if record.tokens is None] if unit == "token" else [])
    tokens_of_texts = iter(cut)
    sentences, problems = [], []
    for row, record in enumerate(records):
        try:
            if unit == "character":
                if record.tokens is not None:
                    raise ValueError("holds tokens, and the model reads characters; give a text")
                sentences.append(Sentence(record.text))
            elif record.tokens is None:
                tokens = next(tokens_of_texts)
                if names and tokens:
                    raise ValueError(f"the model also reads {', '.join(names)}; give an object with tokens and these")
                words, starts = zip(*tokens) if tokens else ((), ())
                sentences.append(Sentence(record.text, words, starts))
            else:
                columns = {name: column_of(record.fields, name, len(record.tokens)) for name in names}
                sentences.append(joined(record.tokens, columns))
        except ValueError as error:
            problems.append(Problem(row, str(error), is_error=True))
            sentences.append(Sentence("") if unit == "character" else _EMPTY)
    return sentences, problems


def _whole_characters(text: str, tokens: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Tokens of a text; a token that begins within a grapheme is joined to the token before it."""
    joins = continues_character(code_points(text)) if not text.isascii() else np.zeros(1, bool)
    if not joins.any():
        return tokens
    whole: list[tuple[str, int]] = []
    for token, start in tokens:
        if joins[start] and whole and whole[-1][1] + len(whole[-1][0]) == start:
            whole[-1] = (whole[-1][0] + token, whole[-1][1])
        else:
            whole.append((token, start))
    return whole


def by_spaces(texts: Sequence[str]) -> Iterable[list[tuple[str, int]]]:
    """Tokens between white space.

    >>> list(by_spaces(["New York"]))
    [[('New', 0), ('York', 4)]]
    """
    return ([(match[0], match.start()) for match in _SPACED.finditer(text)] for text in texts)


def by_rules(texts: Sequence[str]) -> Iterable[list[tuple[str, int]]]:
    """Tokens of languages that separate words: punctuation and English contractions stand alone.

    >>> [token for token, _ in next(iter(by_rules(["Don't go to the U.S., it's 12:30 (late)."])))]
    ['Do', "n't", 'go', 'to', 'the', 'U.S.', ',', 'it', "'s", '12:30', '(', 'late', ')', '.']
    """
    return (_whole_characters(text, [(match[0], match.start()) for match in _RULES.finditer(text)]) for text in texts)


def by_jieba(texts: Sequence[str]) -> Iterable[list[tuple[str, int]]]:
    """jieba's words, white space left out."""
    tokenizer = WordTokenizer()
    return (
        _whole_characters(text, [(word, start) for word, start in tokenizer.words(text) if not word.isspace()])
        for text in texts
    )


def by_model(task: Task) -> Segmenter:
    """A trained word segmenter as a segmenter of texts, without white space.

    Raises:
        ConfigError: if the model is not a word segmenter.
    """
    kind, unit = (
        getattr(getattr(task, "decoder", None), "kind", None),
        getattr(getattr(task, "reader", None), "unit", None),
    )
    if kind not in ("words", "tokens") or unit != "character":
        raise ConfigError(f"segmenter: a model of the task {task.declaration.name} that does not find words")

    def cut(texts: Sequence[str]) -> Iterable[list[tuple[str, int]]]:
        answers = answer_parsed(task, [task.parse(text) for text in texts]) if texts else []
        return ([(word.text, word.start) for word in answer if not word.text.isspace()] for answer in answers)

    return cut


def segmenter_of(name: str, models: Mapping[str, Task]) -> Segmenter:
    """A segmenter by its name, or the sub-model ``segmenter``."""
    if name in SEGMENTERS:
        return SEGMENTERS[name]
    if "segmenter" not in models:
        raise ConfigError(f"segmenter = {name!r}: a folder whose model was not brought along")
    return by_model(models["segmenter"])


_EMPTY = Sentence("", (), ())
SEGMENTERS: dict[str, Segmenter] = {"spaces": by_spaces, "rules": by_rules, "jieba": by_jieba}

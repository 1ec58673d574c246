"""Records to examples, examples to arrays."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.files import read_lines
from nlpkit.datasets.padding import gather_padded
from nlpkit.datasets.readers import Row, field_of, read_tsv
from nlpkit.errors import ConfigError, DataError
from nlpkit.tasks.similarity.config import CLASS_LOSSES, PAIR_LOSSES
from nlpkit.text.characters import FlatTexts
from nlpkit.text.features import TextFeatures

_HELD_OUT = 0.05  # share of the groups or pairs, without a validation file
_DISTRACTORS = 20_000
_SHOWN = 3  # number of sentences in a note about many


@dataclasses.dataclass(frozen=True)
class Sentence:
    """A sentence, and its group, the sentences with the same meaning.

    A sentence without a group, None, is a distractor. A hard negative looks like a sentence of the group `unlike`.
    """

    text: str
    group: str | None
    line: int
    unlike: str | None = None


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two sentences, and their similarity: 0 or 1, or a score."""

    first: str
    second: str
    label: float
    line: int


def read_examples(path: str | Path) -> tuple[list[Sentence] | list[Pair], list[str]]:
    """Examples of a file, and notes for people about oddities.

    A line of a file is a sentence, which is a group of its own; a group, a tab and a sentence; or two sentences and a
    label with tabs between.

    Raises:
        DataError: if a line has another number of columns than the first, a sentence is empty, or a label no number.
    """
    columns = next((line.count("\t") + 1 for _, line in read_lines(path) if line.strip()), 0)
    if columns == 3:
        rows = read_tsv(path, "a sentence", "a sentence", "a label")
        pairs = [
            Pair(_text(row.fields[0], path, row.line), _text(row.fields[1], path, row.line), *_label(row, path))
            for row in rows
        ]
        return pairs, _notes_of_pairs(pairs, path)
    if columns == 2:
        rows = read_tsv(path, "a group", "a sentence")
        sentences = [Sentence(_text(row.fields[1], path, row.line), row.fields[0].strip(), row.line) for row in rows]
        return sentences, _notes_of_groups(sentences, path)
    if columns != 1:
        raise DataError(
            "expected lines of a sentence, of a group and a sentence, or of two sentences and a label, with tabs "
            f"between. Received: {columns} columns" if columns else "holds no sentence", path, 1 if columns else None,
        )  # fmt: skip
    return [Sentence(row.fields[0], str(row.line), row.line) for row in read_tsv(path, "a sentence")], []


def read_candidates(paths: Iterable[str | Path]) -> list[Sentence]:
    """The last column of each line of some files, as sentences without a group."""
    return [
        Sentence(line.rsplit("\t", 1)[-1], None, number)
        for path in paths
        for number, line in read_lines(path)
        if line.strip()
    ]


def read_negatives(paths: Iterable[str | Path], sentences: Iterable[Any]) -> list[Sentence]:
    """Hard negatives from files, for the groups of some sentences.

    Raises:
        DataError: if a line does not have two columns, or a sentence is empty.
    """
    groups = {each.group for each in sentences if isinstance(each, Sentence)}
    rows = ((path, row) for path in paths for row in read_tsv(path, "a group", "a sentence"))
    negatives = (
        Sentence(_text(row.fields[1], path, row.line), None, row.line, row.fields[0].strip()) for path, row in rows
    )
    return [each for each in negatives if each.unlike in groups]


def _text(text: str, path: str | Path, line: int) -> str:
    if not text.strip():
        raise DataError("a sentence is empty", path, line)
    return text


def _label(row: Row, path: str | Path) -> tuple[float, int]:
    try:
        label = float(row.fields[2])
        if not np.isfinite(label):
            raise ValueError
    except ValueError:
        raise DataError(f"expected a number as label. Received: {row.fields[2]!r:.40}", path, row.line) from None
    return label, row.line


def _notes_of_groups(sentences: Sequence[Sentence], path: str | Path) -> list[str]:
    groups = collections.Counter(each.group for each in sentences)
    alone = [each for each in sentences if groups[each.group] == 1]
    first: dict[str, Sentence] = {}
    twice = [each for each in sentences if first.setdefault(each.text, each).group != each.group]
    notes = []
    if alone:
        notes.append(f"{path}: {len(alone):,} group(s) of one sentence, lines {_lines(alone)}")
    if twice:
        where = ", ".join(f"lines {first[each.text].line} and {each.line}" for each in twice[:_SHOWN])
        notes.append(f"{path}: {len(twice):,} sentence(s) stand in two groups, {where}")
    return notes


def _notes_of_pairs(pairs: Sequence[Pair], path: str | Path) -> list[str]:
    labels: dict[tuple[str, str], Pair] = {}
    torn = [each for each in pairs if labels.setdefault((each.first, each.second), each).label != each.label]
    return [f"{path}: {len(torn):,} pair(s) have two labels, lines {_lines(torn)}"] if torn else []


def _lines(examples: Sequence[Sentence | Pair]) -> str:
    more = ", …" if len(examples) > _SHOWN else ""
    return ", ".join(str(each.line) for each in examples[:_SHOWN]) + more


def hold_out(examples: Sequence[Any], path: str | Path) -> tuple[list[Any], list[Any]]:
    """Training examples, and a held-out twentieth of the groups or pairs, chosen by a fixed seed.

    Up to `_DISTRACTORS` sentences of the other groups join the held-out ones as distractors: among a few groups alone
    nearly all sentences would be found.
    """
    keys = [each.group or each.unlike if isinstance(each, Sentence) else i for i, each in enumerate(examples)]
    names = list(dict.fromkeys(keys))
    if len(names) < 2:
        raise DataError("holds one group, of which none can be held out; give a validation file", path)
    count = max(1, round(len(names) * _HELD_OUT))
    chosen = {names[i] for i in np.random.default_rng(0).permutation(len(names))[:count]}
    kept = [each for each, key in zip(examples, keys) if key not in chosen]
    held_out = [each for each, key in zip(examples, keys) if key in chosen]
    others = (each for each in kept if isinstance(each, Sentence) and each.group is not None)
    held_out += [dataclasses.replace(each, group=None) for each in itertools.islice(others, _DISTRACTORS)]
    return kept, held_out


def parse_record(item: Any) -> tuple[str, ...]:
    """A record, one sentence or two: a line with a tab or without, two texts, or a JSON object's fields.

    Raises:
        ValueError: if it is anything else.
    """
    if isinstance(item, str):
        parts = tuple(item.split("\t"))
        if len(parts) > 2:
            raise ValueError(f"expected a text, or two with a tab between. Received: {len(parts)} columns")
        return parts
    if isinstance(item, Mapping):
        fields = ("first", "second") if "first" in item else ("text",)
        return tuple(field_of(item, field, str) for field in fields)
    if isinstance(item, (tuple, list)) and len(item) == 2 and all(isinstance(each, str) for each in item):
        return tuple(item)
    raise ValueError(f"expected a text. Received: {item!r:.60}")


def texts_of(examples: Iterable[Any]) -> list[str]:
    """The sentences of examples; both sentences of a pair follow each other."""
    texts: list[str] = []
    for each in examples:
        texts += [each.text] if isinstance(each, Sentence) else [each.first, each.second]
    return texts


class EncodedTexts:
    """Sentences as flat arrays.

    Args:
        texts: the sentences.
        features: features of the sentences, the network's input.
        max_length: longest part of a sentence to use, in characters.

    Attributes:
        lengths: lengths of the used parts, int64 ``(n,)``.
    """

    def __init__(self, texts: Sequence[str], features: TextFeatures, max_length: int):
        flat = FlatTexts([text[:max_length] for text in texts])
        self._starts, self.lengths = flat.starts, flat.lengths
        self._arrays = features.encode(flat)

    def gather(self, rows: np.ndarray, size: int) -> dict[str, np.ndarray]:
        """Arrays of some sentences, padded, ``(rows, size, …)``."""
        return gather_padded(self._arrays, self._starts[rows], self.lengths[rows], size)


def group_numbers(sentences: Sequence[Sentence]) -> np.ndarray:
    """Numbers of the sentences' groups in the order of their appearance, -1 for none, int32 ``(n,)``."""
    return _numbers([each.group for each in sentences], {})


def unlike_numbers(sentences: Sequence[Sentence]) -> np.ndarray:
    """Group of each hard negative, numbered as by `group_numbers`, -1 for other sentences, int32 ``(n,)``."""
    numbers: dict[str, int] = {}
    _numbers([each.group for each in sentences], numbers)
    return _numbers([each.unlike for each in sentences], numbers)


def _numbers(names: Sequence[str | None], numbers: dict[str, int]) -> np.ndarray:
    own = (-1 if name is None else numbers.setdefault(name, len(numbers)) for name in names)
    return np.fromiter(own, "int32", len(names))


def check_loss(examples: Sequence[Any], loss: str) -> None:
    """Raise a `ConfigError` if a loss does not fit the kind of examples."""
    is_pairs = isinstance(examples[0], Pair)
    if not is_pairs and any(each.group is None and each.unlike is None for each in examples):
        raise ConfigError("candidates: are for nlpkit evaluate; leave them out of training")
    if is_pairs and loss not in PAIR_LOSSES:
        raise ConfigError(
            f"loss = {loss!r}: is for groups of sentences; the training data are pairs: take --preset pairs, or set "
            f"loss={' or loss='.join(PAIR_LOSSES)}"
        )
    if not is_pairs:
        if loss in PAIR_LOSSES:
            raise ConfigError(f"loss = {loss!r}: is for pairs of sentences with labels; the training data are groups")
        if loss in CLASS_LOSSES and max(np.bincount(group_numbers(examples) + 1)[1:]) == 1:
            raise ConfigError(
                f"loss = {loss!r}: no two sentences of the training data are of one group; set loss=contrastive"
            )

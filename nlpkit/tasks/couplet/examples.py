"""Files to couplets, records to arrays."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from nlpkit.datasets.bad_lines import read_good_lines
from nlpkit.datasets.batches import BucketedBatches
from nlpkit.datasets.padding import gather_padded, shift_right
from nlpkit.errors import ConfigError
from nlpkit.prediction.answers import Problem
from nlpkit.prediction.predictor import text_of
from nlpkit.tasks.couplet.rules import tone_demands
from nlpkit.text.character_types import CHINESE, FOREIGN, MARK, character_types
from nlpkit.text.characters import EDGE, FlatTexts, code_points, normalize_text
from nlpkit.text.vocabulary import UNKNOWN, CharacterVocabulary

MAX_LENGTH = 128
"""Longest upper line to answer, in characters."""


@dataclasses.dataclass(frozen=True)
class CoupletExample:
    """Two lines of the same length, and the line of their file."""

    upper: str
    lower: str
    line: int


def read_couplets(path: str | Path, on_error: str = "skip") -> tuple[list[CoupletExample], list[str], int]:
    """Couplets of a file with an upper line, a tab and a lower line on each line; further columns are ignored.

    Args:
        path: the file.
        on_error: ``skip`` skips bad lines, ``stop`` raises a `DataError` at the first.

    Returns:
        The couplets, messages about the first few bad lines, and the number of bad lines.
    """

    def parse(line: str, number: int) -> CoupletExample:
        columns = [column.strip() for column in line.split("\t")]
        upper, lower = columns[:2] if len(columns) > 1 else (columns[0], "")
        reason = _trouble(upper, lower, len(columns))
        if reason is not None:
            raise ValueError(reason)
        return CoupletExample(upper, lower, number)

    return read_good_lines(path, parse, on_error, "couplet")


def _trouble(upper: str, lower: str, columns: int) -> str | None:
    if not upper and not lower:
        return "is empty"
    if columns < 2 or not upper or not lower:
        return f"expected an upper line, a tab and a lower line. Received: {(upper or lower)[:40]!r}"
    if len(upper) != len(lower):
        return f"the upper line has {len(upper)} characters, the lower {len(lower)}: {upper[:20]!r}, {lower[:20]!r}"
    return trouble_of_line(upper) or trouble_of_line(lower)


def trouble_of_line(text: str) -> str | None:
    """The reason why a line can't be part of a couplet, or None."""
    kinds = character_types(code_points(text))
    foreign = [c for c, kind in zip(text, kinds) if kind == FOREIGN]
    if foreign:
        return f"holds {''.join(foreign[:20])!r}, which is not Chinese: {text[:40]!r}"
    if not (kinds == CHINESE).any():
        return f"holds no Chinese character: {text[:40]!r}"
    return None


@dataclasses.dataclass(frozen=True)
class Lines:
    """Lines as flat arrays: the whole texts, and the characters that the network reads.

    Attributes:
        flat: the whole lines.
        places: positions in `flat` of the characters to read, int64 ``(total,)``.
        starts, lengths: begin in `places` and number of each line's characters to read, ``(n,)``.
        arrays: ``characters``, ids, int32 ``(total,)``; ``codes``, code points, uint32 ``(total,)``; and others of the
            same length.
    """

    flat: FlatTexts
    places: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    arrays: dict[str, np.ndarray]

    @classmethod
    def read(cls, texts: Sequence[str], vocabulary: CharacterVocabulary, leave_out: Iterable[int] = (MARK,)) -> Self:
        """Lines from strings, without the characters of some kinds."""
        flat = FlatTexts(texts)
        is_read = (flat.codes != EDGE) & ~np.isin(character_types(flat.codes), list(leave_out))
        return cls.at(flat, np.flatnonzero(is_read), vocabulary)

    @classmethod
    def at(cls, flat: FlatTexts, places: np.ndarray, vocabulary: CharacterVocabulary) -> Self:
        """Lines from flat texts and the positions of the characters to read."""
        edges = np.searchsorted(places, np.append(flat.starts, len(flat.codes)))
        codes = flat.normal[places]
        arrays = {"characters": vocabulary.encode_codes(codes), "codes": codes}
        return cls(flat, places, edges[:-1], np.diff(edges), arrays)


def read_pairs(couplets: Sequence[CoupletExample], vocabulary: CharacterVocabulary) -> Lines:
    """Upper lines with the further array ``lower``, ids of the lower lines, without positions of marks in either."""
    upper, lower = FlatTexts([c.upper for c in couplets]), FlatTexts([c.lower for c in couplets])
    is_read = (upper.codes != EDGE) & (character_types(upper.codes) != MARK) & (character_types(lower.codes) != MARK)
    lines = Lines.at(upper, np.flatnonzero(is_read), vocabulary)
    lines.arrays["lower"] = vocabulary.encode_codes(lower.normal[lines.places])
    return lines


def first_equal(codes: np.ndarray) -> np.ndarray:
    """For each step of ``(n, time)`` the first step with the same value, int32; for padding, 0, the step itself."""
    same = codes[:, :, None] == codes[:, None, :]
    return np.where(codes != 0, same.argmax(axis=-1), np.arange(codes.shape[1])).astype("int32")


def make_vocabulary(couplets: Iterable[CoupletExample], min_count: int) -> CharacterVocabulary:
    """The Chinese characters of couplets that occur at least `min_count` times.

    Raises:
        ConfigError: if there are none.
    """
    counts: collections.Counter[str] = collections.Counter()
    for couplet in couplets:
        counts.update(normalize_text(couplet.upper + couplet.lower))
    symbols = "".join(counts)
    kinds = character_types(code_points(symbols))
    chinese = {symbol: counts[symbol] for symbol, kind in zip(symbols, kinds) if kind == CHINESE}
    vocabulary = CharacterVocabulary.from_counts(chinese, min_count)
    if not vocabulary.symbols:
        raise ConfigError(f"char_min_count = {min_count}: no character of the data is that frequent")
    return vocabulary


def inputs_of(
    characters: np.ndarray, lower: np.ndarray, reads_lower: bool, hide: bool = False
) -> dict[str, np.ndarray]:
    """Inputs of the network from upper and lower lines, int32 ``(batch, time)``; `hide` makes the latter unknown."""
    if not reads_lower:
        return {"characters": characters}
    return {"characters": characters, "before": shift_right(np.full_like(lower, UNKNOWN) if hide else lower)}


def training_batches(
    couplets: Sequence[CoupletExample], vocabulary: CharacterVocabulary, settings: Any, seed: int
) -> BucketedBatches:
    """Batches ``(inputs, ids of the lower lines, weights)``, the last two ``(batch, time)``, without lines that are too
    long.

    Raises:
        ConfigError: if all lines are too long.
    """
    lines = read_pairs(couplets, vocabulary)
    longest = settings.max_length
    fits = np.flatnonzero((lines.lengths > 0) & (lines.lengths <= longest))
    if not len(fits):
        raise ConfigError(f"max_length = {longest}: no training line is as short as that")
    starts, lengths = lines.starts[fits], lines.lengths[fits]

    def collate(
        rows: np.ndarray, length: int, _: np.random.Generator
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        batch = gather_padded(lines.arrays, starts[rows], lengths[rows], length)
        weights = (np.arange(length) < lengths[rows][:, None]).astype("float32")
        return inputs_of(batch["characters"], batch["lower"], bool(settings.lower_dilations)), batch["lower"], weights

    steps = [*range(2, 16), *range(16, longest, 4)]
    buckets = [length for length in steps if length < longest] + [longest]
    return BucketedBatches(lengths, collate, settings.batch_size, seed, buckets)


class UpperLine(NamedTuple):
    """A line to answer, and the prefix of its answer."""

    text: str
    prefix: str = ""


def parse_upper(item: Any) -> UpperLine:
    """A record from ``upper``, ``upper⇥prefix``, a tuple of both, or an object with ``upper`` (or ``text``) and
    ``prefix``.

    Raises:
        ValueError: if it is anything else.
    """
    if isinstance(item, Mapping):
        text = text_of(item, "upper" if "upper" in item else "text")
        prefix = text_of(item, "prefix") if "prefix" in item else ""
        return parse_upper(f"{text}\t{prefix}" if prefix else text)
    if isinstance(item, tuple) and 1 <= len(item) <= 2 and all(isinstance(part, str) for part in item):
        return UpperLine(*(part.strip() for part in item))
    text, _, prefix = text_of(item).partition("\t")
    return UpperLine(text.strip(), prefix.strip())


def encode_uppers(
    records: Sequence[UpperLine], vocabulary: CharacterVocabulary, rules: Collection[str]
) -> tuple[Lines, list[Problem]]:
    """Upper lines to arrays, and the problems of bad lines; lines with an error are empty.

    Returns:
        Lines with the further arrays ``required``, int32, the required id of each position, or 0; and ``demand``,
        int32, the tone that the rule `tone` demands, or 0.
    """
    problems = list(_problems(records, vocabulary))
    bad = {problem.row for problem in problems if problem.is_error}
    uppers = ["" if row in bad else record.text for row, record in enumerate(records)]
    lines = Lines.read(uppers, vocabulary, [MARK] if "punctuation" in rules else [])
    lines.arrays["required"] = np.zeros(len(lines.places), "int32")
    for row, record in enumerate(records):
        if record.prefix and row not in bad:
            start = lines.starts[row]
            ids = vocabulary.encode(normalize_text(record.prefix))
            lines.arrays["required"][start : start + len(ids)] = ids
    demand = np.zeros(len(lines.flat.codes), "int32")
    if "tone" in rules:
        for start, upper in zip(lines.flat.starts, uppers):
            for place, tone in _demands(upper, "repetition" in rules).items():
                demand[start + place] = tone
    lines.arrays["demand"] = demand[lines.places]
    return lines, problems


def _demands(upper: str, repeats: bool) -> dict[int, int]:
    demands = dict(tone_demands(upper))
    if not repeats:
        return demands
    # With repetition one character answers all places of another, so it must have the tones of all of them.
    by_character: collections.defaultdict[str, int] = collections.defaultdict(int)
    for place, tone in demands.items():
        by_character[upper[place]] |= tone
    return {place: by_character[symbol] for place, symbol in enumerate(upper)}


def _problems(records: Sequence[UpperLine], vocabulary: CharacterVocabulary) -> Iterator[Problem]:
    """Problems of records; good lines, the majority, cost array operations only."""
    flat = FlatTexts([record.text for record in records])
    kinds = character_types(flat.codes)
    unknown = (kinds == CHINESE) & (vocabulary.encode_codes(flat.normal) == UNKNOWN)
    places = np.flatnonzero((flat.codes != EDGE) & ((kinds == FOREIGN) | unknown))
    suspects = set((np.searchsorted(flat.starts, places, side="right") - 1).tolist())
    total = np.concatenate([[0], np.cumsum(kinds == CHINESE)])
    suspects |= set(np.flatnonzero(total[flat.starts + flat.lengths] == total[flat.starts]).tolist())
    suspects |= {row for row, record in enumerate(records) if record.prefix}
    suspects |= set(np.flatnonzero(flat.lengths > MAX_LENGTH).tolist())
    for row in sorted(suspects):
        reason = _error_of(records[row], vocabulary)
        if reason:
            yield Problem(row, reason, is_error=True)
        elif unseen := _unseen(records[row].text, vocabulary):
            yield Problem(row, f"training never saw {unseen}; answered all the same")


def _error_of(record: UpperLine, vocabulary: CharacterVocabulary) -> str | None:
    upper, prefix = record
    if not upper:
        return "is empty"
    if len(upper) > MAX_LENGTH:
        return f"has {len(upper)} characters; lines up to {MAX_LENGTH} are answered"
    reason = trouble_of_line(upper) or (prefix and trouble_of_line(prefix))
    if reason:
        return reason
    length = int((character_types(code_points(upper)) != MARK).sum())
    if len(prefix) > length:
        return f"the prefix {prefix} has {len(prefix)} characters, the line {length}"
    unseen = _unseen(prefix, vocabulary)
    return f"the prefix has a character that training never saw: {unseen}" if unseen else None


def _unseen(text: str, vocabulary: CharacterVocabulary) -> str:
    """The Chinese characters of a text that are not in the vocabulary."""
    ids = vocabulary.encode(normalize_text(text))
    return "".join(c for c, i in zip(text, ids) if i == UNKNOWN and character_types(code_points(c))[0] == CHINESE)

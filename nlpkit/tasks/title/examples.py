"""Files to texts and titles, records to arrays."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nlpkit.datasets.bad_lines import read_good_lines
from nlpkit.datasets.batches import BucketedBatches
from nlpkit.datasets.files import ending_of
from nlpkit.datasets.padding import gather_padded, shift_right
from nlpkit.datasets.readers import parse_object
from nlpkit.errors import ConfigError
from nlpkit.prediction.answers import Problem
from nlpkit.prediction.predictor import text_of
from nlpkit.text.characters import CODE_BITS, FlatTexts, code_points, from_code_points
from nlpkit.text.repetition import repetitions
from nlpkit.text.vocabulary import FIRST_ID, UNKNOWN, CharacterVocabulary
from nlpkit.text.words import word_bounds

END = "\x03"
"""The symbol at the end of a title: the control character for the end of a text."""
END_ID = FIRST_ID
_MULTIPLE = 16  # the size of a table of ids is a multiple of it, so that the search makes no copy
NUM_EXTRA = 126
"""Largest number of unknown characters of a text that can be copied."""
_LONGEST_COUNTED = 3  # longest n-gram whose occurrences are counted, in characters
_TITLE_SIZES = (8, 16, 24, 32, 48)  # padded lengths of titles in training, up to the longest


@dataclasses.dataclass(frozen=True)
class TitleExample:
    """A text, its title, and the line of their file."""

    text: str
    title: str
    line: int


def clean(text: str) -> str:
    """A text on one line, its white space collapsed to single blanks."""
    return " ".join(text.split())


def clean_prefix(text: str) -> str:
    """`clean` for the prefix of a title, without the symbol that would end it."""
    return clean(text.replace(END, ""))


def read_titles(path: str | Path, on_error: str = "skip") -> tuple[list[TitleExample], list[str], int]:
    """Texts with titles: JSON lines with ``text`` and ``title`` if the file's name ends in ``.jsonl``, else a text, a
    tab and a title on each line.

    Args:
        path: the file.
        on_error: ``skip`` skips bad lines, ``stop`` raises a `DataError` at the first.

    Returns:
        The examples, messages about the first few bad lines, and the number of bad lines.
    """
    split = _from_json if ending_of(path) == ".jsonl" else _from_columns

    def parse(line: str, number: int) -> TitleExample:
        text, title = map(clean, split(line))
        if not text or not title:
            raise ValueError("is empty" if not text and not title else f"has no {'title' if text else 'text'}")
        return TitleExample(text, title, number)

    return read_good_lines(path, parse, on_error, "text with a title")


def _from_json(line: str) -> tuple[str, str]:
    if not line.strip():
        return "", ""
    fields = parse_object(line, text=str, title=str)
    return fields["text"], fields["title"]


def _from_columns(line: str) -> tuple[str, str]:
    columns = line.split("\t")
    if len(columns) != 2 and line.strip():
        raise ValueError(f"expected a text, a tab and a title. Received {len(columns)} column(s): {line[:40]!r}")
    return (columns[0], columns[1]) if len(columns) == 2 else ("", "")


def make_vocabulary(examples: Iterable[TitleExample], settings: Any) -> CharacterVocabulary:
    """The end symbol, and the characters that are frequent enough in titles and in the used part of texts.

    Args:
        examples: texts and titles.
        settings: `nlpkit.tasks.title.config.TitleSettings`.
    """
    counts: collections.Counter[str] = collections.Counter()
    for example in examples:
        counts.update(example.text[: settings.max_text])
        counts.update(example.title[: settings.max_title])
    frequent = CharacterVocabulary.from_counts(counts, settings.char_min_count).symbols
    ranked = [symbol for symbol in frequent if symbol != END]
    if not ranked:
        raise ConfigError(f"char_min_count = {settings.char_min_count}: no character of the data is that frequent")
    return CharacterVocabulary([END, *ranked])


class Texts:
    """Texts, cut to their longest length, as flat arrays.

    A character outside the vocabulary has an id beyond it, valid within this text, so that it can be copied; after
    `NUM_EXTRA` such characters in a text further ones are unknown.

    Args:
        texts: the texts.
        vocabulary: vocabulary of the model.
        settings: `nlpkit.tasks.title.config.TitleSettings`.
        also: for each text another one, whose characters get ids as well.

    Attributes:
        flat: the cut texts.
        ids: int32 ``(total,)``.
        features: further features of each character, uint8 ``(total, num_features(settings))``, from
            `nlpkit.text.repetition.repetitions` and `nlpkit.text.words.word_bounds`.
    """

    def __init__(self, texts: Sequence[str], vocabulary: CharacterVocabulary, settings: Any, also: Sequence[str] = ()):
        self.vocabulary = vocabulary
        self.flat = FlatTexts([text[: settings.max_text] for text in texts])
        self.features = _features(self.flat, settings)
        self.ids = vocabulary.encode_codes(self.flat.codes)
        places = np.flatnonzero(self.ids == UNKNOWN)
        self.ids[self.flat.codes == ord(END)] = UNKNOWN  # and not copyable
        rows = np.searchsorted(self.flat.starts, places, side="right") - 1
        # One key for each different unknown character of each text, in the order of the texts.
        own = _keys(rows, self.flat.codes[places])
        more = [_keys(row, code_points(text)) for row, text in enumerate(also) if text]
        self._keys = np.unique(np.concatenate([own, *(keys[self._is_unknown(keys)] for keys in more)]))
        self._first = np.searchsorted(self._keys >> CODE_BITS, np.arange(len(texts)))  # where a text's keys begin
        self.ids[places] = self._extra_ids(own)

    def __len__(self) -> int:
        return len(self.flat)

    def padded(self, rows: np.ndarray, size: int) -> dict[str, np.ndarray]:
        """Inputs of the encoder for some texts, padded to one length: ``source``, int32 ``(n, size)``, and
        ``features``, uint8 ``(n, size, num_features)``, if there are any."""
        arrays = {"source": self.ids, **({"features": self.features} if self.features.size else {})}
        return gather_padded(arrays, self.flat.starts[rows], self.flat.lengths[rows], size)

    def strings(self) -> Iterator[str]:
        """The cut texts as strings."""
        for start, length in zip(self.flat.starts, self.flat.lengths):
            yield from_code_points(self.flat.codes[start : start + length])

    def _is_unknown(self, keys: np.ndarray) -> np.ndarray:
        return self.vocabulary.encode_codes((keys & _MASK).astype("uint32")) == UNKNOWN

    def _extra_ids(self, keys: np.ndarray) -> np.ndarray:
        """Ids beyond the vocabulary of characters, given by existing keys; int32."""
        place = np.searchsorted(self._keys, keys) - self._first[keys >> CODE_BITS]
        return np.where(place < NUM_EXTRA, len(self.vocabulary) + place, UNKNOWN).astype("int32")

    def encode(self, row: int, text: str) -> np.ndarray:
        """Ids of another text, int32, in which unknown characters of text `row` have the same ids as there."""
        codes = code_points(text)
        ids = self.vocabulary.encode_codes(codes)
        unknown = np.flatnonzero(ids == UNKNOWN)
        ids[codes == ord(END)] = UNKNOWN
        for place in unknown:
            key = _keys(np.int64(row), codes[place])
            if key in self._keys_of(row):
                ids[place] = self._extra_ids(key[None])[0]
        return ids

    def _keys_of(self, row: int) -> np.ndarray:
        end = self._first[row + 1] if row + 1 < len(self._first) else len(self._keys)
        return self._keys[self._first[row] : end]

    def decode(self, row: int, ids: np.ndarray) -> str:
        """The characters of ids generated for text `row`, up to the first 0."""
        end = np.flatnonzero(ids == 0)
        ids = ids[: end[0]] if len(end) else ids
        extra = (self._keys_of(row) & _MASK)[:NUM_EXTRA].astype("uint32")
        return from_code_points(np.append(self.vocabulary.codes, extra)[ids])


def num_features(settings: Any) -> int:
    """Number of further features of a character in the encoder's input."""
    return _LONGEST_COUNTED * settings.counts + 2 * settings.words


def _features(flat: FlatTexts, settings: Any) -> np.ndarray:
    parts = [np.zeros((len(flat.codes), 0), "uint8")]
    if settings.counts:
        parts.append(np.minimum(repetitions(flat, _LONGEST_COUNTED), 255).astype("uint8"))
    if settings.words:
        parts.append(word_bounds(flat).astype("uint8"))
    return np.concatenate(parts, axis=1)


_MASK = (1 << CODE_BITS) - 1  # the bits of a key that hold its code point


def _keys(rows: Any, codes: Any) -> np.ndarray:
    """Keys, int64, of characters by the rows of their texts and their code points."""
    return np.asarray(rows, "int64") << CODE_BITS | np.asarray(codes, "int64")


class TrainingBatches:
    """Training batches ``(inputs, gold, weights)``, see `nlpkit.tasks.title.model.TitleNetwork`.

    Args:
        examples: texts and titles.
        vocabulary: vocabulary of the model.
        settings: `nlpkit.tasks.title.config.TitleSettings`.
        seed: random seed.
    """

    def __init__(self, examples: Sequence[TitleExample], vocabulary: CharacterVocabulary, settings: Any, seed: int):
        self._texts = Texts([example.text for example in examples], vocabulary, settings)
        end = np.array([END_ID], "int32")
        self._titles = [
            np.append(self._texts.encode(row, example.title[: settings.max_title]), end)
            for row, example in enumerate(examples)
        ]
        self._replace, self._epochs, self._seed = settings.replace, settings.epochs, seed
        self._hide = settings.hide if settings.copy else 0.0
        self._copies, self._size = settings.copy, len(vocabulary)
        sizes = [*(size for size in _TITLE_SIZES if size < settings.max_title + 1), settings.max_title + 1]
        self._padded = np.array(sizes)[np.searchsorted(sizes, [*map(len, self._titles)])]
        longest = settings.max_text
        buckets = [*itertools.takewhile(lambda size: size < longest, _text_sizes()), longest]
        lengths = self._texts.flat.lengths
        self._batches = BucketedBatches(lengths, self._collate, settings.batch_size, seed, buckets, self._padded)

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch from the given step on."""
        share = self._replace * (epoch + 1) / self._epochs
        for step, (inputs, gold, weights) in enumerate(self._batches.epoch(epoch, start), start):
            if share:
                rng = np.random.default_rng((self._seed, epoch, step, 1))
                inputs = {**inputs, "previous": _replaced(inputs["previous"], inputs["source"], share, rng)}
            yield inputs, gold, weights

    def _collate(
        self, rows: np.ndarray, length: int, rng: np.random.Generator
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        sources, titles = self._texts.padded(rows, length), [self._titles[row] for row in rows]
        gold = np.zeros((len(rows), self._padded[rows].max()), "int32")
        for row, title in enumerate(titles):
            gold[row, : len(title)] = title
        if self._hide:
            sources["source"], gold = _with_hidden(sources["source"], gold, self._hide, self._size, rng)
        return inputs_and_weights(sources, gold, None if self._copies else self._size)


def inputs_and_weights(
    sources: Mapping[str, np.ndarray], gold: np.ndarray, size: int | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Inputs of the network from texts and titles, the titles, and the weights of steps.

    Args:
        sources: inputs from the texts, see `Texts.padded`.
        gold: ids of the titles, int32 ``(batch, steps)``, 0 for padding.
        size: number of output ids of a model that does not copy.

    A weighted mean over all steps, padding included, is the mean over the steps that count; steps whose character can
    be neither generated nor copied do not count.
    """
    counts = (gold != 0) & (gold != UNKNOWN) & (size is None or gold < size)
    weights = counts.astype("float32")
    weights *= weights.size / max(weights.sum(), 1)
    return {**sources, "previous": shift_right(gold), "gold": gold}, gold, weights


def _with_hidden(
    source: np.ndarray, gold: np.ndarray, share: float, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Sources and titles in which some characters of each source have ids beyond the vocabulary, as if they were not in
    it. The share of a row is random, from 0 to twice the mean share."""
    source, gold = source.copy(), gold.copy()
    for own, title in zip(source, gold):
        known = np.unique(own[(own > END_ID) & (own < size)])
        hidden = known[rng.random(len(known)) < 2 * share * rng.random()]
        if len(hidden):
            first = max(size, int(own.max()) + 1)
            for ids in (own, title):
                place = np.minimum(np.searchsorted(hidden, ids), len(hidden) - 1)
                ids[:] = np.where(hidden[place] == ids, first + place, ids)
    return source, gold


def _replaced(previous: np.ndarray, source: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The ids with a share of them, except the first of each row, replaced by others of the same row's source."""
    lengths = np.maximum((source != 0).sum(axis=1, keepdims=True), 1)
    other = np.take_along_axis(source, (rng.random(previous.shape) * lengths).astype(int), axis=1)
    return np.where((rng.random(previous.shape) < share) & (previous != 0), other, previous)


def _text_sizes() -> Iterator[int]:
    """Padded lengths of texts: 16, 24, 32, 48, 64, 96 and so on."""
    power = 16
    while True:
        yield power
        yield power + power // 2
        power *= 2


class TitleRecord(NamedTuple):
    """A text to answer, the prefix of its title, None for that of the option, and whether it had further columns,
    which are ignored."""

    text: str
    prefix: str | None = None
    has_more: bool = False


def parse_record(item: Any) -> TitleRecord:
    """A record from the first column of a text, or from an object with ``text`` and perhaps ``prefix``.

    Raises:
        ValueError: if it is anything else.
    """
    if isinstance(item, TitleRecord):
        return item
    if isinstance(item, Mapping):
        prefix = clean_prefix(text_of(item, "prefix")) if "prefix" in item else None
        return TitleRecord(clean(text_of(item)), prefix)
    text, _, more = text_of(item).partition("\t")
    return TitleRecord(clean(text), None, bool(more.strip()))


def problems_of(records: Sequence[TitleRecord], texts: Texts, max_text: int, max_length: int) -> list[Problem]:
    """Problems of the records."""
    known = np.append(0, np.cumsum((texts.ids >= FIRST_ID) & (texts.ids < len(texts.vocabulary))))
    counts = known[texts.flat.starts + texts.flat.lengths] - known[texts.flat.starts]
    problems = []
    for row, record in enumerate(records):
        prefix, reasons = record.prefix or "", []
        if not record.text:
            problems.append(Problem(row, "is empty", is_error=True))
            continue
        if len(prefix) > max_length:
            reason = f"its title must begin with {len(prefix)} characters, and may have {max_length}"
            problems.append(Problem(row, reason, is_error=True))
            continue
        if prefix and UNKNOWN in texts.encode(row, prefix):
            reasons.append(
                f"with its prefix it has more than {NUM_EXTRA} unknown characters; a part of that can't be written"
            )
        if len(record.text) > max_text:
            reasons.append(f"has {len(record.text):,} characters, of which the first {max_text} are read")
        if counts[row] == 0:
            reasons.append("none of its characters is in the vocabulary; answered all the same")
        if record.has_more:
            reasons.append("holds a tab; what follows it is not read")
        if reasons:
            problems.append(Problem(row, "; ".join(reasons)))
    return problems


def table_size(num_characters: int) -> int:
    """Number of ids in a title: the size of the vocabulary plus `NUM_EXTRA`, rounded up."""
    return -(-(num_characters + NUM_EXTRA) // _MULTIPLE) * _MULTIPLE

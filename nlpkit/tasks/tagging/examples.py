"""Records to examples, examples to arrays."""

import bisect
import collections
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from nlpkit.datasets.files import read_lines
from nlpkit.datasets.padding import gather_padded
from nlpkit.datasets.readers import read_conll, read_jsonl, read_words
from nlpkit.errors import DataError
from nlpkit.text import tag_schemes
from nlpkit.text.characters import FlatTexts, normalize_text
from nlpkit.text.lexicon import Lexicon, jieba_words
from nlpkit.text.vocabulary import BigramVocabulary, CharacterVocabulary

FORMATS = ("conll", "words", "jsonl")
_LEAST_SEEN = 3  # times that a training word occurs to be in the lexicon `train`
_SHOWN = 5  # places that an error about many of them lists


@dataclasses.dataclass(frozen=True)
class Example:
    """A text with a label for each of its characters."""

    text: str
    labels: tuple[str, ...]
    line: int


def detect_format(path) -> str:
    """`jsonl` by the file's name or first character, `conll` if most lines have columns and a label, else `words`."""
    lines = [line for _, line in itertools.islice(read_lines(path), 50) if line.strip()]
    if str(path).removesuffix(".gz").endswith(".jsonl") or (lines and lines[0].lstrip().startswith("{")):
        return "jsonl"
    prefixes = tag_schemes.SCHEMES["BIOES"]
    columns = [line.split() for line in lines]
    labelled = sum(len(c) >= 2 and tag_schemes.split_label(c[-1])[0] in prefixes for c in columns)
    # Labels of an unknown scheme in a column of their own: the check of the scheme says what is wrong.
    tabbed = sum(line.count("\t") == 1 for line in lines)
    return "conll" if lines and 2 * max(labelled, tabbed) >= len(lines) else "words"


def read_examples(path, file_format: str | None = None) -> list[Example]:
    """Examples of a file in any of the three formats; the labels are as the file has them."""
    file_format = file_format or detect_format(path)
    if file_format == "words":
        examples = [_from_words(record.words, record.line) for record in read_words(path)]
    elif file_format == "conll":
        examples = [_from_columns(record, path) for record in read_conll(path)]
    else:
        examples = [_from_json(record.fields, path, record.line) for record in read_jsonl(path, text=str)]
    examples = [example for example in examples if example.text]
    if not examples:
        raise DataError(f"holds no example (read as {file_format})", path)
    return examples


def check_labels(examples: Sequence[Example], path, repair: bool, scheme: str | None = None):
    """The tag scheme of the examples, the examples with legal labels, and how many had to be repaired.

    Raises:
        DataError: if the labels follow no scheme; if some sequence is illegal and `repair` is False.
    """
    labels = {label for example in examples for label in example.labels}
    try:
        scheme = scheme or tag_schemes.detect_scheme(labels)
        must_close = tag_schemes.needs_closing(labels, scheme)
        places = [tag_schemes.find_illegal(e.labels, scheme, must_close) for e in examples]
    except ValueError as error:
        accepted = tag_schemes.SCHEMES[scheme or "BIOES"]
        strange = (e.line for e in examples if any(tag_schemes.split_label(x)[0] not in accepted for x in e.labels))
        raise DataError(str(error), path, next(strange, None)) from None
    illegal = [i for i, place in enumerate(places) if place is not None]
    if not illegal:
        return scheme, list(examples), 0
    if not repair:
        shown = ", ".join(_describe(examples[i], places[i]) for i in illegal[:_SHOWN])
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


def repair_labels(labels, scheme, prefixes):
    """The legal label sequence that spells what conlleval reads in a possibly illegal one."""
    return tag_schemes.write_spans(tag_schemes.read_spans(labels, scheme), len(labels), scheme, prefixes)


def _describe(example, place):
    if place == len(example.labels):
        return f"the sentence at line {example.line} ends inside {example.labels[-1]}"
    before = example.labels[place - 1] if place else "the start"
    return f"{example.labels[place]} after {before} (sentence at line {example.line}, character {place + 1})"


def _from_words(words, line):
    labels = []
    for word in words:
        labels += ["S"] if len(word) == 1 else ["B"] + ["M"] * (len(word) - 2) + ["E"]
    return Example("".join(words), tuple(labels), line)


def _from_columns(record, path):
    if max(map(len, record.tokens)) > 1:
        i, token = next((i, t) for i, t in enumerate(record.tokens) if len(t) > 1)
        raise DataError(f"token {token!r} has {len(token)} characters; expected one per line", path, record.line + i)
    return Example("".join(record.tokens), tuple(record.labels), record.line)


def _from_json(fields, path, line):
    text = fields["text"]
    if isinstance(fields.get("words"), list):
        pieces, labels, scheme = fields["words"], [], "BMES"
    elif isinstance(fields.get("entities"), list):
        pieces, labels, scheme = fields["entities"], ["O"] * len(text), "BIO"
    else:
        raise DataError('expected a list in the field "words" or "entities"', path, line)
    spans, end = [], 0
    for piece in sorted(pieces, key=_start_of):
        first, last, kind = _start_of(piece), piece.get("end") if isinstance(piece, dict) else None, ""
        if isinstance(piece, dict):
            kind = piece.get("type", "")
        if type(last) is not int or type(kind) is not str or not (end <= first < last <= len(text)):
            raise DataError(
                f"expected spans with start < end inside the text that do not overlap. Received: {piece!r}", path, line
            ) from None
        spans.append((first, last, kind))
        end = last
    if scheme == "BMES" and sum(last - first for first, last, _ in spans) != len(text):
        raise DataError("the words do not cover the text", path, line)
    labels = tag_schemes.write_spans(spans, len(text), scheme, "BIO" if scheme == "BIO" else "BMES")
    return Example(text, tuple(labels), line)


def _start_of(piece):
    start = piece.get("start") if isinstance(piece, dict) else None
    return start if type(start) is int else -1


class Encoder:
    """Texts to the arrays that the model reads. Training and prediction share it."""

    def __init__(self, characters: CharacterVocabulary, bigrams: BigramVocabulary | None, lexicon: Lexicon | None):
        self.characters, self.bigrams, self.lexicon = characters, bigrams, lexicon

    @classmethod
    def from_texts(cls, texts: Iterable[str], config, more_symbols: Iterable[str] = (), words: Mapping[str, int] = {}):
        """Vocabularies of the training texts.

        Args:
            more_symbols: characters and bigrams to have beside them, because there are vectors for them.
            words: words or entities of the training texts and their counts, for the lexicon `train`.
        """
        characters, bigrams = collections.Counter(), collections.Counter()
        edge = BigramVocabulary.EDGE_SYMBOL
        for text in map(normalize_text, texts):
            characters.update(text)
            text = edge + text.replace(edge, " ") + edge
            bigrams.update(map("".join, itertools.pairwise(text)))
        more_symbols = list(more_symbols)
        for counts, length, least in ((characters, 1, config.char_min_count), (bigrams, 2, config.bigram_min_count)):
            for symbol in more_symbols:
                if len(symbol) == length:
                    counts[symbol] = max(counts[symbol], least)
        return cls(
            CharacterVocabulary.from_counts(characters, config.char_min_count),
            BigramVocabulary.from_counts(bigrams, config.bigram_min_count, config.max_bigrams)
            if config.bigram_dim
            else None,
            read_lexicon(config.lexicon, words) if config.lexicon else None,
        )

    def encode(self, texts: FlatTexts) -> dict[str, np.ndarray]:
        """Arrays by input name, their first axis that of the flat texts."""
        arrays = {"characters": self.characters.encode_codes(texts.normal)}
        if self.bigrams is not None:
            with_next = self.bigrams.encode_codes(texts.normal)
            arrays["bigrams"] = np.stack([np.roll(with_next, 1), with_next], axis=-1)
        if self.lexicon is not None:
            arrays["lexicon"] = self.lexicon.features(texts)
        return arrays

    def save(self, folder: Path):
        """Write `vocab.txt` and, where there are, `bigrams.txt` and `lexicon.txt.gz`."""
        self.characters.save(folder / "vocab.txt")
        if self.bigrams is not None:
            self.bigrams.save(folder / "bigrams.txt")
        if self.lexicon is not None:
            self.lexicon.save(folder / "lexicon.txt.gz")

    @classmethod
    def load(cls, folder: Path, config):
        """Read what `save` wrote."""
        return cls(
            CharacterVocabulary.load(folder / "vocab.txt"),
            BigramVocabulary.load(folder / "bigrams.txt") if config.bigram_dim else None,
            Lexicon.load(folder / "lexicon.txt.gz") if config.lexicon else None,
        )


def read_lexicon(name: str, training_words: Mapping[str, int]) -> Lexicon:
    """The lexicon of a name.

    `jieba` is jieba's dictionary, `train` are the words of the training data; otherwise it is a file with a word a
    line and, if known, its frequency after a space or tab.
    """
    if name == "train":
        # In training every word would be in the lexicon, later some are not: let the rare ones show how that is.
        return Lexicon({word: count for word, count in training_words.items() if count >= _LEAST_SEEN})
    if name == "jieba":
        return Lexicon(jieba_words())
    words = {}
    for number, line in read_lines(name):
        word, *more = line.split()[:2] or [""]
        try:
            words[word] = int(more[0]) if more else None
        except ValueError:
            raise DataError(f"expected a word and its frequency. Received: {line[:40]!r}", name, number) from None
    return Lexicon(words)


# Cutting long texts into windows.

_CONTEXT = 24  # characters beside a forced cut that are read on both sides of it
_STOPS = np.array([ord(c) for c in "。！？；!?;\n，,、：: \t"], "uint32")


@dataclasses.dataclass(frozen=True)
class Windows:
    """Pieces of flat texts that are read one by one. All arrays are int64 ``(n,)``, places in the flat texts.

    A piece is read from `starts` over `lengths` characters; the answer for ``keep_from`` to ``keep_to`` is taken
    from it. The kept parts of all windows are the texts, each character once.
    """

    starts: np.ndarray
    lengths: np.ndarray
    keep_from: np.ndarray
    keep_to: np.ndarray

    def gather(self, arrays: dict[str, np.ndarray], rows: np.ndarray, length: int) -> dict[str, np.ndarray]:
        """One padded batch of the arrays of an `Encoder`: the windows `rows`, padded with zeros to `length`."""
        return gather_padded(arrays, self.starts[rows], self.lengths[rows], length)

    def kept(self, rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Mask of the kept steps of a batch ``(rows, length)``, and the places in the flat texts of the kept steps."""
        places = self.starts[rows][:, None] + np.arange(length)
        mask = (places >= self.keep_from[rows][:, None]) & (places < self.keep_to[rows][:, None])
        return mask, places[mask]


def cut_windows(texts: FlatTexts, window: int, cuts: np.ndarray | None = None) -> Windows:
    """Texts no longer than the window are read whole. Longer ones are cut after the last stop in the window.

    Where there is no stop the cut is forced: both sides are read on over the cut by some characters, and the
    answers meet in the middle of what both have read.

    Args:
        cuts: places in the flat texts to cut at instead, ascending, for training, where the labels say where a cut
            does no harm. Then forced cuts have no overlap.
    """
    starts, ends = texts.starts, texts.starts + texts.lengths
    short = (texts.lengths <= window) & (texts.lengths > 0)
    pieces = [np.stack([starts, ends, starts, ends])[:, short]]
    long = np.flatnonzero(texts.lengths > window)
    if len(long):
        places = (_after_stops(texts.normal) if cuts is None else cuts).tolist()
        overlap = _CONTEXT if cuts is None else 0
        cut = [piece for i in long for piece in _cut(places, int(starts[i]), int(ends[i]), window, overlap)]
        pieces.append(np.array(cut).T)
    read_from, read_to, keep_from, keep_to = np.concatenate(pieces, axis=1)
    return Windows(read_from, read_to - read_from, keep_from, keep_to)


def _after_stops(codes):
    """Places after a stop that does not stand between digits, as in 12:30."""
    after = np.flatnonzero(np.isin(codes[:-1], _STOPS)) + 1
    digit = (codes >= ord("0")) & (codes <= ord("9"))
    return after[~(digit[after - 2] & digit[after])]


def _cut(places, start, end, window, overlap):
    pieces, read_from, keep_from = [], start, start
    while end - read_from > window:
        last = bisect.bisect_right(places, read_from + window) - 1
        cut = places[last] if last >= 0 else start
        if cut > read_from + window // 2:
            pieces.append((read_from, cut, keep_from, cut))
            read_from = keep_from = cut
        else:
            cut = read_from + window - overlap // 2
            pieces.append((read_from, read_from + window, keep_from, cut))
            read_from, keep_from = cut - overlap // 2, cut
    pieces.append((read_from, end, keep_from, end))
    return pieces

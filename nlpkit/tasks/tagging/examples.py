"""Records to examples, examples to arrays."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np

from nlpkit.datasets.batches import BucketedBatches
from nlpkit.datasets.files import ending_of, read_lines
from nlpkit.datasets.readers import read_conll, read_jsonl, read_words
from nlpkit.datasets.windows import cut_windows
from nlpkit.errors import DataError
from nlpkit.text import tag_schemes
from nlpkit.text.characters import EDGE, FlatTexts
from nlpkit.text.features import TextFeatures

_SHOWN = 5  # places that an error about many of them lists


@dataclasses.dataclass(frozen=True)
class Example:
    """A text with a label for each of its characters."""

    text: str
    labels: tuple[str, ...]
    line: int


def detect_format(path: str | Path) -> str:
    """`jsonl` by the file's name or first character, `conll` if most lines have columns and a label, else `words`."""
    lines = [line for _, line in itertools.islice(read_lines(path), 50) if line.strip()]
    if ending_of(path) == ".jsonl" or (lines and lines[0].lstrip().startswith("{")):
        return "jsonl"
    prefixes = tag_schemes.SCHEMES["BIOES"]
    columns = [line.split() for line in lines]
    labelled = sum(len(c) >= 2 and tag_schemes.split_label(c[-1])[0] in prefixes for c in columns)
    # Labels of an unknown scheme in a column of their own: the check of the scheme says what is wrong.
    tabbed = sum(line.count("\t") == 1 for line in lines)
    return "conll" if lines and 2 * max(labelled, tabbed) >= len(lines) else "words"


def read_examples(path: str | Path, file_format: str | None = None) -> list[Example]:
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


def check_labels(
    examples: Sequence[Example], path: str | Path, repair: bool, scheme: str | None = None
) -> tuple[str, list[Example], int]:
    """The tag scheme of examples, the examples with legal labels, and how many had to be repaired.

    Args:
        examples: the examples.
        path: their file, for messages.
        repair: whether illegal sequences are read as conlleval does.
        scheme: the scheme, if it is known; it is detected otherwise.

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


def repair_labels(labels: Sequence[str], scheme: str, prefixes: Collection[str]) -> list[str]:
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
        spans_given, labels, scheme = fields["words"], [], "BMES"
    elif isinstance(fields.get("entities"), list):
        spans_given, labels, scheme = fields["entities"], ["O"] * len(text), "BIO"
    else:
        raise DataError('expected a list in the field "words" or "entities"', path, line)
    spans, end = [], 0
    for given in sorted(spans_given, key=_start_of):
        first, last, kind = _start_of(given), given.get("end") if isinstance(given, dict) else None, ""
        if isinstance(given, dict):
            kind = given.get("type", "")
        if type(last) is not int or type(kind) is not str or not (end <= first < last <= len(text)):
            raise DataError(
                f"expected spans with start < end inside the text that do not overlap. Received: {given!r}", path, line
            ) from None
        spans.append((first, last, kind))
        end = last
    if scheme == "BMES" and sum(last - first for first, last, _ in spans) != len(text):
        raise DataError("the words do not cover the text", path, line)
    labels = tag_schemes.write_spans(spans, len(text), scheme, "BIO" if scheme == "BIO" else "BMES")
    return Example(text, tuple(labels), line)


def _start_of(given):
    start = given.get("start") if isinstance(given, dict) else None
    return start if type(start) is int else -1


def count_words(examples: Iterable[Example], scheme: str) -> collections.Counter[str]:
    """How often each word or entity occurs."""
    words: collections.Counter[str] = collections.Counter()
    for example in examples:
        words.update(example.text[a:b] for a, b, _ in tag_schemes.read_spans(example.labels, scheme))
    return words


class TaggedTexts:
    """Labelled texts as flat arrays.

    Args:
        examples: the texts and their labels.
        features: what the network reads of them.
        labels: the labels in the order of their ids.
        scheme: the tag scheme.
    """

    def __init__(self, examples: Sequence[Example], features: TextFeatures, labels: Sequence[str], scheme: str):
        self.flat = FlatTexts([example.text for example in examples])
        self._arrays = features.encode(self.flat)
        self._labels, self._scheme = list(labels), scheme
        self._ids = {label: i for i, label in enumerate(labels)}
        self.tags = np.zeros(len(self.flat.codes), "int32")
        for start, example in zip(self.flat.starts, examples):
            self.tags[start : start + len(example.text)] = [self._ids[label] for label in example.labels]

    def batches(self, window: int, batch_size: int, seed: int) -> BucketedBatches:
        """Training batches ``(arrays, tag ids, weights)``, the tag ids int32 ``(batch, time)``.

        Long texts are cut between spans. Where a span is longer than the window its parts become spans of their own.
        """
        can_cut = np.array([tag_schemes.opens_or_outside(label, self._scheme) for label in self._labels])[self.tags]
        can_cut[self.flat.codes == EDGE] = True
        windows = cut_windows(self.flat, window, np.flatnonzero(can_cut))
        tags = self.tags.copy()
        for start, end in zip(windows.keep_from, windows.keep_to):
            if not (can_cut[start] and can_cut[end]):
                tags[start:end] = self._legal(tags[start:end])
        arrays = {**self._arrays, "tags": tags}

        def collate(rows, length, _):
            batch = windows.gather(arrays, rows, length)
            # A row's loss is a sum over its characters: with this weight the batch's is a mean over them.
            weight = len(rows) / windows.lengths[rows].sum()
            return batch, batch.pop("tags"), np.full(len(rows), weight, "float32")

        steps = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]
        buckets = [length for length in steps if length < window] + [window]
        return BucketedBatches(windows.lengths, collate, batch_size, seed, buckets)

    def _legal(self, tags):
        prefixes = {tag_schemes.split_label(label)[0] for label in self._labels}
        legal = repair_labels([self._labels[tag] for tag in tags], self._scheme, prefixes)
        return [self._ids.get(label, self._ids.get("O", 0)) for label in legal]

"""Tags to answers: words and entities with offsets, and lines of segmented text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from nlpkit.tasks.shared.records import Sentence
from nlpkit.tasks.tagging.answers import Entities, Segmentation, Tokens, tagged
from nlpkit.tasks.tagging.examples import repair_labels
from nlpkit.text import tag_schemes
from nlpkit.text.characters import FlatTexts, from_code_points
from nlpkit.text.tokens import FlatTokens

_RUNS = re.compile(r"\s+|\S+")


class AnswerDecoder:
    """A decoder from the tags of a tagger to answers.

    Args:
        labels: the labels in the order of their ids.
        scheme: the tag scheme.
        window: longest text whose labels come from one window; longer texts may have illegal labels where windows meet.
        blanks: whether words of the training data contain white space; otherwise words end there.
    """

    def __init__(self, labels: Sequence[str], scheme: str, window: int, blanks: bool = False):
        self.scheme, self._blanks = scheme, blanks
        self.segments = is_segmentation(labels, scheme)
        self.kind = "words" if self.segments else "tokens" if scheme in ("plain", "BMES") else "entities"
        self._window = window
        self._labels = np.array(labels, object)
        self._prefixes = {tag_schemes.split_label(label)[0] for label in labels}
        self._begins = np.array([label[:1] in "BS" for label in labels])
        self._ends = np.array([label[:1] in "ES" for label in labels])
        ids = {label: i for i, label in enumerate(labels)}
        self._ids = np.array([ids.get(label, 0) for label in tag_schemes.segmentation_labels()], "int16")

    def label_sequences(
        self, flat: FlatTexts | FlatTokens, tags: np.ndarray, joins: np.ndarray | None = None
    ) -> list[list[str]]:
        """Labels of the characters of each text.

        Args:
            flat: the texts.
            tags: int ``(total,)``, tag ids in the shape of the flat texts.
            joins: whether a code point belongs to the same grapheme as the one before it, and so has the same label,
                bool ``(total,)``.
        """
        labels = self._labels[tags]
        sequences = [labels[a : a + n].tolist() for a, n in zip(flat.starts, flat.lengths)]
        sequences = [
            repair_labels(each, self.scheme, self._prefixes) if len(each) > self._window else each for each in sequences
        ]
        if joins is not None:
            sequences = [
                self._joined(each, joins[a : a + n]) if joins[a : a + n].any() else each
                for each, a, n in zip(sequences, flat.starts, flat.lengths)
            ]
        return sequences

    def _joined(self, labels: Sequence[str], joins: np.ndarray) -> list[str]:
        """Labels whose spans begin and end at whole graphemes."""
        first = np.maximum.accumulate(np.where(joins, 0, np.arange(len(labels))))  # the start of each grapheme
        if self.scheme == "plain":
            return [labels[i] for i in first]
        ends = np.append(np.flatnonzero(~joins), len(labels))  # 0, and the ends of graphemes
        spans: list[tuple[int, int, str]] = []
        end = 0
        for a, b, kind in tag_schemes.read_spans(labels, self.scheme):
            start, end_before = max(end, int(first[a])), end
            end = int(ends[np.searchsorted(ends, b)])
            if start < end:
                spans.append((start, end, kind))
            end = max(end, end_before)
        return tag_schemes.write_spans(spans, len(labels), self.scheme, self._prefixes)

    def answers(
        self,
        sentences: Sequence[Sentence],
        flat: FlatTexts | FlatTokens,
        tags: np.ndarray,
        joins: np.ndarray | None,
        logs: np.ndarray | None = None,
    ) -> list[Segmentation | Entities | Tokens]:
        """An answer for each text; for `joins` see `label_sequences`, for `logs` `nlpkit.decoding.path_posteriors`."""
        if self.segments and not self._blanks and isinstance(flat, FlatTexts):
            tags = self._cut_at_blanks(flat, tags)
        sequences = self.label_sequences(flat, tags, joins)
        if logs is None:
            return [self.answer(sentence, labels) for sentence, labels in zip(sentences, sequences)]
        return [
            self.answer(sentence, labels, logs[a : a + n])
            for sentence, labels, a, n in zip(sentences, sequences, flat.starts, flat.lengths)
        ]

    def answer(
        self, sentence: Sentence, labels: Sequence[str], logs: np.ndarray | None = None
    ) -> Segmentation | Entities | Tokens:
        """The answer that follows from the labels of a text."""
        spans = tag_schemes.read_spans(labels, self.scheme)
        if self.kind == "tokens" and sentence.tokens is None and len(sentence.text.split()) != 1:
            spans = [
                (a + m.start(), a + m.end(), kind) for a, b, kind in spans for m in _RUNS.finditer(sentence.text[a:b])
            ]
            labels = tag_schemes.write_spans(spans, len(labels), self.scheme, self._prefixes)
            spans = [span for span in spans if not sentence.text[span[0]].isspace()]
        sure = None if logs is None else _probabilities(spans, logs)
        if sentence.tokens is not None:
            starts, tokens = sentence.starts, sentence.tokens
            spans = [(starts[a], starts[b - 1] + len(tokens[b - 1]), kind) for a, b, kind in spans]
        return tagged(sentence.text, labels, spans, self.kind, sentence.tokens, sure)

    def word_ends(self, tags: np.ndarray) -> np.ndarray:
        """Whether a word ends with a character, bool ``(total,)``."""
        return self._ends[tags] | np.roll(self._begins[tags], -1)

    def join(self, flat: FlatTexts, tags: np.ndarray, together: np.ndarray) -> np.ndarray:
        """Tags of a segmentation after the union of some words.

        Args:
            flat: the texts.
            tags: tags of the segmentation, int16 ``(total,)``.
            together: whether a character and the next belong to one word, bool ``(total,)``.
        """
        return self._with_ends(flat, tags, self.word_ends(tags) & ~together)

    def _cut_at_blanks(self, flat: FlatTexts, tags: np.ndarray) -> np.ndarray:
        blank = _is_blank(flat.codes)
        return (
            self._with_ends(flat, tags, self.word_ends(tags) | (blank != np.roll(blank, -1))) if blank.any() else tags
        )

    def _with_ends(self, flat: FlatTexts, tags: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Tags of the words with the given ends."""
        ends[flat.starts + flat.lengths - 1] = True
        begins = np.roll(ends, 1)
        begins[flat.starts] = True
        begin, middle, end, single = self._ids
        joined = np.where(begins, np.where(ends, single, begin), np.where(ends, end, middle))
        return np.where(tags < 0, tags, joined).astype("int16")

    def spaced(self, flat: FlatTexts, tags: np.ndarray) -> str:
        """All texts as lines of words separated by spaces; equal to `Segmentation.to_text`, many times faster."""
        codes = np.where(flat.codes == 10, 32, flat.codes)[1:]
        codes[flat.starts + flat.lengths - 1] = 10
        return spaced_words(codes, self.word_ends(tags)[1:])

    def labelled(self, sentences: Sequence[Sentence], flat: FlatTokens, tags: np.ndarray) -> str:
        """All tokens with their labels, a text a line; equal to `Tokens.to_text`, many times faster."""
        labels = self._labels[tags].tolist()
        lines = []
        for sentence, start in zip(sentences, flat.starts.tolist()):
            tokens = sentence.tokens or ()
            lines.append(" ".join([f"{a}/{b}" for a, b in zip(tokens, labels[start : start + len(tokens)])]))
        return "".join([line + "\n" for line in lines])


def _probabilities(spans: Sequence[tuple[int, int, str]], logs: np.ndarray) -> list[float]:
    """The probability of each span, from the logs of `nlpkit.decoding.path_posteriors` over its text."""
    if not spans:
        return []
    starts, ends = np.array([span[:2] for span in spans]).T
    given = np.cumsum(logs[:, 1])
    of_spans = logs[starts, 0] + given[ends - 1] - given[starts] + logs[ends - 1, 2]
    return [round(p, 4) for p in np.exp(np.minimum(of_spans, 0)).tolist()]


def is_segmentation(labels: Iterable[str], scheme: str) -> bool:
    """Whether the tags are those of word segmentation: BMES without types."""
    return scheme == "BMES" and not any(tag_schemes.split_label(label)[1] for label in labels)


def spaced_words(codes: np.ndarray, last: np.ndarray) -> str:
    """Many lines of segmented text at once, with a space after each word.

    Args:
        codes: code points of the lines, each ended by a line feed.
        last: whether a word ends with a character, bool.

    White space of the input is collapsed: runs of it become one space, and it is removed at the ends of lines.
    """
    line_end = codes == 10
    solid = ~(_is_blank(codes) | line_end)
    # A gap precedes a solid character if the previous one in its line ends a word, or white space lies between.
    places = np.flatnonzero(solid | line_end)
    kept = codes[places]
    is_end = kept == 10
    between = np.diff(places, prepend=-1) > 1
    ends_before = np.append(True, last[places[:-1]])
    after_line_end = np.append(True, is_end[:-1])
    gap = (between | ends_before) & ~is_end & ~after_line_end
    out = np.full(len(kept) + int(gap.sum()), 32, "uint32")
    out[np.arange(len(kept)) + np.cumsum(gap)] = kept
    return from_code_points(out)


def _is_blank(codes: np.ndarray) -> np.ndarray:
    """Whether code points are white space other than line feeds."""
    return _BLANK[np.minimum(codes, len(_BLANK) - 1)]


_BLANK = np.zeros(0x3002, bool)
_BLANK[[c for c in range(0x3001) if chr(c).isspace() and c != 10]] = True

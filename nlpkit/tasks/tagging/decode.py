"""Labels to answers: words and entities with offsets, and the lines of the output formats."""

import json
from collections.abc import Sequence

import numpy as np

from nlpkit.text import tag_schemes
from nlpkit.text.characters import from_code_points


def is_segmentation(labels: Sequence[str], scheme: str) -> bool:
    """Whether the tags spell words: BMES without types. Everything else spells spans of a type."""
    return scheme == "BMES" and not any(tag_schemes.split_label(label)[1] for label in labels)


def spans_of(text: str, labels: Sequence[str], scheme: str, words: bool) -> list[dict]:
    """Words or entities: ``{"text", "start", "end"}``, entities with a ``"type"``. Offsets count characters."""
    spans = []
    for start, end, kind in tag_schemes.read_spans(labels, scheme):
        span = {"text": text[start:end], "start": start, "end": end}
        if not words:
            span["type"] = kind
        spans.append(span)
    return spans


def spaced_words(codes: np.ndarray, last: np.ndarray) -> str:
    """Many lines of segmented text at once: a space after each word.

    Args:
        codes: code points of the lines, each ended by a line feed.
        last: bool, whether a word ends with this character.

    White space of the input is a word boundary already and is not repeated: runs of it become one space, and lines
    have none at their ends.
    """
    blank = _BLANK[np.minimum(codes, len(_BLANK) - 1)]
    line_end = codes == 10
    solid = ~(blank | line_end)
    # A gap stands before a solid character if the one before it in its line ends a word, or white space lies between.
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


_BLANK = np.zeros(0x3002, bool)
_BLANK[[c for c in range(0x3001) if chr(c).isspace() and c != 10]] = True


def answer_line(text: str, labels: Sequence[str], scheme: str, words: bool, file_format: str) -> str:
    """One line of output.

    Formats: `text` (entities: a JSON list), `jsonl` (a JSON object with the text), `conll` (a character and its
    label on each line, an empty line at the end; white space of any kind is written as a space).
    """
    if file_format == "conll":
        shown = (" " if character.isspace() else character for character in text)
        return "".join(f"{character}\t{label}\n" for character, label in zip(shown, labels))
    spans = spans_of(text, labels, scheme, words)
    if file_format == "jsonl":
        spans = {"text": text, "words" if words else "entities": spans}
    return json.dumps(spans, ensure_ascii=False)

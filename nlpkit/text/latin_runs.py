"""Runs of Latin letters and digits, numbers and addresses, which a segmenter keeps together."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator

import numpy as np

from nlpkit.text.characters import FlatTexts, from_code_points

KINDS = ("letters", "digits", "letter-digit", "digit-letter", "decimal", "address", "capital")
"""Kinds of two neighbouring characters of a run: ``ab``, ``12``, ``a1``, ``1a``, either side of the point of ``3.14``,
within ``name@example.com`` or ``https://example.com/a``, and ``tH`` as in ``GitHub``, where data without spaces may
have two words."""

_LETTER, _DIGIT, _POINT, _AT, _COLON = 1, 2, 3, 4, 5
_PAIRS = np.zeros((6, 6), "uint8")
_PAIRS[_LETTER, _LETTER], _PAIRS[_DIGIT, _DIGIT], _PAIRS[_LETTER, _DIGIT], _PAIRS[_DIGIT, _LETTER] = 1, 2, 3, 4
_CAPITALS = np.array([*range(ord("A"), ord("Z") + 1), *range(ord("Ａ"), ord("Ｚ") + 1)], "uint32")
_ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]+|[a-z0-9_.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_OFTEN = 20  # least number of occurrences for a decision about a kind
_SELDOM = 0.01  # largest share of splits, taken for mistakes, of a kind that is kept together
_SELDOM_LETTERS = 0.03  # the same for letters: in data without spaces two words may touch


@functools.cache
def _classes() -> np.ndarray:
    """uint8, the class of each code point: letter, digit, one of the signs of addresses, or 0."""
    table = np.zeros(0x110001, "uint8")
    for code in range(0x250):
        table[code] = _LETTER if chr(code).isalpha() else _DIGIT if chr(code) in "0123456789" else 0
    for sign, kind in ((".", _POINT), ("@", _AT), (":", _COLON), ("/", _COLON)):
        table[ord(sign)] = kind
    return table


def neighbours_in_runs(texts: FlatTexts) -> np.ndarray:
    """The kind of each character together with the one after it.

    Args:
        texts: the texts; full-width letters and digits count as letters and digits.

    Returns:
        uint8 ``(total,)``: for each character of the flat texts 0 if it forms no run with the next one, else 1 plus
        the index of their kind in `KINDS`.

    Example:

        >>> neighbours_in_runs(FlatTexts(["用ET9打3.5分"]))[1:-1].tolist()
        [0, 1, 3, 0, 0, 5, 5, 0, 0]
    """
    kinds = _classes()[texts.normal]
    found = np.zeros(len(kinds), "uint8")
    # Few characters of Chinese text belong to runs, so only their places are processed from here on.
    places = np.flatnonzero(kinds)
    places = places[:-1][np.diff(places) == 1]  # the next character belongs to a run as well
    pairs = _PAIRS[kinds[places], kinds[places + 1]]
    capital = np.isin(texts.codes[places + 1], _CAPITALS) & ~np.isin(texts.codes[places], _CAPITALS)
    found[places] = np.where((pairs == 1) & capital, 7, pairs)
    points = places[kinds[places] == _POINT]
    points = points[(kinds[points - 1] == _DIGIT) & (kinds[points + 1] == _DIGIT)]
    found[points - 1], found[points] = 5, 5
    for start, end in _addresses(texts, kinds, places):
        found[start : end - 1] = 6
    return found


def _addresses(texts: FlatTexts, kinds: np.ndarray, places: np.ndarray) -> Iterator[tuple[int, int]]:
    """Starts and ends of addresses, searched in texts with an at sign, a colon and slash, or a point after a w."""
    before, after = kinds[places], kinds[places + 1]
    signs = (before == _AT) | (before == _COLON) | ((after == _POINT) & (texts.normal[places] == ord("w")))
    for row in np.unique(np.searchsorted(texts.starts, places[signs], side="right") - 1).tolist():
        start = int(texts.starts[row])
        text = from_code_points(texts.normal[start : start + int(texts.lengths[row])])
        for match in _ADDRESS.finditer(text):
            yield start + match.start(), start + match.end()


def types_split_in(texts: FlatTexts, ends: np.ndarray) -> list[str]:
    """The `KINDS` that segmented data split.

    Args:
        texts: the texts.
        ends: bool ``(total,)``, whether a word ends with this character.

    Returns:
        Kinds that occur often enough for a decision, and are split more often than by mistake.

    Example:

        >>> texts = FlatTexts(["a1"] * 50)
        >>> types_split_in(texts, np.ones(len(texts.codes), bool))
        ['letter-digit']
    """
    kinds = neighbours_in_runs(texts)
    split = np.bincount(kinds[ends], minlength=len(KINDS) + 1)[1:]
    total = np.bincount(kinds, minlength=len(KINDS) + 1)[1:]
    return [
        name
        for name, s, t in zip(KINDS, split.tolist(), total.tolist())
        if t >= _OFTEN and s > t * (_SELDOM_LETTERS if name == "letters" else _SELDOM)
    ]


def kept_together(texts: FlatTexts, kinds: Collection[str]) -> np.ndarray:
    """bool ``(total,)``: whether a character and the one after it form one of these `KINDS`."""
    wanted = np.array([False, *(kind in kinds for kind in KINDS)])
    return wanted[neighbours_in_runs(texts)]

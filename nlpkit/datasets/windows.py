"""Windows over long texts, and the way back."""

from __future__ import annotations

import bisect
import dataclasses
from typing import Protocol

import numpy as np

from nlpkit.datasets.padding import gather_padded
from nlpkit.text.characters import FlatTexts
from nlpkit.text.tokens import FlatTokens

_CONTEXT = 24  # number of characters that both windows read around a forced cut
_STOPS = np.array([ord(c) for c in "。！？；!?;\n，,、：: \t"], "uint32")


class Spans(Protocol):
    """Offsets and lengths of texts, or parts of them, in the flat texts, int64 ``(n,)``."""

    @property
    def starts(self) -> np.ndarray: ...

    @property
    def lengths(self) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class Windows:
    """Parts of flat texts that a model reads independently. All arrays are int64 ``(n,)``, places in the flat texts.

    A window covers `lengths` characters from `starts`; its predictions from ``keep_from`` to before ``keep_to`` are
    kept. The kept parts of all windows cover each character of the texts once.
    """

    starts: np.ndarray
    lengths: np.ndarray
    keep_from: np.ndarray
    keep_to: np.ndarray

    def gather(self, arrays: dict[str, np.ndarray], rows: np.ndarray, length: int) -> dict[str, np.ndarray]:
        """One padded batch of arrays ``(total, …)``: the windows `rows`, padded with zeros to `length`."""
        return gather_padded(arrays, self.starts[rows], self.lengths[rows], length)

    def kept(self, rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Whether steps of a batch ``(rows, length)`` are kept, bool, and their places in the flat texts, int64."""
        places = self.starts[rows][:, None] + np.arange(length)
        mask = (places >= self.keep_from[rows][:, None]) & (places < self.keep_to[rows][:, None])
        return mask, places[mask]


def cut_windows(texts: FlatTexts | FlatTokens, window: int, cuts: np.ndarray | None = None) -> Windows:
    """Windows over texts. Texts longer than `window` are cut after the last punctuation mark inside of it.

    Without a mark the cut is forced: both windows read some characters beyond it, and their kept parts meet in the
    middle of the overlap.

    Args:
        texts: the texts.
        window: largest number of characters of a window.
        cuts: places in the flat texts to cut at instead, ascending, for training, where labels show harmless cuts.
            Forced cuts then have no overlap.

    Example:

        >>> windows = cut_windows(FlatTexts(["今天好。明天也好。"]), 6)
        >>> windows.lengths.tolist(), windows.keep_from.tolist()
        ([4, 5], [1, 5])
    """
    starts, ends = texts.starts, texts.starts + texts.lengths
    short = (texts.lengths <= window) & (texts.lengths > 0)
    parts = [np.stack([starts, ends, starts, ends])[:, short]]
    long = np.flatnonzero(texts.lengths > window)
    if len(long):
        places = (_after_stops(texts.normal) if cuts is None else cuts).tolist()
        # At most half of a small window, so that the next one begins later.
        overlap = 0 if cuts is not None else _CONTEXT if window > _CONTEXT else window // 2
        cut = [part for i in long for part in _cut(places, int(starts[i]), int(ends[i]), window, overlap)]
        parts.append(np.array(cut).T)
    read_from, read_to, keep_from, keep_to = np.concatenate(parts, axis=1)
    return Windows(read_from, read_to - read_from, keep_from, keep_to)


def overlapping_windows(texts: Spans, window: int, overlap: int) -> tuple[Windows, np.ndarray]:
    """Overlapping windows over texts, kept whole.

    Args:
        texts: the texts.
        window: largest number of units of a window.
        overlap: number of units that a window shares with the one before it, fewer than `window`.

    Returns:
        The windows, and the index of the text of each, int64 ``(n,)``.

    Example:

        >>> windows, rows = overlapping_windows(FlatTexts(["今天好。明天也好。", "好"]), 6, 2)
        >>> windows.starts.tolist(), windows.lengths.tolist(), rows.tolist()
        ([1, 5, 11], [6, 5, 1], [0, 0, 1])
    """
    step = window - overlap
    counts = np.where(texts.lengths > 0, 1 + np.maximum(-(-(texts.lengths - window) // step), 0), 0)
    rows = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)  # index of a window in its text
    starts = texts.starts[rows] + number * step
    lengths = np.minimum(window, texts.starts[rows] + texts.lengths[rows] - starts)
    return Windows(starts, lengths, starts, starts + lengths), rows


def _after_stops(codes: np.ndarray) -> np.ndarray:
    """Places after punctuation marks, except between digits, as in 12:30."""
    after = np.flatnonzero(np.isin(codes[:-1], _STOPS)) + 1
    digit = (codes >= ord("0")) & (codes <= ord("9"))
    return after[~(digit[after - 2] & digit[after])]


def _cut(places: list[int], start: int, end: int, window: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Windows over one text: first and last place to read, and first and last place to keep."""
    parts: list[tuple[int, int, int, int]] = []
    read_from, keep_from = start, start
    while end - read_from > window:
        last = bisect.bisect_right(places, read_from + window) - 1
        cut = places[last] if last >= 0 else start
        if cut > read_from + window // 2:
            parts.append((read_from, cut, keep_from, cut))
            read_from = keep_from = cut
        else:
            cut = read_from + window - overlap // 2
            parts.append((read_from, read_from + window, keep_from, cut))
            read_from, keep_from = cut - overlap // 2, cut
    parts.append((read_from, end, keep_from, end))
    return parts

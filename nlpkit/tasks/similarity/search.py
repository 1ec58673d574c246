"""The nearest of many sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Self

import numpy as np

from nlpkit.datasets.vector_files import load_array
from nlpkit.errors import DataError

_ROWS_AT_ONCE = 16_384  # of the index
_QUERIES_AT_ONCE = 256


class SentenceList:
    """Sentences in a text file, a line each; white space at their ends is part of them.

    Args:
        sentences: texts without line ends.
    """

    def __init__(self, sentences: Sequence[str]):
        self.sentences = list(sentences)

    def write(self, file: IO[bytes]) -> None:
        """A sentence a line."""
        for each in self.sentences:
            file.write(f"{each}\n".encode())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        return cls(path.read_text("utf-8").split("\n")[:-1])


class VectorTable:
    """Vectors in NumPy's own format, which are mapped, not read.

    Args:
        vectors: float32 ``(n, size)``, of length 1.
    """

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors

    def nearest(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `nearest_rows`."""
        return nearest_rows(self.vectors, queries, count)

    def write(self, file: IO[bytes]) -> None:
        """One array, as `numpy.load` reads it."""
        np.lib.format.write_array(file, np.ascontiguousarray(self.vectors), allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Map what `write` wrote."""
        return cls(load_array(path, (None, None)))


def check_index(
    sentences: SentenceList | None, table: VectorTable | None, cells_shape: tuple[int, int] | None, size: int
) -> None:
    """Raise a `ValueError` unless these are an index together.

    Args:
        sentences, table: of the index, or None.
        cells_shape: number and size of the vectors in its cells, or None.
        size: of a vector of the model.
    """
    if sentences is None or table is None:
        raise ValueError("of the index there are only some parts")
    shape = (len(sentences.sentences), size)
    if table.vectors.shape != shape or cells_shape not in (None, shape):
        raise ValueError(
            f"the vectors {table.vectors.shape} of the index, or its cells, are not of its sentences {shape}"
        )


def changed_index(
    sentences: SentenceList | None,
    table: VectorTable | None,
    add: Sequence[str],
    remove: Sequence[str],
    encode: Callable[[Sequence[str]], np.ndarray],
) -> tuple[SentenceList, VectorTable]:
    """The sentences of an index and their vectors, without some of them and with others.

    Args:
        sentences, table: of the index as it is, or None.
        add: sentences; those that are there already, and empty ones, are left out.
        remove: sentences.
        encode: sentences to vectors.

    Raises:
        DataError: if a sentence to remove is not there, or none is left.
    """
    old = {} if sentences is None else {text: row for row, text in enumerate(sentences.sentences)}
    for text in remove:
        if text not in old:
            raise DataError(f"the index does not hold {text!r:.60}, which was to be removed")
    for text in remove:
        old.pop(text, None)
    new = [text for text in dict.fromkeys(add) if text.strip() and text not in old]
    if not old and not new:
        raise DataError("an index holds one sentence at least")
    vectors = encode(new)
    if table is not None:
        vectors = np.concatenate([table.vectors[[*old.values()]], vectors])
    return SentenceList([*old, *new]), VectorTable(vectors)


def nearest_rows(vectors: np.ndarray, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a table with the highest products with each query, by products with all of them, block by block.

    Args:
        vectors: float32 ``(n, size)``, which may be a memory map.
        queries: float32 ``(q, size)``.
        count: how many.

    Returns:
        Scores, float32 ``(q, min(count, n))``, highest first, and rows, int64 of the same shape; of rows with the same
        score the first.

    Example:

        >>> scores, rows = nearest_rows(np.eye(3, dtype="float32"), np.array([[0, 1, 0.5]], "float32"), 2)
        >>> rows.tolist()
        [[1, 2]]
    """
    count = min(count, len(vectors))
    parts = [
        _nearest(vectors, queries[i : i + _QUERIES_AT_ONCE], count) for i in range(0, len(queries), _QUERIES_AT_ONCE)
    ]
    if not parts:
        return np.zeros((0, count), "float32"), np.zeros((0, count), int)
    scores, rows = zip(*parts)
    return np.concatenate(scores), np.concatenate(rows)


def _nearest(vectors, queries, count):
    best, places = np.zeros((len(queries), 0), "float32"), np.zeros((len(queries), 0), int)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        scores = queries @ vectors[start : start + _ROWS_AT_ONCE].T
        if best.shape[1] == count and not (scores.max(axis=1) > best[:, -1]).any():
            continue
        rows = np.broadcast_to(np.arange(start, start + scores.shape[1]), scores.shape)
        if scores.shape[1] > count:
            chosen = np.argpartition(-scores, count - 1, axis=1)[:, :count]
            scores, rows = np.take_along_axis(scores, chosen, 1), np.take_along_axis(rows, chosen, 1)
        best, places = np.concatenate([best, scores], axis=1), np.concatenate([places, rows], axis=1)
        order = np.lexsort((places, -best), axis=1)[:, :count]
        best, places = np.take_along_axis(best, order, 1), np.take_along_axis(places, order, 1)
    return best, places

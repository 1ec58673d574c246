"""The nearest of many sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Self

import numpy as np

from nlpkit.datasets.vector_files import load_array
from nlpkit.decoding.nearest import nearest_rows
from nlpkit.errors import DataError


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
        return cls(path.read_bytes().decode("utf-8").split("\n")[:-1])  # as text, a carriage return would be an end


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

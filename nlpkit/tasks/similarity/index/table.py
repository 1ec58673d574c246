"""The files of an index: sentences and their vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Self

import numpy as np

from nlpkit.datasets.vector_files import load_array
from nlpkit.decoding.nearest import nearest_rows
from nlpkit.errors import DataError


class SentenceList:
    """Sentences in a text file, one a line, with leading and trailing white space.

    Args:
        sentences: texts without line ends.
    """

    def __init__(self, sentences: Sequence[str]):
        self.sentences = list(sentences)

    def write(self, file: IO[bytes]) -> None:
        """Write one sentence a line."""
        for each in self.sentences:
            file.write(f"{each}\n".encode())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Sentences from a file of `write`."""
        return cls(path.read_bytes().decode("utf-8").split("\n")[:-1])  # as text, a carriage return would be an end


class VectorTable:
    """Vectors in a memory-mapped NumPy file.

    Args:
        vectors: unit vectors, float32 ``(n, size)``.
    """

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors

    def nearest(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Cosines and rows of the nearest vectors, see `nearest_rows`."""
        return nearest_rows(self.vectors, queries, count)

    def write(self, file: IO[bytes]) -> None:
        """Write one array in the format of `numpy.load`."""
        np.lib.format.write_array(file, np.ascontiguousarray(self.vectors), allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Vectors from a file of `write`, mapped."""
        return cls(load_array(path, (None, None)))


def check_index(
    sentences: SentenceList | None, table: VectorTable | None, cells_shape: tuple[int, int] | None, size: int
) -> None:
    """Raise a `ValueError` unless the parts of an index fit together.

    Args:
        sentences, table: parts of the index, or None.
        cells_shape: number and size of the vectors in its cells, or None.
        size: size of the model's vectors.
    """
    if sentences is None or table is None:
        raise ValueError("some parts of the index are missing")
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
    """The sentences of an index and their vectors, after removal of some and addition of others.

    Args:
        sentences, table: parts of the present index, or None.
        add: sentences to add; present and empty ones are left out.
        remove: sentences to remove.
        encode: function from sentences to vectors.

    Raises:
        DataError: if a sentence to remove is missing, or none remains.
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

"""Search among a million sentences, in the cells of a faiss index nearest to a query."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from nlpkit.decoding import nearest_rows
from nlpkit.errors import MissingPackageError
from nlpkit.terminal import say

CELLS_FROM = 200_000
"""Number of sentences from which cells are worth their file: an exact search takes 6 ms, 28 ms among a million."""
_TRAINED_ON = 64  # training vectors for each cell
_TRIED = 200  # number of queries for the measurement of recall
_NEIGHBOURS = 10
_RECALL = 0.99


class CellIndex:
    """An inverted file (IVF) of faiss: each vector is in the cell of the nearest of many centres.

    Args:
        index: a `faiss.IndexIVFFlat`.

    References:
        Jégou, Douze and Schmid (2011), Product Quantization for Nearest Neighbor Search, for the inverted file.
    """

    def __init__(self, index: Any):
        self._index = index

    @property
    def shape(self) -> tuple[int, int]:
        """Number and size of the vectors."""
        return self._index.ntotal, self._index.d

    @classmethod
    def build(cls, vectors: np.ndarray) -> Self:
        """An index with a recall of 0.99, measured on a sample of queries.

        Args:
            vectors: unit vectors, float32 ``(n, size)``.

        Raises:
            MissingPackageError: without faiss.
        """
        faiss = _faiss()
        count, size = vectors.shape
        rng = np.random.default_rng(0)
        cells = max(1, int(np.sqrt(count)))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = 0
        index.train(vectors[np.sort(rng.permutation(count)[: _TRAINED_ON * cells])])
        index.add(np.ascontiguousarray(vectors))
        queries = vectors[np.sort(rng.permutation(count)[:_TRIED])]
        right = nearest_rows(vectors, queries, _NEIGHBOURS)[1]
        index.nprobe, recall = 1, 0.0
        while recall < _RECALL and index.nprobe < cells:
            index.nprobe = min(2 * index.nprobe, cells)
            near = index.search(queries, _NEIGHBOURS)[1]
            recall = (
                float(np.mean([len(set(a) & set(b)) for a, b in zip(near.tolist(), right.tolist())])) / right.shape[1]
            )
        say(f"index of {cells:,} cells, {index.nprobe} searched for a query: recall@{_NEIGHBOURS} {recall:.4f}")
        return cls(index)

    def nearest(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """As `nlpkit.decoding.nearest_rows`; some of the nearest may be missed."""
        faiss, index = _faiss(), self._index
        queries, count, probes = np.ascontiguousarray(queries), min(count, index.ntotal), index.nprobe
        while True:
            # As parameters of the call, since threads share the index.
            scores, rows = index.search(queries, count, params=faiss.SearchParametersIVF(nprobe=probes))
            if not (rows < 0).any() or probes >= index.nlist:
                return scores, rows
            probes = min(2 * probes, index.nlist)  # the cells held too few

    def write(self, file: IO[bytes]) -> None:
        """Write the index in faiss's format."""
        faiss = _faiss()
        faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The index from a file of `write`, mapped; None without faiss, which means an exact search."""
        try:
            faiss = _faiss()
        except MissingPackageError as error:
            say(f"{path.parent}: exact search, without its cells: {error}")
            return None
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP))


def cells_for(vectors: np.ndarray, method: str) -> CellIndex | None:
    """Cells for an index, or None for an exact search, see `nlpkit.tasks.similarity.config.IndexOptions`.

    Raises:
        MissingPackageError: if cells are requested without faiss.
    """
    if method == "cells":
        return CellIndex.build(vectors)
    if method == "exact" or len(vectors) < CELLS_FROM:
        return None
    try:
        return CellIndex.build(vectors)
    except MissingPackageError as error:
        say(f"exact search among {len(vectors):,} sentences; faster with cells: {error}")
        return None


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise MissingPackageError("faiss", "search") from None
    return faiss

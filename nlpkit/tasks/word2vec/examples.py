"""Ids of words to training chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nlpkit.tasks.word2vec.corpus import EDGE, Corpus
from nlpkit.text.vocabulary import PADDING

_MAX_WEIGHT = 2.0
_MAX_UPDATE = 0.4


class Steps:
    """Training steps over a corpus, in an order that depends on the seed and the epoch alone.

    A step is a stretch of the text without its rare words, subsampled and cut into blocks. A chunk, the words whose
    updates are computed together, takes its blocks from all over the stretch, since a page repeats its own rare words,
    which are better spread over many chunks.

    Args:
        corpus: the text.
        ids: the model's id of each of the corpus' words, `PADDING` for none, int32 ``(len(corpus.words),)``.
        counts: count in the corpus of each of the model's words, 0 for ids that are not words, int64.
        settings: `nlpkit.tasks.word2vec.config.Word2VecSettings`.
        seed: random seed.
        subwords: rows of the subwords of each word, or `PADDING`, int32 ``(len(counts), …)``; without subwords a word
            is one row.
        num_subwords: number of these rows.

    Each step is a dictionary in a tuple:

    - ``words``: int32 ``(chunks, blocks, block + 2 * window)``, the words and their neighbours, `PADDING` at the ends;
    - ``windows``: int32 ``(chunks, blocks, block)``, the number of each word's window, see
      `nlpkit.ops.windows.window_table`;
    - ``negatives``: int32 ``(chunks, blocks, block)``, the words of another block of the chunk;
    - ``negative_weights``: float32 of the same shape, their weights, as if `num_negatives` were sampled by their counts
      to the power of `noise_power`. The weight of a word is at most `_MAX_WEIGHT` times the mean, since all words of
      the block push against it in one update;
    - ``update_scale``: float32 ``(1, rows)``, the factor of the updates of each row of the tables. All updates of a
      chunk start from the same vectors, so the sum of those of a frequent or locally repeated word would overshoot. If
      the first learning rate, times a row's mean number of pairs with a neighbour in a chunk of this stretch, is above
      `_MAX_UPDATE`, the updates of the row are reduced to it.
    """

    def __init__(
        self,
        corpus: Corpus,
        ids: np.ndarray,
        counts: np.ndarray,
        settings: Any,
        seed: int,
        subwords: np.ndarray | None = None,
        num_subwords: int = 0,
    ):
        self._subwords, self._rows = subwords, len(counts) + num_subwords
        self._text, self._settings, self._seed = corpus.ids, settings, seed
        self._ids = np.append(ids, PADDING).astype("int32")  # the last one is the id of the edge, -1
        share = counts / max(counts.sum(), 1)
        ratio = settings.subsample / np.maximum(share, 1e-12)
        keep = np.minimum(1, np.sqrt(ratio) + ratio) if settings.subsample else np.ones(len(counts))
        self._keep = keep.astype("float32")
        wanted = np.where(counts > 0, np.asarray(counts, "float64") ** settings.noise_power, 0)
        read = np.maximum(share * keep, 1e-12)
        weights = np.minimum(wanted / wanted.sum() / (read / read.sum()), _MAX_WEIGHT)
        self._weights = (weights * settings.num_negatives / settings.block).astype("float32")
        # Large steps hide their overhead; small texts need several steps. On the plain path a step is a chunk.
        longest = settings.batch_size if settings.autodiff else 1 << 17
        self._span = min(max(len(self._text) // 4, settings.batch_size), longest)

    def __len__(self) -> int:
        return -(-len(self._text) // self._span)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[dict[str, np.ndarray]]]:
        """The steps of an epoch from the given one on."""
        for stretch in np.random.default_rng((self._seed, epoch)).permutation(len(self))[start:]:
            rng = np.random.default_rng((self._seed, epoch, stretch))
            yield (self._step(self._text[stretch * self._span : (stretch + 1) * self._span], rng),)

    def _step(self, text: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        settings, window, block = self._settings, self._settings.window, self._settings.block
        words, windows = self._read(text, rng)
        chunks = max(1, -(-len(words) // settings.batch_size))
        total = chunks * settings.batch_size
        words = np.pad(words, (window, total - len(words) + window), constant_values=PADDING)
        windows = np.pad(windows, (0, total - len(windows)))
        shape = (chunks, settings.batch_size // block)
        # Adjacent blocks of the text go to different chunks.
        place = np.arange(total // block).reshape(shape[::-1]).T
        words = words[place[..., None] * block + np.arange(block + 2 * window)]
        # A block's negatives are another block of the same chunk: attraction and repulsion of a word stay in balance.
        negatives = np.roll(words[..., window : window + block], rng.integers(1, shape[1]), axis=1)
        weights = self._weights[negatives]
        return {
            "words": words, "windows": windows.reshape(-1, block)[place], "negatives": negatives,
            "negative_weights": weights,
            "update_scale": self._update_scale(words[..., window : window + block], chunks)[None],
        }  # fmt: skip

    def _update_scale(self, words: np.ndarray, chunks: int) -> np.ndarray:
        """The factor of the updates of each row."""
        counts = np.bincount(words.ravel(), minlength=self._rows).astype("float32")
        if self._subwords is not None:
            present = np.flatnonzero(counts)
            subwords = self._subwords[present]
            counts += np.bincount(subwords.ravel(), np.repeat(counts[present], subwords.shape[1]), self._rows)
        # A word has window + 1 neighbours on average, which CBOW merges into one.
        pairs = counts / chunks * (self._settings.window + 1 if self._settings.architecture == "skipgram" else 1)
        return _MAX_UPDATE / np.maximum(pairs * self._settings.learning_rate, _MAX_UPDATE)

    def _read(self, text: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The remaining words of a stretch, and the number of each word's window."""
        words, edge, window = self._ids[text], text == EDGE, self._settings.window
        stays = edge | ((words != PADDING) & (rng.random(len(words), "float32") < self._keep[words]))
        words, edge = words[stays], edge[stays]
        place = np.arange(len(words), dtype="int32")
        before = place - np.maximum.accumulate(np.where(edge, place, -1)) - 1
        after = np.minimum.accumulate(np.where(edge, place, len(words))[::-1])[::-1] - place - 1
        reach = rng.integers(1, window + 1, len(words), "int32")
        windows = np.minimum(before, reach) * (window + 1) + np.minimum(after, reach)
        return words[~edge], windows[~edge].astype("int32")

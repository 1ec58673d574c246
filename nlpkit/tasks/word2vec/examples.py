"""Text as ids of words to chunks of training."""

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

    A step is a stretch of the text: its rare words are left out, its frequent ones thinned, and what stays is cut into
    blocks. A chunk, the words whose updates are computed together, takes its blocks from all over the stretch, for a
    page repeats its own rare words, which are better spread over many chunks.

    Args:
        corpus: `Corpus`.
        ids: int32 ``(len(corpus.words),)``, the model's number of each of the corpus' words, `PADDING` for none.
        counts: int64, how often each of the model's words is in the corpus, 0 for those that stand for no word.
        settings: `nlpkit.tasks.word2vec.config.Word2VecSettings`.
        seed: int.
        subwords: int32 ``(len(counts), …)``, rows of the subwords of the words, or `PADDING`; without them a word is
            one row.
        num_subwords: number of these rows.

    Each step is a dictionary in a tuple:

    - ``words``: int32 ``(chunks, blocks, block + 2 * window)``, the words and their neighbours, `PADDING` at the ends;
    - ``windows``: int32 ``(chunks, blocks, block)``, which of the neighbours each word sees, see
      `nlpkit.ops.windows.window_table`;
    - ``negatives``: int32 ``(chunks, blocks, block)``, the words of another block of the chunk;
    - ``negative_weights``: float32 of the same shape, the weight of each of them, as if `num_negatives` had been drawn
      by their counts to the power of `noise_power`. No word counts more than `_MAX_WEIGHT` times the mean, for all
      words of the block push against it in one update;
    - ``update_scale``: float32 ``(1, rows)``, by what the updates of each row of the tables are multiplied. All updates
      of a chunk start from the same vectors, and each is right for itself alone: those of a frequent word, or of one
      that a page repeats, would together go too far. Where the first learning rate, times the pairs with a neighbour
      that a row has in a chunk of this stretch in the mean, is above `_MAX_UPDATE`, the row is updated by so much less.
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
        self._ids = np.append(ids, PADDING).astype("int32")  # the last stands for the edge, whose number is -1
        share = counts / max(counts.sum(), 1)
        ratio = settings.subsample / np.maximum(share, 1e-12)
        keep = np.minimum(1, np.sqrt(ratio) + ratio) if settings.subsample else np.ones(len(counts))
        self._keep = keep.astype("float32")
        wanted = np.where(counts > 0, np.asarray(counts, "float64") ** settings.noise_power, 0)
        read = np.maximum(share * keep, 1e-12)
        weights = np.minimum(wanted / wanted.sum() / (read / read.sum()), _MAX_WEIGHT)
        self._weights = (weights * settings.num_negatives / settings.block).astype("float32")
        # A step's overhead must not show, and small texts need some steps as well. On the plain path a step is a chunk.
        longest = settings.batch_size if settings.autodiff else 1 << 17
        self._span = min(max(len(self._text) // 4, settings.batch_size), longest)

    def __len__(self) -> int:
        return -(-len(self._text) // self._span)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[dict[str, np.ndarray]]]:
        """The steps of an epoch from the given one on."""
        for stretch in np.random.default_rng((self._seed, epoch)).permutation(len(self))[start:]:
            rng = np.random.default_rng((self._seed, epoch, stretch))
            yield (self._step(self._text[stretch * self._span : (stretch + 1) * self._span], rng),)

    def _step(self, text, rng):
        settings, window, block = self._settings, self._settings.window, self._settings.block
        words, windows = self._read(text, rng)
        chunks = max(1, -(-len(words) // settings.batch_size))
        total = chunks * settings.batch_size
        words = np.pad(words, (window, total - len(words) + window), constant_values=PADDING)
        windows = np.pad(windows, (0, total - len(windows)))
        shape = (chunks, settings.batch_size // block)
        # Blocks that stand side by side in the text go to different chunks.
        place = np.arange(total // block).reshape(shape[::-1]).T
        words = words[place[..., None] * block + np.arange(block + 2 * window)]
        # A block's negatives are another block of the same chunk: what pulls and what pushes a word stays in balance.
        negatives = np.roll(words[..., window : window + block], rng.integers(1, shape[1]), axis=1)
        weights = self._weights[negatives]
        return {
            "words": words, "windows": windows.reshape(-1, block)[place], "negatives": negatives,
            "negative_weights": weights,
            "update_scale": self._update_scale(words[..., window : window + block], chunks)[None],
        }  # fmt: skip

    def _update_scale(self, words, chunks):
        """By what the updates of each row are multiplied."""
        counts = np.bincount(words.ravel(), minlength=self._rows).astype("float32")
        if self._subwords is not None:
            seen = np.flatnonzero(counts)
            subwords = self._subwords[seen]
            counts += np.bincount(subwords.ravel(), np.repeat(counts[seen], subwords.shape[1]), self._rows)
        # A word has, in the mean, one more neighbour than the window reaches, of which CBOW makes one.
        pairs = counts / chunks * (self._settings.window + 1 if self._settings.architecture == "skipgram" else 1)
        return _MAX_UPDATE / np.maximum(pairs * self._settings.learning_rate, _MAX_UPDATE)

    def _read(self, text, rng):
        """The words of a stretch that stay, and what each sees."""
        words, edge, window = self._ids[text], text == EDGE, self._settings.window
        stays = edge | ((words != PADDING) & (rng.random(len(words), "float32") < self._keep[words]))
        words, edge = words[stays], edge[stays]
        place = np.arange(len(words), dtype="int32")
        before = place - np.maximum.accumulate(np.where(edge, place, -1)) - 1
        after = np.minimum.accumulate(np.where(edge, place, len(words))[::-1])[::-1] - place - 1
        reach = rng.integers(1, window + 1, len(words), "int32")
        windows = np.minimum(before, reach) * (window + 1) + np.minimum(after, reach)
        return words[~edge], windows[~edge].astype("int32")

"""Chunks of text to updates of word vectors: the network and its training step."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nlpkit.losses import negative_sampling, sampled_softmax
from nlpkit.ops.rows import take_rows
from nlpkit.ops.windows import window_table
from nlpkit.prediction.programs import Graph
from nlpkit.tasks.word2vec.programs import compile_step
from nlpkit.text.vocabulary import FIRST_ID, PADDING

INPUTS = ("words", "windows", "negatives", "negative_weights", "update_scale")
"""Names of the inputs of a training step, see `nlpkit.tasks.word2vec.examples.Steps`."""
_LOSSES = {"negative_sampling": negative_sampling, "sampled_softmax": sampled_softmax}


class Word2Vec(keras.Model):
    """Ids of words to their vectors, with their training.

    A word has two vectors: ``vectors`` as itself and ``contexts`` as a neighbour of another. `fit` takes the steps of
    `nlpkit.tasks.word2vec.examples.Steps`.

    A chunk consists of blocks of neighbouring words. All words of a block share their negatives, the words of another
    block, weighted as that many random samples. So the scores of a block, of its words by their neighbours and by the
    negatives, are one matrix product, and so are their derivatives.

    There are two paths through a step, with the same updates:

    - the fast one, `fast_changes`, has explicit derivatives and changes only the rows that occur;
    - the plain one, `chunk_loss`, leaves the derivatives to Keras. Override it to change the model.

    Args:
        settings: `nlpkit.tasks.word2vec.config.Word2VecSettings`.
        size: number of words.
        subwords: rows of the subwords of each word, from `size` on, or `PADDING`, int32 ``(size, …)``, see
            `nlpkit.tasks.word2vec.subwords`. Without subwords a word is one row.
        num_subwords: number of these rows.
    """

    def __init__(
        self, settings: Any, size: int, subwords: np.ndarray | None = None, num_subwords: int = 0, **kwargs: Any
    ):
        start = keras.initializers.RandomUniform(-0.5 / settings.vector_size, 0.5 / settings.vector_size)
        vectors = layers.Embedding(
            size + num_subwords, settings.vector_size, embeddings_initializer=start, name="vectors"
        )
        contexts = layers.Embedding(size, settings.vector_size, embeddings_initializer="zeros", name="contexts")
        words = keras.Input((None,), dtype="int32", name="words")
        super().__init__({"words": words}, {"vectors": vectors(words), "contexts": contexts(words)}, **kwargs)
        self.vectors, self.contexts, self.settings = vectors, contexts, settings
        self.subwords, self.num_subwords = subwords, num_subwords
        table = window_table(settings.block, settings.window)
        self._windows = table.reshape(-1, table.shape[-1])
        self._first_window = (len(table[0]) * np.arange(settings.block)).astype("int32")
        self._rows = None if subwords is None else np.column_stack([np.arange(size, dtype="int32"), subwords])

    # Common to both paths.

    def _pairs(self, words: Any, windows: Any, negatives: Any, negative_weights: Any) -> tuple[Any, Any, Any, Any]:
        """The pairs of words in a chunk, and their weights.

        Returns:
            Windows ``(blocks, block, block + 2 window)``, 1 for each neighbour of each word; ids of the positives
            ``(blocks, …)``; their weights, which are the windows or, for `cbow`, ``(blocks, block, 1)``; and the
            weights of the negatives ``(blocks, block, block)``.
        """
        settings = self.settings
        windows = ops.take(self._windows, ops.add(windows, self._first_window), axis=0)
        positives = words if settings.architecture == "skipgram" else self._own(words)
        # A word is not a negative of itself as the positive.
        other = ops.cast(positives[:, :, None] != negatives[:, None, :], "float32")
        if settings.architecture == "skipgram":
            return windows, positives, windows, ops.matmul(windows, other) * negative_weights[:, None]
        weights = ops.minimum(ops.sum(windows, axis=-1, keepdims=True), 1)
        return windows, positives, weights, other * weights * negative_weights[:, None]

    def _own(self, words: Any) -> Any:
        """A block without its neighbours."""
        return words[:, self.settings.window : self.settings.window + self.settings.block]

    def _means(self, windows: Any, around: Any) -> Any:
        """Mean vectors of windows."""
        return ops.matmul(windows / ops.maximum(ops.sum(windows, axis=-1, keepdims=True), 1), around)

    def _rows_of(self, ids: Any) -> tuple[Any, Any, Any]:
        """Rows of words and their subwords, ``(…, rows)``; 1 for existing rows; and one over their number."""
        rows = ops.take(self._rows, ids, axis=0)
        exists = ops.cast(rows != PADDING, "float32")[..., None]
        return rows, exists, 1 / ops.maximum(ops.sum(exists, axis=-2), 1)

    # The plain path.

    def chunk_loss(self, words: Any, windows: Any, negatives: Any, negative_weights: Any, update_scale: Any) -> Any:
        """The loss of a chunk, a sum over its pairs of words.

        Args:
            words: ids of the words of each block and of `window` words on either side, `PADDING` beyond the text,
                int32 ``(blocks, block + 2 * window)``.
            windows: number of the window of each word, see `nlpkit.ops.windows.window_table`, int32
                ``(blocks, block)``.
            negatives: ids of the negatives that all words of a block share, int32 ``(blocks, block)``.
            negative_weights: number of random samples that each negative represents, float32 ``(blocks, block)``.
            update_scale: factor of the derivative of each row of the tables, float32 ``(rows,)``.
        """
        windows, positives, *weights = self._pairs(words, windows, negatives, negative_weights)
        positive, negative = (
            scale_gradient(self.contexts(ids), _scale_of(update_scale, ids)) for ids in (positives, negatives)
        )
        if self.settings.architecture == "skipgram":
            inputs = self._own_vectors(self._own(words), update_scale)
            scores = ops.einsum("bid,bjd->bij", inputs, positive)
        else:
            # The mean, whose derivative reaches each word undivided, as in Mikolov's program.
            around = self._own_vectors(words, update_scale)
            total = ops.matmul(windows, around)
            inputs = total + ops.stop_gradient(self._means(windows, around) - total)
            scores = ops.sum(inputs * positive, axis=-1, keepdims=True)
        loss, *_ = _LOSSES[self.settings.loss](scores, ops.einsum("bid,bjd->bij", inputs, negative), *weights)
        return loss()

    def _own_vectors(self, ids: Any, update_scale: Any) -> Any:
        """Vectors of words, ``(…, vector_size)``, with scaled derivatives."""
        if self._rows is None:
            return scale_gradient(self.vectors(ids), _scale_of(update_scale, ids))
        rows, exists, inverse = self._rows_of(ids)
        # As for the mean of a window, the derivative of a mean of rows reaches each of them undivided.
        total = ops.sum(scale_gradient(self.vectors(rows), _scale_of(update_scale, rows)) * exists, axis=-2)
        return total + ops.stop_gradient(total * inverse - total)

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        if training:
            return self.chunk_loss(*(inputs[name][0] for name in INPUTS))
        return super().call(inputs, training=training, mask=mask)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        return y_pred

    # The fast path.

    def fast_changes(
        self, tables: Any, words: Any, windows: Any, negatives: Any, negative_weights: Any, update_scale: Any, rate: Any
    ) -> tuple[Any, Any]:
        """The changes of the tables by a chunk.

        Args:
            tables: tables of `vectors` and `contexts`, see `nlpkit.ops.rows`.
            words, windows, negatives, negative_weights, update_scale: as of `chunk_loss`.
            rate: learning rate, float.

        Returns:
            For each table the rows to change and the changes to add, int32 ``(n,)`` and float ``(n, vector_size)``; and
            a function that returns the loss of the chunk, the mean over its pairs of words.
        """
        vectors, contexts = tables
        windows, positives, *weights = self._pairs(words, windows, negatives, negative_weights)
        columns = ops.concatenate([positives, negatives], axis=1)
        context, count = _take(contexts, columns), positives.shape[1]  # (blocks, columns, vector_size)
        if self.settings.architecture == "skipgram":
            ids = self._own(words)
            inputs = self._take(vectors, ids)  # (blocks, block, vector_size)
            scores = ops.matmul(inputs, _transpose(context))
            scores = scores[..., :count], scores[..., count:]
        else:
            ids = words
            inputs = self._means(windows, self._take(vectors, ids))  # (blocks, block, vector_size)
            positive, negative = context[:, :count], context[:, count:]
            scores = ops.sum(inputs * positive, axis=-1, keepdims=True), ops.matmul(inputs, _transpose(negative))
        loss, *slopes = _LOSSES[self.settings.loss](*scores, *weights)
        slope, negative_slope = (-rate * slope for slope in slopes)
        # The scale is applied where the arrays are small; that of subwords comes at the end.
        scale = _scale_of(update_scale, columns)
        own = _scale_of(update_scale, ids) if self._rows is None else 1.0
        if self.settings.architecture == "skipgram":
            slopes = ops.concatenate([slope, negative_slope], axis=-1)
            change, context_change = ops.matmul(slopes * own, context), ops.matmul(_transpose(slopes) * scale, inputs)
        else:
            change = ops.matmul(_transpose(windows) * own, slope * positive + ops.matmul(negative_slope, negative))
            negative_change = ops.matmul(_transpose(negative_slope) * scale[:, count:], inputs)
            context_change = ops.concatenate([slope * scale[:, :count] * inputs, negative_change], axis=1)
        changes = self._changes(ids, change, update_scale), (ops.reshape(columns, (-1,)), _flat(context_change))
        return changes, lambda: loss() / ops.maximum(ops.sum(weights[0]), 1)

    def _take(self, vectors: Any, ids: Any) -> Any:
        """Vectors of words, ``(…, vector_size)``."""
        if self._rows is None:
            return _take(vectors, ids)
        rows, exists, inverse = self._rows_of(ids)
        return ops.sum(_take(vectors, rows) * exists, axis=-2) * inverse

    def _changes(self, ids: Any, change: Any, update_scale: Any) -> tuple[Any, Any]:
        """The rows of words and of their subwords, and the changes to add."""
        if self._rows is not None:
            ids, exists, _ = self._rows_of(ids)
            change = change[..., None, :] * (exists * _scale_of(update_scale, ids))
        return ops.reshape(ids, (-1,)), _flat(change)

    def compile(self, optimizer: Any, loss: Any = None, **kwargs: Any) -> None:
        """Compile as any model; the fast path uses only the learning rate of the optimizer."""
        if not self.settings.autodiff:
            kwargs["run_eagerly"], kwargs["jit_compile"] = True, False
        super().compile(optimizer, loss, **kwargs)
        self._program: Any = None if self.settings.autodiff else compile_step(self, INPUTS)

    def train_step(self, *args: Any) -> Any:
        if self.settings.autodiff:
            return super().train_step(*args)
        if keras.backend.backend() == "jax":
            return self._program(*args)
        self._loss_tracker.update_state(self._program(args[0][0]))
        self.optimizer.iterations.assign_add(1)
        return self.get_metrics_result()


class Word2VecNetwork:
    """A `Word2Vec`, with its tables by name.

    Attributes:
        model: the Keras model.
    """

    def __init__(self, model: Word2Vec):
        self.model = model

    @functools.cached_property
    def graphs(self) -> dict[str, Graph]:
        """Its programs by name, from ``ids`` to rows of a table: ``vectors`` of padding, the unknown word, the words,
        then the subwords; and ``contexts``, the same without subwords, for words as neighbours of others."""
        ids = keras.Input(batch_shape=(None,), dtype="int32", name="ids")
        tables = {"vectors": self.model.vectors, "contexts": self.model.contexts}
        return {name: Graph(keras.Model({"ids": ids}, table(ids))) for name, table in tables.items()}

    def set_vectors(self, vectors: np.ndarray) -> None:
        """Put vectors of the words, float ``(words, vector_size)``, into the table."""
        table = np.zeros((len(vectors) + FIRST_ID, vectors.shape[1]), "float32")
        table[FIRST_ID:] = vectors
        self.model.vectors.set_weights([table])


def _take(table: Any, ids: Any) -> Any:
    """Rows by ids of any shape, ``(…, size)``."""
    return ops.reshape(take_rows(table, ops.reshape(ids, (-1,))), (*ids.shape, -1))


def _flat(x: Any) -> Any:
    return ops.reshape(x, (-1, x.shape[-1]))


def _transpose(x: Any) -> Any:
    return ops.swapaxes(x, -1, -2)


def _scale_of(update_scale: Any, ids: Any) -> Any:
    """The factor of the update of each row, ``(…, 1)``."""
    return ops.take(update_scale, ids)[..., None]


def scale_gradient(x: Any, scale: Any) -> Any:
    """The same tensor with its derivative multiplied by `scale`."""
    return x * scale + ops.stop_gradient(x * (1 - scale))

"""Chunks of text to updates of word vectors: the network and its training step."""

import keras
import numpy as np
from keras import layers, ops

from nlpkit.losses import negative_sampling, sampled_softmax
from nlpkit.ops.rows import add_to_rows, raw_table, take_rows
from nlpkit.ops.windows import window_table
from nlpkit.tasks.word2vec.torchscript import compile_chunks
from nlpkit.text.vocabulary import PADDING

_CHUNKED = ("words", "windows", "negatives", "noise")
_INPUTS = (*_CHUNKED, "shares")
_LOSSES = {"negative_sampling": negative_sampling, "sampled_softmax": sampled_softmax}


class Word2Vec(keras.Model):
    """Numbers of words to their vectors, and how these are learnt.

    A word has two vectors: ``vectors`` as itself and ``contexts`` as somebody's neighbour. `fit` takes the steps of
    `nlpkit.tasks.word2vec.examples.Steps`.

    A chunk is made of blocks of neighbouring words. All words of a block share their wrong answers, which are the words
    of another block, each with the weight that as many random draws would have. So the scores of a block, of its words
    by their neighbours and by the wrong ones, are one matrix product, and so are their derivatives.

    There are two ways through a step, which make the same updates:

    - the fast one, by `fast_changes`, with the derivatives written out and only those rows changed that occur;
    - the plain one, by `chunk_loss`, from which Keras derives all the rest. Override it to change the model.

    Args:
        config: `nlpkit.tasks.word2vec.config.Word2VecConfig`.
        size: number of words.
        pieces: int32 ``(size, …)``, rows of what else the words are put together from, from `size` on, or `PADDING`,
            see `nlpkit.tasks.word2vec.pieces`. Without them a word is one row.
        num_pieces: number of these rows.
    """

    def __init__(self, config, size: int, pieces: np.ndarray | None = None, num_pieces: int = 0, **kwargs):
        start = keras.initializers.RandomUniform(-0.5 / config.vector_size, 0.5 / config.vector_size)
        vectors = layers.Embedding(size + num_pieces, config.vector_size, embeddings_initializer=start, name="vectors")
        contexts = layers.Embedding(size, config.vector_size, embeddings_initializer="zeros", name="contexts")
        words = keras.Input((None,), dtype="int32", name="words")
        super().__init__({"words": words}, {"vectors": vectors(words), "contexts": contexts(words)}, **kwargs)
        self.vectors, self.contexts, self.config = vectors, contexts, config
        self.pieces, self.num_pieces = pieces, num_pieces
        table = window_table(config.block, config.window)
        self._windows = table.reshape(-1, table.shape[-1])
        self._first_window = (len(table[0]) * np.arange(config.block)).astype("int32")
        self._rows = None if pieces is None else np.column_stack([np.arange(size, dtype="int32"), pieces])

    # What both ways share.

    def _pairs(self, words, windows, negatives, noise):
        """Who is paired with whom in a chunk, and how much that counts.

        Returns:
            Windows ``(blocks, block, block + 2 window)``, 1 for each neighbour of each word; ids of the right answers
            ``(blocks, …)``; their weights, which are the windows or, for `cbow`, ``(blocks, block, 1)``; and those of
            the wrong ones ``(blocks, block, block)``.
        """
        config = self.config
        windows = ops.take(self._windows, ops.add(windows, self._first_window), axis=0)
        answers = words if config.architecture == "skipgram" else self._own(words)
        # A word is no wrong answer where it is the right one.
        other = ops.cast(answers[:, :, None] != negatives[:, None, :], "float32")
        if config.architecture == "skipgram":
            return windows, answers, windows, ops.matmul(windows, other) * noise[:, None]
        weights = ops.minimum(ops.sum(windows, axis=-1, keepdims=True), 1)
        return windows, answers, weights, other * weights * noise[:, None]

    def _own(self, words):
        """A block without its neighbours."""
        return words[:, self.config.window : self.config.window + self.config.block]

    def _means(self, windows, around):
        """Mean vectors of windows."""
        return ops.matmul(windows / ops.maximum(ops.sum(windows, axis=-1, keepdims=True), 1), around)

    def _parts(self, ids):
        """Rows of the parts of words, ``(…, parts)``, which of them are there, and one over their number."""
        rows = ops.take(self._rows, ids, axis=0)
        there = ops.cast(rows != PADDING, "float32")[..., None]
        return rows, there, 1 / ops.maximum(ops.sum(there, axis=-2), 1)

    # The plain way.

    def chunk_loss(self, words, windows, negatives, noise, shares):
        """The loss of a chunk, a sum over its pairs of words.

        Args:
            words: int32 ``(blocks, block + 2 * window)``.
            windows: int32 ``(blocks, block)``.
            negatives: int32 ``(blocks, block)``.
            noise: float32 ``(blocks, block)``.
            shares: float32 ``(rows,)``, by which the derivative of each row of the tables is multiplied.
        """
        windows, answers, *weights = self._pairs(words, windows, negatives, noise)
        right, drawn = (_damped(self.contexts(ids), _shares_of(shares, ids)) for ids in (answers, negatives))
        if self.config.architecture == "skipgram":
            inputs = self._own_vectors(self._own(words), shares)
            positive = ops.einsum("bid,bjd->bij", inputs, right)
        else:
            # The mean, whose derivative goes to each word undivided, as in Mikolov's program.
            around = self._own_vectors(words, shares)
            total = ops.matmul(windows, around)
            inputs = total + ops.stop_gradient(self._means(windows, around) - total)
            positive = ops.sum(inputs * right, axis=-1, keepdims=True)
        loss, *_ = _LOSSES[self.config.loss](positive, ops.einsum("bid,bjd->bij", inputs, drawn), *weights)
        return loss()

    def _own_vectors(self, ids, shares):
        if self._rows is None:
            return _damped(self.vectors(ids), _shares_of(shares, ids))
        rows, there, over = self._parts(ids)
        # As of the mean of a window, the derivative of a mean of parts goes to each of them undivided.
        total = ops.sum(_damped(self.vectors(rows), _shares_of(shares, rows)) * there, axis=-2)
        return total + ops.stop_gradient(total * over - total)

    def call(self, inputs, training=False, mask=None):
        if training:
            return self.chunk_loss(*(inputs[name][0] for name in _INPUTS))
        return super().call(inputs, training=training, mask=mask)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return y_pred

    # The fast way.

    def fast_changes(self, tables, words, windows, negatives, noise, shares, rate):
        """What a chunk adds to the tables.

        Args:
            tables: of `vectors` and `contexts`, see `nlpkit.ops.rows`.
            words, windows, negatives, noise, shares: as of `chunk_loss`.
            rate: float, the learning rate.

        Returns:
            For each table the rows and what is added to them, int32 ``(n,)`` and float ``(n, vector_size)``; and a
            function that gives the loss of the chunk, the mean over its pairs of words.
        """
        vectors, contexts = tables
        windows, answers, *weights = self._pairs(words, windows, negatives, noise)
        columns = ops.concatenate([answers, negatives], axis=1)
        found, count = _take(contexts, columns), answers.shape[1]
        if self.config.architecture == "skipgram":
            asked = self._own(words)
            inputs = self._take(vectors, asked)
            scores = ops.matmul(inputs, _turned(found))
            positive, negative = scores[..., :count], scores[..., count:]
        else:
            asked = words
            inputs = self._means(windows, self._take(vectors, asked))
            right, drawn = found[:, :count], found[:, count:]
            positive, negative = ops.sum(inputs * right, axis=-1, keepdims=True), ops.matmul(inputs, _turned(drawn))
        loss, *slopes = _LOSSES[self.config.loss](positive, negative, *weights)
        slope, drawn_slope = (-rate * slope for slope in slopes)
        # The shares are multiplied where the arrays are small; those of the parts of words come at the end.
        share = _shares_of(shares, columns)
        own = _shares_of(shares, asked) if self._rows is None else 1.0
        if self.config.architecture == "skipgram":
            slopes = ops.concatenate([slope, drawn_slope], axis=-1)
            change, found_change = ops.matmul(slopes * own, found), ops.matmul(_turned(slopes) * share, inputs)
        else:
            change = ops.matmul(_turned(windows) * own, slope * right + ops.matmul(drawn_slope, drawn))
            drawn_change = ops.matmul(_turned(drawn_slope) * share[:, count:], inputs)
            found_change = ops.concatenate([slope * share[:, :count] * inputs, drawn_change], axis=1)
        changes = self._changes(asked, change, shares), (ops.reshape(columns, (-1,)), _flat(found_change))
        return changes, lambda: loss() / ops.maximum(ops.sum(weights[0]), 1)

    def _take(self, vectors, ids):
        """Vectors of words, ``(…, vector_size)``."""
        if self._rows is None:
            return _take(vectors, ids)
        rows, there, over = self._parts(ids)
        return ops.sum(_take(vectors, rows) * there, axis=-2) * over

    def _changes(self, ids, change, shares):
        """The rows of words, or of all of their parts, and what is added to them."""
        if self._rows is not None:
            ids, there, _ = self._parts(ids)
            change = change[..., None, :] * (there * _shares_of(shares, ids))
        return ops.reshape(ids, (-1,)), _flat(change)

    def compile(self, optimizer, loss=None, **kwargs):
        """As of any model; the fast way needs no more of the optimizer than its learning rate."""
        if not self.config.autodiff:
            kwargs["run_eagerly"], kwargs["jit_compile"] = True, False
        super().compile(optimizer, loss, **kwargs)
        self._program = None if self.config.autodiff else getattr(self, f"_on_{keras.backend.backend()}")()

    def train_step(self, *args):
        if self.config.autodiff:
            return super().train_step(*args)
        if keras.backend.backend() == "jax":
            return self._program(*args)
        self._loss_tracker.update_state(self._program(args[0][0]))
        self.optimizer.iterations.assign_add(1)
        return self.get_metrics_result()

    def _on_tensorflow(self):
        import tensorflow as tf

        tables = [raw_table(table.embeddings) for table in (self.vectors, self.contexts)]
        block, window = self.config.block, self.config.window
        shape = None, self.config.batch_size // block
        signature = [tf.TensorSpec((*shape, width), "int32") for width in (block + 2 * window, block, block)]
        signature += [tf.TensorSpec((*shape, block)), tf.TensorSpec((1, None)), tf.TensorSpec(())]

        @tf.function(autograph=False, input_signature=signature)
        def run(*arguments):
            *arrays, shares, rate = arguments

            def chunk(i):
                changes, _ = self.fast_changes(tables, *(x[i] for x in arrays), shares[0], rate)
                for table, change in zip(tables, changes):
                    add_to_rows(table, *change)
                return (i + 1,)

            loss = self._first_loss(tables, arrays, shares)
            tf.while_loop(lambda i: i < tf.shape(arrays[0])[0], chunk, (0,), parallel_iterations=1)
            return loss

        def step(data):
            return run(*(data[name] for name in _INPUTS), tf.cast(self.optimizer.learning_rate, "float32"))

        return step

    def _first_loss(self, tables, arrays, shares):
        """The loss of the first chunk of a step, before training on it: to know it of all would take time."""
        return self.fast_changes(tables, *(x[0] for x in arrays), shares[0], 0.0)[1]()

    def _on_torch(self):
        import torch

        tables = [raw_table(table.embeddings) for table in (self.vectors, self.contexts)]
        train = None

        def step(data):
            nonlocal train
            # Ids of 64 bits are what PyTorch takes rows by; it would convert them again and again.
            arrays = [x if x.is_floating_point() else x.long() for x in (data[name] for name in _CHUNKED)]
            shares = data["shares"]
            if train is None:
                train = compile_chunks(self.fast_changes, tables, [x[0] for x in arrays], shares[0])
            with torch.no_grad():
                loss = self._first_loss(tables, arrays, shares)
            train(arrays, shares[0], float(self.optimizer.learning_rate))
            return loss

        return step

    def _on_jax(self):
        import jax

        tracker, optimizer = self._loss_tracker, self.optimizer

        def chunk(vectors, contexts, *rest):
            tables = vectors, contexts
            return [add_to_rows(*x) for x in zip(tables, *zip(*self.fast_changes(tables, *rest)[0]))]

        contexts_first = self.trainable_variables[0] is self.contexts.embeddings
        # The tables are given away, so that they are changed where they are.
        chunk, first_loss = jax.jit(chunk, donate_argnums=(0, 1)), jax.jit(self._first_loss)

        def step(state, data):
            tables, others, slots, totals = state
            tables = tables[::-1] if contexts_first else tables
            with keras.StatelessScope(state_mapping=zip(optimizer.variables, slots)) as scope:
                rate = jax.numpy.float32(optimizer.learning_rate)
                optimizer.iterations.assign_add(1)
            slots = [scope.get_current_value(variable) for variable in optimizer.variables]
            arrays, shares = [np.asarray(data[0][name]) for name in _CHUNKED], jax.numpy.asarray(data[0]["shares"])
            loss = first_loss(tables, [x[:1] for x in arrays], shares)
            for some in zip(*arrays):
                tables = chunk(*tables, *some, shares[0], rate)
            tables = tables[::-1] if contexts_first else tables
            totals = tracker.stateless_update_state(totals, loss)
            return {"loss": tracker.stateless_result(totals)}, (tables, others, slots, totals)

        return step


def _take(table, ids):
    """Rows by ids of any shape, ``(…, size)``."""
    return ops.reshape(take_rows(table, ops.reshape(ids, (-1,))), (*ids.shape, -1))


def _flat(x):
    return ops.reshape(x, (-1, x.shape[-1]))


def _turned(x):
    return ops.swapaxes(x, -1, -2)


def _shares_of(shares, ids):
    """What share of its update is made to each row, ``(…, 1)``."""
    return ops.take(shares, ids)[..., None]


def _damped(vectors, share):
    """The same vectors, whose derivatives are a share of what they were."""
    return vectors * share + ops.stop_gradient(vectors * (1 - share))

"""Chunks of text to updates of word vectors: the network and its training step."""

import keras
import numpy as np
from keras import layers, ops

from nlpkit.losses import negative_sampling, sampled_softmax
from nlpkit.ops.rows import add_to_rows, raw_table, take_rows
from nlpkit.ops.windows import sum_blocks, to_blocks, window_weights
from nlpkit.text.vocabulary import PADDING

_LOSSES = {"negative_sampling": negative_sampling, "sampled_softmax": sampled_softmax}


class Word2Vec(keras.Model):
    """Numbers of words to their vectors, and how these are learnt.

    A word has two vectors: ``vectors`` as itself and ``contexts`` as somebody's neighbour. `fit` takes the steps of
    `nlpkit.tasks.word2vec.examples.Steps`.

    A chunk of the text is cut into blocks of a few dozen words. All words of a block see the same words drawn at
    random, each with the weight that as many draws for each neighbour would have. So the scores of a block, of its
    words by their neighbours and by the drawn ones, are one matrix product, and so are their derivatives.

    There are two ways through a step, which make the same updates:

    - the fast one, by `fast_update`, with the derivatives written out and only those rows changed that occur;
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
        self._band = window_weights(config.block, config.window)
        self._rows = None if pieces is None else np.column_stack([np.arange(size, dtype="int32"), pieces])

    # What both ways share.

    def _pairs(self, words, lines, negatives):
        """Who is paired with whom in a chunk, and how much that counts.

        Returns:
            Windows ``(blocks, block, block + 2 window)``, the weight of each neighbour of each word; ids of the right
            answers ``(blocks, …)``; their weights, which are the windows or, for `cbow`, ``(blocks, block, 1)``; and
            those of the words drawn at random ``(blocks, block, drawn)``.
        """
        config = self.config
        around, line = to_blocks(words, config.block, config.window), to_blocks(lines, config.block, config.window)
        own = slice(config.window, config.window + config.block)
        counts = (line[:, own, None] == line[:, None, :]) & (around[:, own, None] != PADDING)
        windows = ops.where(counts, self._band, 0.0)
        answers = around if config.architecture == "skipgram" else around[:, own]
        # A drawn word is no wrong answer where it is the right one.
        other = ops.cast(answers[:, :, None] != negatives[:, None, :], "float32")
        share = config.num_negatives / config.shared_negatives
        if config.architecture == "skipgram":
            return windows, answers, windows, share * ops.matmul(windows, other)
        weights = ops.cast(ops.any(windows > 0, axis=-1, keepdims=True), "float32")
        return windows, answers, weights, share * weights * other

    def _loss(self, inputs, right, drawn, weights, drawn_weights):
        """The loss of a chunk and its derivatives, from its input vectors and those of answers and drawn words."""
        if self.config.architecture == "skipgram":
            positive = ops.einsum("bid,bjd->bij", inputs, right)
        else:
            positive = ops.sum(inputs * right, axis=-1, keepdims=True)
        negative = ops.einsum("bid,bjd->bij", inputs, drawn)
        return _LOSSES[self.config.loss](positive, negative, weights, drawn_weights)

    def _parts(self, ids):
        """Rows of the parts of words, ``(…, parts)``, which of them are there, and one over their number."""
        rows = ops.take(self._rows, ids, axis=0)
        there = ops.cast(rows != PADDING, "float32")[..., None]
        return rows, there, 1 / ops.maximum(ops.sum(there, axis=-2), 1)

    # The plain way.

    def chunk_loss(self, words, lines, negatives):
        """The loss of a chunk, a sum over its pairs of words.

        Args:
            words, lines: int32 ``(batch_size + 2 * window,)``.
            negatives: int32 ``(blocks, shared_negatives)``.
        """
        windows, answers, *weights = self._pairs(words, lines, negatives)
        around = self._own_vectors(to_blocks(words, self.config.block, self.config.window))
        if self.config.architecture == "skipgram":
            inputs = around[:, self.config.window : -self.config.window]
        else:
            # The mean, whose derivative goes to each word undivided, as in Mikolov's program.
            total = ops.matmul(windows, around)
            mean = total / ops.maximum(ops.sum(windows, axis=-1, keepdims=True), 1e-9)
            inputs = total + ops.stop_gradient(mean - total)
        loss, *_ = self._loss(inputs, self.contexts(answers), self.contexts(negatives), *weights)
        return loss()

    def _own_vectors(self, ids):
        if self._rows is None:
            return self.vectors(ids)
        rows, there, share = self._parts(ids)
        # As of the mean of a window, the derivative of a mean of parts goes to each of them undivided.
        total = ops.sum(self.vectors(rows) * there, axis=-2)
        return total + ops.stop_gradient(total * share - total)

    def call(self, inputs, training=False, mask=None):
        if training:
            length = (self.config.batch_size + 2 * self.config.window,)
            flat = (ops.reshape(inputs[name], length) for name in ("words", "lines"))
            return self.chunk_loss(*flat, inputs["negatives"][0])
        return super().call(inputs, training=training, mask=mask)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return y_pred

    # The fast way.

    def fast_update(self, tables, words, lines, negatives, rate):
        """Both tables after a chunk.

        Args:
            tables: of `vectors` and `contexts`, see `nlpkit.ops.rows`.
            words, lines, negatives: as of `chunk_loss`.
            rate: float, the learning rate.

        Returns:
            The tables, and a function that gives the loss of the chunk, the mean over its pairs of words.
        """
        vectors, contexts = tables
        size, reach = self.config.block, self.config.window
        windows, _, *weights = self._pairs(words, lines, negatives)
        centers, blocks = words[reach:-reach], windows.shape[0]
        drawn_ids = ops.reshape(negatives, (-1,))
        drawn = ops.reshape(take_rows(contexts, drawn_ids), (blocks, -1, self.config.vector_size))
        if self.config.architecture == "skipgram":
            inputs = ops.reshape(self._take(vectors, centers), (blocks, size, -1))
            right = to_blocks(take_rows(contexts, words), size, reach)
        else:
            around = to_blocks(self._take(vectors, words), size, reach)
            inputs = ops.matmul(windows, around) / ops.maximum(ops.sum(windows, axis=-1, keepdims=True), 1e-9)
            right = ops.reshape(take_rows(contexts, centers), (blocks, size, -1))
        loss, *slopes = self._loss(inputs, right, drawn, *weights)
        slopes, drawn_slopes = (-rate * slope for slope in slopes)
        change = ops.matmul(drawn_slopes, drawn)
        if self.config.architecture == "skipgram":
            change = change + ops.matmul(slopes, right)
            vectors = self._add(vectors, centers, _flat(change))
            answers, right_change = words, sum_blocks(_turned(slopes, inputs), size, reach)
        else:
            change = change + slopes * right
            vectors = self._add(vectors, words, sum_blocks(_turned(windows, change), size, reach))
            answers, right_change = centers, _flat(slopes * inputs)
        contexts = add_to_rows(contexts, answers, right_change)
        contexts = add_to_rows(contexts, drawn_ids, _flat(_turned(drawn_slopes, inputs)))
        return (vectors, contexts), lambda: loss() / ops.maximum(ops.sum(weights[0]), 1e-9)

    def _take(self, vectors, ids):
        """Vectors of words, ``(n, size)``."""
        if self._rows is None:
            return take_rows(vectors, ids)
        rows, there, share = self._parts(ids)
        parts = ops.reshape(take_rows(vectors, ops.reshape(rows, (-1,))), (*rows.shape, -1))
        return ops.sum(parts * there, axis=1) * share

    def _add(self, vectors, ids, change):
        """Add to the vectors of words, or to all of their parts."""
        if self._rows is None:
            return add_to_rows(vectors, ids, change)
        rows, there, _ = self._parts(ids)
        return add_to_rows(vectors, ops.reshape(rows, (-1,)), _flat(change[:, None] * there))

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

        config = self.config
        length = config.batch_size + 2 * config.window
        drawn = config.batch_size // config.block, config.shared_negatives
        tables = [raw_table(table.embeddings) for table in (self.vectors, self.contexts)]
        flat = tf.TensorSpec((None,), "int32")

        @tf.function(
            autograph=False, input_signature=[flat, flat, tf.TensorSpec((None, *drawn), "int32"), tf.TensorSpec(())]
        )
        def run(words, lines, negatives, rate):
            def chunk(i, _):
                some = tf.range(length) + i * config.batch_size
                chunk = (tf.ensure_shape(tf.gather(x, some), (length,)) for x in (words, lines))
                _, loss = self.fast_update(tables, *chunk, negatives[i], rate)
                return i + 1, loss()

            chunks = tf.shape(negatives)[0]
            return tf.while_loop(lambda i, _: i < chunks, chunk, (0, 0.0), parallel_iterations=1)[1]

        def step(data):
            rate = tf.cast(self.optimizer.learning_rate, "float32")
            return run(data["words"], data["lines"], data["negatives"], rate)

        return step

    def _on_torch(self):
        import torch

        config = self.config
        tables = [raw_table(table.embeddings) for table in (self.vectors, self.contexts)]

        @torch.no_grad()
        def step(data):
            rate = float(self.optimizer.learning_rate)
            for i, negatives in enumerate(data["negatives"]):
                some = slice(i * config.batch_size, (i + 1) * config.batch_size + 2 * config.window)
                _, loss = self.fast_update(tables, data["words"][some], data["lines"][some], negatives, rate)
            return loss()

        return step

    def _on_jax(self):
        import jax

        config, tracker, optimizer = self.config, self._loss_tracker, self.optimizer

        def chunk(vectors, contexts, *rest):
            tables, loss = self.fast_update((vectors, contexts), *rest)
            return *tables, loss()

        contexts_first = self.trainable_variables[0] is self.contexts.embeddings
        # The tables are given away, so that they are changed where they are.
        chunk = jax.jit(chunk, donate_argnums=(0, 1))

        def step(state, data):
            tables, others, slots, totals = state
            tables = tables[::-1] if contexts_first else tables
            with keras.StatelessScope(state_mapping=zip(optimizer.variables, slots)) as scope:
                rate = jax.numpy.float32(optimizer.learning_rate)
                optimizer.iterations.assign_add(1)
            slots = [scope.get_current_value(variable) for variable in optimizer.variables]
            words, lines, negatives = (np.asarray(data[0][name]) for name in ("words", "lines", "negatives"))
            for i, drawn in enumerate(negatives):
                some = slice(i * config.batch_size, (i + 1) * config.batch_size + 2 * config.window)
                *tables, loss = chunk(*tables, words[some], lines[some], drawn, rate)
            tables = tables[::-1] if contexts_first else tables
            totals = tracker.stateless_update_state(totals, loss)
            return {"loss": tracker.stateless_result(totals)}, (tables, others, slots, totals)

        return step


def _flat(x):
    return ops.reshape(x, (-1, x.shape[-1]))


def _turned(slopes, x):
    """The product of the transposed first with the second, ``(blocks, answers, size)``."""
    return ops.einsum("bij,bid->bjd", slopes, x)

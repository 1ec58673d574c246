"""The linear-chain conditional random field as a Keras layer."""

import keras

from nlpkit.layers.chain_head import ChainHead


@keras.saving.register_keras_serializable(package="nlpkit", name="CRF")
class CRF(ChainHead):
    """Linear-chain conditional random field: scores whole tag sequences instead of single tags.

    The layer adds learned transition, start and end scores to the emissions that it receives. Its output is one
    tensor of *potentials* that holds all of them (see `nlpkit.ops.potentials`): train on it with
    `nlpkit.losses.CRFLoss`, watch it with `nlpkit.metrics.TagAccuracy` and `nlpkit.metrics.SpanF1`, turn it into tags
    with `nlpkit.layers.ViterbiDecoder`. Keras' own metrics, such as ``metrics=["accuracy"]``, can't work, as they would
    read the potentials as one score per tag.

    Args:
        num_tags: int, number of tags K.
        allowed: optional bool table ``(K + 1, K + 1)``; ``allowed[i, j]`` tells whether tag j may follow tag i; row K
            is the start and column K the end. `CRF.from_labels` makes it from a tag scheme.
        learning_rate_multiplier: float; the transitions move this many times faster than the other weights under
            Adam and its relatives (under plain SGD by its square). 10 to 100 helps over a pretrained encoder.
        transitions_initializer, transitions_regularizer: for the transition, start and end scores.
        **kwargs: the arguments of `keras.layers.Layer`; the dtype is float32 unless given.

    Call arguments:
        inputs: emissions, float ``(batch, time, K)``, cast to float32.
        mask: optional bool ``(batch, time)``; Keras passes the mask of an `Embedding` by itself. A step that is off
            does not exist: padding may be on the right, on the left or in between, rows may be empty.

    Returns:
        Potentials, float32 ``(batch, time + K + 2, K + 1)``.

    Raises:
        ValueError: if an argument is invalid, the last axis of the input is not K, or the mask does not fit it.

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.layers import CRF, ViterbiDecoder
        >>> from nlpkit.losses import CRFLoss
        >>> from nlpkit.metrics import TagAccuracy
        >>> tokens = keras.Input((None,), dtype="int32")
        >>> x = keras.layers.Embedding(1000, 16, mask_zero=True)(tokens)
        >>> x = keras.layers.Dense(3)(x)
        >>> potentials = CRF.from_labels(["O", "B-PER", "I-PER"])(x)
        >>> model = keras.Model(tokens, potentials)
        >>> model.compile("adam", loss=CRFLoss(), metrics=[TagAccuracy()])  # not "accuracy": these are potentials
        >>> history = model.fit(np.array([[5, 7, 9, 0]]), np.array([[0, 1, 2, 0]]), verbose=0).history
        >>> sorted(history)
        ['loss', 'tag_accuracy']
        >>> tagger = keras.Model(tokens, ViterbiDecoder()(potentials))  # the same weights
        >>> tagger.predict(np.array([[5, 7, 9, 0]]), verbose=0).shape
        (1, 4)

    References:
        Lafferty, McCallum and Pereira (2001), Conditional Random Fields. On the learning rate of the transitions:
        https://spaces.ac.cn/archives/7196
    """

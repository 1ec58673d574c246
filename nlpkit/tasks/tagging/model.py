"""Arrays to potentials: the network."""

import keras
from keras import layers

from nlpkit.layers import CRF, MEMM, TagSoftmax, TokenDropout, encode_text
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.text.lexicon import NUM_FEATURES

_HEADS = {"crf": CRF, "memm": MEMM, "softmax": TagSoftmax}


def build_model(config, labels, scheme, num_characters, num_bigrams):
    """A `keras.Model` from the arrays of an `Encoder` to the potentials of a tagging head.

    Args:
        config: `TaggingConfig`.
        labels, scheme: the tags and the scheme whose illegal transitions the head forbids.
        num_characters, num_bigrams: sizes of the vocabularies; `num_bigrams` is 0 for none.
    """
    characters = keras.Input((None,), dtype="int32", name="characters")
    inputs = [characters]
    mask = characters != 0
    ids = TokenDropout(config.char_dropout)(characters)
    x = layers.Embedding(num_characters, config.char_dim, name="character_vectors")(ids)
    if num_bigrams:
        bigrams = keras.Input((None, 2), dtype="int32", name="bigrams")
        inputs.append(bigrams)
        ids = TokenDropout(config.bigram_dropout)(bigrams)
        pair = layers.Embedding(num_bigrams, config.bigram_dim, name="bigram_vectors")(ids)
        pair = layers.Reshape((-1, 2 * config.bigram_dim))(pair)
        x = layers.Concatenate()([x, pair])
    x = layers.Dropout(config.dropout)(x)
    if config.lexicon:
        levels = keras.Input((None, NUM_FEATURES), dtype="uint8", name="lexicon")
        inputs.append(levels)
        x = layers.Concatenate()([x, layers.Rescaling(0.1)(levels)])
    x = layers.Dense(config.width, name="mix")(x)
    x = encode_text(x, mask, config.encoder, config.dilations, config.layers, config.dropout)
    x = layers.Dropout(config.dropout)(x)
    emissions = layers.Dense(len(labels), name="emissions")(x)
    head = _HEADS[config.head].from_labels(
        labels, scheme, learning_rate_multiplier=config.transition_rate, name="potentials"
    )
    return keras.Model({x.name: x for x in inputs}, head(emissions, mask=mask), name="tagger")


def loss_for(config):
    """The loss that belongs to the head."""
    return CRFLoss() if config.head == "crf" else PathLoss()

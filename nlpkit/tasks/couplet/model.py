"""Arrays to a distribution over characters: the network."""

import keras
from keras import layers, ops

from nlpkit.layers import GatedConv, TokenDropout, encode_text
from nlpkit.text.vocabulary import UNKNOWN


def build_model(config, num_characters: int) -> keras.Model:
    """A `keras.Model` from two lines to logits ``(batch, time, num_characters)``.

    Its inputs are ``characters``, ids of the upper line, and ``before``, ids of the lower line moved on by one (the
    first is 0): each position sees the whole upper line and what stands before it in the lower one. A `before` of
    unknown ids gives each character's distribution by itself. All three roles of a character, read above, read below
    and written, share one vector.

    Args:
        config: `CoupletConfig`.
        num_characters: size of the vocabulary.
    """
    characters = keras.Input((None,), dtype="int32", name="characters")
    inputs = {"characters": characters}
    embedding = layers.ReversibleEmbedding(
        num_characters, config.width, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05),
        name="embedding",
    )  # fmt: skip
    x = layers.Dropout(config.dropout)(embedding(characters))
    x = encode_text(x, characters != 0, config.encoder, config.dilations, config.layers, config.dropout)
    x = layers.Identity(name="upper")(x)
    if config.lower_dilations:
        inputs["before"] = keras.Input((None,), dtype="int32", name="before")
        lower = TokenDropout(config.hide, unknown=UNKNOWN, whole_rows=True)(inputs["before"])
        lower = layers.Dense(config.lower_width, name="lower")(layers.Dropout(config.dropout)(embedding(lower)))
        for i, dilation in enumerate(config.lower_dilations):
            lower = GatedConv(dilation, config.dropout, causal=True, name=f"lower_{i}")(lower)
        x = layers.Dense(config.width, name="join")(layers.Concatenate()([x, lower]))
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Dropout(config.dropout)(x)
    # The product leaves the mask behind, about which the embedding would complain.
    return keras.Model(inputs, embedding(ops.multiply(x, 1.0), reverse=True), name="couplet")

"""Arrays to potentials: the network."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from nlpkit.layers import CRF, MEMM, TagSoftmax, encode_text
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.prediction.programs import Graph
from nlpkit.tasks.shared.reader import Reader
from nlpkit.tasks.shared.unit_vectors import UnitVectors

_HEADS = {"crf": CRF, "memm": MEMM, "softmax": TagSoftmax}


class TaggingNetwork:
    """The network of a tagger.

    Args:
        settings: `nlpkit.tasks.tagging.config.TaggingSettings`.
        labels, scheme: the tags, and the scheme whose illegal transitions the head forbids.
        reader: the reader of characters or tokens, with its vocabularies.

    Attributes:
        model: from the arrays of `Inputs` to the potentials of a tagging head.
        units: its first part.
        divides_batches: whether several devices can share a batch, unlike one of tokens, whose rows share tables.
    """

    def __init__(self, settings: Any, labels: Sequence[str], scheme: str, reader: Reader):
        self.divides_batches = reader.unit == "character"
        self.units = UnitVectors(settings, reader)
        x, mask = self.units.vectors, self.units.mask
        x = encode_text(x, mask, settings.encoder, settings.dilations, settings.layers, settings.dropout)
        x = layers.Dropout(settings.dropout)(x)
        emissions = layers.Dense(len(labels), name="emissions")(x)  # (batch, time, tags)
        head = _HEADS[settings.head].from_labels(
            labels, scheme, learning_rate_multiplier=settings.transition_rate, name="potentials"
        )
        self.model = keras.Model(self.units.inputs, head(emissions, mask=mask), name="tagger")

    @functools.cached_property
    def graphs(self) -> dict[str, Graph]:
        """Its programs by name: ``potentials``, those of a tagging head; for tokens also ``known``, the vectors of
        distinct tokens."""
        return self.units.graphs("potentials", self.model.input, self.model.output)


def loss_for(head: str) -> keras.losses.Loss:
    """The loss of a head."""
    return CRFLoss() if head == "crf" else PathLoss()

"""Arrays to potentials and tags: the network."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nlpkit.datasets.padding import batches_by_length
from nlpkit.datasets.windows import Windows
from nlpkit.layers import CRF, MEMM, TagSoftmax, ViterbiDecoder, encode_text
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.tasks.tagging.config import TAGGING
from nlpkit.tasks.units.network import UnitVectors
from nlpkit.tasks.units.reader import Inputs, Reader
from nlpkit.training.forward import Forward, side_by_side

_HEADS = {"crf": CRF, "memm": MEMM, "softmax": TagSoftmax}


class TaggingNetwork:
    """The network of a tagger.

    Args:
        settings: `nlpkit.tasks.tagging.config.TaggingSettings`.
        labels, scheme: the tags, and the scheme whose illegal transitions the head forbids.
        reader: what is read, characters or tokens, and its vocabularies.

    Attributes:
        model: from the arrays of `Inputs` to the potentials of a tagging head.
        units: its first part.
    """

    def __init__(self, settings: Any, labels: Sequence[str], scheme: str, reader: Reader):
        self.units = UnitVectors(settings, reader)
        x, mask = self.units.vectors, self.units.mask
        x = encode_text(x, mask, settings.encoder, settings.dilations, settings.layers, settings.dropout)
        x = layers.Dropout(settings.dropout)(x)
        emissions = layers.Dense(len(labels), name="emissions")(x)  # (batch, time, tags)
        head = _HEADS[settings.head].from_labels(
            labels, scheme, learning_rate_multiplier=settings.transition_rate, name="potentials"
        )
        self.model = keras.Model(self.units.inputs, head(emissions, mask=mask), name="tagger")

    def tags_of(self, inputs: Inputs, windows: Windows) -> np.ndarray:
        """Tag ids, int16 ``(total,)``, of flat texts; -1 at their edges."""
        forward = self.steered_tags if "bonus" in inputs.arrays else self.tags
        tags = np.full(len(inputs.flat.codes), -1, "int16")
        inputs = self.units.describe(inputs)

        def answer(rows, length):
            batch = forward(inputs.batch(windows, rows, length))
            kept, places = windows.kept(rows, length)
            tags[places] = batch[kept]

        side_by_side(answer, batches_by_length(windows.lengths), TAGGING.batches_at_once)
        return tags

    @functools.cached_property
    def tags(self) -> Forward:
        """Arrays to the best tags, int32 ``(batch, time)``; of tokens, what is known of each stands for the tables."""
        return self.units.forward(self.model.input, ViterbiDecoder()(self.model.output))

    @functools.cached_property
    def steered_tags(self) -> Forward:
        """The same with one input more, ``bonus``, float32 ``(batch, time, tags)``, which is added to the emissions."""
        potentials = self.model.output
        num_tags = potentials.shape[-1] - 1
        bonus = keras.Input((None, num_tags), dtype="float32", name="bonus")
        potentials = potentials + ops.pad(bonus, [[0, 0], [0, num_tags + 2], [0, 1]])
        return Forward(keras.Model({**self.model.input, "bonus": bonus}, ViterbiDecoder()(potentials)))


def loss_for(head: str) -> keras.losses.Loss:
    """The loss that belongs to a head."""
    return CRFLoss() if head == "crf" else PathLoss()

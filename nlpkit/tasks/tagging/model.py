"""Arrays to potentials and tags: the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nlpkit.datasets.padding import batches_by_length
from nlpkit.datasets.windows import Windows
from nlpkit.layers import CRF, MEMM, TagSoftmax, ViterbiDecoder, encode_text
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.ops.path_posteriors import path_posteriors
from nlpkit.ops.potentials import unpack
from nlpkit.tasks.tagging.config import TAGGING
from nlpkit.tasks.units.network import UnitVectors
from nlpkit.tasks.units.reader import Inputs, Reader
from nlpkit.text.tag_schemes import scheme_roles, split_label
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
        roles = scheme_roles(scheme)
        self._closing = [roles.get(split_label(label)[0]) not in ("inside", "end") for label in labels]
        self._forwards: dict[tuple[str, bool], Forward] = {}

    def tags_of(self, inputs: Inputs, windows: Windows) -> np.ndarray:
        """Tag ids, int16 ``(total,)``, of flat texts; -1 at their edges."""
        tags = np.full(len(inputs.flat.codes), -1, "int16")
        self._fill(tags, self._forward("tags", "bonus" in inputs.arrays), inputs, windows)
        return tags

    def posteriors_of(self, inputs: Inputs, windows: Windows, tags: np.ndarray) -> np.ndarray:
        """How probable the tags of flat texts are, float32 ``(total, 3)``, see `nlpkit.ops.path_posteriors`; windows
        are taken as texts of their own."""
        logs = np.zeros((len(tags), 3), "float32")
        inputs = dataclasses.replace(inputs, arrays={**inputs.arrays, "path": np.maximum(tags, 0).astype("int32")})
        self._fill(logs, self._forward("posteriors", "bonus" in inputs.arrays), inputs, windows)
        return logs

    def _fill(self, outputs, forward, inputs, windows):
        """Put what the network says of each unit into an array."""
        inputs = self.units.describe(inputs)

        def answer(rows, length):
            batch = forward(inputs.batch(windows, rows, length))
            kept, places = windows.kept(rows, length)
            outputs[places] = batch[kept]

        side_by_side(answer, batches_by_length(windows.lengths), TAGGING.batches_at_once)

    def _forward(self, what, is_steered):
        """Arrays to the best tags, int32 ``(batch, time)``, or to posteriors of the input ``path``; of tokens, what is
        known of each stands for the tables. With ``bonus``, float32 ``(batch, time, tags)``, added to the emissions."""
        if (what, is_steered) not in self._forwards:
            inputs, potentials = dict(self.model.input), self.model.output
            if is_steered:
                num_tags = potentials.shape[-1] - 1
                inputs["bonus"] = keras.Input((None, num_tags), dtype="float32", name="bonus")
                potentials = potentials + ops.pad(inputs["bonus"], [[0, 0], [0, num_tags + 2], [0, 1]])
            if what == "posteriors":
                inputs["path"] = keras.Input((None,), dtype="int32", name="path")
                outputs = _PathPosteriors(self._closing)(potentials, inputs["path"])
            else:
                outputs = ViterbiDecoder()(potentials)
            self._forwards[what, is_steered] = self.units.forward(inputs, outputs)
        return self._forwards[what, is_steered]


class _PathPosteriors(keras.layers.Layer):
    """`nlpkit.ops.path_posteriors` inside of a model."""

    def __init__(self, closing: Sequence[bool]):
        super().__init__(dtype="float32")
        self._closing = list(closing)

    def call(self, potentials: Any, path: Any) -> Any:
        return path_posteriors(tags=path, closing=self._closing, **unpack(potentials)._asdict())

    def compute_output_spec(self, potentials: Any, path: Any) -> keras.KerasTensor:
        return keras.KerasTensor((*path.shape, 3), "float32")


def loss_for(head: str) -> keras.losses.Loss:
    """The loss that belongs to a head."""
    return CRFLoss() if head == "crf" else PathLoss()

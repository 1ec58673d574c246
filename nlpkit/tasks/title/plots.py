"""Attention maps of title models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.layers.inside import inside
from nlpkit.tasks.shared.plots import Attention, Plot
from nlpkit.tasks.title.config import TitlePrediction
from nlpkit.tasks.title.examples import END_ID, TitleExample, TitleRecord, inputs_and_weights
from nlpkit.training.forward import Forward

_SHOWN = 3  # number of texts
_LONGEST = 96  # longest part of a text in a map, in characters
_NAMES = {"attention/softmax": "attention", "copy": "copying"}


def attention_maps(task: Any, examples: Sequence[TitleExample]) -> list[Plot]:
    """Maps of the attention, and of the pointer for copying, at each generated character, for a few texts.

    Args:
        task: `nlpkit.tasks.title.task.TitleWriter`.
        examples: examples to choose from.
    """
    chosen = examples[:: max(1, len(examples) // _SHOWN)][:_SHOWN]
    encoded, _ = task.encode([TitleRecord(each.text[:_LONGEST]) for each in chosen], task.prepare(TitlePrediction()))
    answers = task.answers(encoded, task.run(encoded))
    maps = AttentionMaps(task)
    pairs = zip(encoded.texts.strings(), answers)
    return [picture for text, answer in pairs for picture in maps.of(text, answer.title)]


class AttentionMaps:
    """Maps of the attention, and of the pointer for copying, during the generation of a title.

    Args:
        task: `nlpkit.tasks.title.task.TitleWriter` with a Keras network.
    """

    def __init__(self, task: Any):
        self._task = task
        self._names = [name for name in _NAMES if name != "copy" or task.settings.copy]
        self._forward = Forward(inside(task.network.model, *self._names))

    def of(self, text: str, title: str) -> list[Attention]:
        """The maps for a title of the beginning of a text: of attention and, if the model copies, of copying."""
        text = text[:_LONGEST]
        encoded, _ = self._task.encode([TitleRecord(text)], self._task.prepare(TitlePrediction()))
        ids = np.append(encoded.texts.encode(0, title), END_ID)[None]
        sources = encoded.texts.padded(np.array([0]), len(text))
        shown = self._forward(inputs_and_weights(sources, ids.astype("int32"))[0])
        pictures = []
        for name in self._names:
            weights = shown[name][0]
            weights = weights.mean(axis=0) if name.startswith("attention/") else np.exp(weights)
            pictures.append(Attention(f"{_NAMES[name]}: {title}", text, title, weights[:-1]))
        return pictures

"""What a writer of titles looks at while it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.layers.inside import inside
from nlpkit.tasks.pictures import Attention, Picture
from nlpkit.tasks.title.config import TitlePrediction
from nlpkit.tasks.title.examples import END_ID, TitleExample, TitleRecord, inputs_and_weights
from nlpkit.training.forward import Forward

_SHOWN = 3  # texts
_LONGEST = 96  # characters of a text that are shown
_NAMES = {"attention/softmax": "attention", "copy": "copying"}


def attention_maps(task: Any, examples: Sequence[TitleExample]) -> list[Picture]:
    """For some texts, where the attention and the pointer for copying stand at each character that is written.

    Args:
        task: `nlpkit.tasks.title.task.TitleWriter`.
        examples: of which a few are shown.
    """
    chosen = examples[:: max(1, len(examples) // _SHOWN)][:_SHOWN]
    encoded, _ = task.encode([TitleRecord(each.text[:_LONGEST]) for each in chosen], task.prepare(TitlePrediction()))
    answers = task.answers(encoded, task.run(encoded))
    names = [name for name in _NAMES if name != "copy" or task.settings.copy]
    forward, texts = Forward(inside(task.network.model, *names)), encoded.texts
    pictures: list[Picture] = []
    for row, (text, answer) in enumerate(zip(texts.strings(), answers)):
        ids = np.append(texts.encode(row, answer.title), END_ID)[None]
        sources = texts.padded(np.array([row]), len(text))
        shown = forward(inputs_and_weights(sources, ids.astype("int32"))[0])
        for name in names:
            weights = shown[name][0]
            weights = weights.mean(axis=0) if name.startswith("attention/") else np.exp(weights)
            pictures.append(Attention(f"{_NAMES[name]}: {answer.title}", text, answer.title, weights[:-1]))
    return pictures

"""Training that goes on from a model: what it knew stays, what the new data have more comes behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from nlpkit.errors import ConfigError
from nlpkit.text.vocabulary import UNKNOWN, Vocabulary
from nlpkit.training.settings import TrainingSettings

_FIXED = "seed_generator"  # of dropout: state, not knowledge


def merged_parts(start: Any, built: Any) -> dict[str, Any]:
    """The parts of a task that goes on: vocabularies are those of the start, with the new symbols behind.

    Args:
        start: the trained task.
        built: the task that the new data alone would make.
    """
    parts = dict(built.parts)
    for name, own in parts.items():
        before = start.parts[name]
        if isinstance(own, Vocabulary) and before is not None:
            parts[name] = before.merged(own)
    return parts


def transfer_weights(task: Any, start: Any, replaced: Mapping[str, np.ndarray] | None = None) -> None:
    """Take over the weights of a model into one whose vocabularies begin with those of that model.

    The vectors of new symbols begin as that of unknown ones, so that at first the model answers as before.

    Args:
        task: the task that goes on, with its network.
        start: the trained task, with a network of the same form.
        replaced: by path, weights that are these, and not those of the start.

    Raises:
        ConfigError: if the networks are of different forms.
    """
    own, given = task.network.model.weights, start.network.model.weights
    if len(own) != len(given):
        raise _other_network(task, start)
    values = []
    for weight, before in zip(own, given):
        value = (replaced or {}).get(weight.path, keras.ops.convert_to_numpy(before.value))
        if value.ndim != len(weight.shape) or any(new < old for new, old in zip(weight.shape, value.shape)):
            raise _other_network(task, start)
        grown = [axis for axis, (new, old) in enumerate(zip(weight.shape, value.shape)) if new > old]
        is_table = weight.path.endswith("embeddings")
        if grown and not (is_table and grown == [0]) and not _is_by_symbol(value, start):
            raise _other_network(task, start)
        values.append((weight, value, is_table))
    for weight, value, is_table in values:
        if _FIXED in weight.path:
            continue
        if value.shape != tuple(weight.shape):
            whole = np.array(keras.ops.convert_to_numpy(weight.value))
            if is_table:
                whole[:] = value[UNKNOWN]
            whole[tuple(map(slice, value.shape))] = value
            value = whole
        weight.assign(value)


def _is_by_symbol(value, start):
    """Whether an axis of a weight has an entry for each symbol of a vocabulary of a task."""
    sizes = {
        size for each in start.parts.values() if isinstance(each, Vocabulary) for size in (len(each), len(each.symbols))
    }
    return bool(sizes & {*value.shape})


def _other_network(task, start):
    """The error for networks of different forms."""
    of_training = {each.name for each in TrainingSettings.declared()}
    before, now = start.settings.to_dict(), task.settings.to_dict()
    others = [f"{name} = {before[name]!r}" for name in now if name not in of_training and now[name] != before[name]]
    told = f"it has {', '.join(others)}, of which some can't be changed" if others else "its form is another one"
    return ConfigError(f"the network of the model to go on from does not fit: {told}")

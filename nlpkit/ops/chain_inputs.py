"""Checks and casts of the arguments of `nlpkit.ops.linear_chain`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from nlpkit.ops.visible import visible_values

UNLABELLED = -100
"""The tag of a step that exists but is not labelled. To leave a step out, use the mask."""


def prepare(emissions: Any, transitions: Any, start: Any, end: Any, mask: Any) -> tuple[Any, Any, Any]:
    """Check the scores of a chain and cast them; see `nlpkit.ops.linear_chain` for the arguments.

    Returns:
        Scores, float32 ``(batch, time, tags)``, with the start and end scores added at the first and the last real step
        of each row; transitions, float32 ``(tags, tags)``; the mask, bool ``(batch, time)``.

    Raises:
        ValueError: if a shape does not fit.
    """
    scores = ops.cast(ops.convert_to_tensor(emissions), "float32")
    transitions = ops.cast(ops.convert_to_tensor(transitions), "float32")
    if len(scores.shape) != 3:
        raise ValueError(f"emissions must have the shape (batch, time, tags). Received: {tuple(scores.shape)}")
    num_tags = scores.shape[-1]
    if tuple(transitions.shape) != (num_tags, num_tags):
        raise ValueError(
            f"transitions must have the shape (tags, tags) = ({num_tags}, {num_tags}), as the emissions have "
            f"{num_tags} tags. Received: {tuple(transitions.shape)}"
        )
    if mask is None:
        mask = ops.ones(ops.shape(scores)[:2], dtype="bool")
    else:
        mask = ops.cast(ops.convert_to_tensor(mask), "bool")
        if len(mask.shape) != 2:
            raise ValueError(f"mask must have the shape (batch, time). Received: {tuple(mask.shape)}")
        _check_steps("mask", mask, scores.shape)
    if start is not None or end is not None:
        rank = ops.cumsum(ops.cast(mask, "int32"), axis=1)
        for bonus, place in ((start, 1), (end, rank[:, -1:])):
            if bonus is not None:
                here = ops.logical_and(mask, rank == place)[..., None]
                scores = scores + ops.cast(here, "float32") * ops.cast(bonus, "float32")
    return scores, transitions, mask


def prepare_tags(tags: Any, mask: Any, shape: Any, unlabelled: bool = True) -> Any:
    """Check tags and cast them to int32. Fractional floats become -1, which is no tag.

    Args:
        tags: ``(batch, time)``.
        mask: bool ``(batch, time)``.
        shape: shape of the emissions, ``(batch, time, tags)``.
        unlabelled: whether `UNLABELLED` is accepted.

    Raises:
        ValueError: if the shape does not fit, or a visible tag is not accepted.
    """
    given = visible_values(tags)
    tags = ops.convert_to_tensor(tags)
    if len(tags.shape) != 2:
        raise ValueError(f"tags must be integers of the shape (batch, time). Received: {tuple(tags.shape)}")
    _check_steps("tags", tags, shape)
    _check_tags(given, visible_values(mask), shape[-1], unlabelled)
    whole = ops.cast(tags, "int32")
    if "float" not in keras.backend.standardize_dtype(tags.dtype):
        return whole
    return ops.where(ops.cast(whole, tags.dtype) == tags, whole, -1)


def _check_steps(name: str, x: Any, shape: Any) -> None:
    """Compare a tensor's shape with the ``(batch, time)`` of the emissions, as far as both are static."""
    if any(None not in pair and pair[0] != pair[1] for pair in zip(x.shape, shape[:2])):
        raise ValueError(
            f"{name} must have the shape (batch, time) of the emissions, ({shape[0]}, {shape[1]}). "
            f"Received: {tuple(x.shape)}"
        )


def _check_tags(tags: np.ndarray | None, mask: np.ndarray | None, num_tags: int, unlabelled: bool) -> None:
    """Raise a `ValueError` for a wrong tag at a step inside the mask, if tags and mask are visible."""
    if tags is None or mask is None or not mask.size:
        return
    right = (tags >= 0) & (tags < num_tags) & (tags == np.floor(tags))
    wrong = mask & ~(right | (tags == UNLABELLED) if unlabelled else right)
    if not wrong.any():
        return
    row, step = np.argwhere(wrong)[0].tolist()
    accepted = f"tags must be from 0 to {num_tags - 1}"
    if unlabelled:
        accepted += f", or {UNLABELLED} for a step that is not labelled"
    elif tags[row, step] == UNLABELLED:
        accepted += f" here, where an unlabelled step ({UNLABELLED}) has no score"
    raise ValueError(
        f"{accepted}. Received: {tags[row, step].item():g} at row {row}, step {step} (both from 0), "
        f"{np.count_nonzero(wrong)} such in the batch. Padding belongs outside of the mask, where tags are ignored"
    )


def has_wrong_tag(tags: Any, mask: Any, num_tags: int) -> Any:
    """Whether each row has a tag inside the mask that is not accepted: bool ``(batch,)``."""
    right = ops.logical_or(exists(tags, num_tags), tags == UNLABELLED)
    return ops.any(ops.logical_and(mask, ops.logical_not(right)), axis=1)


def exists(tags: Any, num_tags: int) -> Any:
    """Whether each value is a tag, bool of the same shape."""
    return ops.logical_and(tags >= 0, tags < num_tags)

"""The inputs of a linear chain's loss and decoder, packed into one tensor.

A Keras loss sees nothing but the model's output, so a head such as `nlpkit.layers.CRF` returns its emissions,
transitions, edge scores and mask together. For T steps and K tags the tensor is float32 ``(batch, T + K + 2, K + 1)``::

    rows 0 … T-1        emissions    | mask, 1 or 0
    rows T … T+K-1      transitions  | 0
    row  T+K            start scores | normalisation of paths: UNNORMALIZED, BY_STEP or INDEPENDENT
    row  T+K+1          end scores   | MARKER

`nlpkit.decoding.Chain` reads it without a framework. The marker distinguishes a head's output from other tensors. So
losses and decoders have no weights, and models with them are compiled, saved and loaded like any other.
"""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from nlpkit.ops.visible import visible_values

MARKER = -4096.0
"""The last cell of every row: exact in bfloat16 and float16, and never the value of a mask or score by chance."""
UNNORMALIZED, BY_STEP, INDEPENDENT = 0, 1, 2
"""Normalisation of the paths of a head: none, for a CRF; each step given its neighbours, for a MEMM; each step
independently, for a softmax."""


class Potentials(NamedTuple):
    """The arguments of the functions in `nlpkit.ops.linear_chain`, by their names there.

    Attributes:
        emissions: float32 ``(batch, time, tags)``.
        transitions: float32 ``(tags, tags)``.
        start: float32 ``(tags,)``.
        end: float32 ``(tags,)``.
        mask: bool ``(batch, time)``.
    """

    emissions: Any
    transitions: Any
    start: Any
    end: Any
    mask: Any


def pack(
    emissions: Any, transitions: Any, start: Any, end: Any, mask: Any = None, normalization: int = UNNORMALIZED
) -> Any:
    """Pack the parts of a linear chain into one tensor.

    Args:
        emissions: float tensor ``(batch, time, tags)``.
        transitions: float tensor ``(tags, tags)``.
        start: float tensor ``(tags,)``.
        end: float tensor ``(tags,)``.
        mask: optional bool ``(batch, time)``; all steps are real if None.
        normalization: `UNNORMALIZED`, `BY_STEP` or `INDEPENDENT`.

    Returns:
        Potentials, ``(batch, time + tags + 2, tags + 1)``, in the dtype of the emissions.

    Example:

        >>> import numpy as np
        >>> from keras import ops
        >>> from nlpkit.ops import potentials
        >>> zeros = ops.zeros((2,))
        >>> packed = potentials.pack(ops.ones((1, 3, 2)), ops.eye(2), zeros, zeros)
        >>> tuple(packed.shape)
        (1, 7, 3)
        >>> np.asarray(potentials.unpack(packed).transitions).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    batch, time, num_tags = ops.shape(emissions)
    if mask is None:
        mask = ops.ones((batch, time), dtype="bool")
    # (tags + 2, tags)
    shared = ops.concatenate([transitions, start[None], end[None]], axis=0)
    shared = ops.broadcast_to(shared[None], (batch, num_tags + 2, num_tags))
    # (batch, time + tags + 2, tags)
    scores = ops.concatenate([emissions, shared], axis=1)
    tail = np.zeros((1, num_tags + 2), "float32")
    tail[0, -2:] = normalization, MARKER
    tail = ops.broadcast_to(ops.cast(tail, emissions.dtype), (batch, num_tags + 2))
    # (batch, time + tags + 2)
    flags = ops.concatenate([ops.cast(mask, emissions.dtype), tail], axis=1)
    return ops.concatenate([scores, ops.expand_dims(flags, -1)], axis=2)


def unpack(potentials: Any) -> Potentials:
    """The parts of a tensor that `pack` returned.

    Args:
        potentials: float tensor ``(batch, time + tags + 2, tags + 1)``, the output of a tagging head.

    Returns:
        `Potentials`, a named tuple.

    Raises:
        ValueError: if the tensor is no head's output. The shape is always checked, the marker where values are
            visible, that is outside of compiled graphs.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CRF
        >>> from nlpkit.ops import potentials
        >>> parts = potentials.unpack(CRF(2)(np.ones((1, 3, 2), "float32")))
        >>> tuple(parts.emissions.shape), tuple(parts.mask.shape)
        ((1, 3, 2), (1, 3))
    """
    shape = tuple(potentials.shape)
    check_shape(shape)
    marked = visible_values(is_marked(potentials))
    if marked is not None and not marked.all():
        raise ValueError(not_potentials(shape))
    num_tags = shape[-1] - 1
    shared = ops.reshape(potentials[0, -num_tags - 2 :, :num_tags], (num_tags + 2, num_tags))  # a static shape
    return Potentials(
        emissions=potentials[:, : -num_tags - 2, :num_tags],
        transitions=shared[:num_tags],
        start=shared[num_tags],
        end=shared[num_tags + 1],
        mask=potentials[:, : -num_tags - 2, num_tags] > 0.5,
    )


def check_shape(shape: tuple) -> None:
    """Raise a `ValueError` if no head's output has this shape, where None stands for an unknown size."""
    if len(shape) != 3 or shape[-1] is None or shape[-1] < 2 or (shape[1] is not None and shape[1] <= shape[-1]):
        raise ValueError(not_potentials(shape))


def is_marked(potentials: Any) -> Any:
    """Whether each row comes from `pack`: bool ``(batch,)``."""
    return potentials[:, -1, -1] == MARKER


def normalization_of(potentials: Any) -> Any:
    """The `normalization` of each packed row: float ``(batch,)``."""
    return potentials[:, -2, -1]


def not_potentials(shape: tuple) -> str:
    """The error message for a tensor of this shape that is no head's output."""
    return (
        "expected the output of a tagging head (nlpkit.layers.CRF, MEMM or TagSoftmax): potentials of the shape "
        f"(batch, time + tags + 2, tags + 1). Received another tensor, of the shape {shape}. Put a head after the "
        "layer that scores the tags, for example x = CRF(num_tags)(x), and use its output unchanged"
    )

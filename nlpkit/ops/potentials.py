"""Everything that a linear chain's loss and decoder need, in one tensor.

A Keras loss sees the model's output and nothing else, so a head such as `nlpkit.layers.CRF` hands on its emissions,
transitions, edge scores and mask together. For T steps and K tags the tensor is float32 ``(batch, T + K + 2, K + 1)``::

    rows 0 … T-1        emissions    | mask
    rows T … T+K-1      transitions  | 0
    row  T+K            start scores | 0
    row  T+K+1          end scores   | 0

That keeps losses and decoders free of weights, so that models with them are compiled, saved and loaded like any other.
"""

from typing import NamedTuple

from keras import ops


class Potentials(NamedTuple):
    """The arguments of the functions in `nlpkit.ops.linear_chain`, by their names there."""

    emissions: object  # (batch, time, tags)
    transitions: object  # (tags, tags)
    start: object  # (tags,)
    end: object  # (tags,)
    mask: object  # (batch, time), bool


def pack(emissions, transitions, start, end, mask=None):
    """One tensor ``(batch, T + K + 2, K + 1)`` from the parts."""
    batch, time, num_tags = ops.shape(emissions)
    if mask is None:
        mask = ops.ones((batch, time), dtype="bool")
    shared = ops.concatenate([transitions, start[None], end[None]], axis=0)
    shared = ops.broadcast_to(shared[None], (batch, num_tags + 2, num_tags))
    scores = ops.concatenate([emissions, shared], axis=1)
    flags = ops.pad(ops.cast(mask, emissions.dtype), [[0, 0], [0, num_tags + 2]])
    return ops.concatenate([scores, flags[..., None]], axis=2)


def unpack(potentials):
    """The parts of a tensor made by `pack`, as `Potentials`."""
    if len(potentials.shape) != 3 or potentials.shape[-1] is None or potentials.shape[-1] < 2:
        raise ValueError(
            "expected the output of a tagging head such as nlpkit.layers.CRF, of the shape "
            f"(batch, time + tags + 2, tags + 1). Received the shape {tuple(potentials.shape)}"
        )
    num_tags = potentials.shape[-1] - 1
    shared = ops.reshape(potentials[0, -num_tags - 2 :, :num_tags], (num_tags + 2, num_tags))  # a static shape
    return Potentials(
        emissions=potentials[:, : -num_tags - 2, :num_tags],
        transitions=shared[:num_tags],
        start=shared[num_tags],
        end=shared[num_tags + 1],
        mask=potentials[:, : -num_tags - 2, num_tags] > 0.5,
    )

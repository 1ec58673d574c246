"""Arrays to tags and their probabilities: the decoding of the network's potentials."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from nlpkit.datasets.padding import batches_by_length
from nlpkit.datasets.windows import Windows
from nlpkit.decoding.tag_paths import Chain, best_tags, path_posteriors
from nlpkit.prediction.programs import Program, side_by_side
from nlpkit.tasks.shared.reader import Inputs
from nlpkit.tasks.tagging.config import TAGGING
from nlpkit.text.tag_schemes import scheme_roles, split_label

_IN_CACHE = 1 << 15
"""Numbers of a layer's output in one call of the network: they stay in the cache of a core, which halves the time.
Paths are decoded for more steps at once, as each step of a path is a call of NumPy."""


def _in_pieces(program: Program, batch: dict[str, Any], by_step: Container[str], steps_at_once: int) -> Any:
    """The output of a program for a batch, computed some rows at a time.

    Args:
        program: the program.
        batch: its inputs.
        by_step: names of the arrays with rows; all rows share the others.
        steps_at_once: largest number of steps in a call.
    """
    rows, steps = batch[next(name for name in batch if name in by_step)].shape[:2]
    count = max(1, steps_at_once // steps)
    if rows <= count:
        return program(batch)
    pieces = [
        program({name: x[begin : begin + count] if name in by_step else x for name, x in batch.items()})
        for begin in range(0, rows, count)
    ]
    return np.concatenate(pieces)


class TagDecoder:
    """A decoder from flat texts to tags.

    Args:
        program: function from names to programs of the network.
        labels, scheme: the tags, and their scheme.
        width: channels of the network's layers.
    """

    def __init__(self, program: Callable[[str], Program], labels: Sequence[str], scheme: str, width: int):
        self._program, self._steps_at_once = program, _IN_CACHE // width
        roles = scheme_roles(scheme)
        self._closing = np.array([roles.get(split_label(label)[0]) not in ("inside", "end") for label in labels])

    def tags_of(self, inputs: Inputs, windows: Windows) -> np.ndarray:
        """Tag ids, int16 ``(total,)``; -1 at the edges of texts. The optional input ``bonus``, float32 ``(total,
        tags)``, is added to the emissions."""
        tags = np.full(len(inputs.flat.codes), -1, "int16")
        self._fill(tags, inputs, windows, lambda chain, lengths, batch: best_tags(chain, lengths))
        return tags

    def posteriors_of(self, inputs: Inputs, windows: Windows, tags: np.ndarray) -> np.ndarray:
        """Log probabilities of tags, float32 ``(total, 3)``, see `nlpkit.decoding.path_posteriors`; each window counts
        as a text."""
        logs = np.zeros((len(tags), 3), "float32")
        inputs = dataclasses.replace(inputs, arrays={**inputs.arrays, "path": np.maximum(tags, 0)})
        self._fill(
            logs, inputs, windows,
            lambda chain, lengths, batch: path_posteriors(chain, lengths, batch["path"], self._closing),
        )  # fmt: skip
        return logs

    def _fill(self, outputs: np.ndarray, inputs: Inputs, windows: Windows, decode: Callable[..., np.ndarray]) -> None:
        """Write the values that `decode` computes from a chain for each unit into an array."""
        inputs, potentials = inputs.described(self._program), self._program("potentials")

        def answer(rows: np.ndarray, length: int) -> None:
            batch = inputs.batch(windows, rows, length)
            more = {name: batch.pop(name) for name in ("bonus", "path") if name in batch}
            chain = Chain.unpacked(_in_pieces(potentials, batch, inputs.arrays, self._steps_at_once))
            if "bonus" in more:
                chain = chain._replace(emissions=chain.emissions + more["bonus"])
            kept, places = windows.kept(rows, length)
            outputs[places] = decode(chain, windows.lengths[rows], more)[kept]

        side_by_side(answer, batches_by_length(windows.lengths), TAGGING.batches_at_once)

"""Arrays to tags, and how probable these are: the network's potentials, decoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from nlpkit.datasets.padding import batches_by_length
from nlpkit.datasets.windows import Windows
from nlpkit.decoding.tag_paths import Chain, best_tags, path_posteriors
from nlpkit.prediction.programs import Program, side_by_side
from nlpkit.tasks.shared.reader import Inputs
from nlpkit.tasks.tagging.config import TAGGING
from nlpkit.text.tag_schemes import scheme_roles, split_label

_IN_CACHE = 1 << 15
"""Numbers of a layer's output that the network computes at once: so much stays in the cache of a core, which halves the
time. Paths are found for more steps at once, as each step of theirs is a call of NumPy."""


def _in_pieces(program, batch, by_step, steps_at_once):
    """What a program gives for a batch, of which it gets some rows at a time.

    Args:
        by_step: names of the arrays that have rows; the others belong to all of them.
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
    """Finds the tags of flat texts.

    Args:
        program: gives the programs of the network by name.
        labels, scheme: the tags, and their scheme.
        width: of the network's layers.
    """

    def __init__(self, program: Callable[[str], Program], labels: Sequence[str], scheme: str, width: int):
        self._program, self._steps_at_once = program, _IN_CACHE // width
        roles = scheme_roles(scheme)
        self._closing = np.array([roles.get(split_label(label)[0]) not in ("inside", "end") for label in labels])

    def tags_of(self, inputs: Inputs, windows: Windows) -> np.ndarray:
        """Tag ids, int16 ``(total,)``; -1 at the edges of texts. The array ``bonus`` of the inputs, float32 ``(total,
        tags)``, is added to the emissions, if it is there."""
        tags = np.full(len(inputs.flat.codes), -1, "int16")
        self._fill(tags, inputs, windows, lambda chain, lengths, batch: best_tags(chain, lengths))
        return tags

    def posteriors_of(self, inputs: Inputs, windows: Windows, tags: np.ndarray) -> np.ndarray:
        """How probable tags are, float32 ``(total, 3)``, see `nlpkit.decoding.path_posteriors`; windows are taken as
        texts of their own."""
        logs = np.zeros((len(tags), 3), "float32")
        inputs = dataclasses.replace(inputs, arrays={**inputs.arrays, "path": np.maximum(tags, 0)})
        self._fill(
            logs, inputs, windows,
            lambda chain, lengths, batch: path_posteriors(chain, lengths, batch["path"], self._closing),
        )  # fmt: skip
        return logs

    def _fill(self, outputs, inputs, windows, decode):
        """Put what a chain says of each unit into an array."""
        inputs, potentials = inputs.described(self._program), self._program("potentials")

        def answer(rows, length):
            batch = inputs.batch(windows, rows, length)
            more = {name: batch.pop(name) for name in ("bonus", "path") if name in batch}
            chain = Chain.unpacked(_in_pieces(potentials, batch, inputs.arrays, self._steps_at_once))
            if "bonus" in more:
                chain = chain._replace(emissions=chain.emissions + more["bonus"])
            kept, places = windows.kept(rows, length)
            outputs[places] = decode(chain, windows.lengths[rows], more)[kept]

        side_by_side(answer, batches_by_length(windows.lengths), TAGGING.batches_at_once)

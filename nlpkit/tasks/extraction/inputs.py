"""Texts to padded windows, with targets for training."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nlpkit.datasets.batches import BucketedBatches
from nlpkit.datasets.windows import Windows, overlapping_windows
from nlpkit.tasks.extraction.places import Place, Ruler
from nlpkit.tasks.extraction.targets import TARGETS, padded_places
from nlpkit.tasks.shared.reader import Inputs, Reader
from nlpkit.tasks.shared.records import Sentence
from nlpkit.text.characters import FlatTexts
from nlpkit.text.tokens import FlatTokens

NUM_PRIOR_MARKS = 4
"""Number of flags of a unit: it begins or ends the name of a subject, or of an object, of a known triple."""
_BUCKETS = (8, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024)


@dataclasses.dataclass(frozen=True)
class Texts:
    """Texts as inputs of the network.

    Attributes:
        sentences: the texts.
        inputs: their units.
        windows: the windows that they are cut into.
        rows: the text of each window, int64 ``(windows,)``.
        known: places of the known triples in each text, or None without a prior.
    """

    sentences: Sequence[Sentence]
    inputs: Inputs
    windows: Windows
    rows: np.ndarray
    known: Sequence[Sequence[Place]] | None

    def batch(self, windows: np.ndarray, length: int) -> dict[str, np.ndarray]:
        """One padded batch of windows: arrays by the name of an input."""
        batch = self.inputs.batch(self.windows, windows, length)
        if self.known is not None:
            batch["known"] = padded_places([self.within(window, self.known) for window in windows.tolist()], length)
        return batch

    def within(self, window: int, places: Sequence[Sequence[Place]]) -> list[Place]:
        """The places, of those in the text of a window, that lie within it, in units from its beginning."""
        row = self.rows[window]
        begin = int(self.windows.starts[window] - self.inputs.flat.starts[row])
        end = begin + int(self.windows.lengths[window])
        return [
            Place(_moved(place.subject, begin), _moved(place.object, begin), place.predicate)
            for place in places[row]
            if min(place.subject[0], place.object[0]) >= begin and max(place.subject[1], place.object[1]) < end
        ]


def _moved(span: tuple[int, int], begin: int) -> tuple[int, int]:
    return span[0] - begin, span[1] - begin


class _Parts(NamedTuple):
    """Parts of flat texts to cut into windows, int64 ``(n,)``."""

    starts: np.ndarray
    lengths: np.ndarray


def read_texts(
    texts: Sequence[Sentence],
    reader: Reader,
    settings: Any,
    known: Sequence[Sequence[Place]] | None = None,
    by_sentence: bool = False,
) -> Texts:
    """Texts to inputs of the network.

    Args:
        texts: the texts.
        reader: reader of the model.
        settings: `nlpkit.tasks.extraction.config.ExtractionSettings`.
        known: places of the known triples in each text, for a model with a prior.
        by_sentence: whether each sentence of a text is an input of its own.
    """
    inputs = reader.read_sentences(texts)
    if known is not None:
        inputs.arrays["prior"] = _prior_flags(inputs.flat, known)
    starts, lengths = inputs.flat.starts, inputs.flat.lengths
    text_of = np.arange(len(starts))
    if by_sentence:
        ends = [Ruler(text).sentence_ends() for text in texts]
        text_of = np.repeat(text_of, [len(each) for each in ends])
        lengths = np.array([b - a for each in ends for a, b in itertools.pairwise([0, *each])], "int64")
        starts = starts[text_of] + np.array([a for each in ends for a in [0, *each][:-1]], "int64")
    windows, part_of = overlapping_windows(_Parts(starts, lengths), settings.window, settings.overlap)
    return Texts(texts, inputs, windows, text_of[part_of], known)


def _prior_flags(flat: FlatTexts | FlatTokens, known: Sequence[Sequence[Place]]) -> np.ndarray:
    flags = np.zeros((len(flat.codes), NUM_PRIOR_MARKS), "uint8")
    for start, places in zip(flat.starts.tolist(), known):
        for subject, object_, _ in places:
            for i, unit in enumerate((*subject, *object_)):
                flags[start + unit, i] = 1
    return flags


def training_batches(
    texts: Texts, places: Sequence[Sequence[Place]], settings: Any, num_predicates: int, seed: int
) -> BucketedBatches:
    """Batches of arrays and targets by name, with a weight of 1 for each window.

    Args:
        texts: the training texts.
        places: places of the triples of each text.
        settings: `nlpkit.tasks.extraction.config.ExtractionSettings`.
        num_predicates: number of predicates.
        seed: random seed of the order of the windows.
    """
    of_windows = [texts.within(window, places) for window in range(len(texts.rows))]
    targets = TARGETS[settings.head]

    def collate(
        windows: np.ndarray, length: int, rng: np.random.Generator
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        own = [of_windows[window] for window in windows.tolist()]
        arrays = {**texts.batch(windows, length), **targets(own, length, num_predicates, settings, rng)}
        return arrays, np.zeros(len(windows), "float32"), np.ones(len(windows), "float32")

    buckets = [length for length in _BUCKETS if length < settings.window] + [settings.window]
    return BucketedBatches(texts.windows.lengths, collate, settings.batch_size, seed, buckets)

"""Labelled texts to training batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.datasets.batches import BucketedBatches
from nlpkit.datasets.windows import cut_windows
from nlpkit.tasks.shared.reader import Reader
from nlpkit.tasks.tagging.examples import Example, repair_labels
from nlpkit.text import tag_schemes
from nlpkit.text.characters import EDGE


class TaggedTexts:
    """Labelled texts as flat arrays.

    Args:
        examples: the texts and their labels.
        reader: reader of the network's inputs.
        labels: the labels in the order of their ids.
        scheme: the tag scheme.
    """

    def __init__(self, examples: Sequence[Example], reader: Reader, labels: Sequence[str], scheme: str):
        self._inputs = reader.read_sentences(examples)
        self.flat = self._inputs.flat
        self._labels, self._scheme = list(labels), scheme
        self._ids = {label: i for i, label in enumerate(labels)}
        self.tags = np.zeros(len(self.flat.codes), "int32")
        for start, example in zip(self.flat.starts, examples):
            self.tags[start : start + len(example.labels)] = [self._ids[label] for label in example.labels]

    def batches(self, window: int, batch_size: int, seed: int) -> BucketedBatches:
        """Training batches ``(arrays, tag ids, weights)``, the tag ids int32 ``(batch, time)``.

        Long texts are cut between spans. The parts of a span longer than the window become spans of their own.
        """
        can_cut = np.array([tag_schemes.opens_or_outside(label, self._scheme) for label in self._labels])[self.tags]
        can_cut[self.flat.codes == EDGE] = True
        windows = cut_windows(self.flat, window, np.flatnonzero(can_cut))
        tags = self.tags.copy()
        for start, end in zip(windows.keep_from, windows.keep_to):
            if not (can_cut[start] and can_cut[end]):
                tags[start:end] = self._legal(tags[start:end])
        inputs = dataclasses.replace(self._inputs, arrays={**self._inputs.arrays, "tags": tags})

        def collate(
            rows: np.ndarray, length: int, _: np.random.Generator
        ) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
            batch = inputs.batch(windows, rows, length)
            # A row's loss is a sum over its steps: with this weight the loss of the batch is a mean over all steps.
            weight = len(rows) / windows.lengths[rows].sum()
            return batch, batch.pop("tags"), np.full(len(rows), weight, "float32")

        steps = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]
        buckets = [length for length in steps if length < window] + [window]
        return BucketedBatches(windows.lengths, collate, batch_size, seed, buckets)

    def _legal(self, tags: np.ndarray) -> list[int]:
        prefixes = {tag_schemes.split_label(label)[0] for label in self._labels}
        legal = repair_labels([self._labels[tag] for tag in tags], self._scheme, prefixes)
        return [self._ids.get(label, self._ids.get("O", 0)) for label in legal]

"""The checks of `nlpkit check similarity` on data files. They need no framework."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.summary import LENGTHS, percentiles, share
from nlpkit.tasks.similarity.config import SimilaritySettings
from nlpkit.tasks.similarity.examples import Pair, read_examples, texts_of


def check(paths: Sequence[str | Path], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Statistics and problems of data files; several files are compared with each other.

    Args:
        paths: data files.
        settings: values of `SimilaritySettings`, for the longest part of a sentence to use.

    Returns:
        For each file its findings by name.

    Raises:
        DataError: if a file can't be read or holds no sentence.
    """
    config = SimilaritySettings.create(settings)
    reports: list[dict[str, Any]] = []
    seen_in: dict[str, set[str]] = {}
    for path in paths:
        examples, notes = read_examples(path)
        texts = texts_of(examples)
        lengths = np.array([len(text) for text in texts])
        report = {"encoding": "UTF-8", **_counts(examples), f"length: {LENGTHS}": percentiles(lengths)}
        long = int((lengths > config.max_length).sum())
        report[f"longer than {config.max_length} (cut off)"] = share(long, len(texts))
        report |= {f"note {i}": note.removeprefix(f"{path}: ") for i, note in enumerate(notes, 1)}
        for other, known in seen_in.items():
            report[f"sentences that are also in {other}"] = share(sum(text in known for text in texts), len(texts))
        seen_in[str(path)] = set(texts)
        reports.append(report)
    return reports


def _counts(examples: Sequence[Any]) -> dict[str, Any]:
    if isinstance(examples[0], Pair):
        labels = collections.Counter(each.label for each in examples)
        shown = ", ".join(f"{label:g}: {count:,}" for label, count in sorted(labels.items())[:10])
        return {"pairs": len(examples), "labels": shown}
    sizes = np.array([*collections.Counter(each.group for each in examples).values()])
    return {"sentences": len(examples), "groups": len(sizes), f"sentences of a group: {LENGTHS}": percentiles(sizes)}

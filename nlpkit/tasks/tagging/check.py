"""What `nlpkit check tagging` looks for in data files. It needs no framework."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.summary import LENGTHS, percentiles, share
from nlpkit.tasks.tagging.config import TaggingSettings
from nlpkit.tasks.tagging.examples import detect_format, read_labelled
from nlpkit.text import tag_schemes

_SHOWN = 10


def check(
    paths: Sequence[str | Path], settings: Mapping[str, Any], unit: str = "auto", columns: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """What is in data files and what looks wrong; several files are compared with each other.

    Args:
        paths: data files.
        settings: of `TaggingSettings`, for its window.
        unit, columns: as in `nlpkit.tasks.tagging.config.TaggingReading`.

    Returns:
        For each file what was seen, by what it says.

    Raises:
        DataError: if a file can't be read; its encoding and columns are checked by reading it.
    """
    window = TaggingSettings.create(settings).window
    reports: list[dict[str, Any]] = []
    seen_in: dict[str, Any] = {}
    for path in paths:
        report, texts = _check_file(path, window, unit, columns)
        for other, known in seen_in.items():
            shared = sum(count for text, count in texts.items() if text in known)
            report[f"examples that are also in {other}"] = share(shared, texts.total())
        seen_in[str(path)] = texts.keys()
        reports.append(report)
    return reports


def _check_file(path, window, unit, columns):
    examples, unit, scheme, repaired = read_labelled(path, True, unit, columns=columns)
    texts = collections.Counter(example.text for example in examples)
    lengths = np.array([len(example.units) for example in examples])
    spans = [span for each in examples for span in tag_schemes.read_spans(each.labels, scheme)]
    kinds = collections.Counter(kind or "word" for *_, kind in spans)
    report = {
        "format": detect_format(path),
        "encoding": "UTF-8",
        "units": f"{unit}s",
        "tag scheme": scheme,
        "examples": len(examples),
        f"{unit}s": int(lengths.sum()),
        f"length: {LENGTHS}": percentiles(lengths),
        f"longer than the window of {window} (cut, not truncated)": share(int((lengths > window).sum()), len(lengths)),
        "illegal tag sequences": _places(repaired),
        "repeated examples": share(len(examples) - len(texts), len(lengths)),
        "same text, other labels": _conflicts(examples),
        **{f"{'labels' if scheme == 'plain' else 'spans'}: {kind}": count for kind, count in kinds.most_common()},
    }
    return report, texts


def _places(lines):
    if not lines:
        return 0
    more = ", …" if len(lines) > _SHOWN else ""
    return f"{len(lines)} (lines {', '.join(map(str, lines[:_SHOWN]))}{more}); train with --repair"


def _conflicts(examples):
    readings = collections.defaultdict(set)
    for example in examples:
        readings[example.text].add(example.labels)
    return sum(len(labels) > 1 for labels in readings.values())

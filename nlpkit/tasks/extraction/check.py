"""The checks of `nlpkit check extraction` on data files. They need no framework."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.summary import LENGTHS, percentiles, share
from nlpkit.metrics import scores_by_overlap
from nlpkit.tasks.extraction.config import ExtractionSettings
from nlpkit.tasks.extraction.examples import TROUBLES, Reading, read_triples, unit_of
from nlpkit.tasks.extraction.places import BY_SENTENCE, places_of, share_within_sentences
from nlpkit.tasks.shared.records import SEGMENTERS, TextRecord, sentences_of

_SHOWN = 12  # number of predicates


def check(paths: Sequence[str | Path], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Statistics and problems of data files; several files are compared with the first.

    Args:
        paths: data files.
        settings: values of `ExtractionSettings`, for units and windows.

    Returns:
        For each file its findings by name.

    Raises:
        DataError: if a file can't be read or holds no sentence with triples.
    """
    config = ExtractionSettings.create(settings)
    reports: list[dict[str, Any]] = []
    first: tuple[str, set[str], set[tuple[str, str, str]], set[str], str] | None = None
    for path in paths:
        read = read_triples(path, predicates=first[3] if first else None)
        unit = first[4] if first else unit_of(e.text for e in read.examples) if config.unit == "auto" else config.unit
        report, keys = _check_file(path, read, unit, config)
        texts = {example.text for example in read.examples}
        predicates = {key[1] for key in keys}
        if first is None:
            first = str(path), texts, set(keys), predicates, unit
        else:
            name, old_texts, old_keys, *_ = first
            count = sum(example.text in old_texts for example in read.examples)
            report[f"texts that are also in {name}"] = share(count, len(read.examples))
            report[f"triples that are also in {name}"] = share(sum(key in old_keys for key in keys), len(keys))
        reports.append(report)
    return reports


def _check_file(
    path: str | Path, read: Reading, unit: str, config: ExtractionSettings
) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    examples = read.examples
    total = len(examples)
    keys = [triple.key for example in examples for triple in example.triples]
    predicates = collections.Counter(key[1] for key in keys)
    sentences, _ = sentences_of(
        [TextRecord(example.text) for example in examples], unit, (), SEGMENTERS[config.segmenter]
    )
    lengths = np.array([len(each.text if each.tokens is None else each.tokens) for each in sentences])
    places, split = places_of(sentences, [example.triples for example in examples], [*predicates])
    counts = np.array([len(example.triples) for example in examples])
    overlap = scores_by_overlap(*[[[triple.key for triple in example.triples] for example in examples]] * 2)
    report: dict[str, Any] = {
        "encoding": "UTF-8",
        "sentences": total,
        "triples": len(keys),
        "bad lines (passed over)": read.counts.get("bad_lines", 0),
        **{
            f"trouble, {i}": note.removeprefix(f"{path}, ").removeprefix(f"{path}: ")
            for i, note in enumerate(read.notes, 1)
        },
        **{meaning: read.counts.get(kind, 0) for kind, meaning in TROUBLES.items()},
        "units": f"{unit}s",
        f"{unit}s of a sentence: {LENGTHS}": percentiles(lengths),
        f"longer than the window of {config.window} (read in parts)": share(
            int((lengths > config.window).sum()), total
        ),
        f"triples of a sentence: {LENGTHS}": percentiles(counts),
        "subject and object the same": share(sum(s == o for s, _, o in keys), len(keys)),
        **{f"sentences with overlap: {name}": share(int(row["sentences"]), total) for name, row in overlap.items()},
        f"both names in one sentence (from {BY_SENTENCE:.0%} on texts are read by sentence)": (
            f"{share_within_sentences(sentences, places):.1%} of the triples"
        ),
        "predicates": len(predicates),
        "most frequent": ", ".join(f"{name} {count:,}" for name, count in predicates.most_common(_SHOWN)),
        "repeated sentences": share(total - len({example.text for example in examples}), total),
    }
    if unit == "token":
        report["triples whose names split tokens (not learnt)"] = share(split, len(keys))
    return report, keys

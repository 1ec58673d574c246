"""The checks of `nlpkit check tagging` on data files. They need no framework."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.summary import LENGTHS, percentiles, share
from nlpkit.tasks.tagging.config import TaggingSettings
from nlpkit.tasks.tagging.examples import Example, detect_format, read_labelled
from nlpkit.text import tag_schemes

_SHOWN = 10
_LONG_WORD = 12  # longest plausible word, in characters
_SHORT_LINE = 4  # shortest plausible sentence, in characters
_LONG_SENTENCE = 200  # longest plausible sentence, in units


def check(
    paths: Sequence[str | Path], settings: Mapping[str, Any], unit: str = "auto", columns: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Statistics and problems of data files; several files are compared with each other.

    Args:
        paths: data files.
        settings: values of `TaggingSettings`, for its window.
        unit, columns: as in `nlpkit.tasks.tagging.config.TaggingReading`.

    Returns:
        For each file its findings by name.

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


def _check_file(
    path: str | Path, window: int, unit: str, columns: Sequence[str]
) -> tuple[dict[str, Any], collections.Counter[str]]:
    examples, unit, scheme, repaired = read_labelled(path, True, unit, columns=columns)
    file_format = detect_format(path)
    texts = collections.Counter(example.text for example in examples)
    lengths = np.array([len(example.units) for example in examples])
    spans = [span for each in examples for span in tag_schemes.read_spans(each.labels, scheme)]
    kinds = collections.Counter(kind or "word" for *_, kind in spans)
    report: dict[str, Any] = {
        "format": file_format,
        **{f"looks odd ({i})": text for i, text in enumerate(_oddities(file_format, examples, scheme), 1)},
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


def _oddities(file_format: str, examples: Sequence[Example], scheme: str) -> Iterator[str]:
    """Signs that a file has another format than the detected one."""
    if file_format == "words":
        uncut = sum(len(each.text) > _LONG_WORD and _is_one_word(each.labels) for each in examples)
        if uncut > len(examples) / 4:
            yield f"{share(uncut, len(examples))} of the lines have no space: plain text? Spaces stand between words"
        for mark, what in ((",", "CSV"), ("{", "JSON"), ("|", "a table, or brackets"), ("\t", "a table")):
            lines = sum(mark in each.text for each in examples)
            if lines > len(examples) / 2:
                yield f"{share(lines, len(examples))} of the lines hold {mark!r}: {what}? They are read as words"
        if len(examples) > _SHOWN and all(len(each.text) <= _SHORT_LINE for each in examples):
            yield "a word or two on each line: a sentence stands on a line, with spaces between its words"
    if file_format == "conll" and len(examples) == 1 and len(examples[0].units) > _LONG_SENTENCE:
        yield f"one sentence of {len(examples[0].units):,} units: an empty line stands between two sentences"
    labels = {label for example in examples for label in example.labels} if scheme == "plain" else ()
    for label in sorted(label for label in labels if label[:1] in "BIESM" and label[1:2] in ("_", ":", "/", "."))[:1]:
        yield f"labels such as {label!r} are read as they are; tags have a hyphen, {label[0]}-{label[2:]}"


def _is_one_word(labels: Sequence[str]) -> bool:
    return labels[0] == "B" and labels[-1] == "E" and {*labels[1:-1]} <= {"M"}


def _places(lines: Sequence[int]) -> str | int:
    if not lines:
        return 0
    more = ", …" if len(lines) > _SHOWN else ""
    shown = ", ".join(map(str, lines[:_SHOWN]))
    return f"{len(lines)} (in the sentences at lines {shown}{more}); train with --repair"


def _conflicts(examples: Sequence[Example]) -> int:
    readings: collections.defaultdict[str, set[tuple[str, ...]]] = collections.defaultdict(set)
    for example in examples:
        readings[example.text].add(example.labels)
    return sum(len(labels) > 1 for labels in readings.values())

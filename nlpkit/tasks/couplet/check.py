"""The checks of `nlpkit check couplet` on data files. They need no framework."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.summary import LENGTHS, percentiles, share
from nlpkit.errors import ConfigError, MissingPackageError
from nlpkit.tasks.couplet.config import RULES, CoupletSettings
from nlpkit.tasks.couplet.examples import CoupletExample, make_vocabulary, read_couplets
from nlpkit.tasks.couplet.rules import is_kept
from nlpkit.text.character_types import CHINESE, character_types
from nlpkit.text.characters import code_points, normalize_text
from nlpkit.text.vocabulary import CharacterVocabulary


def check(paths: Sequence[str | Path], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Statistics and problems of data files; several files are compared with each other.

    Args:
        paths: data files.
        settings: values of `CoupletSettings`, for the longest line and the least count of a character.

    Returns:
        For each file its findings by name.

    Raises:
        DataError: if a file can't be read or holds no couplet.
    """
    config = CoupletSettings.create(settings)
    reports: list[dict[str, Any]] = []
    seen_in: dict[str, set[str]] = {}
    known: CharacterVocabulary | None = None
    for path in paths:
        report, couplets, vocabulary = _check_file(path, config)
        if known is None:
            known = vocabulary
        else:
            strange = sum(any(c not in known for c in _characters(pair.upper)) for pair in couplets)
            report[f"upper lines with characters that {paths[0]} hardly has"] = share(strange, len(couplets))
        for other, uppers in seen_in.items():
            repeated = sum(couplet.upper in uppers for couplet in couplets)
            report[f"upper lines that are also in {other}"] = share(repeated, len(couplets))
        seen_in[str(path)] = {couplet.upper for couplet in couplets}
        reports.append(report)
    return reports


def _check_file(
    path: str | Path, settings: CoupletSettings
) -> tuple[dict[str, Any], list[CoupletExample], CharacterVocabulary]:
    couplets, notes, bad = read_couplets(path)
    lengths = np.array([len(_characters(couplet.upper)) for couplet in couplets])
    pairs = collections.Counter((couplet.upper, couplet.lower) for couplet in couplets)
    longest, total = settings.max_length, len(couplets)
    report: dict[str, Any] = {
        "encoding": "UTF-8",
        "couplets": total,
        "bad lines (passed over)": bad,
        **{f"bad line {i}": note.removeprefix(f"{path}, ") for i, note in enumerate(notes, 1)},
        f"length without marks: {LENGTHS}": percentiles(lengths),
        f"longer than {longest} (not trained on)": share(int((lengths > longest).sum()), total),
        "repeated couplets": share(total - len(pairs), total),
        "upper lines with several answers": len(pairs) - len({couplet.upper for couplet in couplets}),
    }
    for rule in RULES:
        try:
            kept = sum(is_kept(rule, couplet.upper, couplet.lower) for couplet in couplets)
            report[f"keep the rule {rule}"] = share(kept, total)
        except MissingPackageError as error:
            report[f"keep the rule {rule}"] = f"not checked: {error}"
    try:
        vocabulary = make_vocabulary(couplets, settings.char_min_count)
    except ConfigError:
        vocabulary = CharacterVocabulary([])
    report[f"characters seen {settings.char_min_count} times or more"] = len(vocabulary.symbols)
    return report, couplets, vocabulary


def _characters(line: str) -> list[str]:
    """The Chinese characters of a line, normalised as in the vocabulary."""
    return [c for c, kind in zip(normalize_text(line), character_types(code_points(line))) if kind == CHINESE]

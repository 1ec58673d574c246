"""The checks of `nlpkit check word2vec` on data files. They need no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.summary import LENGTHS, percentiles, share
from nlpkit.tasks.word2vec.config import Word2VecSettings
from nlpkit.tasks.word2vec.corpus import EDGE, read_corpus
from nlpkit.tasks.word2vec.questions import Analogy, Pair, read_questions

_SHOWN = 10  # number of most frequent words


def check(paths: Sequence[str | Path], settings: Mapping[str, Any], cut: str = "auto") -> list[dict[str, Any]]:
    """Statistics of data files; several files are compared with the first.

    Args:
        paths: files of text, pairs of words, or analogies.
        settings: values of `Word2VecSettings`, for the lowest count of a word.
        cut: as in `nlpkit.tasks.word2vec.config.Word2VecReading`.

    Returns:
        For each file its findings by name.

    Raises:
        DataError: if a file can't be read.
    """
    config = Word2VecSettings.create(settings)
    reports: list[dict[str, Any]] = []
    known: set[str] | None = None
    for path in paths:
        questions = read_questions(path)
        report, words = _check_text(path, config, cut) if questions is None else _check_questions(questions)
        if known is None:
            known = words
        else:
            report[f"distinct words that {paths[0]} has often enough"] = share(len(words & known), len(words))
        reports.append(report)
    return reports


def _check_text(path: str | Path, settings: Word2VecSettings, cut: str) -> tuple[dict[str, Any], set[str]]:
    corpus, notes = read_corpus(path, cut)
    ends = np.flatnonzero(corpus.ids == EDGE)
    lengths = np.diff(ends, prepend=-1) - 1
    often = corpus.counts >= settings.min_count
    total = len(corpus)
    ranked = np.argsort(-corpus.counts, kind="stable")
    report = {
        "encoding": "UTF-8",
        "read as": notes[0].removeprefix(f"{path}: "),
        **({"left out": notes[1].removeprefix(f"{path}, ")} if len(notes) > 1 else {}),
        "lines": f"{len(ends):,}",
        "lines with fewer than two words (nothing is learnt from them)": share(int((lengths < 2).sum()), len(ends)),
        "words": f"{total:,}",
        "distinct words": f"{len(corpus.words):,}",
        f"distinct words seen {settings.min_count} times or more": f"{int(often.sum()):,}",
        "words of the text that are seldom and left out": share(int(corpus.counts[~often].sum()), total),
        f"words a line: {LENGTHS}": percentiles(lengths),
        "most frequent": " ".join(corpus.words[i] for i in ranked[:_SHOWN]),
    }
    return report, {corpus.words[i] for i in np.flatnonzero(often)}


def _check_questions(questions: Sequence[Pair] | Sequence[Analogy]) -> tuple[dict[str, Any], set[str]]:
    words = {word for question in questions for word in question.words}
    sections = {question.section for question in questions if isinstance(question, Analogy)}
    if sections:
        return {"read as": f"analogies in {len(sections)} sections", "analogies": f"{len(questions):,}"}, words
    scores = [question.score for question in questions if isinstance(question, Pair)]
    report = {"read as": "pairs of words with scores", "pairs": f"{len(questions):,}"}
    return {**report, "scores from, to": f"{min(scores):g}, {max(scores):g}"}, words

"""What `nlpkit check word2vec` looks for in data files. It needs no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.summary import LENGTHS, percentiles, share
from nlpkit.tasks.word2vec.config import Word2VecSettings
from nlpkit.tasks.word2vec.corpus import EDGE, read_corpus
from nlpkit.tasks.word2vec.questions import Analogy, read_questions

_SHOWN = 10  # most frequent words


def check(paths: Sequence[str | Path], settings: Mapping[str, Any], cut: str = "auto") -> list[dict[str, Any]]:
    """What is in data files; several files are compared with the first.

    Args:
        paths: text, pairs of words, or analogies.
        settings: of `Word2VecSettings`, for how often a word must be seen.
        cut: as in `nlpkit.tasks.word2vec.config.Word2VecReading`.

    Returns:
        For each file what was seen, by what it says.

    Raises:
        DataError: if a file can't be read.
    """
    made = Word2VecSettings.create(settings)
    reports: list[dict[str, Any]] = []
    known: set[str] | None = None
    for path in paths:
        questions = read_questions(path)
        report, words = _check_text(path, made, cut) if questions is None else _check_questions(questions)
        if known is None:
            known = words
        else:
            report[f"distinct words that {paths[0]} has often enough"] = share(len(words & known), len(words))
        reports.append(report)
    return reports


def _check_text(path, settings, cut):
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


def _check_questions(questions):
    words = {word for question in questions for word in question.words}
    if isinstance(questions[0], Analogy):
        sections = {question.section for question in questions}
        return {"read as": f"analogies in {len(sections)} sections", "analogies": f"{len(questions):,}"}, words
    scores = [question.score for question in questions]
    report = {"read as": "pairs of words with scores", "pairs": f"{len(questions):,}"}
    return {**report, "scores from, to": f"{min(scores):g}, {max(scores):g}"}, words

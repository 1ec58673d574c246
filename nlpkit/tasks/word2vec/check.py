"""What `nlpkit check word2vec` looks for in data files. It needs no Keras."""

import numpy as np

from nlpkit.tasks.word2vec.config import Word2VecConfig
from nlpkit.tasks.word2vec.examples import EDGE, read_corpus
from nlpkit.tasks.word2vec.questions import Analogy, read_questions

_SHOWN = 10  # most frequent words


def check(paths, settings) -> list[dict]:
    """What is in data files; several files are compared with the first.

    Args:
        paths: text, pairs of words, or analogies.
        settings: of `Word2VecConfig`, for how often a word must be seen.

    Returns:
        For each file its facts, by what they say.

    Raises:
        DataError: if a file can't be read.
    """
    config = Word2VecConfig.create(settings)
    reports, known = [], None
    for path in paths:
        questions = read_questions(path)
        facts, words = _of_text(path, config) if questions is None else _of_questions(questions)
        if known is None:
            known = words
        else:
            facts[f"distinct words that {paths[0]} has often enough"] = _share(len(words & known), len(words))
        reports.append(facts)
    return reports


def _of_text(path, config):
    corpus, notes = read_corpus(path)
    ends = np.flatnonzero(corpus.ids == EDGE)
    lengths = np.diff(ends, prepend=-1) - 1
    often = corpus.counts >= config.min_count
    total = len(corpus)
    ranked = np.argsort(-corpus.counts, kind="stable")
    facts = {
        "encoding": "UTF-8",
        "read as": notes[0].removeprefix(f"{path}: "),
        **({"left out": notes[1].removeprefix(f"{path}, ")} if len(notes) > 1 else {}),
        "lines": f"{len(ends):,}",
        "lines with fewer than two words (nothing is learnt from them)": _share(int((lengths < 2).sum()), len(ends)),
        "words": f"{total:,}",
        "distinct words": f"{len(corpus.words):,}",
        f"distinct words seen {config.min_count} times or more": f"{int(often.sum()):,}",
        "words of the text that are seldom and left out": _share(int(corpus.counts[~often].sum()), total),
        "words a line: median, 90 %, 99 %, longest": ", ".join(
            str(int(v)) for v in (*np.percentile(lengths, [50, 90, 99]), lengths.max())
        ),
        "most frequent": " ".join(corpus.words[i] for i in ranked[:_SHOWN]),
    }
    return facts, {corpus.words[i] for i in np.flatnonzero(often)}


def _of_questions(questions):
    words = {word for question in questions for word in question.words}
    if isinstance(questions[0], Analogy):
        sections = {question.section for question in questions}
        return {"read as": f"analogies in {len(sections)} sections", "analogies": f"{len(questions):,}"}, words
    scores = [question.score for question in questions]
    facts = {"read as": "pairs of words with scores", "pairs": f"{len(questions):,}"}
    return {**facts, "scores from, to": f"{min(scores):g}, {max(scores):g}"}, words


def _share(count, of):
    return f"{count:,} ({count / max(of, 1):.2%})"

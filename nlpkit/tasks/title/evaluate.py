"""Metrics of title models."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.datasets.padding import batches_by_length
from nlpkit.errors import MissingPackageError
from nlpkit.metrics import bleu, clge_scores, copying, lead, mean_length, novelty, word_rouge
from nlpkit.prediction.programs import Program
from nlpkit.tasks.title.examples import END_ID, Texts, TitleExample, inputs_and_weights

_CHARACTERS_AT_ONCE = 8192  # characters of the texts in a batch


def cross_entropy(forward: Program, texts: Texts, titles: Sequence[str], settings: Any) -> float:
    """Mean negative log probability of each character of titles, the end included, given those before it.

    Args:
        forward: `nlpkit.tasks.title.model.TitleNetwork.gold_scores`.
        texts: the texts.
        titles: the right title of each text.
        settings: `nlpkit.tasks.title.config.TitleSettings` of the model.

    Returns:
        Nats a character, over the characters that can be generated or copied.
    """
    ids = [np.append(texts.encode(row, title[: settings.max_title]), END_ID) for row, title in enumerate(titles)]
    total = count = 0.0
    for rows, size in batches_by_length(texts.flat.lengths, _CHARACTERS_AT_ONCE):
        gold = np.zeros((len(rows), max(len(ids[row]) for row in rows)), "int32")
        for place, row in enumerate(rows):
            gold[place, : len(ids[row])] = ids[row]
        known = None if settings.copy else len(texts.vocabulary)
        inputs, _, weights = inputs_and_weights(texts.padded(rows, size), gold, known)
        scores = forward(inputs)
        counts = weights > 0
        total, count = total - float(scores[counts].sum()), count + float(counts.sum())
    return total / max(count, 1.0)


def quality(examples: Sequence[TitleExample], written: Sequence[str], mean_title: float) -> dict[str, Any]:
    """Quality of generated titles, compared with the first sentences of the texts.

    Args:
        examples: texts and the right titles.
        written: a generated title for each text.
        mean_title: mean length of the titles of the training data.

    Returns:
        The scores of `nlpkit.metrics.clge_scores`; ``lead``, the ROUGE-L of the first sentence, cut at 1.5 times
        `mean_title`; ``bleu``, BLEU-4 of the corpus, if sacrebleu is installed. Tables: ``characters (CLGE)`` and
        ``words (jieba)`` of both; and ``against the text``, of the generated and the right titles: the share of new
        n-grams, the share of characters in copied spans, and the mean lengths of these spans and of the titles.
    """
    texts, right = [example.text for example in examples], [example.title for example in examples]
    first = [lead(text, mean_title) for text in texts]
    scores: dict[str, Any] = clge_scores(right, written)
    by_name = {"written": scores, "lead": clge_scores(right, first)}
    more: dict[str, float] = {"lead": by_name["lead"]["rouge_l"]}
    with contextlib.suppress(MissingPackageError):
        more["bleu"] = bleu(right, written)
    return {
        **scores,
        **more,
        "characters (CLGE)": by_name,
        "words (jieba)": {"written": word_rouge(right, written), "lead": word_rouge(right, first)},
        "against the text": {"written": _use_of(texts, written), "reference": _use_of(texts, right)},
    }


def _use_of(texts: Sequence[str], titles: Sequence[str]) -> dict[str, float]:
    copied = copying(texts, titles)
    return {
        **{f"new {n}-grams": novelty(texts, titles, n) for n in (1, 2, 3)},
        "share copied": copied["share"],
        "mean copied span": copied["length"],
        "mean length": mean_length(titles),
    }

"""Metrics of couplet models."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.datasets.padding import batches_by_length, gather_padded, scatter_places
from nlpkit.errors import MissingPackageError
from nlpkit.metrics import bleu, distinct
from nlpkit.tasks.couplet.config import RULES
from nlpkit.tasks.couplet.decode import STEPS_AT_ONCE
from nlpkit.tasks.couplet.examples import CoupletExample, inputs_of, read_pairs
from nlpkit.tasks.couplet.rules import is_kept
from nlpkit.text.vocabulary import UNKNOWN, CharacterVocabulary


def likelihood(
    network: Any, couplets: Sequence[CoupletExample], vocabulary: CharacterVocabulary, hide: bool = False
) -> dict[str, float]:
    """Likelihood of the characters of lower lines, marks left out, over the whole vocabulary.

    Args:
        network: `nlpkit.tasks.couplet.model.CoupletNetwork`.
        couplets: upper lines and the right lower ones.
        vocabulary: vocabulary of the network.
        hide: whether to hide the right characters before each, so that the upper line is the only input.

    Returns:
        ``cross_entropy`` in nats, ``perplexity``, ``top1``, ``top5``.
    """
    lines = read_pairs(couplets, vocabulary)
    logs, ranks = np.zeros(len(lines.places)), np.zeros(len(lines.places))
    for rows, size in batches_by_length(lines.lengths, STEPS_AT_ONCE):
        batch = gather_padded(lines.arrays, lines.starts[rows], lines.lengths[rows], size)
        inputs = inputs_of(batch["characters"], batch["lower"], network.reads_lower, hide)
        scores = network.gold_scores({**inputs, "gold": batch["lower"]})
        real, places = scatter_places(lines.starts[rows], lines.lengths[rows], size)
        logs[places], ranks[places] = scores[real].T
    ranks[lines.arrays["lower"] == UNKNOWN] = np.inf  # the unknown character is not a correct prediction
    entropy = float(-logs.mean())
    return {
        "cross_entropy": entropy,
        "perplexity": math.exp(entropy),
        "top1": float((ranks < 1).mean()),
        "top5": float((ranks < 5).mean()),
    }


def quality(
    couplets: Sequence[CoupletExample], lowers: Sequence[str], vocabulary: CharacterVocabulary
) -> dict[str, float]:
    """Quality of generated lower lines.

    Args:
        couplets: upper lines and the right lower ones.
        lowers: the generated lines, empty strings for missing ones.
        vocabulary: vocabulary of the network; other characters never match.

    Returns:
        ``bleu``: BLEU-4 over characters, if sacrebleu is installed; ``match``: share of the characters equal to those
        of the right line; ``distinct1``, ``distinct2``; and for each rule the share of the lines that keep it (`tone`
        if pypinyin is installed).
    """
    uppers = [couplet.upper for couplet in couplets]
    right = [couplet.lower for couplet in couplets]
    written = [lower or "〇" * len(upper) for lower, upper in zip(lowers, uppers)]
    pairs = read_pairs([CoupletExample(a, b, 0) for a, b in zip(right, written)], vocabulary)
    is_right = (pairs.arrays["characters"] == pairs.arrays["lower"]) & (pairs.arrays["lower"] != UNKNOWN)
    scores = {}
    with contextlib.suppress(MissingPackageError):
        scores["bleu"] = bleu(right, written)
    scores |= {"match": float(is_right.mean()), "distinct1": distinct(written, 1), "distinct2": distinct(written, 2)}
    for rule in RULES:
        with contextlib.suppress(MissingPackageError):
            scores[rule] = float(np.mean([is_kept(rule, a, b) for a, b in zip(uppers, written)]))
    return scores

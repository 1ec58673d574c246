"""Scores over labels of tokens, such as parts of speech."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import Any

_SHOWN = 20  # number of reported confusions


def label_scores(
    tokens: Iterable[Sequence[str]],
    gold: Iterable[Sequence[str]],
    predicted: Iterable[Sequence[str]],
    known_tokens: Container[str],
) -> dict[str, Any]:
    """Accuracy overall and on known and unknown tokens, scores of each label, and confusions.

    Args:
        tokens: sentences as lists of tokens.
        gold, predicted: labels of the tokens.
        known_tokens: tokens of the training data.

    Returns:
        ``accuracy``, ``known_accuracy``, ``unknown_accuracy`` and ``unknown_share``, floats from 0 to 1, and
        ``tokens``, int; ``labels``, the F1, precision, recall and number of tokens of each label; ``confusion``,
        the most frequent confusions, as ``gold → predicted``, with the number of tokens and their share of the tokens
        of the gold label.

    Example:

        >>> gold, predicted = ["PRON", "VERB", "PROPN"], ["PRON", "VERB", "NOUN"]
        >>> scores = label_scores([["我", "爱", "北京"]], [gold], [predicted], {"我"})
        >>> round(scores["accuracy"], 2), scores["unknown_accuracy"], scores["confusion"]
        (0.67, 0.5, {'PROPN → NOUN': {'tokens': 1, 'share': 1.0}})
    """
    pairs, unknown, unknown_right = Counter[tuple[str, str]](), 0, 0
    for sentence, right, given in zip(tokens, gold, predicted, strict=True):
        for token, label, found in zip(sentence, right, given, strict=True):
            pairs[label, found] += 1
            if token not in known_tokens:
                unknown += 1
                unknown_right += label == found
    names = sorted({label for pair in pairs for label in pair})
    wrong = {pair: count for pair, count in pairs.items() if pair[0] != pair[1]}
    total = pairs.total()
    right_ones = total - sum(wrong.values())
    wanted, given_ones = Counter[str](), Counter[str]()
    for (label, found), count in pairs.items():
        wanted[label] += count
        given_ones[found] += count
    return {
        "accuracy": _ratio(right_ones, total),
        "known_accuracy": _ratio(right_ones - unknown_right, total - unknown),
        "unknown_accuracy": _ratio(unknown_right, unknown),
        "unknown_share": _ratio(unknown, total),
        "tokens": total,
        "labels": {
            name: {
                "f1": _ratio(2 * pairs[name, name], wanted[name] + given_ones[name]),
                "precision": _ratio(pairs[name, name], given_ones[name]),
                "recall": _ratio(pairs[name, name], wanted[name]),
                "tokens": wanted[name],
            }
            for name in names
        },
        "confusion": {
            f"{label} → {found}": {"tokens": count, "share": count / wanted[label]}
            for (label, found), count in sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
        },
    }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0

"""Metrics of titles and summaries against references, and against their source texts."""

from __future__ import annotations

import collections
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from nlpkit.text.words import WordTokenizer

_MISSING = 0.1  # smoothed number of common n-grams where there is none
_SENTENCE_END = re.compile("[。！？!?]")


def clge_scores(references: Sequence[str], answers: Sequence[str]) -> dict[str, float]:
    """ROUGE and BLEU over characters by the protocol of the CLGE table.

    Texts are compared without white space, in NFKC and in lower case, with characters as tokens. All scores are means
    over the pairs.

    Args:
        references: reference texts.
        answers: generated texts, one for each reference.

    Returns:
        ``rouge_1``, ``rouge_2``, ``rouge_l``: F1 of the common n-grams and of the longest common subsequence, from 0 to
        1. ``sentence_bleu``: BLEU of sentences, with n-grams up to 4, and a tenth of an n-gram where none is common;
        from 0 to 1.

    Example:

        >>> scores = clge_scores(["北京今日下雪"], ["北京 下雪"])
        >>> {name: round(score, 3) for name, score in scores.items()}
        {'rouge_1': 0.8, 'rouge_2': 0.5, 'rouge_l': 0.8, 'sentence_bleu': 0.146}

    References:
        https://github.com/CLUEbenchmark/CLGE. Lin (2004), ROUGE. Chen and Cherry (2014), A Systematic Comparison of
        Smoothing Techniques for Sentence-Level BLEU, method 1.
    """
    pairs = [(_normal(reference), _normal(answer)) for reference, answer in zip(references, answers)]
    return {**_rouge(pairs), "sentence_bleu": _mean(_sentence_bleu(*pair) for pair in pairs)}


def word_rouge(references: Sequence[str], answers: Sequence[str]) -> dict[str, float]:
    """ROUGE by the protocol of `clge_scores`, but with jieba's words as tokens."""
    cut = WordTokenizer()
    words = [[[word for word, _ in cut.words(_normal(text))] for text in texts] for texts in (references, answers)]
    return _rouge([*zip(*words)])


def lead(text: str, mean_title: float) -> str:
    """The lead baseline: the first sentence of a text, cut at 1.5 times the mean length of titles.

    It is normalised by the rules of `clge_scores`.

    Args:
        text: source text.
        mean_title: mean number of characters of titles, see `mean_length`.

    Example:

        >>> lead("春风 又绿江南岸。明月何时照我还？", 3.4)
        '春风又绿江'
    """
    return _SENTENCE_END.split(_normal(text), maxsplit=1)[0][: round(1.5 * mean_title)]


def mean_length(texts: Sequence[str]) -> float:
    """Mean number of characters of texts, normalised by the rules of `clge_scores`."""
    return _mean(len(_normal(text)) for text in texts)


def novelty(texts: Sequence[str], answers: Sequence[str], n: int) -> float:
    """Share of the n-grams of characters of answers that do not occur in their texts, from 0 to 1.

    >>> novelty(["春风又绿江南岸"], ["春风绿"], 2)
    0.5
    """
    new = total = 0
    for text, answer in zip(map(_normal, texts), map(_normal, answers)):
        grams = _grams(answer, n)
        total += sum(grams.values())
        new += sum(count for gram, count in grams.items() if gram not in text)
    return new / max(total, 1)


def copied_spans(text: str, answer: str) -> list[tuple[int, int]]:
    """The spans of an answer that are copied from its text: from left to right, each as long as possible.

    Args:
        text: source text.
        answer: title or summary of the text.

    Returns:
        Start and end of each span in the answer; spans of one character are left out.

    Example:

        >>> copied_spans("春风又绿江南岸", "江南春风暖")
        [(0, 2), (2, 4)]

    References:
        Grusky, Naaman and Artzi (2018), Newsroom: A Dataset of 1.3 Million Summaries.
    """
    spans, begin = [], 0
    while begin < len(answer):
        end = begin
        while end < len(answer) and answer[begin : end + 1] in text:
            end += 1
        if end - begin > 1:
            spans.append((begin, end))
        begin = max(end, begin + 1)
    return spans


def copying(texts: Sequence[str], answers: Sequence[str]) -> dict[str, float]:
    """The ``share`` of the characters of answers inside copied spans, and the mean ``length`` of these spans.

    See `copied_spans`.
    """
    spans = [copied_spans(text, answer) for text, answer in zip(map(_normal, texts), map(_normal, answers))]
    lengths = [end - begin for each in spans for begin, end in each]
    return {
        "share": sum(lengths) / max(sum(len(_normal(answer)) for answer in answers), 1),
        "length": sum(lengths) / max(len(lengths), 1),
    }


def _normal(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def _rouge(pairs: Sequence[tuple[Any, Any]]) -> dict[str, float]:
    return {
        "rouge_1": _mean(_rouge_n(*pair, 1) for pair in pairs),
        "rouge_2": _mean(_rouge_n(*pair, 2) for pair in pairs),
        "rouge_l": _mean(
            2 * _common(reference, answer) / max(len(reference) + len(answer), 1) for reference, answer in pairs
        ),
    }


def _rouge_n(reference: Sequence[Any], answer: Sequence[Any], n: int) -> float:
    own, right = _grams(answer, n), _grams(reference, n)
    return 2 * (own & right).total() / max(own.total() + right.total(), 1)


def _grams(tokens: Sequence[Any], n: int) -> collections.Counter[Any]:
    """Counts of n-grams: substrings of a string, tuples of other sequences."""
    if isinstance(tokens, str):
        return collections.Counter(tokens[i : i + n] for i in range(len(tokens) - n + 1))
    return collections.Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _common(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Length of the longest common subsequence, with the rows of the table as bits of one integer (Hyyrö 2004)."""
    places: dict[Any, int] = {}
    for i, token in enumerate(first):
        places[token] = places.get(token, 0) | 1 << i
    full = (1 << len(first)) - 1
    row = full
    for token in second:
        hit = row & places.get(token, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(first) - row.bit_count()


def _sentence_bleu(reference: Sequence[Any], answer: Sequence[Any]) -> float:
    if not answer:
        return 0.0
    logs = 0.0
    for n in range(1, 5):
        own = _grams(answer, n)
        total = max(own.total(), 1)
        matched = (own & _grams(reference, n)).total()
        if n == 1 and not matched:
            return 0.0
        logs += math.log((matched or _MISSING) / total) / 4
    return math.exp(logs + min(0.0, 1 - len(reference) / len(answer)))


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / max(len(values), 1)

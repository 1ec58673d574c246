"""Metrics of written answers; those of spans are tested with the tagger."""

import collections
import math
import sys

import pytest

from nlpkit.errors import MissingPackageError
from nlpkit.metrics import bleu, distinct


def bleu_by_hand(references, answers):
    logs = []
    for n in (1, 2, 3, 4):
        found = total = 0
        for reference, answer in zip(references, answers):
            grams = [
                collections.Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in (reference, answer)
            ]
            found += (grams[0] & grams[1]).total()
            total += grams[1].total()
        logs.append(math.log(found / total))
    return 100 * math.exp(sum(logs) / 4)


def test_bleu_is_over_characters():
    pytest.importorskip("sacrebleu")
    references, answers = ["春风送暖入千家", "山高水长"], ["春风送暖到万家", "山高水远"]
    assert bleu(references, answers) == pytest.approx(bleu_by_hand(references, answers), rel=1e-6)
    assert bleu(references, references) == pytest.approx(100)
    assert bleu(["春风"], ["秋月"]) == 0


def test_without_sacrebleu_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(MissingPackageError, match=r'pip install "nlpkit\[metrics\]"'):
        bleu(["春"], ["春"])


def test_distinct():
    assert distinct(["春风", "春雨"], 1) == 0.75
    assert distinct(["春风", "春风"], 2) == 0.5
    assert distinct([""], 1) == 0

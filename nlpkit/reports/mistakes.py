"""Mistakes of a model on labelled data, by kind."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nlpkit.errors import ConfigError
from nlpkit.prediction.predictor import answer_parsed

if TYPE_CHECKING:
    from nlpkit.prediction.answers import Answer, Mistake
    from nlpkit.tasks.task import Task


class Wrong(NamedTuple):
    """A mistake with the expected and the predicted answer."""

    number: int
    """Number of the record among those that were answered, from 1."""
    mistake: Mistake
    right: Answer
    found: Answer


@dataclasses.dataclass
class Mistakes:
    """All mistakes over some records.

    Attributes:
        records: number of records that were answered.
        wrong: mistakes in the order of the records.
        agreed: number of correct predictions of each label.
    """

    records: int
    wrong: list[Wrong]
    agreed: Counter[str]

    def __str__(self) -> str:
        return f"{counted(len(self.wrong), 'mistake')} in {counted(self.records, 'answer')}"

    def by_kind(self) -> dict[str, list[Wrong]]:
        """The mistakes of each kind, the most frequent kind first."""
        kinds: dict[str, list[Wrong]] = {}
        for each in self.wrong:
            kinds.setdefault(each.mistake.kind, []).append(each)
        return dict(sorted(kinds.items(), key=lambda item: -len(item[1])))

    @staticmethod
    def examples(wrong: Sequence[Wrong], most: int) -> list[tuple[str, str]]:
        """Up to `most` distinct pairs of an expected and a predicted text, ``–`` for none."""
        distinct = dict.fromkeys((each.mistake.right or "–", each.mistake.found or "–") for each in wrong)
        return list(distinct)[:most]

    def confusion(self, most: int = 20) -> dict[str, dict[str, int]]:
        """Confusion matrix of the most frequent labels, by expected and predicted label; empty without confusions."""
        pairs = Counter(each.mistake.labels for each in self.wrong if each.mistake.labels is not None)
        if not pairs:
            return {}
        counts = Counter(self.agreed)
        for pair, count in pairs.items():
            counts.update(dict.fromkeys(pair, count))
        names = [label for label, _ in counts.most_common(most)]
        return {a: {b: self.agreed[a] if a == b else pairs[a, b] for b in names} for a in names}


def counted(number: int, what: str) -> str:
    """``1 mistake``, ``2 mistakes``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def find_mistakes(model: Task[Any], examples: Any, most: int = 20_000) -> Mistakes:
    """Compare a model's answers with the expected ones.

    Args:
        model: trained model.
        examples: labelled examples as its task reads them.
        most: largest number of records to compare.

    Raises:
        ConfigError: if the examples have no expected answers.
    """
    expected = model.expected(examples, min(len(examples), most))
    pairs = [(record, right) for record, right in expected if right is not None]
    if not pairs:
        raise ConfigError(f"examples of the task {model.declaration.name} have no expected answers to compare with")
    wrong, agreed = [], Counter[str]()
    for number, (found, (_, right)) in enumerate(zip(answer_parsed(model, [record for record, _ in pairs]), pairs), 1):
        wrong += [Wrong(number, mistake, right, found) for mistake in found.mistakes(right)]
        keys = right.keys()
        agreed.update(part.label for part in found.styled() if part.label and part.key in keys)
    return Mistakes(len(pairs), wrong, agreed)

"""What a model gets wrong on labelled data, by kind."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nlpkit.datasets.files import check_place, ending_of, written_atomically
from nlpkit.errors import ConfigError

if TYPE_CHECKING:
    from nlpkit.prediction.answers import Answer, Mistake
    from nlpkit.tasks.task import Task

_ON_PAGE = 50  # answers of each kind on a page


class Wrong(NamedTuple):
    """A mistake, and the answers in which it stands."""

    number: int
    """Of the record among those that were answered, from 1."""
    mistake: Mistake
    right: Answer
    found: Answer


@dataclasses.dataclass
class Mistakes:
    """All mistakes over some records.

    Attributes:
        records: how many were answered.
        wrong: the mistakes, in the order of the records.
        agreed: how often each label was given rightly.
    """

    records: int
    wrong: list[Wrong]
    agreed: Counter[str]

    def __str__(self) -> str:
        return f"{_counted(len(self.wrong), 'mistake')} in {_counted(self.records, 'answer')}"

    def by_kind(self) -> dict[str, list[Wrong]]:
        """The mistakes of each kind, the most frequent kind first."""
        kinds: dict[str, list[Wrong]] = {}
        for each in self.wrong:
            kinds.setdefault(each.mistake.kind, []).append(each)
        return dict(sorted(kinds.items(), key=lambda item: -len(item[1])))

    @staticmethod
    def examples(wrong: Sequence[Wrong], most: int) -> list[tuple[str, str]]:
        """Some different mistakes of a kind: what is right and what was answered, ``–`` for nothing."""
        distinct = dict.fromkeys((each.mistake.right or "–", each.mistake.found or "–") for each in wrong)
        return list(distinct)[:most]

    def confusion(self, most: int = 20) -> dict[str, dict[str, int]]:
        """For each right label how often each label was given; the most frequent labels, none where none was taken for
        another."""
        pairs = Counter(each.mistake.labels for each in self.wrong if each.mistake.labels is not None)
        if not pairs:
            return {}
        counts = Counter(self.agreed)
        for pair, count in pairs.items():
            counts.update(dict.fromkeys(pair, count))
        names = [label for label, _ in counts.most_common(most)]
        return {a: {b: self.agreed[a] if a == b else pairs[a, b] for b in names} for a in names}


def _counted(number, what):
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def find_mistakes(model: Task[Any], examples: Any, most: int = 20_000) -> Mistakes:
    """Compare a model's answers with the right ones.

    Args:
        model: the model.
        examples: labelled examples as its task reads them.
        most: records that are looked at.

    Raises:
        ConfigError: if the examples have no right answers.
    """
    expected = model.expected(examples, min(len(examples), most))
    pairs = [(record, right) for record, right in expected if right is not None]
    if not pairs:
        raise ConfigError(f"of the task {model.declaration.name} there are no right answers to compare with")
    wrong, agreed = [], Counter[str]()
    for number, (found, (_, right)) in enumerate(zip(model.answer([record for record, _ in pairs]), pairs), 1):
        wrong += [Wrong(number, mistake, right, found) for mistake in found.mistakes(right)]
        keys = right.keys()
        agreed.update(part.label for part in found.parts() if part.label and part.key in keys)
    return Mistakes(len(pairs), wrong, agreed)


def check_output(path: str | Path | None) -> None:
    """Raise a `ConfigError` or `DataError` if mistakes can't be written to a file of this name."""
    if path is None:
        return
    if ending_of(path) not in (".jsonl", ".html"):
        raise ConfigError(f"{path}: the name must end in .jsonl or .html")
    check_place(path)


def write_mistakes(found: Mistakes, path: str | Path, title: str) -> None:
    """All mistakes to a file, one on each line if its name ends in ``.jsonl``, else as a page."""
    check_output(path)
    with written_atomically(Path(path)) as file:
        if ending_of(path) == ".html":
            file.write(_page(found, title))
            return
        for each in found.wrong:
            kind, right, answered, _ = each.mistake
            fields = {"record": each.number, "kind": kind, "right": right, "answered": answered}
            fields |= {"right_answer": each.right.to_dict(), "answer": each.found.to_dict()}
            file.write(json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")


def _page(found, title):
    from nlpkit.runs.page import folded, page
    from nlpkit.runs.report import mistakes_by_kind

    parts = [*mistakes_by_kind(found)]
    for kind, wrong in found.by_kind().items():
        records = list({each.number: each for each in wrong}.values())
        cells = ((each.right.to_html(each.found), each.found.to_html(each.right)) for each in records[:_ON_PAGE])
        rows = "".join(f"<tr><td data-is='right'>{a}</td><td data-is='answered'>{b}</td></tr>" for a, b in cells)
        more = f", the first {_ON_PAGE} of them" if len(records) > _ON_PAGE else ""
        answers = _counted(len(records), "answer")
        table = f"<table class='samples'><tr><th>right</th><th>answered</th></tr>{rows}</table>"
        parts.append(folded(f"{kind}: {len(wrong):,} in {answers}{more}", table))
    return page(title, str(found), parts)

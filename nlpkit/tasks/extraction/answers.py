"""The answers of extraction models: triples of a text, with offsets and probabilities."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from nlpkit.prediction.answers import Answer, AnswerOf, Mistake
from nlpkit.prediction.rendering import StyledText


class Triple(NamedTuple):
    """A subject, a predicate and an object; unknown fields are None.

    Attributes:
        subject, predicate, object: texts.
        subject_type, object_type: kinds of things.
        subject_start, subject_end, object_start, object_end: places in the text, in code points.
        probability: from 0 to 1.
    """

    subject: str
    predicate: str
    object: str
    subject_type: str | None = None
    object_type: str | None = None
    subject_start: int | None = None
    subject_end: int | None = None
    object_start: int | None = None
    object_end: int | None = None
    probability: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """The fields of the exact protocol."""
        return self[:3]

    @property
    def places(self) -> tuple[Any, ...] | None:
        """Both spans with the predicate between them, or None without offsets."""
        if self.subject_start is None or self.object_start is None:
            return None
        return (self.subject_start, self.subject_end), self.predicate, (self.object_start, self.object_end)


@dataclasses.dataclass(frozen=True)
class Extraction(AnswerOf[Triple]):
    """The triples of a text, the most probable first."""

    text: str
    triples: tuple[Triple, ...]

    @property
    def items(self) -> tuple[Triple, ...]:
        return self.triples

    def to_dict(self) -> dict[str, Any]:
        """The triples in the format of the training data, with offsets and probabilities."""
        triples = [{name: x for name, x in triple._asdict().items() if x is not None} for triple in self]
        return {"text": self.text, "spo_list": triples}

    def to_text(self) -> str:
        """A triple on each line, with tabs: subject, predicate, object, probability; then an empty line."""
        rows = []
        for triple in self:
            fields = [" ".join(field.split()) for field in triple.key]
            rows.append("\t".join(fields + ([] if triple.probability is None else [f"{triple.probability:.4f}"])))
        return "".join(f"{row}\n" for row in rows)

    def agrees(self, right: Answer) -> bool:
        return isinstance(right, Extraction) and {each.key for each in self} == {each.key for each in right}

    def mistakes(self, right: Answer) -> list[Mistake]:
        return list(triple_mistakes([*right], [*self])) if isinstance(right, Extraction) else []

    def styled(self) -> list[StyledText]:
        parts = []
        for triple in self:
            parts += [StyledText(triple.subject, "cyan", key=triple.key), StyledText(f" {triple.predicate} ", "dim")]
            parts += [StyledText(triple.object, "green", key=triple.key), StyledText("; ")]
        return parts[:-1] or [StyledText("no triples", "dim")]


def triple_mistakes(right: Sequence[Triple], found: Sequence[Triple]) -> Iterator[Mistake]:
    """The missed and spurious triples, and those with another predicate or name, between two lists of triples.

    Example:

        >>> right, found = [Triple("红楼梦", "作者", "曹雪芹")], [Triple("红楼梦", "主角", "曹雪芹")]
        >>> [each.kind for each in triple_mistakes(right, found)]
        ['作者 taken for 主角']
    """
    exact = {each.key for each in right} & {each.key for each in found}
    rest = [each for each in found if each.key not in exact]
    for each in right:
        if each.key in exact:
            continue
        same_names = [other for other in rest if (other.subject, other.object) == (each.subject, each.object)]
        same_predicate = [
            other
            for other in rest
            if other.predicate == each.predicate and (other.subject == each.subject or other.object == each.object)
        ]
        other = next(iter([*same_names, *same_predicate]), None)
        if other is None:
            yield Mistake(f"{each.predicate} missed", " ".join(each.key), "")
            continue
        rest.remove(other)
        shown = " ".join(each.key), " ".join(other.key)
        if same_names:
            labels = each.predicate, other.predicate
            yield Mistake(f"{each.predicate} taken for {other.predicate}", *shown, labels)
        else:
            yield Mistake(f"{each.predicate} with another name", *shown)
    for other in rest:
        yield Mistake(f"{other.predicate} where there is none", "", " ".join(other.key))

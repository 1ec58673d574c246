"""The answers of couplet models: lower lines."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

from nlpkit.prediction.answers import Answer, AnswerOf
from nlpkit.prediction.rendering import StyledText
from nlpkit.tasks.couplet.rules import kept_rules

_STRIP = (
    "writing-mode:vertical-rl;text-orientation:upright;letter-spacing:.15em;padding:.5em .2em;border-radius:.2em;"
    "background:#b91c1c;color:#fde68a;font-size:1.15em"
)
_RULES = "display:flex;flex-direction:column;justify-content:center;line-height:1.3;opacity:.65"
_DOOR = "display:inline-flex;gap:.8em;vertical-align:middle;margin:.3em .5em .3em 0"


@dataclasses.dataclass(frozen=True)
class LowerLine:
    """A lower line, and the sum of the scores of its characters, see `nlpkit.tasks.couplet.decode.CoupletSearch`."""

    lower: str
    score: float | None = None


@dataclasses.dataclass(frozen=True)
class Couplet(AnswerOf[LowerLine]):
    """An upper line and its lower lines, best first; none if no line keeps the rules."""

    upper: str
    answers: tuple[LowerLine, ...]

    @property
    def items(self) -> tuple[LowerLine, ...]:
        return self.answers

    @property
    def lower(self) -> str:
        """The best answer, or an empty string."""
        return self.answers[0].lower if self.answers else ""

    def to_dict(self) -> dict[str, Any]:
        return {"upper": self.upper, "answers": [vars(answer) for answer in self]}

    def to_text(self) -> str:
        """The lower lines, separated by tabs."""
        return "\t".join(answer.lower for answer in self)

    def styled(self) -> list[StyledText]:
        return [StyledText(self.upper, "yellow"), StyledText("  "), StyledText(self.lower, "cyan")]

    def to_html(self, right: Answer | None = None) -> str:
        """Two vertical strips as beside a door, read from the right, and the rules that the lower line keeps."""
        strips = "".join(f'<span style="{_STRIP}">{html.escape(line)}</span>' for line in (self.lower, self.upper))
        kept = kept_rules(self.upper, self.lower) if self.lower else {}
        rules = "".join(f"<span>{'✓' if holds else '✗'}&thinsp;{rule}</span>" for rule, holds in kept.items())
        return f'<span style="{_DOOR}">{strips}<small style="{_RULES}">{rules}</small></span>'

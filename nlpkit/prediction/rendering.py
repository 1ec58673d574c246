"""Rendering of answers: coloured text on a terminal, HTML in a notebook, a page or a report."""

from __future__ import annotations

import functools
import html
import zlib
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

COLOURS = {
    "cyan": "8,145,178",
    "yellow": "202,138,4",
    "green": "22,163,74",
    "magenta": "192,38,211",
    "blue": "37,99,235",
    "red": "220,38,38",
}
"""Colours by their terminal name, as red, green and blue for a page."""
_LABEL_COLOURS = ("cyan", "yellow", "green", "magenta", "blue")
_WRONG = "text-decoration:underline wavy #dc2626 1.5px;text-underline-offset:.25em"


class StyledText(NamedTuple):
    """A part of a rendered answer."""

    text: str
    colour: str = ""
    """One of `COLOURS`, ``dim`` for minor parts, or an empty string."""
    label: str = ""
    """Label of the part, such as the type of an entity."""
    key: Hashable = None
    """Value by which the part is compared with the expected answer; None to leave it out."""


class Rendered(str):
    """HTML that a notebook renders."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def colour_of(label: str) -> str:
    """Colour of a label, always the same one."""
    return _LABEL_COLOURS[zlib.crc32(label.encode("utf-8", "replace")) % len(_LABEL_COLOURS)]


def styled_to_html(parts: Iterable[StyledText], right: Collection[Hashable] | None = None) -> str:
    """Parts as HTML that needs no style sheet; parts whose key is not in `right` are marked.

    Example:

        >>> styled_to_html([StyledText("北京", label="LOC")])
        '北京<small style="opacity:.65">&thinsp;LOC</small>'
    """
    shown = []
    for part in parts:
        text = html.escape(part.text)
        if part.label:
            text += f'<small style="opacity:.65">&thinsp;{html.escape(part.label)}</small>'
        is_wrong = right is not None and part.key is not None and part.key not in right
        style = _style_of(part.colour) + (_WRONG if is_wrong else "")
        title = ' title="not in the other column"' if is_wrong else ""
        shown.append(f'<span style="{style}"{title}>{text}</span>' if style else text)
    return "".join(shown)


def _style_of(colour: str) -> str:
    if colour == "dim":
        return "opacity:.65;"
    return f"background:rgba({COLOURS[colour]},.17);border-radius:.25em;padding:.05em .15em;" if colour else ""


def styled_to_ansi(parts: Iterable[StyledText]) -> str:
    """Parts as coloured text of a terminal, in one line."""
    console = _ansi_console()
    with console.capture() as captured:
        console.print(rich_text(parts), end="")
    return captured.get().replace("\n", " ")


@functools.cache
def _ansi_console() -> Any:
    import io

    from rich.console import Console

    return Console(
        file=io.StringIO(), force_terminal=True, color_system="standard", width=1 << 20, soft_wrap=True, highlight=False
    )


def rich_text(parts: Iterable[StyledText]) -> Any:
    """Parts as a `rich.text.Text`."""
    from rich.text import Text

    shown: list[tuple[str, str]] = []
    for part in parts:
        shown.append((part.text, part.colour if part.colour in ("", "dim") else f"bold {part.colour}"))
        if part.label:
            shown.append((f"/{part.label}", "dim"))
    return Text.assemble(*shown)


PAGE_STYLE = """body{font:16px/1.7 system-ui,"Noto Sans CJK SC",sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
p{margin:.5em 0;overflow-wrap:anywhere}h1{font-size:1.3em}:root{color-scheme:light dark}"""


def page_head(title: str) -> str:
    """The beginning of a page of answers."""
    name = html.escape(title)
    view = "<meta name='viewport' content='width=device-width,initial-scale=1'>"
    return f"<!doctype html><html><meta charset='utf-8'>{view}<title>{name}</title><style>{PAGE_STYLE}</style>\n"


def page_end() -> str:
    """The end of a page of answers."""
    return "</html>\n"


def render(answers: Any) -> Rendered:
    """Answers as HTML, which a notebook renders; ``str`` gives its source.

    Args:
        answers: an answer of `nlpkit.Task.predict`, or a list of them.

    Raises:
        TypeError: for anything else.

    Example:

        >>> import nlpkit
        >>> answer = nlpkit.Entities("去北京", ("O", "B-LOC", "E-LOC"), (nlpkit.Entity("北京", 1, 3, "LOC"),))
        >>> "LOC" in nlpkit.render(answer)
        True
    """
    several = answers if isinstance(answers, Sequence) and not isinstance(answers, str) else [answers]
    for answer in several:
        if not hasattr(answer, "to_html"):
            kind = type(answer).__name__
            raise TypeError(f"render takes an answer of predict, or a list of answers. Received: {kind}")
    return Rendered("".join(f"<p>{answer.to_html()}</p>\n" for answer in several))

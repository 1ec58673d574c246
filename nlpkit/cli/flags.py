"""Command-line flags made from declared options."""

from __future__ import annotations

import argparse
import functools
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nlpkit.errors import ConfigError
from nlpkit.options import Option, Options, parse_flag


def add_flags(
    parser: argparse.ArgumentParser,
    kind: type[Options],
    title: str,
    defaults: Mapping[str, Any] | None = None,
    only: Sequence[str] | None = None,
) -> None:
    """Add a group of flags, one for each option; the result holds those that are given.

    Args:
        parser: parser to add them to.
        kind: class of the options.
        title: title of the group.
        defaults: defaults that differ from those of the options.
        only: names of the options to add; None for all.
    """
    declared = [each for each in kind.declared() if only is None or each.name in only]
    if not declared:
        return
    group = parser.add_argument_group(title)
    for each in declared:
        default = (defaults or {}).get(each.name, each.default)
        flag = f"--{each.name.replace('_', '-')}"
        accepted = "" if each.choices and not each.metavar else each.accepted  # choices are shown after the flag
        text = each.meaning + (f" ({accepted})" if accepted else "") + _default_of(default)
        text = text.replace("%", "%%")
        if each.kind is bool:
            action = argparse.BooleanOptionalAction if default else "store_true"
            group.add_argument(flag, action=action, default=argparse.SUPPRESS, help=text)
        elif each.kind == tuple[str, ...]:
            group.add_argument(flag, nargs="+", default=argparse.SUPPRESS, help=text, metavar=each.metavar or "TEXT")
        else:
            added: Any = group.add_argument(
                flag,
                type=_parser_of(each),
                default=argparse.SUPPRESS,
                help=text,
                metavar=each.metavar or _metavar(each),
            )
            if each.choices:  # without it, a shell offers files
                added.completer = functools.partial(_choices, each.choices)


def given(args: argparse.Namespace, kind: type[Options]) -> dict[str, Any]:
    """Options of a class that were given."""
    return {each.name: getattr(args, each.name) for each in kind.declared() if hasattr(args, each.name)}


def describe_settings(kind: type[Options]) -> str:
    """Settings by group with meanings, accepted values and defaults, as the epilog of a help text."""
    lines: list[str] = []
    group: str | None = None
    for each in kind.declared():
        if each.group != group:
            lines.append(f"\n{each.group} settings (--set KEY=VALUE):")
            group = each.group
        accepted = f" ({each.accepted})" if each.accepted else ""
        lines.append(_wrapped(each.name, each.meaning + accepted + _default_of(each.default)))
    return "\n".join(lines).lstrip("\n")


def _wrapped(name: str, text: str) -> str:
    import textwrap

    indent = " " * 24
    body = textwrap.fill(text, 96, initial_indent=indent, subsequent_indent=indent)
    return f"  {name:<21} {body.lstrip()}" if len(name) < 21 else f"  {name}\n{body}"


def _default_of(value: Any) -> str:
    if value is None or value == "" or value == ():
        return ""
    if isinstance(value, bool):
        return f"; default {str(value).lower()}"
    return f"; default {','.join(map(str, value)) if isinstance(value, tuple) else value}"


def _choices(choices: Sequence[Any], **_: Any) -> list[str]:
    return [*map(str, choices)]


def _metavar(each: Option) -> str:
    if each.choices:
        return "{" + ",".join(map(str, each.choices)) + "}"
    kinds = typing.get_args(each.kind) or (each.kind,)
    return "N" if int in kinds else "X" if float in kinds else "TEXT"


def _parser_of(each: Option) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return parse_flag(each, text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse

"""Shell completion by argcomplete.

The line is parsed as the command itself does it: commands, then tasks, then the options of the parser that reads the
rest, which offers completions instead of parsing.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import Any

REQUESTED = "_ARGCOMPLETE"
"""Environment variable that is set when a shell requests completions."""


def is_requested() -> bool:
    """Whether a shell requests completions."""
    return REQUESTED in os.environ


def words_before_cursor() -> list[str]:
    """Complete words of the line before the cursor, without the program."""
    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT", "0"))]
    try:
        words = shlex.split(line)
    except ValueError:  # an open quote
        words = line.split()
    return words[1:] if line.endswith(" ") else words[1:-1]


def offer(names: Sequence[str], after: int) -> None:
    """Offer names as the word after `after` words, and end the process."""
    parser = argparse.ArgumentParser("nlpkit")
    parser.add_argument("name", choices=names)
    _complete(parser, after)


def complete(parser: argparse.ArgumentParser) -> None:
    """Offer the options of a parser or their values, and end the process."""
    _complete(parser, len(parser.prog.split(" ", 2)) - 1)


def _complete(parser: Any, after: int) -> None:
    import argcomplete

    line, point = os.environ["COMP_LINE"], int(os.environ["COMP_POINT"])
    rest = line[:point].lstrip().split(" ", after + 1)[after + 1 :]
    os.environ["COMP_LINE"] = short = f"nlpkit {''.join(rest)}"
    os.environ["COMP_POINT"] = str(len(short))
    argcomplete.autocomplete(parser)

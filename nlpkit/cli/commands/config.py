"""``nlpkit config TASK``"""

from __future__ import annotations

import functools

from nlpkit.cli.parsing import Parser, Run, add_set, task_of
from nlpkit.options import read_settings


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    summary = "Print all settings of a task with their meanings, as TOML for nlpkit train --config"
    task = task_of(program, arguments, summary, "[options]")
    parser = Parser(f"{program} {task.name}", f"{summary}.")
    parser.add_argument(
        "--preset", metavar="NAME", help=f"preset whose settings are filled in: {', '.join(task.settings.presets)}"
    )
    parser.settings = add_set(parser, task, "settings to change")
    args = parser.parse_args(arguments[1:])
    settings = task.settings.create(read_settings(None, args.set, task.settings), args.preset)
    return functools.partial(print, settings.to_toml(), end="")

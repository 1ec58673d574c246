"""``nlpkit check TASK``"""

from __future__ import annotations

from nlpkit.cli.flags import add_flags, describe_settings, given
from nlpkit.cli.parsing import Parser, Run, add_set, task_of
from nlpkit.errors import ConfigError
from nlpkit.options import read_settings
from nlpkit.tasks.declaration import load_object


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    summary = "Look for trouble in data files"
    task = task_of(program, arguments, summary, "--data FILE [FILE ...] [options]")
    parser = Parser(f"{program} {task.name}", f"{summary}.", describe_settings(task.settings))
    parser.add_argument(
        "--data", required=True, nargs="+", metavar="FILE",
        help=f"data files, plain or .gz; several are compared: {task.data}",
    )  # fmt: skip
    parser.settings = add_set(parser, task, "settings, listed below")
    add_flags(parser, task.reading, "reading", only=task.reading.checked)
    args = parser.parse_args(arguments[1:])
    settings, reading = read_settings(None, args.set, task.settings), given(args, task.reading)
    task.settings.create(settings)
    task.reading.create(reading)
    if not task.check:
        raise ConfigError(f"the task {task.name} has no check")

    def run() -> None:
        from nlpkit.cli.tables import print_report

        for path, report in zip(args.data, load_object(task.check)(args.data, settings, **reading)):
            print_report(path, report)

    return run

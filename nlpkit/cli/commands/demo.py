"""``nlpkit demo``"""

from __future__ import annotations

from nlpkit.cli.parsing import Parser, Run
from nlpkit.errors import ConfigError
from nlpkit.tasks import FIRST, declarations, get_declaration


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    parser = Parser(program, "Show answers of a bundled model, then train, evaluate and predict on built-in samples.")
    with_demo = [each.name for each in declarations() if each.demos]
    parser.add_argument("task", nargs="?", default=FIRST, help=f"{', '.join(with_demo)}; default {FIRST}")
    parser.add_argument(
        "--keep", metavar="DIR", help="new folder for the models and their reports; by default they are not kept"
    )
    args = parser.parse_args(arguments)
    task = get_declaration(args.task)
    if not task.demos:
        raise ConfigError(f"the task {task.name} has no demo; demos: {', '.join(with_demo)}")

    def run() -> None:
        from nlpkit.cli.demo import demo

        demo(task, args.keep)

    return run

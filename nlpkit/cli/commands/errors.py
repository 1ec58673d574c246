"""``nlpkit errors MODEL``"""

from __future__ import annotations

from nlpkit.cli.parsing import Parser, Run, parse_labelled, share_cores
from nlpkit.errors import ConfigError


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    folder, task, args, reading = parse_labelled(
        program, arguments, "List the mistakes of a model on labelled data, by kind", _add_flags
    )
    from nlpkit.reports.mistakes_page import check_mistakes_file

    check_mistakes_file(args.output)
    if args.show < 1:
        raise ConfigError(f"--show {args.show}: must be at least 1")

    def run() -> None:
        share_cores(task.batches_at_once)
        from nlpkit.artefacts.load import load
        from nlpkit.cli.tables import print_mistakes
        from nlpkit.reports.mistakes import find_mistakes
        from nlpkit.reports.mistakes_page import write_mistakes
        from nlpkit.tasks.task import read_labelled

        model = load(folder, runtime=args.runtime)
        mistakes = find_mistakes(model, read_labelled(model, args.data, **reading).examples)
        print_mistakes(mistakes, args.show)
        if args.output is not None:
            write_mistakes(mistakes, args.output, f"nlpkit {task.name}: mistakes of {folder} on {args.data}")

    return run


def _add_flags(parser: Parser) -> None:
    parser.add_argument(
        "--output", metavar="FILE", help="file for all mistakes: .jsonl, one a line, or .html, a page; default none"
    )
    parser.add_argument("--show", type=int, default=3, metavar="N", help="examples shown of each kind; default 3")

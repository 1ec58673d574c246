"""``nlpkit benchmark MODEL``"""

from __future__ import annotations

import json

from nlpkit.cli.parsing import MODEL, Parser, Run, add_json
from nlpkit.prediction import RUNTIMES


def parse(program: str, arguments: list[str]) -> Run:
    """The command, from its arguments."""
    parser = Parser(program, "Measure the speed and the memory of a model.")
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    parser.add_argument("--data", metavar="FILE", help="records, one a line; by default a few short ones")
    parser.add_argument("--runtime", choices=RUNTIMES[1:], help="by default each that the folder has files for")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="time for each figure; default 3")
    add_json(parser)
    args = parser.parse_args(arguments)

    def run() -> None:
        from nlpkit.runs.benchmark import benchmark

        figures = benchmark(args.model, args.data, args.runtime and [args.runtime], args.seconds)
        if args.json:
            print(json.dumps(figures))
        else:
            from nlpkit.cli.tables import print_benchmark

            print_benchmark(figures)

    return run

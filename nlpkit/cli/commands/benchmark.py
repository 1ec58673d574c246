"""``nlpkit benchmark MODEL``"""

from __future__ import annotations

import json

from nlpkit.cli.parsing import MODEL, Parser, Run, add_json
from nlpkit.prediction import RUNTIMES


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    parser = Parser(program, "Measure the speed and memory of a model.")
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    parser.add_argument("--data", metavar="FILE", help="records, one a line; by default a few short ones")
    parser.add_argument("--runtime", choices=RUNTIMES[1:], help="runtime to measure; by default each that is available")
    parser.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="seconds for each measurement; default 3"
    )
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

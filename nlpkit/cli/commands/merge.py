"""``nlpkit merge OUTPUT``"""

from __future__ import annotations

import sys

from nlpkit.cli.parsing import Parser, Run


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    parser = Parser(program, "Join the shards that nlpkit predict wrote with --shard.")
    parser.add_argument("output", metavar="FILE", help="file or folder given as --output of each shard")
    parser.add_argument("--force", action="store_true", help="replace the file")
    args = parser.parse_args(arguments)

    def run() -> None:
        from nlpkit.prediction.merging import merge

        counts = merge(args.output, args.force)
        print(f"nlpkit: {counts.lines:,} lines, {counts.failed:,} of them with errors", file=sys.stderr)

    return run

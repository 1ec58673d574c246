"""``nlpkit compare DIR …``"""

from __future__ import annotations

from nlpkit.cli.parsing import Parser, Run


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    parser = Parser(program, "Compare several training runs on one page: metrics, settings, curves.")
    parser.add_argument("folders", nargs="+", metavar="DIR", help="folders of one task, written by nlpkit train")
    parser.add_argument("--output", default="compare.html", metavar="FILE", help="output page; default compare.html")
    args = parser.parse_args(arguments)

    def run() -> None:
        from nlpkit.reports.comparison import compare
        from nlpkit.terminal import say

        compare(args.folders, args.output)
        say(f"{args.output}: written")

    return run

"""``nlpkit export MODEL OUT``"""

from __future__ import annotations

from nlpkit.cli.parsing import MODEL, Parser, Run


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    from nlpkit.export.packages import FORMATS

    parser = Parser(program, "Write a trained network for programs without nlpkit, with an example of its use.")
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    parser.add_argument("out", metavar="OUT", help="new folder")
    parser.add_argument("--format", default="onnx", choices=FORMATS, help="default onnx")
    parser.add_argument("--force", action="store_true", help="replace an earlier export")
    args = parser.parse_args(arguments)

    def run() -> None:
        from nlpkit.export.packages import export_model

        export_model(args.model, args.out, args.format, args.force)

    return run

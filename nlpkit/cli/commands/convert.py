"""``nlpkit convert SOURCE TARGET``"""

from __future__ import annotations

from nlpkit.cli.parsing import Parser, Run


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    parser = Parser(program, "Convert a trained model to a file of another program, or such a file to a model.")
    parser.add_argument("source", help="trained folder, bundled model, or file of another program")
    parser.add_argument("target", help="new folder, or file whose ending gives its format")
    parser.add_argument("--force", action="store_true", help="replace the target")
    args = parser.parse_args(arguments)

    def run() -> None:
        from nlpkit.export.convert import convert

        convert(args.source, args.target, args.force)

    return run

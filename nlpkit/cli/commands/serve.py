"""``nlpkit serve``"""

from __future__ import annotations

from nlpkit.cli.flags import add_flags, given
from nlpkit.cli.parsing import Parser, Run, add_runtime


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    from nlpkit.web.options import ServerOptions

    parser = Parser(program, "Answer requests over HTTP, with a page to try models on.")
    meaning = "trained folders, or names of bundled models; by default all bundled models"
    parser.add_argument("models", nargs="*", metavar="MODEL", help=meaning)
    add_runtime(parser)
    add_flags(parser, ServerOptions, "server")
    args = parser.parse_args(arguments)
    options = ServerOptions.create(given(args, ServerOptions))
    from nlpkit.web.server import open_folders

    folders = [*open_folders(args.models).values()]

    def run() -> None:
        from nlpkit.web.server import serve

        serve(folders, options, args.runtime)

    return run

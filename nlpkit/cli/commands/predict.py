"""``nlpkit predict MODEL``, and commands for one task that answer a file in the same way."""

from __future__ import annotations

import sys
from pathlib import Path

from nlpkit.artefacts.folder import Folder
from nlpkit.cli.flags import add_flags, given
from nlpkit.cli.parsing import Parser, Run, add_runtime, described, folder_of, share_cores
from nlpkit.errors import DataError
from nlpkit.tasks import get_declaration
from nlpkit.tasks.declaration import Declaration


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    summary = "Run a model over a file"
    folder = folder_of(program, arguments, summary, "--input FILE --output FILE [options]")
    return parse_for(folder, program, arguments, summary)


def parse_for(folder: Folder, program: str, arguments: list[str], summary: str, flag: str = "--input") -> Run:
    """Parse the arguments of the command for an opened folder.

    Args:
        folder: trained folder, named by the first argument.
        program, arguments: command and its arguments.
        summary: sentence about the command, without its full stop.
        flag: name of the input flag.
    """
    task = get_declaration(folder.task)
    parser = Parser(f"{program} {arguments[0]}", described(summary, folder))
    from nlpkit.prediction.jobs import Job, check_engine, is_single

    _add_files_and_engine(parser, task, flag)
    add_flags(parser, task.prediction, "prediction")
    args = parser.parse_args(arguments[1:])
    options = given(args, task.prediction)
    made = task.prediction.create(options)
    made.check_files()
    if is_single(args.input) and not args.input.isascii() and not Path(args.input).exists():
        hint = f"no such file; pass a text through a pipe: echo … | {parser.prog} {flag} - --output -"
        raise DataError(hint, args.input)
    job_options = {"format": args.format, "input_format": args.input_format, "on_error": args.on_error}
    job_options |= {"shard": args.shard, "restart": args.restart}
    engine_options = {"engine": args.engine, "address": args.address, "workers": args.workers}
    check_engine(**engine_options)
    job = Job.plan(task.formats, args.input, args.output, **job_options)
    made.check_format(job.format)

    def run() -> None:
        share_cores(task.batches_at_once)
        from nlpkit.artefacts.load import load

        model = load(folder, runtime=args.runtime)
        counts = model.predict_file(args.input, args.output, **job_options, **engine_options, **options)
        if counts.failed == counts.lines > 0:
            raise DataError(
                f"none of its {counts.lines:,} lines can be answered, see {job.reports}; {counts.reason}", args.input
            )
        if counts.reported:
            reported = f"{counts.reported:,} of {counts.lines:,} lines have errors or warnings, see {job.reports}"
            print(f"nlpkit: {reported}; {counts.reason}", file=sys.stderr)

    return run


def _add_files_and_engine(parser: Parser, task: Declaration, flag: str) -> None:
    """Add the flags for files and for the engine."""
    from nlpkit.prediction.jobs import ENGINES, SHOWN_FORMATS

    files = parser.add_argument_group("files")
    files.add_argument(
        flag, dest="input", required=True, metavar="FILE",
        help="input file with a record a line, plain or .gz; - for standard input; a folder, or a pattern in quotes, "
        "for several files",
    )  # fmt: skip
    files.add_argument(
        "--output", required=True, metavar="FILE",
        help="output file, - for standard output, or a folder if there are several inputs",
    )  # fmt: skip
    formats = ", ".join((*task.formats, *SHOWN_FORMATS))
    files.add_argument(
        "--format", metavar="NAME", help=f"output format: {formats}; by default as the output's name ends, else text"
    )
    files.add_argument(
        "--input-format", metavar="NAME", help="input format: text or jsonl; by default as the input's name ends"
    )
    files.add_argument(
        "--on-error", default="skip", metavar="{skip,stop}",
        help="action at a bad line: skip it and report it, or stop; default skip",
    )  # fmt: skip
    files.add_argument("--restart", action="store_true", help="begin anew instead of continuing a stopped run")
    files.add_argument("--shard", metavar="I/N", help="shard of the input to answer; nlpkit merge joins the shards")
    place = parser.add_argument_group("engine")
    add_runtime(place)
    place.add_argument(
        "--engine", default="local", choices=ENGINES, help="local: this process; ray: workers of Ray; default local"
    )
    place.add_argument("--address", metavar="HOST:PORT", help="address of a Ray cluster; by default this machine")
    place.add_argument("--workers", type=int, metavar="N", help="number of Ray workers, a core each; by default all")

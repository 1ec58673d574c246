"""``nlpkit predict MODEL``, and commands of one task that answer a file in the same way."""

from __future__ import annotations

import sys
from pathlib import Path

from nlpkit.artefacts.folder import Folder
from nlpkit.cli.flags import add_flags, given
from nlpkit.cli.parsing import Parser, Run, add_runtime, described, folder_of, share_cores
from nlpkit.errors import DataError
from nlpkit.tasks import get_declaration


def parse(program: str, arguments: list[str]) -> Run:
    """The command, from its arguments."""
    summary = "Run a model over a file"
    return parse_for(folder_of(program, arguments, summary), program, arguments, summary)


def parse_for(folder: Folder, program: str, arguments: list[str], summary: str, flag: str = "--input") -> Run:
    """The command for a folder that has been opened.

    Args:
        folder: the folder, named by the first argument.
        program, arguments: the command and its arguments.
        summary: what it does, a sentence without its full stop.
        flag: that names the input.
    """
    task = get_declaration(folder.task)
    parser = Parser(f"{program} {arguments[0]}", described(summary, folder))
    from nlpkit.prediction.jobs import ENGINES, SHOWN_FORMATS, Job, check_engine, is_single

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
    files.add_argument("--restart", action="store_true", help="begin anew, where a run was stopped, not continue it")
    files.add_argument("--shard", metavar="I/N", help="share of the input to answer; nlpkit merge joins the shares")
    place = parser.add_argument_group("where it runs")
    add_runtime(place)
    place.add_argument(
        "--engine", default="local", choices=ENGINES, help="this process, or workers of Ray; default local"
    )
    place.add_argument("--address", metavar="HOST:PORT", help="address of a Ray cluster; by default this machine")
    place.add_argument("--workers", type=int, metavar="N", help="number of Ray workers, a core each; by default all")
    add_flags(parser, task.prediction, "prediction")
    args = parser.parse_args(arguments[1:])
    options = given(args, task.prediction)
    made = task.prediction.create(options)
    made.check_files()
    if is_single(args.input) and not args.input.isascii() and not Path(args.input).exists():
        hint = f"no such file; a text itself comes by a pipe: echo … | {parser.prog} {flag} - --output -"
        raise DataError(hint, args.input)
    how = {"format": args.format, "input_format": args.input_format, "on_error": args.on_error}
    how |= {"shard": args.shard, "restart": args.restart}
    where = {"engine": args.engine, "address": args.address, "workers": args.workers}
    check_engine(**where)
    job = Job.plan(task.formats, args.input, args.output, **how)
    made.check_format(job.format)

    def run() -> None:
        share_cores(task.batches_at_once)
        from nlpkit.artefacts.load import load

        counts = load(folder, runtime=args.runtime).predict_file(args.input, args.output, **how, **where, **options)
        if counts.failed == counts.lines > 0:
            raise DataError(
                f"none of its {counts.lines:,} lines can be answered, see {job.reports}; {counts.reason}", args.input
            )
        if counts.reported:
            reported = f"{counts.reported:,} of {counts.lines:,} lines have errors or warnings, see {job.reports}"
            print(f"nlpkit: {reported}; {counts.reason}", file=sys.stderr)

    return run

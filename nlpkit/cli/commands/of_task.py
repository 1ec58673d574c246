"""Commands for one task, such as ``nlpkit search``: a function of a trained task and options."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nlpkit.artefacts.folder import Folder
from nlpkit.cli.commands import predict
from nlpkit.cli.flags import add_flags, given
from nlpkit.cli.parsing import Parser, Run, folder_of
from nlpkit.errors import ArtefactError
from nlpkit.tasks.declaration import Command, load_object


def parse(task: str, command: Command, program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command.

    Args:
        task: name of the task.
        command: declaration of the command.
        program, arguments: as of every command.
    """
    summary = f"{command.summary[0].upper()}{command.summary[1:]}"
    if command.writes == "answers":
        folder = folder_of(program, arguments, summary, "--query FILE --output FILE [options]", task)
        if command.needs is not None and not folder.file(command.needs[0]).is_file():
            raise ArtefactError(f"{folder}: {command.needs[1]}")
        return predict.parse_for(folder, program, arguments, summary, "--query")
    parser = Parser(program, f"{summary}.")
    parser.add_argument("model", metavar="MODEL", help=f"trained folder, or bundled model, of the task {task}")
    if command.writes == "model":
        parser.add_argument("--out", required=True, metavar="DIR", help="folder for the new model")
        parser.add_argument("--force", action="store_true", help="replace the model in that folder")
    else:
        parser.add_argument("--output", required=True, metavar="FILE", help="output file, - for standard output")
    add_flags(parser, command.options, command.name)
    args = parser.parse_args(arguments)
    options = command.options.create(given(args, command.options))
    options.check_files()
    folder = Folder.open(args.model, task)
    if command.writes == "model":
        from nlpkit.artefacts.run_folder import check_folder

        check_folder(args.out, task, resume=False, force=args.force, can_resume=False)

    def run() -> None:
        from nlpkit.artefacts.load import load

        runtime = "keras" if command.writes == "model" else "auto"  # the Keras network is written too
        result = load_object(command.function)(load(folder, runtime=runtime), options)
        if command.writes == "model":
            from nlpkit.artefacts.saving import save_folder

            save_folder(result, Path(args.out), {"source": args.model}, args.force)
        else:
            _write_lines(args.output, result)

    return run


def _write_lines(output: str, lines: Iterable[str]) -> None:
    from nlpkit.datasets.files import written_atomically

    if output == "-":
        for line in lines:
            print(line)
        return
    with written_atomically(Path(output)) as file:
        for line in lines:
            file.write(f"{line}\n".encode("utf-8", "replace"))

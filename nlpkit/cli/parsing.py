"""Parts shared by the parsers of commands: the parser class, the first argument, common flags."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from nlpkit.artefacts.folder import Folder
from nlpkit.cli import completion
from nlpkit.cli.flags import add_flags, given
from nlpkit.errors import nearest
from nlpkit.prediction import RUNTIMES
from nlpkit.tasks import declarations, get_declaration, names
from nlpkit.tasks.declaration import Declaration

Run = Callable[[], None]
"""A command whose arguments have been parsed."""
MODEL = "trained folder, or name of a bundled model (see nlpkit models)"


class Parser(argparse.ArgumentParser):
    """A parser that reports unknown options first, with the nearest known one.

    Args:
        program: command for the usage line, such as ``nlpkit predict``.
        description: sentence about the command.
        epilog: text at the end of the help.
    """

    settings: Sequence[str] = ()
    """Names that ``--set`` accepts, for users who write one as a flag."""

    def __init__(self, program: str, description: str, epilog: str = ""):
        super().__init__(
            prog=program, description=description, epilog=epilog, formatter_class=_Formatter, allow_abbrev=False
        )

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        if completion.is_requested():
            completion.complete(self)
        self._check_options(args)
        return super().parse_args(args, namespace)

    def _check_options(self, args: Sequence[str] | None) -> None:
        """Report an unknown option: often a misspelt required one, which argparse would report as missing."""
        for each in args or ():
            flag, _, value = each.partition("=")
            if not flag.startswith("--") or flag == "--" or flag in self._option_string_actions:
                continue
            name = flag.removeprefix("--").replace("-", "_")
            near = nearest(flag, self._option_string_actions)
            if name in self.settings:
                near = f"--set {name}={value or '…'}"
            self.error(
                f"unknown option {flag}" + (f", did you mean {near}?" if near else f"; {self.prog} --help lists all")
            )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=26, width=100)


def task_of(program: str, arguments: Sequence[str], summary: str, flags: str) -> Declaration:
    """Declaration of the task named by the first argument; without one, a general help text.

    Args:
        program: command, such as ``nlpkit train``.
        arguments: arguments of the command.
        summary: sentence about the command, without its full stop.
        flags: flags for the usage line, such as ``--data FILE``.
    """
    if arguments and not arguments[0].startswith("-"):
        return get_declaration(arguments[0])
    if completion.is_requested():
        completion.offer(names(), after=1)
    tasks = "\n".join(f"  {each.name:<12} {each.summary}" for each in declarations())
    parser = Parser(
        f"{program} TASK", f"{summary}.\n\ntasks:\n{tasks}", f"{program} TASK --help shows the options of a task."
    )
    parser.usage = f"{program} TASK {flags}"
    return _help_or_error(parser, arguments, f"a task must come first, one of {', '.join(names())}")


def folder_of(program: str, arguments: Sequence[str], summary: str, flags: str, task: str | None = None) -> Folder:
    """Trained folder named by the first argument; without one, a general help text.

    Args:
        program, arguments, summary, flags: as in `task_of`.
        task: name of the required task; None for any.
    """
    if arguments and not arguments[0].startswith("-"):
        return Folder.open(arguments[0], task)
    parser = Parser(f"{program} MODEL", f"{summary}.", f"{program} MODEL --help shows the options of a model.")
    parser.usage = f"{program} MODEL {flags}"
    return _help_or_error(parser, arguments, f"the first argument must be a {MODEL}")


def _help_or_error(parser: Parser, arguments: Sequence[str], reason: str) -> NoReturn:
    parser.parse_args([each for each in arguments if each in ("-h", "--help")])
    parser.error(reason)


def described(summary: str, folder: Folder) -> str:
    """Description of a command for a model."""
    declaration = get_declaration(folder.task)
    return f"{summary}. Task of this model: {declaration.name}, {declaration.summary}."


def add_set(group: Any, task: Declaration, meaning: str) -> list[str]:
    """Add the flag ``--set`` with its shell completion; return the names of the settings."""
    flag = group.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help=meaning)
    known = [each.name for each in task.settings.declared()]
    flag.completer = lambda **_: [f"{name}=" for name in known]
    return known


def add_runtime(parser: Any) -> None:
    """Add the flag ``--runtime``."""
    meaning = "library that computes: onnx (no framework needed), keras, or auto: onnx if possible; default auto"
    parser.add_argument("--runtime", default="auto", choices=RUNTIMES, help=meaning)


def add_json(parser: Any) -> None:
    """Add the flag ``--json``."""
    parser.add_argument("--json", action="store_true", help="JSON on standard output")


def parse_labelled(
    program: str, arguments: Sequence[str], summary: str, add_more: Callable[[Parser], None]
) -> tuple[Folder, Declaration, Any, Mapping[str, Any]]:
    """Parse a command that reads labelled data.

    Args:
        program, arguments, summary: as in `task_of`.
        add_more: function that adds the flags of this command alone.

    Returns:
        Trained folder, declaration of its task, parsed arguments, reading options.
    """
    folder = folder_of(program, arguments, summary, "--data FILE [options]")
    task = get_declaration(folder.task)
    parser = Parser(f"{program} {arguments[0]}", described(summary, folder))
    parser.add_argument("--data", required=True, metavar="FILE", help="labelled data, plain or .gz")
    add_more(parser)
    add_runtime(parser)
    add_flags(parser, task.reading, "reading", task.reading.measured)
    args = parser.parse_args(arguments[1:])
    reading = given(args, task.reading)
    task.reading.create(reading).check_files()
    from nlpkit.datasets.files import check_readable

    check_readable(args.data)
    return folder, task, args, reading


def share_cores(batches: int) -> None:
    """Divide the cores among batches that are computed in parallel; call it before TensorFlow is loaded."""
    if batches > 1:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // batches)))

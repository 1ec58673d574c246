"""What the parsers of several commands share: the parser itself, its first argument, common flags."""

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
"""A command whose arguments have been read."""
MODEL = "trained folder, or name of a bundled model (see nlpkit models)"


class Parser(argparse.ArgumentParser):
    """A parser that names unknown options first, and what was probably meant.

    Args:
        program: the words that call it, for its usage line.
        description: what the command does, a sentence.
        epilog: text at the end of the help.
    """

    settings: Sequence[str] = ()
    """Names that ``--set`` takes, for a user who writes one as a flag."""

    def __init__(self, program: str, description: str, epilog: str = ""):
        super().__init__(
            prog=program, description=description, epilog=epilog, formatter_class=_Formatter, allow_abbrev=False
        )

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        if completion.is_asked():
            completion.complete(self)
        self._check_options(args)
        return super().parse_args(args, namespace)

    def _check_options(self, args: Sequence[str] | None) -> None:
        """Name an unknown option first: it is often a required one, misspelt, which argparse would call missing."""
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


def task_of(program: str, arguments: Sequence[str], summary: str) -> Declaration:
    """The declaration of the task named by the first argument; without one, a general help text.

    Args:
        program: the words that call the command.
        arguments: its arguments.
        summary: what the command does, a sentence without its full stop.
    """
    if arguments and not arguments[0].startswith("-"):
        return get_declaration(arguments[0])
    if completion.is_asked():
        completion.offer(names(), after=1)
    tasks = "\n".join(f"  {each.name:<12} {each.summary}" for each in declarations())
    parser = Parser(
        f"{program} TASK", f"{summary}.\n\ntasks:\n{tasks}", f"{program} TASK --help shows the options of a task."
    )
    return _help_or_error(parser, arguments, f"a task must come first, one of {', '.join(names())}")


def folder_of(program: str, arguments: Sequence[str], summary: str, task: str | None = None) -> Folder:
    """The trained folder named by the first argument; without one, a general help text. Arguments as of `task_of`.

    Args:
        task: name of the task that is wanted.
    """
    if arguments and not arguments[0].startswith("-"):
        return Folder.open(arguments[0], task)
    parser = Parser(f"{program} MODEL", f"{summary}.", f"{program} MODEL --help shows the options of a model.")
    return _help_or_error(parser, arguments, f"the first argument must be a {MODEL}")


def _help_or_error(parser: Parser, arguments: Sequence[str], reason: str) -> NoReturn:
    parser.parse_args([each for each in arguments if each in ("-h", "--help")])
    parser.error(reason)


def described(summary: str, folder: Folder) -> str:
    """A command's description for a model."""
    declaration = get_declaration(folder.task)
    return f"{summary}. Task of this model: {declaration.name}, {declaration.summary}."


def add_set(group: Any, task: Declaration, meaning: str) -> list[str]:
    """Add the flag ``--set``, completed in a shell by the names of the settings, which are returned."""
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
    """The folder, its task, the arguments and the reading options of a command that reads labelled data.

    Args:
        add_more: adds the flags of this command alone.
    """
    folder = folder_of(program, arguments, summary)
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
    """Divide the cores among so many batches that are computed side by side, before TensorFlow is loaded."""
    if batches > 1:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // batches)))

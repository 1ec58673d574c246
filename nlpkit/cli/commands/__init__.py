"""The commands, a file each: it reads its arguments and gives a function that calls what one could call from Python."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

from nlpkit.cli.parsing import Run
from nlpkit.tasks import declarations

Parse = Callable[[str, list[str]], Run]
"""From the words that call a command, and its arguments, to the command."""

SUMMARIES = {
    "train": "train a model and write it to a folder",
    "evaluate": "measure a model on labelled data",
    "predict": "run a model over a file",
    "serve": "answer requests over HTTP, with a page to try models on",
    "benchmark": "measure the speed and the memory of a model",
    "export": "write a network for programs without nlpkit",
    "merge": "join the shares of a prediction",
    "models": "list the bundled models",
    "errors": "list the mistakes of a model, by kind",
    "compare": "compare several training runs on a page",
    "check": "look for trouble in data files",
    "config": "print all settings of a task, with their meanings",
    "convert": "convert a model to a file of another program, or back",
    "demo": "show answers of bundled models, then a training on built-in samples",
}
"""The commands of all tasks; each has a module of its name here."""


def summaries() -> dict[str, str]:
    """A phrase about each command, by name: those of all tasks, then those of one."""
    return {**SUMMARIES, **{each.name: each.summary for _, each in _of_tasks()}}


def parser_of(name: str) -> Parse | None:
    """The parser of a command by its name, or None."""
    if name in SUMMARIES:
        return importlib.import_module(f"nlpkit.cli.commands.{name}").parse
    from nlpkit.cli.commands import of_task

    return next((functools.partial(of_task.parse, task, each) for task, each in _of_tasks() if each.name == name), None)


def _of_tasks():
    return [(each.name, command) for each in declarations() for command in each.commands]

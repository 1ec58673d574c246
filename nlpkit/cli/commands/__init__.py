"""The commands, a file each: `parse` reads the arguments and returns a function that calls the package."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

from nlpkit.cli.parsing import Run
from nlpkit.tasks import declarations
from nlpkit.tasks.declaration import Command

Parse = Callable[[str, list[str]], Run]
"""Makes a command from its name, such as ``nlpkit train``, and its arguments."""

SUMMARIES = {
    "train": "train a model and write it to a folder",
    "evaluate": "measure a model on labelled data",
    "predict": "run a model over a file",
    "serve": "answer requests over HTTP, with a page to try models on",
    "benchmark": "measure the speed and memory of a model",
    "export": "write a network for programs without nlpkit",
    "merge": "join the shards of a prediction",
    "models": "list the bundled models",
    "errors": "list the mistakes of a model, by kind",
    "compare": "compare several training runs on a page",
    "check": "look for trouble in data files",
    "config": "print all settings of a task, with their meanings",
    "convert": "convert a model to a file of another program, or back",
    "demo": "show answers of bundled models, then a training on built-in samples",
}
"""Summaries of the commands for all tasks; each has a module of its name here."""


def summaries() -> dict[str, str]:
    """Summaries by command: those for all tasks, then those for one task."""
    return {**SUMMARIES, **{each.name: each.summary for _, each in _of_tasks()}}


def parser_of(name: str) -> Parse | None:
    """Parser of a command by its name, or None."""
    if name in SUMMARIES:
        return importlib.import_module(f"nlpkit.cli.commands.{name}").parse
    from nlpkit.cli.commands import of_task

    return next((functools.partial(of_task.parse, task, each) for task, each in _of_tasks() if each.name == name), None)


def _of_tasks() -> list[tuple[str, Command]]:
    return [(each.name, command) for each in declarations() for command in each.commands]

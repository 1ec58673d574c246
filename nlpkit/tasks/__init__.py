"""The tasks by name: those of nlpkit, those of installed packages (entry points in the group ``nlpkit.tasks``), and
classes that a program registers. Nothing of a task is imported before it is asked for.

Whoever writes a task finds here all that it is made of.
"""

from __future__ import annotations

import contextlib
from importlib import metadata
from typing import TYPE_CHECKING

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.on_demand import on_demand
from nlpkit.tasks.declaration import (
    Command,
    Declaration,
    Demo,
    Metric,
    PredictionOptions,
    ReadingOptions,
    TrainingSettings,
    load_object,
    options_of,
)

if TYPE_CHECKING:
    from nlpkit.prediction.answers import Answer, Problem
    from nlpkit.tasks.shared.plots import Arcs, Attention, Distribution, Listing, Map, Plot
    from nlpkit.tasks.task import Data, Part, Task, digest_of_examples, read_labelled, training_model, untrained

__all__ = [
    "Answer",
    "Arcs",
    "Attention",
    "Command",
    "Data",
    "Declaration",
    "Demo",
    "Distribution",
    "FIRST",
    "Listing",
    "Map",
    "Metric",
    "Part",
    "Plot",
    "PredictionOptions",
    "Problem",
    "ReadingOptions",
    "Task",
    "TrainingSettings",
    "declarations",
    "digest_of_examples",
    "get_declaration",
    "get_task",
    "load_object",
    "names",
    "options_of",
    "read_labelled",
    "register",
    "training_model",
    "untrained",
]
_OWN = {
    "couplet": "nlpkit.tasks.couplet.config:COUPLET",
    "extraction": "nlpkit.tasks.extraction.config:EXTRACTION",
    "similarity": "nlpkit.tasks.similarity.config:SIMILARITY",
    "tagging": "nlpkit.tasks.tagging.config:TAGGING",
    "title": "nlpkit.tasks.title.config:TITLE",
    "word2vec": "nlpkit.tasks.word2vec.config:WORD2VEC",
}
_REGISTERED: dict[str, type[Task]] = {}
FIRST = "tagging"
"""The task that a newcomer is shown."""
GROUP = "nlpkit.tasks"
"""Entry points of this group name a `Declaration` or a class of `Task`, ``name = "package.module:object"``."""


def names() -> list[str]:
    """The names of all tasks, sorted."""
    return sorted({*_OWN, *_REGISTERED, *(point.name for point in metadata.entry_points(group=GROUP))})


def register(task: type[Task]) -> type[Task]:
    """Make a class of `Task` known by its name in this process; can be used as a decorator."""
    _REGISTERED[task.declaration.name] = task
    return task


def get_declaration(task: str | type[Task]) -> Declaration:
    """The declaration of a task, by its name or its class.

    Raises:
        ConfigError: if there is none of that name; the nearest one is named.
    """
    if not isinstance(task, str):
        return task.declaration
    if task in _REGISTERED:
        return _REGISTERED[task].declaration
    if task in _OWN:
        return load_object(_OWN[task])
    for point in metadata.entry_points(group=GROUP, name=task):
        try:
            found = point.load()
        except Exception as error:
            raise ConfigError(f"the task {task!r} of an installed package can't be loaded: {error}") from None
        return found if isinstance(found, Declaration) else register(found).declaration
    raise ConfigError(unknown_name("task", task, names()))


def declarations() -> list[Declaration]:
    """The declarations of all tasks, by name; those of installed packages that can't be loaded are left out."""
    known = []
    for name in names():
        with contextlib.suppress(ConfigError):
            known.append(get_declaration(name))
    return known


def get_task(task: str | type[Task]) -> type[Task]:
    """The class of a task, by its name or itself."""
    if not isinstance(task, str):
        return task
    declaration = get_declaration(task)
    return _REGISTERED.get(task) or declaration.load_task()


__getattr__ = on_demand(__name__)

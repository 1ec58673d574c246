"""The tasks, by name. A task is imported when it is asked for."""

import importlib

from nlpkit.errors import ConfigError, unknown_name

TASKS = {
    "couplet": "nlpkit.tasks.couplet.task:CoupletWriter",
    "tagging": "nlpkit.tasks.tagging.task:Tagger",
    "word2vec": "nlpkit.tasks.word2vec.task:WordVectors",
}


def get_check(name: str):
    """The function behind ``nlpkit check`` of a task; it needs no Keras."""
    package = TASKS[_known(name)].rpartition(".")[0]
    return importlib.import_module(f"{package}.check").check


def get_task(name: str):
    """The class of a task; a `ConfigError` names the nearest if there is none of that name."""
    module, _, attribute = TASKS[_known(name)].partition(":")
    return getattr(importlib.import_module(module), attribute)


def _known(name):
    if name not in TASKS:
        raise ConfigError(unknown_name("task", name, TASKS))
    return name

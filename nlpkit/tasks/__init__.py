"""The tasks, by name. A task is imported when it is asked for."""

import importlib

from nlpkit.errors import ConfigError, unknown_name

TASKS = {"tagging": "nlpkit.tasks.tagging.task:Tagger"}


def get_task(name: str):
    """The class of a task; a `ConfigError` names the nearest if there is none of that name."""
    if name not in TASKS:
        raise ConfigError(unknown_name("task", name, TASKS))
    module, _, attribute = TASKS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)

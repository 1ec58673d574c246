"""Rooms give out names without importing them before they are used: help and errors wait for no framework."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from typing import Any


def on_demand(room: str) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose names are imported at their first use.

    Where a name is from stands in the package itself, in its block ``if TYPE_CHECKING``, for type checkers as well.

    Args:
        room: name of the package.

    Example:

        >>> on_demand("nlpkit.text")("CharacterVocabulary").__module__
        'nlpkit.text.vocabulary'
    """

    @functools.cache
    def homes() -> dict[str, str]:
        tree = ast.parse(inspect.getsource(sys.modules[room]))
        blocks = [node.body for node in tree.body if isinstance(node, ast.If)]
        imports = [node for body in blocks for node in body if isinstance(node, ast.ImportFrom)]
        return {each.name: node.module or "" for node in imports for each in node.names}

    def get(name: str) -> Any:
        home = None if name.startswith("__") else homes().get(name)
        if home == room:  # one of its modules
            value: Any = importlib.import_module(f"{room}.{name}")
        elif home is not None:
            value = getattr(importlib.import_module(home), name)
        else:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        setattr(sys.modules[room], name, value)
        return value

    return get

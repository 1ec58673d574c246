"""The command ``nlpkit``: thin parsers over functions that a program can call with the same arguments."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.cli import main

__all__ = [
    "main",
]

__getattr__ = on_demand(__name__)

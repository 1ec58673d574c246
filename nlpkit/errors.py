"""Errors that a user can cause; their messages state the cause, the place and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class NlpkitError(Exception):
    """Base of the errors below. The command line prints its message and exits with status 2."""


class DataError(NlpkitError, ValueError):
    """A file or a record in it is not what was expected.

    Args:
        message: received and accepted values.
        path: the file.
        line: number of its line, from 1.
    """

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None) -> None:
        self.reason, self.path, self.line = message, path, line
        place = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(place + message)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.reason, self.path, self.line)


class UnknownWordError(DataError, KeyError):
    """An unknown word; the message suggests known words with a similar spelling."""

    __str__ = Exception.__str__  # KeyError's own adds quotes


class DataWarning(UserWarning):
    """A problem of a record passed from Python; the command line reports the same in a file of errors."""


class ConfigError(NlpkitError, ValueError):
    """A setting is unknown or out of range."""


class ArtefactError(NlpkitError, ValueError):
    """A model folder is missing, damaged, of another program or of another version."""


class TrainingError(NlpkitError, ArithmeticError):
    """Training diverged."""


class MissingPackageError(NlpkitError, ImportError):
    """A package is not installed; for an optional one the message names the extra that includes it."""

    def __init__(self, package: str, extra: str | None = None) -> None:
        wanted = package if extra is None else f'"nlpkit[{extra}]"'
        super().__init__(f"{package} is not installed; pip install {wanted}")
        self._made_of = package, extra

    def __reduce__(self) -> tuple[type, tuple[str | None, ...]]:
        return type(self), self._made_of


def unknown_name(kind: str, name: object, accepted: Iterable[object]) -> str:
    """``unknown encoder 'lstn', did you mean 'lstm'? accepted: …``"""
    accepted = sorted(map(str, accepted))
    near = nearest(str(name), accepted)
    hint = f", did you mean {near!r}?" if near else ";"
    return f"unknown {kind} {name!r}{hint} accepted: {', '.join(accepted)}"


def nearest(name: str, accepted: Iterable[str]) -> str | None:
    """The most similar accepted name, or None if none is similar."""
    return next(iter(difflib.get_close_matches(name, accepted, 1, 0.65)), None)

"""How far a prediction has come, beside its output, so that it goes on after a kill."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.files import PARTIAL, digest_of, write_atomically
from nlpkit.errors import DataError

ENDING = ".journal"
"""Of its name, after that of the output."""
_FORMAT = "nlpkit-journal"
_EVERY = 1.0  # seconds
_LARGEST = 1 << 24  # bytes


class Checkpoint(NamedTuple):
    """A file of which so many bytes were written, and their SHA-256."""

    size: int
    digest: str

    def is_of(self, path: Path) -> bool:
        """Whether a file is there, and just as it was noted."""
        return path.is_file() and path.stat().st_size == self.size and digest_of(path) == self.digest


class State(NamedTuple):
    """How far a prediction has come.

    Attributes:
        file: index of the input file.
        chunk: number of the chunk of it that comes next.
        lines: of that file before that chunk.
        counts: of lines, see `nlpkit.prediction.stream.Counts`.
        output, reports: of that file; None if there is none yet.
        is_written: whether all of that file has been answered, and `output` may stand in its place already.
    """

    file: int = 0
    chunk: int = 0
    lines: int = 0
    counts: Sequence[Any] = (0, 0, 0, "")
    output: Checkpoint | None = None
    reports: Checkpoint | None = None
    is_written: bool = False


class Journal:
    """The journal of a run.

    Args:
        path: where it is.
        run: what the run is about, plain values by name; another run does not go on from here.
        restart: whether to begin anew, whatever is there.
        stays: whether it is kept when the run has ended, as the record of a shard.

    Attributes:
        state: how far an earlier run has come, or None if there is none.
        is_kept: whether there is a journal on the disk.

    Raises:
        DataError: if another run has left a journal there, or it is damaged.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], restart: bool = False, stays: bool = False):
        self._path, self._run, self._last, self.stays = path, dict(run), time.monotonic(), stays
        self.state: State | None = None
        self.is_kept = path.exists()
        if self.is_kept and not restart:
            before, self.state = read_journal(path)
            now = json.loads(json.dumps(self._run))
            names = differing(before, now)
            if names:
                changed = " and ".join(names)
                what = "a finished shard" if stays and self.state.is_written else "an unfinished prediction"
                raise DataError(
                    f"{what} is here, with another {changed}; repeat it as it was, or begin anew with --restart",
                    path,
                )

    @property
    def is_due(self) -> bool:
        """Whether it is time to note something."""
        return time.monotonic() - self._last >= _EVERY

    def note(self, state: State) -> None:
        """Write how far the run has come."""
        fields = {**state._asdict(), "counts": [*state.counts]}
        content = {"format": _FORMAT, "run": self._run, "state": fields}
        write_atomically(self._path, json.dumps({**content, "check": _check(content)}, ensure_ascii=False).encode())
        self.is_kept, self._last = True, time.monotonic()

    def remove(self) -> None:
        """Take it away: what it is about has ended."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._path.with_name(self._path.name + PARTIAL).unlink(missing_ok=True)
        self.is_kept = False


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of values that are not the same; of values by name the names of these."""
    names = []
    for name in sorted({*before, *now}):
        first, second = before.get(name), now.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            names += [f"{name} {inner}" for inner in differing(first, second)]
        elif first != second:
            names.append(name)
    return names


def read_journal(path: Path) -> tuple[dict[str, Any], State]:
    """What a journal is about, and how far the run has come.

    Raises:
        DataError: if it can't be read, or is damaged.
    """
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read(_LARGEST))
        check = content.pop("check")
        if content["format"] != _FORMAT or check != _check(content):
            raise ValueError
        fields = content["state"]
        noted = {name: fields[name] and Checkpoint(*fields[name]) for name in ("output", "reports")}
        return content["run"], State(**{**fields, **noted})
    except OSError as error:
        raise DataError(f"can't be read: {error.strerror}", path) from None
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        raise DataError("is damaged, or no journal of nlpkit; begin anew with --restart", path) from None


def _check(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

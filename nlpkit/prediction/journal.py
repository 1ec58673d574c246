"""Journal of a prediction: its progress, kept beside the output, from which it continues after a kill."""

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
"""Ending of its name, after the name of the output."""
_FORMAT = "nlpkit-journal"
_EVERY = 1.0  # seconds between checkpoints
_LARGEST = 1 << 24  # bytes of a journal


class Checkpoint(NamedTuple):
    """Size and SHA-256 of the part of a file that is on the disk."""

    size: int
    digest: str

    def is_of(self, path: Path) -> bool:
        """Whether a file exists with this size and digest."""
        return path.is_file() and path.stat().st_size == self.size and digest_of(path) == self.digest


class State(NamedTuple):
    """Progress of a prediction.

    Attributes:
        file: index of the input file.
        chunk: number of its next chunk.
        lines: number of its lines before that chunk.
        counts: line counts of the run, see `nlpkit.prediction.stream.Counts`.
        output, reports: checkpoints of the files written for it; None if there is none yet.
        is_written: whether the file has been answered whole, so that `output` may have its final name already.
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
        path: path of the journal.
        run: plain values, by name, that identify the run; only the same run continues.
        restart: whether to ignore the journal of an earlier run.
        stays: whether it is kept after the run has ended, as the record of a shard.

    Attributes:
        state: progress of an earlier run, or None.
        is_kept: whether the journal is on the disk.

    Raises:
        DataError: if it is the journal of another run, or damaged.
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
        """Whether the next checkpoint is due."""
        return time.monotonic() - self._last >= _EVERY

    def note(self, state: State) -> None:
        """Write the progress of the run."""
        fields = {**state._asdict(), "counts": [*state.counts]}
        content = {"format": _FORMAT, "run": self._run, "state": fields}
        write_atomically(self._path, json.dumps({**content, "check": _check(content)}, ensure_ascii=False).encode())
        self.is_kept, self._last = True, time.monotonic()

    def remove(self) -> None:
        """Delete the journal."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._path.with_name(self._path.name + PARTIAL).unlink(missing_ok=True)
        self.is_kept = False


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of the values that differ; within nested mappings, both names."""
    names = []
    for name in sorted({*before, *now}):
        first, second = before.get(name), now.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            names += [f"{name} {inner}" for inner in differing(first, second)]
        elif first != second:
            names.append(name)
    return names


def read_journal(path: Path) -> tuple[dict[str, Any], State]:
    """Read the identity of a run and its progress.

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
        checkpoints = {name: fields[name] and Checkpoint(*fields[name]) for name in ("output", "reports")}
        return content["run"], State(**{**fields, **checkpoints})
    except OSError as error:
        raise DataError(f"can't be read: {error.strerror}", path) from None
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        raise DataError("is damaged, or no journal of nlpkit; begin anew with --restart", path) from None


def _check(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

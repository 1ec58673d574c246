"""Answers to chunks of lines, computed for several chunks at once."""

from __future__ import annotations

import contextlib
import ctypes
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from nlpkit.datasets.files import decode_line
from nlpkit.datasets.readers import parse_object
from nlpkit.prediction.answers import Problem
from nlpkit.prediction.chunks import LONGEST, Chunk

_AT_ONCE = 2  # chunks: Python encodes and writes one while the network computes the other
_BETWEEN_TRIMS = 8  # chunks between returns of free memory to the system
_TURN = 2e-4  # seconds of the interpreter's switch interval
_SHOWN = 200  # characters of a line that a report quotes


class Stages(NamedTuple):
    """The functions and formats by which a chunk of lines is answered."""

    encode: Callable[[list[Any]], tuple[Any, Sequence[Problem]]]
    """Encodes lines, or objects of JSON lines."""
    run: Callable[[Any], Any]
    """Runs the network on the encoded lines."""
    write: Callable[[Any, Any], str | bytes]
    """Formats encoded lines and network outputs as the output, text with line ends."""
    header: Callable[[int], bytes] = lambda count: b""
    """Output before the answers, from the number of lines; its length is the same for any number."""
    footer: str = ""
    """Output after the answers."""
    between: str | None = None
    """Separator of the answers to the parts of a line that is longer than `nlpkit.prediction.chunks.LONGEST`; None if
    such a line is not answered."""
    is_json: bool = False
    """Whether each line is a JSON object."""
    chunk: int = 1 << 18
    """Size of a chunk of the input, in bytes."""

    @property
    def in_parts(self) -> bool:
        """Whether long lines are answered in parts."""
        return self.between is not None and not self.is_json


class Report(NamedTuple):
    """An error or a warning about a line."""

    row: int
    """Index of the line in its chunk."""
    reason: str
    is_error: bool
    begin: str
    """Beginning of the line."""


class Answered(NamedTuple):
    """The answers to a chunk."""

    number: int
    size: int
    is_part: bool
    """Whether the chunk is a part of a long line; `is_last` as in `Chunk`."""
    is_last: bool
    lines: int
    """Number of lines that end in the chunk."""
    text: bytes
    reports: Sequence[Report]


def answer(stages: Stages, chunks: Iterable[Chunk]) -> Iterator[Answered]:
    """Answer chunks one after the other."""
    for chunk in chunks:
        yield _answer(stages, chunk)


def answer_ahead(stages: Stages, chunks: Iterable[Chunk]) -> Iterator[Answered]:
    """Answer chunks in threads that work ahead, on `_AT_ONCE` chunks; each is yielded as soon as it is answered."""
    begun: queue.Queue[Any] = queue.Queue(1)
    stopped = threading.Event()

    def put(item: Any) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                begun.put(item, timeout=0.1)
                return

    def work() -> None:
        try:
            for chunk in chunks:
                put(pool.submit(_answer, stages, chunk))
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    pool = ThreadPoolExecutor(_AT_ONCE)
    thread = threading.Thread(target=work, daemon=True)
    done = 0
    _short_turns.begin()
    try:
        thread.start()
        while (item := begun.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item.result()
            done += 1
            if done % _BETWEEN_TRIMS == 0:
                _return_memory()
    finally:
        stopped.set()
        _short_turns.end()
        thread.join()
        pool.shutdown(cancel_futures=True)


class _ShortTurns:
    """Shortens the interpreter's switch interval while at least one prediction runs."""

    def __init__(self) -> None:
        self._count, self._before, self._lock = 0, 0.0, threading.Lock()

    def begin(self) -> None:
        with self._lock:
            if self._count == 0:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(_TURN)
            self._count += 1

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                sys.setswitchinterval(self._before)


_short_turns = _ShortTurns()


def _answer(stages: Stages, chunk: Chunk) -> Answered:
    items, problems = _parsed(chunk, stages.is_json)
    encoded, more = stages.encode(items)
    text = stages.write(encoded, stages.run(encoded))
    by_row = {problem.row: problem for problem in [*more, *problems]}  # the last one of a row is the worst
    lines = _lines(chunk.content) if by_row else []
    reports = [Report(row, by_row[row].reason, by_row[row].is_error, _begin(lines[row])) for row in sorted(by_row)]
    is_part = bool(chunk.before) or not chunk.is_last
    ended = len(items) - (not chunk.is_last)
    content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return Answered(chunk.number, chunk.size, is_part, chunk.is_last, ended, content, reports)


def _return_memory() -> None:
    """Return free memory to the system: chunks differ in size, so that the heap fragments."""
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _parsed(chunk: Chunk, is_json: bool) -> tuple[list[Any], list[Problem]]:
    """The lines of a chunk as texts or objects, and their problems; a bad line becomes an empty text."""
    if chunk.is_passed_over:
        reason = f"is {chunk.size:,} bytes long, and can be {LONGEST:,} at most; cut it into several lines"
        return [""], [Problem(0, reason, is_error=True)]
    content = chunk.content
    if not is_json and b"\r" not in content:
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode("utf-8").removesuffix("\n").split("\n"), []
    items: list[Any] = []
    problems = []
    for row, line in enumerate(_lines(content)):
        try:
            text = decode_line(line, "", row, chunk.before)
            item: Any = parse_object(text) if is_json else text
        except ValueError as error:
            problems.append(Problem(row, getattr(error, "reason", str(error)), is_error=True))
            item = ""
        items.append(item)
    return items, problems


def _begin(line: bytes) -> str:
    return line[: 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN]


def _lines(content: bytes) -> list[bytes]:
    return content.removesuffix(b"\n").split(b"\n")

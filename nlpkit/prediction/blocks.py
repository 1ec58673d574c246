"""A chunk of lines to its answers, several chunks at once."""

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

_AT_ONCE = 2  # chunks: while one is read, cut and written in Python, the other keeps a core busy with its network
_BETWEEN_TRIMS = 8  # chunks, after which free memory goes back to the system
_TURN = 2e-4  # seconds that a thread may keep the interpreter for while another one waits for it
_SHOWN = 200  # characters of a line that a report repeats


class Stages(NamedTuple):
    """The way of a chunk of lines."""

    encode: Callable[[list[Any]], tuple[Any, Sequence[Problem]]]  # takes lines, or objects of JSON lines
    run: Callable[[Any], Any]  # takes what `encode` gives
    write: Callable[[Any, Any], str | bytes]  # takes both; gives the output, text with line ends
    header: Callable[[int], bytes] = lambda count: b""
    """What stands before the answers to so many lines; as long for any number."""
    footer: str = ""
    """What stands after them."""
    between: str | None = None
    """What stands between the answers to the parts of a line of more than `nlpkit.prediction.chunks.LONGEST` bytes;
    None if such a line is not answered."""
    is_json: bool = False
    """Whether each line is a JSON object."""
    chunk: int = 1 << 18
    """Bytes of the input that are answered at a time."""

    @property
    def in_parts(self) -> bool:
        """Whether long lines come in parts."""
        return self.between is not None and not self.is_json


class Report(NamedTuple):
    """What is to be said of a line."""

    row: int
    """Which line of its block it is, from 0."""
    reason: str
    is_error: bool
    begin: str
    """How the line begins."""


class Answered(NamedTuple):
    """The answers to a chunk."""

    number: int
    size: int
    is_part: bool
    """Of a long line; `is_last` as in the chunk."""
    is_last: bool
    lines: int
    """How many lines end in it."""
    text: bytes
    reports: Sequence[Report]


def answer(stages: Stages, chunks: Iterable[Chunk]) -> Iterator[Answered]:
    """The answers to chunks, one after the other."""
    for chunk in chunks:
        yield _answer(stages, chunk)


def answer_ahead(stages: Stages, chunks: Iterable[Chunk]) -> Iterator[Answered]:
    """The same by threads that work ahead of what is asked for, on `_AT_ONCE` chunks.

    A chunk is handed on as soon as it is answered, whether or not there is another one.
    """
    begun: queue.Queue[Any] = queue.Queue(1)
    stopped = threading.Event()

    def put(item):
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                begun.put(item, timeout=0.1)
                return

    def work():
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
    """The interpreter's switch interval, short from the first prediction that begins to the last one that ends."""

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


def _answer(stages, chunk):
    """A chunk the whole way."""
    items, problems = _parsed(chunk, stages.is_json)
    encoded, more = stages.encode(items)
    text = stages.write(encoded, stages.run(encoded))
    problems = {problem.row: problem for problem in [*more, *problems]}  # the last one of a row is the worst
    lines = _lines(chunk.content) if problems else []
    reports = [
        Report(row, problems[row].reason, problems[row].is_error, _begin(lines[row])) for row in sorted(problems)
    ]
    is_part = bool(chunk.before) or not chunk.is_last
    ended = len(items) - (not chunk.is_last)
    content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return Answered(chunk.number, chunk.size, is_part, chunk.is_last, ended, content, reports)


def _return_memory():
    """Give the system back what is free: chunks differ in size a little, and the gaps that they leave add up."""
    with contextlib.suppress(AttributeError, OSError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def _parsed(chunk, is_json):
    """Each line of a chunk read as a text or an object, and what is wrong with some; one that can't be is empty."""
    if chunk.is_passed_over:
        reason = f"is {chunk.size:,} bytes long, and can be {LONGEST:,} at most; cut it into several lines"
        return [""], [Problem(0, reason, is_error=True)]
    content = chunk.content
    if not is_json and b"\r" not in content:
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode("utf-8").removesuffix("\n").split("\n"), []
    items, problems = [], []
    for row, line in enumerate(_lines(content)):
        try:
            item = decode_line(line, "", row, chunk.before)
            if is_json:
                item = parse_object(item)
        except ValueError as error:
            problems.append(Problem(row, getattr(error, "reason", str(error)), is_error=True))
            item = ""
        items.append(item)
    return items, problems


def _begin(line):
    return line[: 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN]


def _lines(content):
    return content.removesuffix(b"\n").split(b"\n")

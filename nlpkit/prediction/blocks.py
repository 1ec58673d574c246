"""A chunk of lines to its answers, by stages that follow each other closely."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from nlpkit.datasets.files import decode_line
from nlpkit.datasets.readers import parse_object
from nlpkit.prediction.answers import Problem
from nlpkit.prediction.chunks import LONGEST, Chunk

_AHEAD = 3  # blocks on their way, besides the one that is read and the one that is written
_SHOWN = 200  # characters of a line that a report repeats


class Stages(NamedTuple):
    """The way of a block of lines: with `answer_ahead` each stage has threads of its own, so that blocks follow each
    other closely."""

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
        block = _parsed(chunk, stages.is_json)
        for step, _ in _steps(stages):
            block = step(block)
        yield _answered(block)


def answer_ahead(stages: Stages, chunks: Iterable[Chunk]) -> Iterator[Answered]:
    """The same by threads that work ahead of what is asked for: a step has its own, and `_AHEAD` bounds what waits.

    A block is handed on as soon as it is done, whether or not there is another one.
    """
    steps = _steps(stages)
    begun: queue.Queue[Any] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(item):
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                begun.put(item, timeout=0.1)
                return

    def begin(block):
        answer = Future()
        answer.set_result(block)
        for (step, _), pool in zip(steps, pools, strict=True):
            answer = pool.submit(lambda step, before: step(before.result()), step, answer)
        return answer

    def work():
        try:
            for chunk in chunks:
                put(begin(_parsed(chunk, stages.is_json)))
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    pools = [ThreadPoolExecutor(workers) for _, workers in steps]
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (item := begun.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield _answered(item.result())
    finally:
        stopped.set()
        thread.join()
        for pool in pools:
            pool.shutdown(cancel_futures=True)


class _Block(NamedTuple):
    """A chunk on its way."""

    chunk: Chunk
    items: list[Any]
    problems: Sequence[Problem]  # of lines that could not be read; then of others as well
    encoded: Any = None
    outputs: Any = None
    text: bytes = b""


def _steps(stages):
    """The stages as functions of a block, and how many blocks each works on at once."""

    def encode(block):
        encoded, problems = stages.encode(block.items)
        return block._replace(encoded=encoded, problems=[*problems, *block.problems])

    def run(block):
        return block._replace(outputs=stages.run(block.encoded))

    def write(block):
        text = stages.write(block.encoded, block.outputs)
        content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        return block._replace(text=content, encoded=None, outputs=None)

    # Two blocks are in the network at once: when one has its last batch there, the other keeps the cores busy.
    return (encode, 1), (run, 2), (write, 1)


def _parsed(chunk, is_json):
    """Each line of a chunk read as a text or an object; one that can't be is an empty text."""
    if chunk.is_passed_over:
        reason = f"is {chunk.size:,} bytes long, and can be {LONGEST:,} at most; cut it into several lines"
        return _Block(chunk, [""], [Problem(0, reason, is_error=True)])
    content = chunk.content
    if not is_json and b"\r" not in content:
        with contextlib.suppress(UnicodeDecodeError):
            return _Block(chunk, content.decode("utf-8").removesuffix("\n").split("\n"), [])
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
    return _Block(chunk, items, problems)


def _answered(block):
    chunk = block.chunk
    problems = {problem.row: problem for problem in block.problems}  # the last one of a row is the worst
    lines = _lines(chunk.content) if problems else []
    reports = [
        Report(row, problems[row].reason, problems[row].is_error, _begin(lines[row])) for row in sorted(problems)
    ]
    is_part = bool(chunk.before) or not chunk.is_last
    ended = len(block.items) - (not chunk.is_last)
    return Answered(chunk.number, chunk.size, is_part, chunk.is_last, ended, block.text, reports)


def _begin(line):
    return line[: 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN]


def _lines(content):
    return content.removesuffix(b"\n").split(b"\n")

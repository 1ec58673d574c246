"""File to file: lines in, lines out, in order, in bounded memory."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.files import BYTE_ORDER_MARK, decode_line, ending_of, open_bytes, written_atomically
from nlpkit.datasets.readers import parse_json
from nlpkit.errors import ConfigError, DataError, unknown_name
from nlpkit.tasks.declaration import BINARY_FORMATS, Declaration
from nlpkit.tasks.task import Problem
from nlpkit.terminal import progress_bar, say

ON_ERROR = ("skip", "stop")
"""What may be done about a bad line."""
_LEAST, _MOST = 1 << 18, 4 << 20  # bytes read at a time
_EVERY = 2.0  # seconds that a block should take, so that progress shows
_SHOWN = 200  # characters of a bad line that the error file repeats


class Stages(NamedTuple):
    """The way of a block of lines. Unless the input is standard input, each stage has a thread of its own, so that
    blocks follow each other closely."""

    encode: Callable[[list[Any]], tuple[Any, Sequence[Problem]]]  # takes lines, or objects of JSON lines
    run: Callable[[Any], Any]  # takes what `encode` gives
    write: Callable[[Any, Any], str | bytes]  # takes both; gives the output, text with line ends
    header: Callable[[int], bytes] | None = None
    """What stands before the output, once the number of lines is known; as long for any number."""


class _Block(NamedTuple):
    """Some lines of the input on their way."""

    size: int  # bytes
    first: int  # number of the first line
    items: list[Any]
    content: bytes
    errors: dict[int, DataError]  # by number of the line
    problems: Sequence[Problem] = ()
    encoded: Any = None
    outputs: Any = None
    text: bytes = b""


def predict_stream(
    stages: Stages,
    input_path: str | Path,
    output_path: str | Path,
    input_format: str = "text",
    on_error: str = "skip",
) -> tuple[int, int]:
    """Answer every line of a file, in order.

    Args:
        stages: how a block of lines is answered.
        input_path, output_path: files, or ``-`` for standard input and output. The output is written beside its
            place and renamed when it is whole. Names that end in ``.gz`` are gzipped.
        input_format: ``text``, or ``jsonl`` for a JSON object a line.
        on_error: ``skip`` gives a line that can't be read the answer of an empty one, and writes what is wrong with
            which lines to ``OUTPUT.errors.jsonl``, or to standard error beside standard output; ``stop`` raises.
            Warnings are written there as well, and stop nothing.

    Returns:
        Number of lines, and of those about which something was reported.

    Raises:
        ConfigError: if the input is the output, or an argument is not accepted.
        DataError: if a file can't be read or written; at the first bad line with ``on_error="stop"``.
    """
    check_arguments(input_path, output_path, input_format, on_error)
    name = "standard input" if str(input_path) == "-" else str(input_path)
    by_hand = str(input_path) == "-"
    lines = reported = 0
    with (
        _open_input(input_path) as source,
        _Output(output_path) as output,
        progress_bar("KB", hidden=by_hand) as bar,
        contextlib.ExitStack() as running,
    ):
        row = bar.add_task("predicting", total=_size(input_path))
        if stages.header is not None:
            output.write(stages.header(0))
        pace = _Pace()
        blocks: Iterator[_Block] = _parsed(source, name, pace, input_format)
        for stage in _stages(stages):
            # Whoever writes to a pipe may wait for the answer, so there no block waits for the next.
            blocks = map(stage, blocks) if by_hand else running.enter_context(closing(_ahead(stage, blocks)))
        for block in blocks:
            for report in _reports(block, name):
                if report.is_error and on_error == "stop":
                    raise report.error
                output.report(report)
                reported += 1
            output.write(block.text)
            lines += len(block.items)
            bar.advance(row, block.size / 1000)
            pace.done(block.size)
        if stages.header is not None:
            output.rewrite(stages.header(lines))
    return lines, reported


def check_on_error(on_error: str) -> None:
    """Raise a `ConfigError` if it is none of `ON_ERROR`."""
    if on_error not in ON_ERROR:
        raise ConfigError(unknown_name("on_error", on_error, ON_ERROR))


def check_arguments(input_path: str | Path, output_path: str | Path, input_format: str, on_error: str) -> None:
    """See whether `predict_stream` can take these arguments.

    Raises:
        ConfigError: if one is not accepted, or the input is the output.
        DataError: if the output can't be a file.
    """
    check_on_error(on_error)
    if input_format not in ("text", "jsonl"):
        raise ConfigError(unknown_name("input_format", input_format, ("text", "jsonl")))
    if str(output_path) == "-":
        return
    if Path(output_path).is_dir():
        raise DataError("is a folder; the output is a file", output_path)
    if not Path(output_path).parent.is_dir():
        raise DataError(f"can't be written: the folder {Path(output_path).parent} does not exist", output_path)
    source = Path(input_path).resolve()
    if Path(output_path).resolve() == source:
        raise ConfigError(f"{input_path}: is the input and the output; choose another output")
    if Path(f"{output_path}.errors.jsonl").resolve() == source:
        raise ConfigError(f"{input_path}: is where the bad lines of {output_path} go; choose another output")


def output_format(declaration: Declaration, output: str | Path, name: str | None) -> str:
    """The format to write: the one that is named, or the one that the output's name ends in, or the task's first.

    Raises:
        ConfigError: if the task does not write it, or it can't be written there.
    """
    formats = declaration.formats
    by_name = ending_of(output).removeprefix(".")
    chosen = name or (by_name if by_name in formats else formats[0])
    if chosen not in formats:
        raise ConfigError(unknown_name("format", chosen, formats))
    if chosen in BINARY_FORMATS and (str(output) == "-" or str(output).endswith(".gz")):
        raise ConfigError(f"{output}: {chosen} needs a file that is not compressed")
    return chosen


def _stages(stages):
    """The stages as functions of a block."""

    def encode(block):
        encoded, problems = stages.encode(block.items)
        return block._replace(encoded=encoded, problems=problems)

    def run(block):
        return block._replace(outputs=stages.run(block.encoded))

    def write(block):
        text = stages.write(block.encoded, block.outputs)
        content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        return block._replace(text=content, encoded=None, outputs=None)

    return encode, run, write


class _Report(NamedTuple):
    """What is reported of a line."""

    error: DataError
    is_error: bool
    line: bytes


def _reports(block, name) -> Iterator[_Report]:
    """One report for each line that something is to be said of, in order."""
    found = {
        block.first + problem.row: (DataError(problem.reason, name, block.first + problem.row), problem.is_error)
        for problem in block.problems
    }
    found |= {number: (error, True) for number, error in block.errors.items()}
    lines = _lines(block.content) if found else []
    for number in sorted(found):
        yield _Report(*found[number], lines[number - block.first])


class _Pace:
    """How much to read at a time: little at first, so that the first answer comes soon, then what `_EVERY` allows."""

    def __init__(self):
        self.size, self._last = _LEAST, time.monotonic()

    def done(self, size):
        """To be called when answers to so many bytes are written."""
        taken, self._last = time.monotonic() - self._last, time.monotonic()
        self.size = int(min(max(size / max(taken, 1e-3) * _EVERY, _LEAST), _MOST))


def _ahead(stage, blocks):
    """``map(stage, blocks)`` by a thread that works one block ahead of what is asked for.

    A block is handed on as soon as it is done, whether or not there is another one.
    """
    done, stopped = queue.Queue(1), threading.Event()

    def put(*item):
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                done.put(item, timeout=0.1)
                return

    def work():
        try:
            for block in blocks:
                put(stage(block), None)
                if stopped.is_set():
                    return
            put(None, StopIteration())
        except BaseException as error:
            put(None, error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            block, error = done.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield block
    finally:
        stopped.set()
        thread.join()


def _parsed(source, name, pace, input_format) -> Iterator[_Block]:
    """The blocks of the input, each line read as a text or an object."""
    first = 1
    for content in _blocks(source, name, pace):
        items, errors = _items(content, name, first, input_format)
        yield _Block(len(content), first, items, content, errors)
        first += len(items)


def _open_input(path):
    if str(path) == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    return open_bytes(path)


def _size(path):
    path = Path(path)
    return path.stat().st_size / 1000 if path.is_file() and path.suffix != ".gz" else None


def _blocks(source, name, pace) -> Iterator[bytes]:
    """Whole lines, about `pace.size` bytes at a time."""
    rest, first = b"", True
    while True:
        try:
            chunk = _read(source, pace.size)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"can't be read further: {error}", name) from None
        if not chunk:
            break
        if first:
            chunk, first = chunk.removeprefix(BYTE_ORDER_MARK), False
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        else:
            rest += chunk
    if rest:
        yield rest


def _read(source, size):
    """Up to `size` bytes; from a pipe only what is there, so that a slow writer's lines are answered at once."""
    if source is not sys.stdin.buffer:
        return source.read(size)
    descriptor = source.fileno()
    if os.isatty(descriptor):
        print("> ", end="", file=sys.stderr, flush=True)  # a person is there
    chunk = os.read(descriptor, size)
    if not chunk and os.isatty(descriptor):
        print(file=sys.stderr)
    while chunk and len(chunk) < size and select.select([descriptor], [], [], 0)[0]:
        more = os.read(descriptor, size - len(chunk))
        if not more:
            break
        chunk += more
    return chunk


def _items(content, name, first, input_format):
    """The texts or objects of a block, and by number of each bad line its error."""
    errors = {}
    if input_format == "text" and b"\r" not in content:
        try:
            return content.decode("utf-8").removesuffix("\n").split("\n"), errors
        except UnicodeDecodeError:
            pass
    items = []
    for number, line in enumerate(_lines(content), first):
        try:
            item = decode_line(line, name, number)
            if input_format == "jsonl":
                item = parse_json(item, name, number)
        except DataError as error:
            errors[number] = error
            item = ""
        items.append(item)
    return items, errors


def _lines(content):
    return content.removesuffix(b"\n").split(b"\n")


class _Output:
    """The output file and, once there is something to report, the one beside it for reports."""

    def __init__(self, path):
        self._path = None if str(path) == "-" else Path(path).resolve()
        self._files = contextlib.ExitStack()
        self._file = self._errors = None

    def __enter__(self):
        if self._path is None:
            self._file = sys.stdout.buffer
        elif self._path.exists() and not self._path.is_file():
            # A device or a named pipe is written to, not replaced.
            self._file = self._files.enter_context(open(self._path, "wb"))
        else:
            self._file = self._files.enter_context(written_atomically(self._path))
        return self

    def write(self, text):
        self._file.write(text)
        if self._path is None:
            self._file.flush()

    def rewrite(self, header):
        """Put other bytes in the place of the first ones."""
        self._file.seek(0)
        self._file.write(header)

    def report(self, report):
        fields = {
            "line": report.error.line,
            "severity": "error" if report.is_error else "warning",
            "reason": report.error.reason,
            "input": report.line[: 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN],
        }
        text = json.dumps(fields, ensure_ascii=False)
        if self._path is None:
            say(text)
            return
        if self._errors is None:
            self._errors = self._files.enter_context(written_atomically(self._error_path()))
        self._errors.write(text.encode() + b"\n")

    def __exit__(self, kind, error, trace):
        if self._path is None:
            self._file.flush()
        elif kind is None and self._errors is None:
            self._error_path().unlink(missing_ok=True)  # the reports of an earlier run
        return self._files.__exit__(kind, error, trace)

    def _error_path(self):
        return self._path.with_name(self._path.name + ".errors.jsonl")

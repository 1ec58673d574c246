"""File to file: lines in, lines out, in order, in bounded memory."""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.files import PARTIAL, check_name, decode_line, ending_of, why_not_written, written_atomically
from nlpkit.datasets.readers import parse_json
from nlpkit.errors import ConfigError, DataError, unknown_name
from nlpkit.prediction.answers import Problem
from nlpkit.prediction.chunks import LONGEST, Chunk, Pace, open_input, read_chunks
from nlpkit.terminal import progress_bar, say

BINARY_FORMATS = ("npy",)
"""Output formats that are not text; `nlpkit.prediction.predictor.Predictor.write` gives their bytes, and `header` what
goes before, once the number of lines is known."""
SHOWN_FORMATS = ("html", "colour")
"""Output formats that every task has: a page, and coloured text for a terminal."""
ON_ERROR = ("skip", "stop")
"""What may be done about a bad line."""
_AHEAD = 3  # blocks on their way, besides the one that is read and the one that is written
_SHOWN = 200  # characters of a bad line that the error file repeats


class Stages(NamedTuple):
    """The way of a block of lines. Unless the input is standard input, each stage has a thread of its own, so that
    blocks follow each other closely."""

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


class Counts(NamedTuple):
    """What became of the lines of a file."""

    lines: int
    reported: int
    """Of how many something was reported."""
    failed: int
    """How many of these could not be answered."""
    reason: str = ""
    """What was reported first, with its line."""


class _Block(NamedTuple):
    """A chunk of the input on its way."""

    chunk: Chunk
    first: int  # number of the first line
    items: list[Any]
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
) -> Counts:
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
        How many lines there were, and what was reported.

    Raises:
        ConfigError: if the input is the output, or an argument is not accepted.
        DataError: if a file can't be read or written; at the first bad line with ``on_error="stop"``.
    """
    check_arguments(input_path, output_path, input_format, on_error)
    name = "standard input" if str(input_path) == "-" else str(input_path)
    by_hand = str(input_path) == "-"
    counts = Counts(0, 0, 0)
    is_seen = str(output_path) == "-" and sys.stdout.isatty()  # the answers stand where a bar would
    with (
        open_input(input_path) as source,
        _Output(output_path) as output,
        progress_bar("KB", hidden=by_hand or is_seen) as bar,
        contextlib.ExitStack() as running,
    ):
        row = bar.add_task("predicting", total=_size(input_path))
        header = stages.header(0)
        output.write(header)
        pace = Pace()
        in_parts = stages.between is not None and input_format == "text"
        blocks = _parsed(read_chunks(source, name, pace, in_parts), name, input_format)
        # Whoever writes to a pipe may wait for the answer, so there no block waits for the next.
        answered = _answered if by_hand else _answered_ahead
        blocks = running.enter_context(closing(answered(_steps(stages), blocks)))
        reports, written = _Reports(name), _Parts(stages.between)
        for block in blocks:
            for report in reports.of(block):
                if report.is_error and on_error == "stop":
                    raise report.error
                output.report(report)
                counts = counts._replace(
                    reported=counts.reported + 1,
                    failed=counts.failed + report.is_error,
                    reason=counts.reason or f"line {report.error.line}: {report.error.reason}",
                )
            output.write(written.joined(block))
            counts = counts._replace(lines=counts.lines + len(block.items) - (not block.chunk.is_last))
            bar.advance(row, block.chunk.size / 1000)
            pace.done(block.chunk.size)
        output.write(stages.footer.encode())
        if stages.header(counts.lines) != header:
            output.rewrite(stages.header(counts.lines))
    return counts


def check_on_error(on_error: str) -> None:
    """Raise a `ConfigError` if it is none of `ON_ERROR`."""
    if on_error not in ON_ERROR:
        raise ConfigError(unknown_name("on_error", on_error, ON_ERROR))


def check_arguments(input_path: str | Path, output_path: str | Path, input_format: str, on_error: str) -> None:
    """See whether `predict_stream` can take these arguments.

    Raises:
        ConfigError: if one is not accepted, or the input is the output.
        DataError: if the output can't be a file, or a standard stream is closed.
    """
    check_on_error(on_error)
    if input_format not in ("text", "jsonl"):
        raise ConfigError(unknown_name("input_format", input_format, ("text", "jsonl")))
    if str(input_path) == "-" and sys.stdin is None:
        raise DataError("is closed; give a file, or let a program write to it", "standard input")
    if str(output_path) == "-":
        if sys.stdout is None:
            raise DataError("is closed; give a file, or let a program read from it", "standard output")
        return
    check_name(input_path)
    check_name(output_path)
    reports = errors_path(output_path)
    if reports is not None:
        check_name(reports.with_name(reports.name + PARTIAL))
    for path in (Path(output_path), reports):
        if path is not None and path.is_dir():
            raise DataError("is a folder; the output is a file", path)
    if not Path(output_path).parent.is_dir():
        raise DataError(f"can't be written: the folder {Path(output_path).parent} does not exist", output_path)
    source, target = Path(input_path).resolve(), Path(output_path).resolve()
    if target == source:
        raise ConfigError(f"{input_path}: is the input and the output; choose another output")
    for path, what in ((target, "the output"), (reports, "what is reported")):
        if path is not None and source in (path, path.with_name(path.name + PARTIAL)) and source.exists():
            raise ConfigError(f"{input_path}: is where {what} of {output_path} is written; choose another output")


def errors_path(output_path: str | Path) -> Path | None:
    """Where the reports of an output file go; None for standard error, beside standard output, a device or a pipe."""
    target = Path(output_path)
    if str(output_path) == "-" or (target.exists() and not target.is_file()):
        return None
    target = target.resolve()
    return target.with_name(f"{target.name}.errors.jsonl")


def format_by_name(path: str | Path) -> str:
    """The format of an input file as its name ends: ``jsonl`` or ``text``; a `ConfigError` for labelled columns."""
    if ending_of(path) == ".conll":
        raise ConfigError(
            f"{path}: labelled columns are measured, by nlpkit evaluate; what is predicted are lines of text, or JSON "
            "lines (the input format text takes the file for lines of text)"
        )
    return "jsonl" if ending_of(path) == ".jsonl" else "text"


def output_format(formats: Sequence[str], output: str | Path, name: str | None) -> str:
    """The format to write: the one that is named, or the one that the output's name ends in, or the first.

    Args:
        formats: those of the task, besides which there are `SHOWN_FORMATS`.
        output: the name of the file.
        name: the format that was asked for, or None.

    Raises:
        ConfigError: if it is not one of them, or it can't be written there.
    """
    formats = (*formats, *SHOWN_FORMATS)
    by_name = ending_of(output).removeprefix(".")
    chosen = name or (by_name if by_name in formats else formats[0])
    if chosen not in formats:
        raise ConfigError(unknown_name("format", chosen, formats))
    if chosen in BINARY_FORMATS and (str(output) == "-" or str(output).endswith(".gz")):
        raise ConfigError(f"{output}: {chosen} needs a file that is not compressed")
    return chosen


def _steps(stages):
    """The stages as functions of a block, and how many blocks each works on at once."""

    def encode(block):
        encoded, problems = stages.encode(block.items)
        return block._replace(encoded=encoded, problems=problems)

    def run(block):
        return block._replace(outputs=stages.run(block.encoded))

    def write(block):
        text = stages.write(block.encoded, block.outputs)
        content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        return block._replace(text=content, encoded=None, outputs=None)

    # Two blocks are in the network at once: when one has its last batch there, the other keeps the cores busy.
    return (encode, 1), (run, 2), (write, 1)


class _Report(NamedTuple):
    """What is reported of a line."""

    error: DataError
    is_error: bool
    line: bytes


class _Reports:
    """What is to be said of the lines, once of each."""

    def __init__(self, name):
        self._name, self._last = name, 0

    def of(self, block) -> Iterator[_Report]:
        """One report for each line of a block that something is to be said of, in order."""
        found = {
            block.first + problem.row: (
                DataError(problem.reason, self._name, block.first + problem.row),
                problem.is_error,
            )
            for problem in block.problems
        }
        found |= {number: (error, True) for number, error in block.errors.items()}
        lines = _lines(block.chunk.content) if found else []
        for number in sorted(found):
            if number != self._last:  # a part of a line of which a report was given
                self._last = number
                yield _Report(*found[number], lines[number - block.first])


class _Parts:
    """Puts together the answers to the parts of a long line."""

    def __init__(self, between):
        self._between, self._is_open = (between or "").encode(), False

    def joined(self, block) -> bytes:
        """What is written for a block."""
        is_part = block.chunk.before or not block.chunk.is_last
        if not is_part:
            return block.text
        text = block.text.removesuffix(b"\n")
        before = self._between if self._is_open and text else b""
        self._is_open = bool(self._is_open or text) and not block.chunk.is_last
        return before + text + (b"\n" if block.chunk.is_last else b"")


def _answered(steps, blocks):
    """The blocks after all steps, one after the other."""
    for block in blocks:
        for step, _ in steps:
            block = step(block)
        yield block


def _answered_ahead(steps, blocks):
    """The same by threads that work ahead of what is asked for: a step has its own, and `_AHEAD` bounds what waits.

    A block is handed on as soon as it is done, whether or not there is another one.
    """
    begun, stopped = queue.Queue(_AHEAD), threading.Event()

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
            for block in blocks:
                put(begin(block))
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
            yield item.result()
    finally:
        stopped.set()
        thread.join()
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _parsed(chunks, name, input_format) -> Iterator[_Block]:
    """The blocks of the input, each line read as a text or an object."""
    first = 1
    for chunk in chunks:
        if chunk.is_passed_over:
            reason = f"is {chunk.size:,} bytes long, and can be {LONGEST:,} at most; cut it into several lines"
            items, errors = [""], {first: DataError(reason, name, first)}
        else:
            items, errors = _items(chunk, name, first, input_format)
        yield _Block(chunk, first, items, errors)
        first += len(items) - (not chunk.is_last)


def _size(path):
    path = Path(path)
    return path.stat().st_size / 1000 if path.is_file() and path.suffix != ".gz" else None


def _items(chunk, name, first, input_format):
    """The texts or objects of a chunk, and by number of each bad line its error."""
    content, errors = chunk.content, {}
    if input_format == "text" and b"\r" not in content:
        try:
            return content.decode("utf-8").removesuffix("\n").split("\n"), errors
        except UnicodeDecodeError:
            pass
    items = []
    for number, line in enumerate(_lines(content), first):
        try:
            item = decode_line(line, name, number, chunk.before)
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
        self._path = None if str(path) == "-" else Path(path)
        self._errors_path = errors_path(path)
        self._files = contextlib.ExitStack()
        self._file = self._errors = None

    def __enter__(self):
        if self._path is None:
            self._file = sys.stdout.buffer
        elif self._path.exists() and not self._path.is_file():
            # A device or a named pipe is written to, not replaced.
            self._file = self._files.enter_context(open(self._path, "wb"))
        else:
            self._file = self._files.enter_context(written_atomically(self._path.resolve()))
        return self

    def write(self, text):
        with self._told():
            self._file.write(text)
            if self._path is None:
                self._file.flush()

    @contextlib.contextmanager
    def _told(self):
        """Tell why something could not be written."""
        try:
            yield
        except BrokenPipeError:
            raise  # whoever read has gone, which is no error
        except OSError as error:
            if self._path is None:
                raise DataError(f"can't be written: {error.strerror}", "standard output") from None
            raise DataError(why_not_written(error, self._path), self._path) from None

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
        if self._errors_path is None:
            say(text)
            return
        if self._errors is None:
            self._errors = self._files.enter_context(written_atomically(self._errors_path))
        self._errors.write(text.encode("utf-8", "backslashreplace") + b"\n")

    def __exit__(self, kind, error, trace):
        with self._told():
            if self._path is None:
                self._file.flush()
            is_handled = self._files.__exit__(kind, error, trace)
            if self._errors_path is not None and kind is None and self._errors is None:
                self._errors_path.unlink(missing_ok=True)  # the reports of an earlier run
            return is_handled

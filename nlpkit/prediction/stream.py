"""File to file: lines in, lines out, in order, in bounded memory."""

import contextlib
import gzip
import json
import os
import queue
import select
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.files import BYTE_ORDER_MARK, decode_line, open_bytes
from nlpkit.datasets.readers import parse_json
from nlpkit.errors import ConfigError, DataError
from nlpkit.training.progress import console, progress_bar

_LEAST, _MOST = 1 << 18, 4 << 20  # bytes read at a time
_EVERY = 2.0  # seconds that a block should take, so that progress shows
_SHOWN = 200  # characters of a bad line that the error file repeats


class Stages(NamedTuple):
    """The way of a block of texts: each stage has a thread of its own, so that blocks follow each other closely."""

    inspect: Callable[[list[str]], Iterable[tuple[int, str]]]  # what is wrong with which texts
    encode: Callable[[list[str]], Any]
    run: Callable[[Any], Any]  # takes what `encode` gives
    write: Callable[[Any, Any], str]  # takes both; gives the output with line ends


def predict_stream(
    stages: Stages, input_path, output_path, input_format: str = "text", on_error: str = "skip"
) -> tuple[int, int]:
    """Answer every line of a file, in order.

    Args:
        input_path, output_path: files, or ``-`` for standard input and output. The output is written beside its
            place and renamed when it is whole. Names that end in ``.gz`` are gzipped.
        input_format: ``text``, or ``jsonl`` for objects with a field ``text``.
        on_error: ``skip`` gives a line that can't be read the answer of an empty one, and writes what is wrong with
            which lines to ``OUTPUT.errors.jsonl``; ``stop`` raises.

    Returns:
        Numbers of lines and of bad lines.
    """
    if on_error not in ("skip", "stop"):
        raise ConfigError(f"on_error = {on_error!r}: accepted are skip and stop")
    if str(output_path) != "-" and Path(output_path).resolve() == Path(input_path).resolve():
        raise ConfigError(f"{input_path}: is the input and the output; choose another output")
    if str(output_path) != "-" and Path(f"{output_path}.errors.jsonl").resolve() == Path(input_path).resolve():
        raise ConfigError(f"{input_path}: is where the bad lines of {output_path} go; choose another output")
    if input_format not in ("text", "jsonl"):
        raise ConfigError(f"input_format = {input_format!r}: accepted are text and jsonl")
    name = "standard input" if str(input_path) == "-" else input_path
    lines = bad = 0
    with _open_input(input_path) as source, _Output(output_path) as output, progress_bar("KB") as bar:
        row = bar.add_task("predicting", total=_size(input_path))

        def encode(block):
            size, first, texts, errors = block
            for row, reason in stages.inspect(texts):
                if first + row not in errors:
                    errors[first + row] = DataError(reason, name, first + row), texts[row].encode("utf-8", "replace")
            return size, [errors[line] for line in sorted(errors)], len(texts), stages.encode(texts)

        def run(block):
            *facts, encoded = block
            return *facts, encoded, stages.run(encoded)

        def write(block):
            size, errors, count, encoded, found = block
            return size, errors, count, stages.write(encoded, found).encode("utf-8", "replace")

        pace = _Pace()
        blocks = _parsed(source, name, pace, input_format)
        # Whoever writes to a pipe may wait for the answer, so there no block waits for the next.
        apply = map if str(input_path) == "-" else _ahead
        with contextlib.ExitStack() as running:
            for stage in (encode, run, write):
                blocks = apply(stage, blocks)
                if apply is _ahead:
                    running.callback(blocks.close)
            for size, errors, count, text in blocks:
                for error, line in errors:
                    if on_error == "stop":
                        raise error
                    output.report(error, line)
                output.write(text)
                lines, bad = lines + count, bad + len(errors)
                bar.advance(row, size / 1000)
                pace.done(size)
    return lines, bad


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


def _parsed(source, name, pace, input_format):
    """``(bytes, number of the first line, texts, errors)`` of each block."""
    first = 1
    for block in _blocks(source, name, pace):
        texts, errors = _texts(block, name, first, input_format)
        yield len(block), first, texts, errors
        first += len(texts)


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
    while chunk and len(chunk) < size and select.select([descriptor], [], [], 0)[0]:
        more = os.read(descriptor, size - len(chunk))
        if not more:
            break
        chunk += more
    return chunk


def _texts(block, name, first, input_format):
    """The texts of a block, and by number of each bad line its error and its bytes."""
    errors = {}
    if input_format == "text" and b"\r" not in block:
        try:
            return block.decode("utf-8").removesuffix("\n").split("\n"), errors
        except UnicodeDecodeError:
            pass
    texts = []
    for number, line in enumerate(block.removesuffix(b"\n").split(b"\n"), first):
        try:
            text = decode_line(line, name, number)
            if input_format == "jsonl":
                text = parse_json(text, name, number, text=str)["text"]
        except DataError as error:
            errors[number] = error, line
            text = ""
        texts.append(text)
    return texts, errors


class _Output:
    """The output file and, once there is an error, the one beside it for bad lines."""

    def __init__(self, path):
        self._path = None if str(path) == "-" else Path(path).resolve()
        if self._path is not None and self._path.is_dir():
            raise DataError("is a folder; the output is a file", path)
        # A device or a named pipe is written to, not replaced.
        self._in_place = self._path is not None and self._path.exists() and not self._path.is_file()
        self._file = self._errors = None

    def __enter__(self):
        if self._path is None:
            self._file = sys.stdout.buffer
        else:
            self._file = self._create(self._path)
        return self

    def write(self, text):
        self._file.write(text)
        if self._path is None:
            self._file.flush()

    def report(self, error, line):
        fields = {
            "line": error.line,
            "reason": error.reason,
            "input": line[: 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN],
        }
        text = json.dumps(fields, ensure_ascii=False)
        if self._path is None:
            console().print(text, markup=False)
            return
        if self._errors is None:
            self._errors = self._create(self._error_path())
        self._errors.write(text.encode() + b"\n")

    def __exit__(self, kind, *_):
        if self._path is None:
            self._file.flush()
            return
        targets = [(self._errors, self._error_path())]
        if self._in_place:
            self._file.close()
        else:
            targets.append((self._file, self._path))
        for file, path in targets:
            if file is not None:
                file.close()
            if kind is not None:
                self._partial(path).unlink(missing_ok=True)
            elif file is not None:
                os.replace(self._partial(path), path)
            else:
                path.unlink(missing_ok=True)  # the bad lines of an earlier run

    def _error_path(self):
        return self._path.with_name(self._path.name + ".errors.jsonl")

    @staticmethod
    def _partial(path):
        return path.with_name(path.name + ".partial")

    def _create(self, path):
        in_place = self._in_place and path == self._path
        try:
            return (gzip.open if path.suffix == ".gz" else open)(path if in_place else self._partial(path), "wb")
        except OSError as error:
            raise DataError(f"can't be written: {error.strerror}", path) from None

"""An input of any size, with lines of any length, in chunks of bounded size."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NamedTuple

from nlpkit.datasets.files import BYTE_ORDER_MARK, open_bytes
from nlpkit.errors import DataError

LONGEST = 4 << 20
"""Bytes of a line that is read at once."""
_LEAST, _FIRST, _MOST = 1 << 14, 1 << 16, 3 << 17  # bytes of a chunk, unless a single line is longer
_EVERY = 2.0  # seconds that a chunk should take, so that progress shows
_STOPS = [stop.encode() for stop in "。！？；， \t　"]  # after which a longer line is cut
_KEPT = 800  # bytes of a line that is passed over


class Chunk(NamedTuple):
    """Some bytes of the input: whole lines, or a part of a line that is longer than `LONGEST`."""

    content: bytes
    size: int
    """Bytes that were read for it."""
    before: int = 0
    """Bytes of the line before this part of it."""
    is_last: bool = True
    """Whether a line ends with it."""
    is_passed_over: bool = False
    """Whether `content` is only the beginning of a line that can't be answered in parts."""


class Pace:
    """How much to read at a time: some at first, then what `_EVERY` allows, within bounds that keep memory low."""

    def __init__(self):
        self.size, self._last = _FIRST, time.monotonic()

    def done(self, size: int) -> None:
        """To be called when answers to so many bytes are written."""
        taken, self._last = time.monotonic() - self._last, time.monotonic()
        self.size = int(min(max(size / max(taken, 1e-3) * _EVERY, _LEAST), _MOST))


def open_input(path: str | Path) -> AbstractContextManager[IO[bytes]]:
    """A file, or standard input for ``-``; a `DataError` if it can't be read."""
    return open_bytes(path) if str(path) != "-" else contextlib.nullcontext(sys.stdin.buffer)


def read_chunks(source: IO[bytes], name: str, pace: Pace, in_parts: bool) -> Iterator[Chunk]:
    """The chunks of a file, of about `pace.size` bytes.

    Args:
        source: the open file.
        name: its name, for errors.
        pace: how much to read at a time.
        in_parts: whether a line that is longer than `LONGEST` comes in parts; otherwise it is passed over.

    Raises:
        DataError: if the file can't be read further.
    """
    contents = _contents(source, name, pace)
    held: list[bytes] = []  # a line whose end has not been read
    size = 0
    content = next(contents, b"")
    while content:
        end = content.rfind(b"\n") + 1
        if end:
            lines = b"".join([*held, content[:end]])
            yield Chunk(lines, len(lines))
            held, size = [], 0
        held.append(content[end:])
        size += len(held[-1])
        content = b""
        if size > LONGEST:
            content = yield from (_parts if in_parts else _passed_over)(b"".join(held), contents)
            held, size = [], 0
        content = content or next(contents, b"")
    if size:
        yield Chunk(b"".join(held), size)


def _parts(begin, contents):
    """A long line part by part; gives back what was read after it."""
    before, is_read, after = 0, False, b""
    while True:
        while not is_read and len(begin) <= _MOST:
            content = next(contents, b"")
            line, end, after = content.partition(b"\n")
            begin += line
            is_read = bool(end) or not content
        is_last = is_read and len(begin) <= _MOST
        cut = len(begin) if is_last else _place_of_cut(begin[:_MOST])
        yield Chunk(begin[:cut], cut + is_last, before, is_last)
        if is_last:
            return after
        before, begin = before + cut, begin[cut:]


def _place_of_cut(content):
    """Where to cut within some bytes: after the last stop, if it is not far, else between two characters."""
    cut = max(content.rfind(stop) + len(stop) for stop in _STOPS)
    if cut > len(content) // 2:
        return cut
    cut = len(content) - 1
    while cut > len(content) - 4 and content[cut] & 0xC0 == 0x80:  # within a character
        cut -= 1
    return cut


def _passed_over(begin, contents):
    """The beginning of a long line; gives back what was read after it."""
    size, after = len(begin), b""
    for content in contents:
        line, end, after = content.partition(b"\n")
        size += len(line) + len(end)
        if end:
            break
    yield Chunk(begin[:_KEPT], size, is_passed_over=True)
    return after


def _contents(source, name, pace):
    """What is read, `pace.size` bytes or less at a time."""
    begin: bytes | None = b""  # of the file, as long as it may be a part of a byte order mark
    while True:
        try:
            content = _read(source, pace.size)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"can't be read further: {error}", name) from None
        is_end = not content
        if begin is not None:
            begin += content
            if BYTE_ORDER_MARK.startswith(begin) and not is_end:
                continue
            content, begin = begin.removeprefix(BYTE_ORDER_MARK), None
        if content:
            yield content
        if is_end:
            return


def _read(source, size):
    """Up to `size` bytes; from a pipe only what is there, so that a slow writer's lines are answered at once."""
    if sys.stdin is None or source is not sys.stdin.buffer:
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

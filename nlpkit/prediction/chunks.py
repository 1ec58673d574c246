"""Chunks of bounded size from an input of any size, with lines of any length.

The chunks depend on nothing but the file: chunk k has the lines that begin in its k-th stretch of `size` bytes. So a
run that continues after a kill, the shards of a file and the workers of a cluster see the same chunks, and give the
same answers bit for bit.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NamedTuple

from nlpkit.datasets.files import BYTE_ORDER_MARK, open_bytes
from nlpkit.errors import DataError

LONGEST = 4 << 20
"""Largest size of a line that is read at once, in bytes."""
_PART = 3 << 17  # bytes of a part of a longer line
_PIPE = 3 << 17  # bytes read at once from a pipe
_STOPS = [stop.encode() for stop in "。！？；， \t　"]  # characters after which a longer line is cut
_KEPT = 800  # bytes kept of a line that is skipped


class Chunk(NamedTuple):
    """Bytes of the input: whole lines, or a part of a line that is longer than `LONGEST`."""

    content: bytes
    size: int
    """Number of bytes of the input that it covers."""
    number: int = 0
    """Number of the stretch of the file in which its lines begin; the parts of a long line share it."""
    before: int = 0
    """Number of bytes of the line before this part of it."""
    is_last: bool = True
    """Whether a line ends with it."""
    is_passed_over: bool = False
    """Whether `content` is just the beginning of a line that is too long to be answered."""


def open_input(path: str | Path) -> AbstractContextManager[IO[bytes]]:
    """Open a file, or standard input for ``-``; raise a `DataError` if it can't be read."""
    return open_bytes(path) if str(path) != "-" else contextlib.nullcontext(sys.stdin.buffer)


def read_chunks(
    source: IO[bytes], name: str, size: int, in_parts: bool, first: int = 0, end: int | None = None
) -> Iterator[Chunk]:
    """Chunks of a file from number `first` up to number `end`, or to the end of the file.

    Args:
        source: open file, at its beginning; it must be seekable if `first` is above 0.
        name: name of the file in errors.
        size: size of a stretch of the file, in bytes.
        in_parts: whether to read a line that is longer than `LONGEST` in parts; otherwise it is skipped.
        first, end: numbers of the first chunk and of the one after the last.

    Raises:
        DataError: if reading fails.
    """
    reader = _Reader(source, name, size)
    reader.go_to_line(first * size)
    while end is None or reader.place < end * size:
        number = reader.place // size
        lines, is_long = reader.lines((number + 1) * size - reader.place)
        if lines:
            yield Chunk(lines, len(lines), number)
        if is_long:
            for chunk in reader.long_line(in_parts):
                yield chunk._replace(number=number)
        elif not lines:
            return


def read_as_it_comes(source: IO[bytes], name: str, in_parts: bool) -> Iterator[Chunk]:
    """Chunks of the lines that a pipe has ready, so that a slow writer's lines are answered at once; arguments as in
    `read_chunks`."""
    reader = _Reader(source, name, _PIPE)
    reader.go_to_line(0)
    while True:
        lines, is_long = reader.lines_there()
        if lines:
            yield Chunk(lines, len(lines))
        if is_long:
            yield from reader.long_line(in_parts)
        elif not lines:
            return


def count_lines(source: IO[bytes], name: str, size: int, end: int | None = None) -> int:
    """Number of lines in the chunks before number `end`, or in the file; arguments as in `read_chunks`."""
    limit = None if end is None else end * size
    lines, place, last = 0, _place(source), b"\n"
    while limit is None or place < limit:
        content = _read(source, name, 1 << 20 if limit is None else min(1 << 20, limit - place))
        if not content:
            break
        lines, place, last = lines + content.count(b"\n"), place + len(content), content[-1:]
    return lines + (last != b"\n")  # a line belongs to the chunk in which it begins


def size_of(source: IO[bytes], name: str) -> int:
    """Decompressed size of a file in bytes, including a byte order mark; arguments as in `read_chunks`."""
    place = _place(source)
    while content := _read(source, name, 1 << 20):
        place += len(content)
    return place


class _Reader:
    """Reads a file line by line; `place` is the offset of the next line."""

    def __init__(self, source: IO[bytes], name: str, size: int):
        self._source, self._name, self._size = source, name, size
        self.place = _place(source)
        self._held, self._is_end = b"", False  # bytes that were read and not yet taken

    def go_to_line(self, place: int) -> None:
        """Move to the first line that begins at an offset or after it."""
        if place == 0:
            if self.place:
                return  # after a byte order mark
            while not self._is_end and BYTE_ORDER_MARK.startswith(self._held) and len(self._held) < 3:
                self._more()
            if self._held.startswith(BYTE_ORDER_MARK):
                self._take(len(BYTE_ORDER_MARK))
            return
        self._source.seek(place - 1)
        self.place = place - 1
        while (end := self._held.find(b"\n")) < 0 and not self._is_end:
            self._take(len(self._held))
            self._more()
        self._take(end + 1 if end >= 0 else len(self._held))

    def lines(self, least: int) -> tuple[bytes, bool]:
        """Take the lines that begin within `least` bytes; also whether a long line follows, which is not taken."""
        begin = least - 1
        while (end := self._held.find(b"\n", begin)) < 0 and not self._is_end:
            if len(self._held) - (self._held.rfind(b"\n") + 1) > LONGEST:
                break
            begin = max(begin, len(self._held))
            self._more()
        end = end + 1 or len(self._held)
        return self._split(end)

    def lines_there(self) -> tuple[bytes, bool]:
        """Take the lines that have been read, as `lines`; if there is none, wait for one."""
        while (end := self._held.rfind(b"\n") + 1) == 0 and not self._is_end and len(self._held) <= LONGEST:
            self._more()
        return self._split(end or len(self._held))

    def _split(self, end: int) -> tuple[bytes, bool]:
        last = self._held.rfind(b"\n", 0, max(0, end - 1)) + 1  # where the last line begins
        is_long = end - last > LONGEST
        return self._take(last if is_long else end), is_long

    def long_line(self, in_parts: bool) -> Iterator[Chunk]:
        """Take the long line that follows, as chunks."""
        return self._parts() if in_parts else self._skipped()

    def _parts(self) -> Iterator[Chunk]:
        before = 0
        while True:
            while (end := self._held.find(b"\n", 0, _PART + 1)) < 0 and len(self._held) <= _PART and not self._is_end:
                self._more()
            is_last = end >= 0 or len(self._held) <= _PART
            cut = end if end >= 0 else len(self._held) if is_last else _place_of_cut(self._held[:_PART])
            content = self._take(cut)
            size = cut + len(self._take(1)) if end >= 0 else cut
            yield Chunk(content, size, before=before, is_last=is_last)
            if is_last:
                return
            before += cut

    def _skipped(self) -> Iterator[Chunk]:
        begin, size = self._held[:_KEPT].partition(b"\n")[0], 0
        while (end := self._held.find(b"\n")) < 0 and not self._is_end:
            size += len(self._take(len(self._held)))
            self._more()
        size += len(self._take(end + 1 or len(self._held)))
        yield Chunk(begin, size, is_passed_over=True)

    def _take(self, count: int) -> bytes:
        taken, self._held = self._held[:count], self._held[count:]
        self.place += count
        return taken

    def _more(self) -> None:
        content = _read(self._source, self._name, self._size)
        self._held += content
        self._is_end = not content


def _place(source: IO[bytes]) -> int:
    """Offset in a file: 3 if `open_input` has skipped a byte order mark."""
    return source.tell() if source.seekable() else 0


def _place_of_cut(content: bytes) -> int:
    """Offset of a cut: after the last stop in the second half, else between two characters."""
    cut = max(content.rfind(stop) + len(stop) for stop in _STOPS)
    if cut > len(content) // 2:
        return cut
    cut = len(content) - 1
    while cut > len(content) - 4 and content[cut] & 0xC0 == 0x80:  # within a character
        cut -= 1
    return cut


def _read(source: IO[bytes], name: str, size: int) -> bytes:
    """Read as `_read_available`, with a `DataError` for what fails."""
    try:
        return _read_available(source, size)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"can't be read further: {error}", name) from None


def _read_available(source: IO[bytes], size: int) -> bytes:
    """Read up to `size` bytes; from standard input those that are available."""
    if sys.stdin is None or source is not sys.stdin.buffer:
        return source.read(size)
    descriptor = source.fileno()
    if os.isatty(descriptor):
        print("> ", end="", file=sys.stderr, flush=True)  # a prompt for a person
    chunk = os.read(descriptor, size)
    if not chunk and os.isatty(descriptor):
        print(file=sys.stderr)
    while chunk and len(chunk) < size and select.select([descriptor], [], [], 0)[0]:
        more = os.read(descriptor, size - len(chunk))
        if not more:
            break
        chunk += more
    return chunk

"""An input of any size, with lines of any length, in chunks of bounded size.

Which lines a chunk holds depends on nothing but the file: chunk k has the lines that begin in the k-th stretch of so
many bytes. So a run that goes on after a kill, the shards of a file and the workers of a cluster all see the same
chunks, and answer them alike to the last bit.
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
"""Bytes of a line that is read at once."""
_PART = 3 << 17  # bytes of a part of a longer one
_PIPE = 3 << 17  # bytes that are read at once of what someone writes while it is answered
_STOPS = [stop.encode() for stop in "。！？；， \t　"]  # after which a longer line is cut
_KEPT = 800  # bytes of a line that is passed over


class Chunk(NamedTuple):
    """Some bytes of the input: whole lines, or a part of a line that is longer than `LONGEST`."""

    content: bytes
    size: int
    """Bytes that were read for it."""
    number: int = 0
    """Of the stretch of the file in which its lines begin; a long line is a chunk, or several, with the same number."""
    before: int = 0
    """Bytes of the line before this part of it."""
    is_last: bool = True
    """Whether a line ends with it."""
    is_passed_over: bool = False
    """Whether `content` is only the beginning of a line that can't be answered in parts."""


def open_input(path: str | Path) -> AbstractContextManager[IO[bytes]]:
    """A file, or standard input for ``-``; a `DataError` if it can't be read."""
    return open_bytes(path) if str(path) != "-" else contextlib.nullcontext(sys.stdin.buffer)


def read_chunks(
    source: IO[bytes], name: str, size: int, in_parts: bool, first: int = 0, end: int | None = None
) -> Iterator[Chunk]:
    """The chunks of a file from a number on, up to another one or to its end.

    Args:
        source: the open file, at its beginning; if `first` is above 0, one in which a place can be sought.
        name: its name, for errors.
        size: bytes of a stretch of the file.
        in_parts: whether a line that is longer than `LONGEST` comes in parts; otherwise it is passed over.
        first, end: numbers of chunks.

    Raises:
        DataError: if the file can't be read further.
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
    """The lines of a pipe in chunks of what is there, so that a slow writer's lines are answered at once; arguments as
    of `read_chunks`."""
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
    """How many lines the chunks before number `end` have, or all of them; arguments as of `read_chunks`."""
    limit = None if end is None else end * size
    lines, place, last = 0, _place(source), b"\n"
    while limit is None or place < limit:
        content = _read_told(source, name, 1 << 20 if limit is None else min(1 << 20, limit - place))
        if not content:
            break
        lines, place, last = lines + content.count(b"\n"), place + len(content), content[-1:]
    return lines + (last != b"\n")  # the chunk has all of a line that begins in it


def size_of(source: IO[bytes], name: str) -> int:
    """Bytes of a file, decompressed, a byte order mark among them; arguments as of `read_chunks`."""
    place = _place(source)
    while content := _read_told(source, name, 1 << 20):
        place += len(content)
    return place


class _Reader:
    """A file that is read line by line; `place` is where in it the next line begins."""

    def __init__(self, source, name, size):
        self._source, self._name, self._size = source, name, size
        self.place = _place(source)
        self._held, self._is_end = b"", False  # what was read and not yet given

    def go_to_line(self, place):
        """Go to the first line that begins here or later."""
        if place == 0:
            if self.place:
                return  # behind a byte order mark
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

    def lines(self, least):
        """The lines that begin within so many bytes, and whether a long one follows, which is not among them."""
        begin = least - 1
        while (end := self._held.find(b"\n", begin)) < 0 and not self._is_end:
            if len(self._held) - (self._held.rfind(b"\n") + 1) > LONGEST:
                break
            begin = max(begin, len(self._held))
            self._more()
        end = end + 1 or len(self._held)
        return self._split(end)

    def lines_there(self):
        """The same of those that have been read, and more if there is none."""
        while (end := self._held.rfind(b"\n") + 1) == 0 and not self._is_end and len(self._held) <= LONGEST:
            self._more()
        return self._split(end or len(self._held))

    def _split(self, end):
        last = self._held.rfind(b"\n", 0, max(0, end - 1)) + 1  # where the last line begins
        is_long = end - last > LONGEST
        return self._take(last if is_long else end), is_long

    def long_line(self, in_parts):
        """The chunks of a long line that comes now."""
        return self._parts() if in_parts else self._passed_over()

    def _parts(self):
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

    def _passed_over(self):
        begin, size = self._held[:_KEPT].partition(b"\n")[0], 0
        while (end := self._held.find(b"\n")) < 0 and not self._is_end:
            size += len(self._take(len(self._held)))
            self._more()
        size += len(self._take(end + 1 or len(self._held)))
        yield Chunk(begin, size, is_passed_over=True)

    def _take(self, count):
        taken, self._held = self._held[:count], self._held[count:]
        self.place += count
        return taken

    def _more(self):
        content = _read_told(self._source, self._name, self._size)
        self._held += content
        self._is_end = not content


def _place(source):
    """Where a file is: behind a byte order mark, if there is one and `open_input` has left it out."""
    return source.tell() if source.seekable() else 0


def _place_of_cut(content):
    """Where to cut within some bytes: after the last stop, if it is not far, else between two characters."""
    cut = max(content.rfind(stop) + len(stop) for stop in _STOPS)
    if cut > len(content) // 2:
        return cut
    cut = len(content) - 1
    while cut > len(content) - 4 and content[cut] & 0xC0 == 0x80:  # within a character
        cut -= 1
    return cut


def _read_told(source, name, size):
    try:
        return _read(source, size)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"can't be read further: {error}", name) from None


def _read(source, size):
    """Up to `size` bytes; from standard input only what is there."""
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

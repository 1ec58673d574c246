"""Files: lines of text with errors that name file and line, and atomic writes."""

from __future__ import annotations

import codecs
import contextlib
import errno
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from nlpkit.datasets.locks import open_regular, try_lock
from nlpkit.errors import DataError

BYTE_ORDER_MARK = codecs.BOM_UTF8
PARTIAL = ".partial"
"""Ending of the name of an incomplete file; it is removed when the file is complete."""
PARTIAL_MODEL = f"{PARTIAL}.keras"
"""The same for files written by Keras, which requires its own ending."""


@contextlib.contextmanager
def written_atomically(path: str | Path) -> Iterator[IO[bytes]]:
    """A temporary binary file that replaces `path` at the end of the block; gzipped if the name ends in ``.gz``.

    A kill leaves the old file or the new one, and at most an incomplete file with the ending `PARTIAL`; an error leaves
    no incomplete file.

    Raises:
        DataError: if the file can't be written, or another process is writing it.
    """
    path = Path(path)
    try:
        partial = path.with_name(path.name + PARTIAL)
        os.fsencode(partial)
    except ValueError as error:
        raise DataError(f"can't be written: {error}", path) from None
    try:
        file = open_partial(partial)
    except OSError as error:
        raise DataError(why_not_written(error, path), path) from None
    if file is None:
        raise DataError("is being written by another process; let it end, or choose another name", path)
    try:
        with file:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed:
                    yield cast(IO[bytes], compressed)
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
            put_in_place(partial, path)
    except OSError as error:
        remove(partial)
        raise DataError(why_not_written(error, path), path) from None
    except BaseException:
        remove(partial)
        raise


def open_partial(path: Path, is_kept: bool = False) -> IO[bytes] | None:
    """A file that only this process writes; None if another one is writing it.

    Args:
        path: the file.
        is_kept: whether to keep its content; the position is at the beginning in either case.
    """
    descriptor = open_regular(path)
    if not try_lock(descriptor) or os.stat(path).st_ino != os.fstat(descriptor).st_ino:
        os.close(descriptor)
        return None
    if not is_kept:
        os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "r+b")


def put_in_place(partial: Path, path: Path) -> None:
    """Move a complete file to its final name, while it is locked, so that no other process begins to write it."""
    os.replace(partial, path)


def check_readable(path: str | Path) -> None:
    """Raise a `DataError` if a file can't be read; pipes are not opened, as that is possible only once.

    Raises:
        DataError: see `open_bytes`.
    """
    check_name(path)
    if not Path(path).exists() or Path(path).is_file() or Path(path).is_dir():
        open_bytes(path).close()


def check_name(path: str | Path, error: Callable[[str], Exception] | None = None) -> None:
    """Raise a `DataError` if no file can have this name: it is too long, or contains a forbidden character.

    Args:
        path: the name.
        error: function of the message that returns another exception to raise.
    """
    try:
        os.stat(path)
    except ValueError as reason:
        why = f"can't be the name of a file: {reason}"
    except OSError as reason:
        if reason.errno != errno.ENAMETOOLONG:
            return
        why = _reason(reason)
    else:
        return
    raise error(f"{path}: {why}") if error else DataError(why, path)


def check_place(path: str | Path) -> None:
    """Raise a `DataError` if no file can be written here, as the name is invalid or the folder does not exist."""
    check_name(path)
    if not Path(path).parent.is_dir():
        raise DataError(f"can't be written: the folder {Path(path).parent} does not exist", path)


def why_not_written(error: OSError, path: Path) -> str:
    """The reason why a file could not be written, to follow its name in a message."""
    folder = path.parent.absolute()
    if not folder.is_dir():
        return f"can't be written: the folder {path.parent} does not exist"
    room = f" in {folder}; make room there and start again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"can't be written: {_reason(error)}{room}"


def remove(partial: Path) -> None:
    """Remove an incomplete file, if possible."""
    with contextlib.suppress(OSError):
        partial.unlink()


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file atomically."""
    with written_atomically(path) as file:
        file.write(content)


def ending_of(path: str | Path) -> str:
    """Ending of a file's name, such as ``.txt``, without ``.gz``."""
    return Path(str(path).removesuffix(".gz")).suffix


def digest_of(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal digits; the file is read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_bytes(path: str | Path) -> IO[bytes]:
    """A readable binary file; ``.gz`` is decompressed, a UTF-8 byte order mark is skipped.

    Raises:
        DataError: if there is no such file, it is a folder, or it is not readable.
    """
    path = Path(path)
    file: Any = None
    try:
        file = (gzip.open if path.suffix == ".gz" else open)(path, "rb")
        if file.peek(3)[:3] == BYTE_ORDER_MARK:
            file.read(3)
        return file
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except IsADirectoryError:
        raise DataError("is a folder; a text file is expected", path) from None
    except (OSError, EOFError, zlib.error, ValueError) as error:  # ValueError: an invalid name
        if file is not None:
            file.close()
        raise DataError(f"can't be read: {_reason(error)}", path) from None


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """``(line number, line)`` without line ends, decoded from UTF-8.

    Raises:
        DataError: see `open_bytes`; also if a line is not UTF-8, or the file is damaged or empty.
    """
    number = 0
    with open_bytes(path) as file:
        try:
            for number, line in enumerate(file, 1):
                yield number, decode_line(line, path, number)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"can't be read further: {_reason(error)}", path, number + 1) from None
    if number == 0:
        raise DataError("is empty", path)


def decode_line(line: bytes, path: str | Path, number: int, before: int = 0) -> str:
    """Decode a line without its end; a `DataError` if it is not UTF-8.

    Args:
        line: the line, or the end of it.
        path, number: file and line number, for the error.
        before: number of bytes of the line before `line`.
    """
    try:
        return line.rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        byte, column = line[error.start], before + error.start + 1
        encoding = "UTF-16" if line[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "GB18030"
        raise DataError(
            f"is not UTF-8 (byte 0x{byte:02x} at column {column}); convert the file, for example with "
            f"iconv -f {encoding} -t UTF-8",
            path,
            number,
        ) from None


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

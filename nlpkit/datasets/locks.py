"""Locks that allow one process at a time to write to a folder."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from nlpkit.errors import ArtefactError

try:
    import fcntl
except ImportError:  # missing on Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]

_HELD: set[int] = set()  # descriptors of the locks of this process


@contextlib.contextmanager
def exclusive(file: Path, folder: Path) -> Iterator[None]:
    """Lock a folder until the block ends; if this process dies earlier, the system releases the lock.

    Args:
        file: lock file, which names its holder; it is created, with its folder, and not removed.
        folder: the locked folder, for the message.

    Raises:
        ArtefactError: if another process has the lock, or the file can't be created.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = open_regular(file)
    except OSError as error:
        raise ArtefactError(f"{folder}: can't be written: {error.strerror}") from None
    _HELD.add(descriptor)
    try:
        _take(descriptor, folder)
        with contextlib.suppress(OSError):  # only needed for the message
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode(), 0)
        yield
    finally:
        _HELD.discard(descriptor)
        os.close(descriptor)


def check_free(file: Path, folder: Path) -> None:
    """Raise the `ArtefactError` of `exclusive` if another process has a lock; no file is created."""
    with contextlib.suppress(OSError):
        descriptor = open_regular(file, make=False)
        try:
            _take(descriptor, folder)
        finally:
            os.close(descriptor)


def open_regular(file: Path, make: bool = True) -> int:
    """A descriptor of a regular file without other names, for reading and writing.

    Anything else in its place is removed, not followed, as a link may lead out of the folder.

    Args:
        file: the file.
        make: whether to create the file, and to remove anything else in its place; if False, that is an `OSError`.
    """
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            if not make:
                raise OSError(errno.EINVAL, "is no regular file without other names", str(file))
            os.unlink(file)
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | os.O_RDWR | (os.O_CREAT if make else 0)
    return os.open(file, flags, 0o666)


def try_lock(descriptor: int) -> bool:
    """Lock a file until it is closed; False if another process has locked it."""
    if fcntl is None:
        return True
    for wait in (0.05, 0.05, 0):  # another process may be checking the lock
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(wait)
        except OSError:
            return True  # some network file systems have no locks
    return False


def _take(descriptor: int, folder: Path) -> None:
    if not try_lock(descriptor):
        holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
        raise ArtefactError(f"{folder}: is in use by {holder}; let it end, or choose another folder")


def _forget() -> None:
    """Release the locks in a forked child, which would otherwise keep the folder locked after its parent's death."""
    for descriptor in _HELD:
        os.close(descriptor)
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

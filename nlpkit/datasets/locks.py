"""One process at a time writes to a folder."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from nlpkit.errors import ArtefactError

try:
    import fcntl
except ImportError:  # Windows has none, there nothing is locked
    fcntl = None  # type: ignore[assignment]

_HELD: set[int] = set()  # descriptors


@contextlib.contextmanager
def exclusive(file: Path, folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder until the block ends; if this process dies before, the system frees it.

    Args:
        file: the lock, which says who holds it; it is made, with its folder, and stays.
        folder: what is locked, for the message.

    Raises:
        ArtefactError: if another process has the lock, or the file can't be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise ArtefactError(f"{folder}: can't be written: {error.strerror}") from None
    _HELD.add(descriptor)
    try:
        _take(descriptor, folder)
        with contextlib.suppress(OSError):  # it is only for the message
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode(), 0)
        yield
    finally:
        _HELD.discard(descriptor)
        os.close(descriptor)


def check_free(file: Path, folder: Path) -> None:
    """Raise an `ArtefactError` if another process has a lock, as `exclusive` would; nothing is made."""
    with contextlib.suppress(OSError):
        descriptor = os.open(file, os.O_RDONLY)
        try:
            _take(descriptor, folder)
        finally:
            os.close(descriptor)


def _take(descriptor, folder):
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
        raise ArtefactError(f"{folder}: is in use by {holder}; let it end, or choose another folder") from None
    except OSError:
        pass  # some network file systems have no locks


def _forget():
    """A forked child holds nothing: otherwise it would hold the folder when its parent has died."""
    for descriptor in _HELD:
        os.close(descriptor)
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

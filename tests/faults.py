"""What if the process dies, or the disk is full, at this call of the writer? Asked of every call, one by one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import keras

from nlpkit.datasets import files
from nlpkit.errors import NlpkitError


class Killed(BaseException):
    """Stands for the end of the process: nothing of nlpkit catches it, and what would tidy up after it is kept from
    doing so."""


class Faults:
    """Counts the calls of the writer, and lets one of them go wrong.

    They are the making of a file, its first write, the flush after its last one, and the renaming; what Keras writes
    by itself, before and after; and the moving of folders, before and after.

    Args:
        at: index of the call that goes wrong; None for none.
        kind: ``"kill"``, or ``"full"`` for a disk that has no room.
    """

    def __init__(self, at: int | None = None, kind: str = "kill"):
        self.at, self.kind, self.seen, self.is_dead = at, kind, [], False

    def point(self, call: str, path: Any) -> None:
        self.seen.append(f"{call} {Path(path).name}")
        if len(self.seen) - 1 == self.at:
            if self.kind == "kill":
                self.is_dead = True
                raise Killed(self.seen[-1])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    @contextlib.contextmanager
    def injected(self) -> Iterator[None]:
        """In this block the writer is watched."""
        faults, save, shutil_rmtree, opened = self, keras.Model.save, shutil.rmtree, files.open_partial

        def open_partial(path, is_kept=False):
            faults.point("create", path)
            return _File(opened(path, is_kept), path, faults)

        def replace(source, target):
            faults.point("rename", target)
            os.replace(source, target)

        def remove(path):
            if not faults.is_dead:
                Path(path).unlink(missing_ok=True)

        def rename(source, target):
            faults.point("move", target)
            os.rename(source, target)
            if faults.kind == "kill":
                faults.point("moved", target)

        def rmtree(path, **options):
            if not faults.is_dead:
                shutil_rmtree(path, **options)

        def saved(model, path, *rest, **more):
            faults.point("save", path)
            save(model, path, *rest, **more)
            faults.point("saved", path)

        patched = types.SimpleNamespace(**{**vars(os), "replace": replace})
        with (
            mock.patch.object(files, "open_partial", open_partial),
            mock.patch.object(files, "os", patched),
            mock.patch.object(files, "remove", remove),
            mock.patch.object(Path, "rename", rename),
            mock.patch.object(shutil, "rmtree", rmtree),
            mock.patch.object(keras.Model, "save", saved),
        ):
            yield


class _File:
    """A file that is being written."""

    def __init__(self, file, path, faults):
        self._file, self._path, self._faults, self._is_new = file, path, faults, True

    def write(self, content):
        if self._is_new:
            self._is_new = False
            self._file.write(bytes(memoryview(content)[: len(content) // 2]))
            self._file.flush()
            self._faults.point("write", self._path)
            self._file.seek(0)
        return self._file.write(content)

    def flush(self):
        self._faults.point("flush", self._path)
        self._file.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)


def check_every_point(
    run: Any, again: Any, content: Any, folder: Path, kind: str, calls: str = "", keeps: bool = False
) -> list[str]:
    """Let each call of the writer go wrong once, and see that all is well afterwards.

    Args:
        run: ``run(folder)`` writes; ``again(folder)`` is what a user does after it went wrong.
        content: ``content(folder)``: what must be the same as without a fault.
        folder: an empty one.
        kind: of the fault.
        calls: how the names of those begin that go wrong.
        keeps: whether what is half-written may be left, to go on from there, when the disk is full.

    Returns:
        All calls. Raises an `AssertionError` at the first one that leaves something wrong.
    """
    watch = Faults(kind=kind)
    with watch.injected():
        run(folder / "whole")
    expected = content(folder / "whole")
    for at, call in enumerate(watch.seen):
        if not call.startswith(calls):
            continue
        out = folder / f"{kind}{at}"
        faults = Faults(at, kind)
        with faults.injected():
            try:
                run(out)
            except Killed:
                assert kind == "kill", call
            except NlpkitError as error:
                assert kind == "full", call
                assert "No space left on device" in str(error) and str(folder) in str(error), (call, error)
                assert keeps or not [*out.rglob(f"*{files.PARTIAL}*")], (call, [*out.rglob("*")])
            else:
                raise AssertionError(f"{call}: nothing was raised")
        again(out)
        assert not [*out.rglob(f"*{files.PARTIAL}*")], (call, [*out.rglob("*")])
        found = content(out)
        assert found.keys() == expected.keys(), (call, found.keys() ^ expected.keys())
        assert all(found[name] == expected[name] for name in expected), call
    return watch.seen

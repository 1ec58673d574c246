"""Files that grow beside their places, and can go on growing after a kill."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

from nlpkit.datasets import files
from nlpkit.datasets.files import PARTIAL, why_not_written
from nlpkit.errors import DataError
from nlpkit.prediction.journal import Checkpoint
from nlpkit.terminal import say

_ONCE = 1 << 20  # bytes that are read again at once


def errors_path(output_path: str | Path) -> Path | None:
    """Where the reports of an output file go; None for standard error, beside standard output, a device or a pipe."""
    return reports_of(Path(output_path).resolve()) if is_file(output_path) else None


def reports_of(path: Path) -> Path:
    """Where the reports of an output that is a file go."""
    return path.with_name(f"{path.name}.errors.jsonl")


def is_file(path: str | Path) -> bool:
    """Whether an output is a file, and not standard output, a device or a pipe."""
    return str(path) != "-" and (Path(path).is_file() or not Path(path).exists())


class GrowingFile:
    """A file with the ending `PARTIAL`, until it is whole; gzipped if its name ends in ``.gz``.

    Args:
        path: its name when it is whole.
        noted: what was noted of it, to go on from there; None to begin.
        header: what stood at its beginning when that was noted, if `rewrite` may have changed it since.

    Raises:
        DataError: if it can't be written, another process is writing it, or it is not as it was noted.
    """

    def __init__(self, path: Path, noted: Checkpoint | None = None, header: bytes = b""):
        self._path, self._partial = path, _partial_of(path)
        self._digest, self.size = hashlib.sha256(), 0
        self._member: gzip.GzipFile | None = None
        try:
            file = files.open_partial(self._partial, is_kept=noted is not None)
        except OSError as error:
            raise DataError(why_not_written(error, path), path) from None
        if file is None:
            raise DataError("is being written by another process; let it end, or choose another name", path)
        self._file: IO[bytes] = file
        if noted is not None:
            self._go_on(noted, header)

    def _go_on(self, noted, header):
        """Read again what was noted, and cut off what is behind it."""
        if header and os.fstat(self._file.fileno()).st_size >= noted.size >= len(header):
            self._file.write(header)
            self._file.seek(0)
        while self.size < noted.size and (content := self._file.read(min(_ONCE, noted.size - self.size))):
            self._digest.update(content)
            self.size += len(content)
        if (self.size, self._digest.hexdigest()) != noted:
            self._file.close()
            raise DataError("is not as the journal beside it says; begin anew with --restart", self._partial)
        self._file.seek(self.size)
        self._file.truncate()

    def write(self, content: bytes) -> None:
        """Write at the end."""
        if self._path.suffix != ".gz":
            self.append(content)
            return
        if self._member is None:
            self._member = gzip.GzipFile("", "wb", fileobj=_Raw(self.append), mtime=0)  # type: ignore[arg-type]
        self._member.write(content)

    def append(self, content: bytes) -> None:
        """Write bytes as they stand in the file, which of a gzipped one is what was compressed."""
        self._file.write(content)
        self._digest.update(content)
        self.size += len(content)

    def rewrite(self, header: bytes) -> None:
        """Put other bytes in the place of the first ones; nothing is written any more."""
        self._file.seek(0)
        self._file.write(header)
        self._file.seek(0)
        self._digest = hashlib.file_digest(self._file, "sha256")  # type: ignore[arg-type]

    def note(self) -> Checkpoint:
        """See that all that was written is on the disk."""
        if self._member is not None:
            self._member.close()
            self._member = None
        self._file.flush()
        os.fsync(self._file.fileno())
        return Checkpoint(self.size, self._digest.hexdigest())

    def take_place(self) -> None:
        """Let it be whole; it was noted."""
        files.put_in_place(self._partial, self._path)
        self._file.close()

    def close(self, keep: bool) -> None:
        """Leave it as it is, to go on later, or remove it."""
        with contextlib.suppress(OSError):
            self._file.close()  # of what it could not write there is nothing to tell
        if not keep:
            files.remove(self._partial)


class _Raw:
    """What `gzip` writes to."""

    def __init__(self, write):
        self.write = write

    def flush(self):
        pass


class FileOutput:
    """An output file and, once there is something to report, the one beside it for reports.

    Args:
        path: that of the output.
        output, reports: what was noted of them, to go on from there.
        header: with which the output begins as long as it is not whole.
    """

    def __init__(
        self,
        path: str | Path,
        output: Checkpoint | None = None,
        reports: Checkpoint | None = None,
        header: bytes = b"",
    ):
        self._path = Path(path).resolve()
        self._reports_path = reports_of(self._path)
        self._output = GrowingFile(self._path, output, header)
        try:
            self._reports = GrowingFile(self._reports_path, reports) if reports else None
        except DataError:
            self._output.close(keep=True)
            raise

    def write(self, content: bytes) -> None:
        """Write answers."""
        with self._told():
            self._output.write(content)

    def rewrite(self, header: bytes) -> None:
        """Put other bytes in the place of the first ones."""
        with self._told():
            self._output.rewrite(header)

    def report(self, fields: dict[str, Any]) -> None:
        """Report something of a line."""
        if self._reports is None:
            self._reports = GrowingFile(self._reports_path)
        with self._told(self._reports_path):
            self._reports.write(_json(fields).encode("utf-8", "backslashreplace") + b"\n")

    def note(self) -> tuple[Checkpoint, Checkpoint | None]:
        """What is written by now is on the disk: of the output, and of the reports."""
        with self._told():
            output = self._output.note()
        with self._told(self._reports_path):
            return output, None if self._reports is None else self._reports.note()

    def finish(self) -> None:
        """Put the files, which were noted, in their places, the reports first."""
        with self._told(self._reports_path):
            if self._reports is not None:
                self._reports.take_place()
        with self._told():
            self._output.take_place()
        if self._reports is None:
            self._reports_path.unlink(missing_ok=True)  # the reports of an earlier run

    def close(self, keep: bool) -> None:
        """Leave both as they are, to go on later, or remove them."""
        for file in (self._output, self._reports):
            if file is not None:
                file.close(keep)

    @contextlib.contextmanager
    def _told(self, path=None):
        """Tell why something could not be written."""
        try:
            yield
        except OSError as error:
            path = path or self._path
            raise DataError(why_not_written(error, path), path) from None


def finish_left(path: str | Path, output: Checkpoint, reports: Checkpoint | None) -> None:
    """Put files in their places that a killed process has finished, as far as it did not.

    Args:
        path: that of the output.
        output, reports: what was noted of them when they were finished.

    Raises:
        DataError: if what is there is something else.
    """
    target = Path(path).resolve()
    if reports is None:
        for old in (reports_of(target), _partial_of(reports_of(target))):
            old.unlink(missing_ok=True)
    else:
        _finish_left(reports_of(target), reports)
    _finish_left(target, output)


def _finish_left(path, noted):
    for file in (_partial_of(path), path):
        if noted.is_of(file):
            if file != path:
                files.put_in_place(file, path)
            return
    raise DataError("is missing or was changed since it was written; begin anew with --restart", path)


def _partial_of(path):
    return path.with_name(path.name + PARTIAL)


class StreamOutput:
    """The same for standard output, a device or a pipe, which are written to and not replaced; what is to be reported
    goes to standard error."""

    def __init__(self, path: str | Path):
        self._name = "standard output" if str(path) == "-" else str(path)
        self._file: IO[bytes] = sys.stdout.buffer if str(path) == "-" else open(path, "wb")  # noqa: SIM115

    def write(self, content: bytes) -> None:
        """Write answers, and let them be seen at once."""
        try:
            self._file.write(content)
            self._file.flush()
        except BrokenPipeError:
            raise  # whoever read has gone, which is no error
        except OSError as error:
            raise DataError(f"can't be written: {error.strerror}", self._name) from None

    def rewrite(self, header: bytes) -> None:
        """Nothing can be rewritten: what needs it is not written to a stream."""
        raise TypeError(f"{self._name} has no beginning to go back to")

    def report(self, fields: dict[str, Any]) -> None:
        """Report something of a line."""
        say(_json(fields))

    def note(self) -> tuple[None, None]:
        """There is nothing to go on from."""
        return None, None

    def finish(self) -> None:
        """Nothing is left to do."""
        self.close(keep=True)

    def close(self, keep: bool) -> None:
        """Close what was opened."""
        if self._file is not sys.stdout.buffer:
            self._file.close()


def _json(fields):
    return json.dumps(fields, ensure_ascii=False)

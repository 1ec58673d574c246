"""Outputs: files written under a partial name, which can be continued after a kill, and streams."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from nlpkit.datasets import files
from nlpkit.datasets.files import PARTIAL, why_not_written
from nlpkit.errors import DataError
from nlpkit.prediction.journal import Checkpoint
from nlpkit.terminal import say

_ONCE = 1 << 20  # bytes read at once


def errors_path(output_path: str | Path) -> Path | None:
    """Path of the reports of an output; None for standard output, a device or a pipe: standard error."""
    return reports_of(Path(output_path).resolve()) if is_file(output_path) else None


def reports_of(path: Path) -> Path:
    """Path of the reports of an output that is a file."""
    return path.with_name(f"{path.name}.errors.jsonl")


def is_file(path: str | Path) -> bool:
    """Whether an output is a file, not standard output, a device or a pipe."""
    return str(path) != "-" and (Path(path).is_file() or not Path(path).exists())


class GrowingFile:
    """A file that has the ending `PARTIAL` until it is finished; gzipped if its name ends in ``.gz``.

    Args:
        path: final name.
        checkpoint: checkpoint to continue from; None to begin.
        header: beginning of the file at that checkpoint, if `rewrite` may have changed it since.

    Raises:
        DataError: if it can't be written, another process is writing it, or it does not match the checkpoint.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint | None = None, header: bytes = b""):
        self._path, self._partial = path, _partial_of(path)
        self._digest, self.size = hashlib.sha256(), 0
        self._member: gzip.GzipFile | None = None
        try:
            file = files.open_partial(self._partial, is_kept=checkpoint is not None)
        except OSError as error:
            raise DataError(why_not_written(error, path), path) from None
        if file is None:
            raise DataError("is being written by another process; let it end, or choose another name", path)
        self._file: IO[bytes] = file
        if checkpoint is not None:
            self._continue(checkpoint, header)

    def _continue(self, checkpoint: Checkpoint, header: bytes) -> None:
        """Read the file up to the checkpoint again, and truncate it there."""
        if header and os.fstat(self._file.fileno()).st_size >= checkpoint.size >= len(header):
            self._file.write(header)
            self._file.seek(0)
        while self.size < checkpoint.size and (content := self._file.read(min(_ONCE, checkpoint.size - self.size))):
            self._digest.update(content)
            self.size += len(content)
        if (self.size, self._digest.hexdigest()) != checkpoint:
            self._file.close()
            raise DataError("does not match its journal; begin anew with --restart", self._partial)
        self._file.seek(self.size)
        self._file.truncate()

    def write(self, content: bytes) -> None:
        """Append content, compressed if the file is gzipped."""
        if self._path.suffix != ".gz":
            self.append(content)
            return
        if self._member is None:
            self._member = gzip.GzipFile("", "wb", fileobj=_Raw(self.append), mtime=0)
        self._member.write(content)

    def append(self, content: bytes) -> None:
        """Append bytes as they are, of a gzipped file the compressed ones."""
        self._file.write(content)
        self._digest.update(content)
        self.size += len(content)

    def rewrite(self, header: bytes) -> None:
        """Overwrite the beginning; nothing may be written afterwards."""
        self._file.seek(0)
        self._file.write(header)
        self._file.seek(0)
        self._digest = hashlib.file_digest(self._file, "sha256")  # type: ignore[arg-type]

    def note(self) -> Checkpoint:
        """Flush the file to the disk; return the checkpoint."""
        if self._member is not None:
            self._member.close()
            self._member = None
        self._file.flush()
        os.fsync(self._file.fileno())
        return Checkpoint(self.size, self._digest.hexdigest())

    def take_place(self) -> None:
        """Rename the partial file to its final name; call `note` first."""
        files.put_in_place(self._partial, self._path)
        self._file.close()

    def close(self, keep: bool) -> None:
        """Close the partial file, and delete it unless `keep`."""
        with contextlib.suppress(OSError):
            self._file.close()  # a failed write has been reported already
        if not keep:
            files.remove(self._partial)


class _Raw:
    """The file object to which `gzip` writes."""

    def __init__(self, write: Callable[[bytes], None]):
        self.write = write

    def flush(self) -> None:
        pass


class FileOutput:
    """An output file and, from the first report on, the file of reports beside it.

    Args:
        path: path of the output.
        output, reports: checkpoints of both to continue from.
        header: beginning of the output until it is finished.
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
        with self._explained():
            self._output.write(content)

    def rewrite(self, header: bytes) -> None:
        """Overwrite the beginning of the output."""
        with self._explained():
            self._output.rewrite(header)

    def report(self, fields: dict[str, Any]) -> None:
        """Write a report about a line."""
        if self._reports is None:
            self._reports = GrowingFile(self._reports_path)
        with self._explained(self._reports_path):
            self._reports.write(_json(fields).encode("utf-8", "backslashreplace") + b"\n")

    def note(self) -> tuple[Checkpoint, Checkpoint | None]:
        """Flush both files to the disk; return their checkpoints."""
        with self._explained():
            output = self._output.note()
        with self._explained(self._reports_path):
            return output, None if self._reports is None else self._reports.note()

    def finish(self) -> None:
        """Rename both files to their final names, the reports first; call `note` before."""
        with self._explained(self._reports_path):
            if self._reports is not None:
                self._reports.take_place()
        with self._explained():
            self._output.take_place()
        if self._reports is None:
            self._reports_path.unlink(missing_ok=True)  # the reports of an earlier run

    def close(self, keep: bool) -> None:
        """Close both partial files, and delete them unless `keep`."""
        for file in (self._output, self._reports):
            if file is not None:
                file.close(keep)

    @contextlib.contextmanager
    def _explained(self, path: Path | None = None) -> Iterator[None]:
        """Turn an error of writing into a `DataError` with its reason."""
        try:
            yield
        except OSError as error:
            path = path or self._path
            raise DataError(why_not_written(error, path), path) from None


def finish_left(path: str | Path, output: Checkpoint, reports: Checkpoint | None) -> None:
    """Rename the finished files of a killed process to their final names, unless it has done so.

    Args:
        path: path of the output.
        output, reports: checkpoints of the finished files.

    Raises:
        DataError: if a file does not match its checkpoint.
    """
    target = Path(path).resolve()
    if reports is None:
        for old in (reports_of(target), _partial_of(reports_of(target))):
            old.unlink(missing_ok=True)
    else:
        _finish_left(reports_of(target), reports)
    _finish_left(target, output)


def _finish_left(path: Path, checkpoint: Checkpoint) -> None:
    for file in (_partial_of(path), path):
        if checkpoint.is_of(file):
            if file != path:
                files.put_in_place(file, path)
            return
    raise DataError("is missing or was changed since it was written; begin anew with --restart", path)


def _partial_of(path: Path) -> Path:
    return path.with_name(path.name + PARTIAL)


class StreamOutput:
    """Standard output, a device or a pipe, with the methods of `FileOutput`; reports go to standard error."""

    def __init__(self, path: str | Path):
        self._name = "standard output" if str(path) == "-" else str(path)
        self._file: IO[bytes] = sys.stdout.buffer if str(path) == "-" else open(path, "wb")  # noqa: SIM115

    def write(self, content: bytes) -> None:
        """Write answers and flush them."""
        try:
            self._file.write(content)
            self._file.flush()
        except BrokenPipeError:
            raise  # the reader has gone, which is no error
        except OSError as error:
            raise DataError(f"can't be written: {error.strerror}", self._name) from None

    def rewrite(self, header: bytes) -> None:
        """A stream can't be rewritten; formats that need it are not written to one."""
        raise TypeError(f"{self._name} can't be rewritten")

    def report(self, fields: dict[str, Any]) -> None:
        """Write a report about a line."""
        say(_json(fields))

    def note(self) -> tuple[None, None]:
        """A stream has no checkpoints."""
        return None, None

    def finish(self) -> None:
        """Close the stream."""
        self.close(keep=True)

    def close(self, keep: bool) -> None:
        """Close the stream, unless it is standard output."""
        if self._file is not sys.stdout.buffer:
            self._file.close()


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False)

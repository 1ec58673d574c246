"""File to file: answers to lines, in order and in bounded memory; a killed run continues without a gap or a repeat."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.errors import DataError
from nlpkit.prediction.blocks import Answered, Report, Stages, answer, answer_ahead
from nlpkit.prediction.chunks import open_input, read_as_it_comes, read_chunks
from nlpkit.prediction.journal import Checkpoint, Journal, State
from nlpkit.prediction.output import FileOutput, StreamOutput, finish_left, is_file
from nlpkit.terminal import progress_bar, say


class Counts(NamedTuple):
    """Line counts of a prediction."""

    lines: int
    reported: int
    """Number of lines with an error or a warning."""
    failed: int
    """Number of these that could not be answered."""
    reason: str = ""
    """First report, with its line."""


class FileShare(NamedTuple):
    """A file to answer, or some of its chunks."""

    input: str | Path
    """A path, or ``-`` for standard input."""
    output: str | Path
    """A path, or ``-`` for standard output."""
    first: int = 0
    end: int | None = None
    """Numbers of the first chunk and of the one after the last; None for the end of the file."""
    lines_before: int = 0
    """Number of lines of the file before the first chunk."""

    @property
    def name(self) -> str:
        """Name of the input in messages."""
        return "standard input" if str(self.input) == "-" else str(self.input)


Engine = Callable[[Stages, Sequence[FileShare]], Iterator[tuple[int, Answered]]]
"""Answers the chunks of shares in order, each with the index of its share, in this process or in others."""


def answer_here(stages: Stages, shares: Sequence[FileShare]) -> Iterator[tuple[int, Answered]]:
    """The engine of a single process: one share after the other, in threads that work ahead."""
    for index, share in enumerate(shares):
        with open_input(share.input) as source:
            if str(share.input) == "-":
                # The writer of a pipe may wait for each answer, so no chunk waits for the next.
                blocks = answer(stages, read_as_it_comes(source, share.name, stages.in_parts))
            else:
                chunks = read_chunks(source, share.name, stages.chunk, stages.in_parts, share.first, share.end)
                blocks = answer_ahead(stages, chunks)
            with closing(blocks):  # type: ignore[type-var]
                for block in blocks:
                    yield index, block


def predict_stream(
    stages: Stages,
    shares: Sequence[FileShare],
    on_error: str = "skip",
    journal: Journal | None = None,
    engine: Engine = answer_here,
) -> Counts:
    """Answer every line of files, in order.

    Args:
        stages: functions that answer a chunk of lines.
        shares: files, or parts of them. Each output is written under a partial name and renamed when it is finished;
            names that end in ``.gz`` are gzipped.
        on_error: ``skip`` answers a line that can't be read like an empty one, and reports it in
            ``OUTPUT.errors.jsonl``, or on standard error if the output is standard output; ``stop`` raises. Warnings
            are reported in the same place, and don't stop.
        journal: journal for checkpoints, from which an earlier run is continued; None for a run without one.
        engine: engine that answers the chunks.

    Returns:
        Line counts.

    Raises:
        DataError: if a file can't be read or written; at the first bad line with ``on_error="stop"``.
    """
    return _Run(stages, shares, on_error, journal).complete(engine)


class _Run:
    """A running prediction: the output of the current share, and the line counts."""

    def __init__(self, stages: Stages, shares: Sequence[FileShare], on_error: str, journal: Journal | None):
        self._stages, self._shares, self._on_error, self._journal = stages, shares, on_error, journal
        earlier = None if journal is None else journal.state
        self._continues = earlier is not None
        state = earlier or State()
        if state.is_written and state.output is not None:
            finish_left(shares[state.file].output, state.output, state.reports)
            state = State(state.file + 1, counts=state.counts)
        self._state = state
        self._index, self._counts = state.file, Counts(*state.counts)
        self._output: FileOutput | StreamOutput
        self._is_writing = False

    def complete(self, engine: Engine) -> Counts:
        """Answer what is left, and return the counts of the whole run."""
        state, stages = self._state, self._stages
        left = [*self._shares[state.file :]]
        if left and state.output:  # in the middle of a file
            left[0] = left[0]._replace(first=state.chunk, lines_before=state.lines)
        try:
            with self._progress(left) as (bar, row), contextlib.ExitStack() as running:
                if left:
                    self._open(state.output, state.reports)
                    if self._journal is not None and not self._continues:
                        self._journal.remove()  # that of another run: the output is locked now
                if self._continues:
                    done = f"{self._counts.lines:,} lines were answered before"
                    say(f"nlpkit: {f'continuing after a stop: {done}' if left else f'nothing is left to do: {done}'}")
                blocks = running.enter_context(closing(engine(stages, left)))  # type: ignore[type-var]
                for index, block in blocks:
                    while self._index < state.file + index:
                        self._finish()
                    self._write(block)
                    bar.advance(row, block.size / 1000)
                while self._index < len(self._shares):
                    self._finish()
        except BaseException as error:
            self._give_up(error)
            raise
        if self._journal is not None and not self._journal.stays:
            self._journal.remove()
        return self._counts

    def _open(self, output: Checkpoint | None = None, reports: Checkpoint | None = None) -> None:
        """Begin the output of the current share, or continue it from checkpoints."""
        share = self._shares[self._index]
        self._lines = self._state.lines if output else share.lines_before
        self._number, self._last, self._last_failed, self._has_part = -1, 0, False, False
        if not is_file(share.output):
            self._output = StreamOutput(share.output)
        else:
            self._output = FileOutput(share.output, output, reports, self._stages.header(0))
        self._is_writing = True
        self._first_lines = share.lines_before
        if output is None:
            self._output.write(self._stages.header(0))

    def _write(self, block: Answered) -> None:
        """Write the answers to a chunk, and the reports about its lines."""
        if block.number != self._number:
            if self._number >= 0 and self._journal is not None and self._journal.is_due:
                self._note(block.number)
            self._number = block.number
        for report in block.reports:
            self._report(report)
        self._output.write(self._joined(block))
        self._lines += block.lines
        self._counts = self._counts._replace(lines=self._counts.lines + block.lines)

    def _report(self, report: Report) -> None:
        share, line = self._shares[self._index], self._lines + report.row + 1
        is_new = line != self._last
        if not is_new and not (report.is_error and not self._last_failed):
            return  # another part of the line has reported it
        self._last, self._last_failed = line, report.is_error
        if report.is_error and self._on_error == "stop":
            raise _BadLine(report.reason, share.name, line)
        self._output.report(
            {
                "line": line,
                "severity": "error" if report.is_error else "warning",
                "reason": report.reason,
                "input": report.begin,
            }
        )
        place = f"line {line}" if len(self._shares) == 1 else f"{Path(share.name).name}, line {line}"
        self._counts = self._counts._replace(
            reported=self._counts.reported + is_new,
            failed=self._counts.failed + report.is_error,
            reason=self._counts.reason or f"{place}: {report.reason}",
        )

    def _joined(self, block: Answered) -> bytes:
        """Output of a chunk; the answers to the parts of a long line are joined to one."""
        if not block.is_part:
            return block.text
        text = block.text.removesuffix(b"\n")
        before = (self._stages.between or "").encode() if self._has_part and text else b""
        self._has_part = bool(self._has_part or text) and not block.is_last
        return before + text + (b"\n" if block.is_last else b"")

    def _finish(self) -> None:
        """Finish the output of the current share, and begin that of the next."""
        stages, count = self._stages, self._lines - self._first_lines
        self._output.write(stages.footer.encode())
        if stages.header(count) != stages.header(0):
            self._output.rewrite(stages.header(count))
        journal = self._journal
        if journal is not None and (journal.is_kept or journal.stays or journal.is_due):
            self._note(0, is_written=True)
        else:
            self._output.note()
        self._output.finish()
        self._is_writing = False
        self._index += 1
        if self._index < len(self._shares):
            self._open()

    def _note(self, chunk: int, is_written: bool = False) -> None:
        output, reports = self._output.note()
        if self._journal is not None:
            self._journal.note(State(self._index, chunk, self._lines, self._counts, output, reports, is_written))

    def _give_up(self, error: BaseException) -> None:
        """Close the output; keep it if there is a journal, unless the user wants to stop at a bad line."""
        keep = self._journal is not None and self._journal.is_kept and not isinstance(error, _BadLine)
        if not self._is_writing:
            return
        self._output.close(keep)
        if keep:
            say("nlpkit: the answers so far are kept; the same command continues from there")
        elif self._journal is not None:
            self._journal.remove()

    @contextlib.contextmanager
    def _progress(self, left: Sequence[FileShare]) -> Iterator[tuple[Any, Any]]:
        """A progress bar and its row; hidden if the input is typed, or answers are written to the terminal."""
        streams = [share for share in self._shares if str(share.input) == "-"]
        is_seen = any(str(share.output) == "-" for share in self._shares) and sys.stdout.isatty()
        with progress_bar("KB", hidden=bool(streams) or is_seen) as bar:
            total, done = self._size(self._shares), self._size(left)
            row = bar.add_task("predicting", total=total)
            if total is not None and done is not None:
                bar.advance(row, total - done)
            yield bar, row

    def _size(self, shares: Sequence[FileShare]) -> float | None:
        """Size of shares in kilobytes, or None if it is unknown."""
        sizes = [self._size_of(share) for share in shares]
        known = [size for size in sizes if size is not None]
        return sum(known) / 1000 if len(known) == len(sizes) else None

    def _size_of(self, share: FileShare) -> int | None:
        path = Path(share.input)
        if not path.is_file() or path.suffix == ".gz":
            return None
        end = path.stat().st_size if share.end is None else share.end * self._stages.chunk
        return max(0, end - share.first * self._stages.chunk)


class _BadLine(DataError):
    """A bad line at which the run stops, as the user requested."""

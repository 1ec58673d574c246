"""File to file: lines in, lines out, in order, in bounded memory, and once only if the process is killed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from nlpkit.errors import DataError
from nlpkit.prediction.blocks import Answered, Stages, answer, answer_ahead
from nlpkit.prediction.chunks import open_input, read_as_it_comes, read_chunks
from nlpkit.prediction.journal import Journal, State
from nlpkit.prediction.output import FileOutput, StreamOutput, finish_left, is_file
from nlpkit.terminal import progress_bar, say


class Counts(NamedTuple):
    """What became of the lines of a file."""

    lines: int
    reported: int
    """Of how many something was reported."""
    failed: int
    """How many of these could not be answered."""
    reason: str = ""
    """What was reported first, with its line."""


class FileShare(NamedTuple):
    """A file that is answered, or some chunks of it."""

    input: str | Path
    """A path, or ``-`` for standard input."""
    output: str | Path
    """A path, or ``-`` for standard output."""
    first: int = 0
    end: int | None = None
    """Numbers of the first chunk and of the one after the last; None for all."""
    lines_before: int = 0
    """How many lines of the file come before it."""

    @property
    def name(self) -> str:
        """What the input is called in messages."""
        return "standard input" if str(self.input) == "-" else str(self.input)


Engine = Callable[[Stages, Sequence[FileShare]], Iterator[tuple[int, Answered]]]
"""Answers the chunks of shares, in order; each with the index of its share. Where it runs is up to it."""


def answer_here(stages: Stages, shares: Sequence[FileShare]) -> Iterator[tuple[int, Answered]]:
    """The engine of a single process: a share after the other, by threads that work ahead."""
    for index, share in enumerate(shares):
        with open_input(share.input) as source:
            if str(share.input) == "-":
                # Whoever writes to a pipe may wait for the answer, so there no block waits for the next.
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
        stages: how a block of lines is answered.
        shares: the files, or shares of them. Each output is written beside its place and renamed when it is whole;
            names that end in ``.gz`` are gzipped.
        on_error: ``skip`` gives a line that can't be read the answer of an empty one, and writes what is wrong with
            which lines to ``OUTPUT.errors.jsonl``, or to standard error beside standard output; ``stop`` raises.
            Warnings are written there as well, and stop nothing.
        journal: where to note how far it has come, and to go on from; None to do all at once.
        engine: what answers the chunks.

    Returns:
        How many lines there were, and what was reported.

    Raises:
        DataError: if a file can't be read or written; at the first bad line with ``on_error="stop"``.
    """
    return _Run(stages, shares, on_error, journal).answered_by(engine)


class _Run:
    """A prediction on its way: which share is written, and what was counted."""

    def __init__(self, stages, shares, on_error, journal):
        self._stages, self._shares, self._on_error, self._journal = stages, shares, on_error, journal
        state = journal and journal.state
        self._goes_on = state is not None
        state = state or State()
        if state.is_written:
            finish_left(shares[state.file].output, state.output, state.reports)
            state = State(state.file + 1, counts=state.counts)
        self._state = state
        self._index, self._counts = state.file, Counts(*state.counts)
        self._output = None

    def answered_by(self, engine):
        state, stages = self._state, self._stages
        left = [*self._shares[state.file :]]
        if left and state.output:  # in the middle of a file
            left[0] = left[0]._replace(first=state.chunk, lines_before=state.lines)
        try:
            with self._progress(left) as (bar, row), contextlib.ExitStack() as running:
                if left:
                    self._open(state.output, state.reports)
                    if self._journal is not None and not self._goes_on:
                        self._journal.remove()  # one of another run; now that nobody else writes there
                if self._goes_on:
                    done = f"{self._counts.lines:,} lines were answered before"
                    say(f"nlpkit: {f'going on after a stop: {done}' if left else f'nothing is left to do: {done}'}")
                blocks = running.enter_context(closing(engine(stages, left)))
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

    def _open(self, output=None, reports=None):
        """Begin the output of the share that comes now, or go on with it."""
        share = self._shares[self._index]
        self._lines = self._state.lines if output else share.lines_before
        self._number, self._last, self._last_failed, self._is_open = -1, 0, False, False
        if not is_file(share.output):
            self._output = StreamOutput(share.output)
        else:
            self._output = FileOutput(share.output, output, reports, self._stages.header(0))
        self._first_lines = share.lines_before
        if output is None:
            self._output.write(self._stages.header(0))

    def _write(self, block):
        """Write the answers to a block, and what is to be said of its lines."""
        if block.number != self._number:
            if self._number >= 0 and self._journal is not None and self._journal.is_due:
                self._note(block.number)
            self._number = block.number
        for report in block.reports:
            self._report(report)
        self._output.write(self._joined(block))
        self._lines += block.lines
        self._counts = self._counts._replace(lines=self._counts.lines + block.lines)

    def _report(self, report):
        share, line = self._shares[self._index], self._lines + report.row + 1
        is_new = line != self._last
        if not is_new and not (report.is_error and not self._last_failed):
            return  # of another part of the line, with which this was said
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

    def _joined(self, block):
        """What is written for a block; the answers to the parts of a long line are one."""
        if not block.is_part:
            return block.text
        text = block.text.removesuffix(b"\n")
        before = (self._stages.between or "").encode() if self._is_open and text else b""
        self._is_open = bool(self._is_open or text) and not block.is_last
        return before + text + (b"\n" if block.is_last else b"")

    def _finish(self):
        """End the output of this share, and begin that of the next."""
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
        self._output = None
        self._index += 1
        if self._index < len(self._shares):
            self._open()

    def _note(self, chunk, is_written=False):
        output, reports = self._output.note()
        self._journal.note(State(self._index, chunk, self._lines, self._counts, output, reports, is_written))

    def _give_up(self, error):
        """Close what was opened: what the journal says is kept, unless what was asked for is to stop here."""
        keep = self._journal is not None and self._journal.is_kept and not isinstance(error, _BadLine)
        if self._output is None:
            return
        self._output.close(keep)
        if keep:
            say("nlpkit: what is answered so far is kept; the same command goes on from there")
        elif self._journal is not None:
            self._journal.remove()

    @contextlib.contextmanager
    def _progress(self, left):
        """A bar, unless someone types or the answers stand in its place, and its row."""
        streams = [share for share in self._shares if str(share.input) == "-"]
        is_seen = any(str(share.output) == "-" for share in self._shares) and sys.stdout.isatty()
        with progress_bar("KB", hidden=bool(streams) or is_seen) as bar:
            total, done = self._size(self._shares), self._size(left)
            row = bar.add_task("predicting", total=total)
            if total is not None and done is not None:
                bar.advance(row, total - done)
            yield bar, row

    def _size(self, shares):
        """Kilobytes of shares, or None if that is not known."""
        sizes = [self._size_of(share) for share in shares]
        return None if None in sizes else sum(sizes) / 1000

    def _size_of(self, share):
        path = Path(share.input)
        if not path.is_file() or path.suffix == ".gz":
            return None
        end = path.stat().st_size if share.end is None else share.end * self._stages.chunk
        return max(0, end - share.first * self._stages.chunk)


class _BadLine(DataError):
    """A line at which the user wants to stop."""

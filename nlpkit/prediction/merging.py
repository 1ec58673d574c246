"""Joining the shards of a file; checking the shards of a folder, which are whole files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.vector_files import npy_header
from nlpkit.errors import DataError
from nlpkit.prediction import journal
from nlpkit.prediction.jobs import Shard
from nlpkit.prediction.journal import State, read_journal
from nlpkit.prediction.output import GrowingFile, is_file, reports_of
from nlpkit.prediction.stream import Counts

_ONCE = 1 << 20  # bytes copied at once


class _FinishedShard(NamedTuple):
    """A shard whose lines have all been answered."""

    path: Path
    state: State
    run: dict[str, Any]


def merge(output: str | Path, force: bool = False) -> Counts:
    """Join the shards of a file that `nlpkit predict` wrote with ``--shard``, once all are finished.

    The shards are kept. If the output is a folder, its shards are whole files with their final names already: `merge`
    checks that all are finished and deletes their journals.

    Args:
        output: output that was given for each shard.
        force: whether to replace an existing output.

    Returns:
        Line counts of all shards.

    Raises:
        DataError: if a shard is missing, unfinished or changed; if the shards differ in input, model or options; if the
            output already exists.
    """
    output = Path(output)
    if output.is_dir():
        return _check_folder(output)
    if not is_file(output):
        raise DataError("is not a file; shards are joined to one", output)
    if output.exists() and not force:
        raise DataError("already exists; replace it with --force", output)
    shards = [_checked(path) for path in _journals(output, output)]
    _check_same(shards)
    counts = _total(shards)
    reports = reports_of(output.resolve())
    parts = [reports_of(each.path) for each in shards if each.state.reports]
    if parts:
        _write(reports, map(_content, parts))
    else:
        reports.unlink(missing_ok=True)
    contents: Iterable[Iterable[bytes]] = [_content(each.path) for each in shards]
    if shards[0].run["format"] == "npy":
        contents = _joined_arrays([each.path for each in shards], counts.lines)
    _write(output.resolve(), contents)
    return counts


def _check_folder(folder: Path) -> Counts:
    """Check the shards of a folder, delete their journals, and return their line counts."""
    pattern = re.compile(r"(nlpkit-[0-9a-f]{8})\.\d+-of-\d+" + re.escape(journal.ENDING))
    names = sorted({match[1] for path in folder.iterdir() if (match := pattern.fullmatch(path.name))})
    if not names:
        raise DataError("is a folder in which no shard has left a journal", folder)
    every: list[_FinishedShard] = []
    for name in names:  # a folder may hold the outputs of several patterns
        shards = [_finished(path) for path in _journals(folder / name, folder)]
        _check_same(shards, "input")
        every += shards
    for each in every:
        each.path.unlink()
    return _total(every)


def _total(shards: Iterable[_FinishedShard]) -> Counts:
    counts = Counts(0, 0, 0)
    for each in shards:
        lines, reported, failed, reason = each.state.counts
        counts = Counts(
            counts.lines + lines, counts.reported + reported, counts.failed + failed, counts.reason or reason
        )
    return counts


def _journals(output: Path, place: Path) -> list[Path]:
    """Journals of all shards of an output, in order; `place` is its name in errors."""
    pattern = re.escape(Shard(0, 0).name_of(output.name)).replace(r"\.0\-of\-0", r"\.(\d+)-of-(\d+)")
    found = {}
    for path in sorted(output.parent.iterdir()) if output.parent.is_dir() else []:
        match = re.fullmatch(pattern + re.escape(journal.ENDING), path.name)
        if match:
            found[Shard(int(match[1]), int(match[2]))] = path
    totals = sorted({shard.count for shard in found})
    if not found:
        raise DataError(f"has no shards here, such as {Shard(1, 2).name_of(output.name)}", place)
    if len(totals) > 1:
        raise DataError(f"has shards of {' and of '.join(map(str, totals))} here; leave those of one run", place)
    missing = [str(shard) for number in range(totals[0]) if (shard := Shard(number + 1, totals[0])) not in found]
    if missing:
        raise DataError(f"missing or unfinished: shard {', '.join(missing[:5])}; run these shards", place)
    return [found[shard] for shard in sorted(found, key=lambda shard: shard.number)]


def _check_same(shards: Sequence[_FinishedShard], *ignored: str) -> None:
    """Raise a `DataError` unless all shards are of one run, apart from the ignored values."""
    first, *others = shards
    for each in others:
        names = [name for name in journal.differing(first.run, each.run) if name not in ("shard", *ignored)]
        if names:
            raise DataError(f"is a shard with another {' and '.join(names)} than {first.path.name}", each.path)


def _finished(path: Path) -> _FinishedShard:
    """Read the journal of a shard of a folder."""
    run, state = read_journal(path)
    if not state.is_written or state.file + 1 < run["input"][0]:
        raise DataError("this shard is not finished; run it again to continue it", path)
    return _FinishedShard(path, state, run)


def _checked(path: Path) -> _FinishedShard:
    """Read the journal of a shard of a file, and check its files."""
    run, state = read_journal(path)
    target = path.with_name(path.name.removesuffix(journal.ENDING))
    if not state.is_written:
        raise DataError("is not finished; run this shard again to continue it", target)
    for file, checkpoint in ((target, state.output), (reports_of(target), state.reports)):
        if checkpoint is not None and not checkpoint.is_of(file):
            raise DataError("is missing or was changed; run this shard again with --restart", file)
    return _FinishedShard(target, state, run)


def _content(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while content := file.read(_ONCE):
            yield content


def _joined_arrays(paths: Sequence[Path], rows: int) -> Iterator[Iterable[bytes]]:
    """Contents of one file with the arrays of several; their headers have the same length."""
    import numpy as np

    columns = {np.load(path, mmap_mode="r").shape[1:] for path in paths}
    header = npy_header((rows, *columns.pop()))
    yield [header]
    for path in paths:
        content = _content(path)
        yield [next(content)[len(header) :]]
        yield content


def _write(path: Path, contents: Iterable[Iterable[bytes]]) -> None:
    file = GrowingFile(path)
    try:
        for pieces in contents:
            for piece in pieces:
                file.append(piece)
        file.note()
        file.take_place()
    except BaseException:
        file.close(keep=False)
        raise

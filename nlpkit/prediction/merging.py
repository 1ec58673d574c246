"""The shards of a file put together; those of a folder, which are whole files, looked over."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.vector_files import npy_header
from nlpkit.errors import DataError
from nlpkit.prediction import journal
from nlpkit.prediction.jobs import Shard
from nlpkit.prediction.journal import State, read_journal
from nlpkit.prediction.output import GrowingFile, is_file, reports_of
from nlpkit.prediction.stream import Counts

_ONCE = 1 << 20  # bytes that are copied at once


class _Done(NamedTuple):
    """A shard that was answered."""

    path: Path
    state: State
    run: dict[str, Any]


def merge(output: str | Path, force: bool = False) -> Counts:
    """Join the shards of a file that `nlpkit predict` wrote with ``--shard``, once they are all there and whole.

    The shards stay where they are. Where the output is a folder, the shares were files, which are in their places:
    it is seen whether all are there, and their journals, which are not needed then, are removed.

    Args:
        output: what was given as the output of each of them.
        force: replace what is there.

    Returns:
        What became of the lines of all shards.

    Raises:
        DataError: if a shard is missing, unfinished, or was changed; if they are not of the same input, model and
            options; if the output is there already.
    """
    output = Path(output)
    if output.is_dir():
        return _looked_over(output)
    if not is_file(output):
        raise DataError("is no file; shards are joined to one", output)
    if output.exists() and not force:
        raise DataError("is there already; replace it with --force", output)
    shards = [_checked(path) for path in _journals(output, output)]
    _check_same(shards)
    counts = _total(shards)
    reports = reports_of(output.resolve())
    told = [reports_of(each.path) for each in shards if each.state.reports]
    if told:
        _write(reports, map(_content, told))
    else:
        reports.unlink(missing_ok=True)
    contents = [_content(each.path) for each in shards]
    if shards[0].run["format"] == "npy":
        contents = _joined_arrays([each.path for each in shards], counts.lines)
    _write(output.resolve(), contents)
    return counts


def _looked_over(folder):
    """What became of the lines of all files of a folder that were shared out."""
    pattern = re.compile(r"(nlpkit-[0-9a-f]{8})\.\d+-of-\d+" + re.escape(journal.ENDING))
    names = sorted({match[1] for path in folder.iterdir() if (match := pattern.fullmatch(path.name))})
    if not names:
        raise DataError("is a folder in which no shard has left a journal", folder)
    every = []
    for name in names:  # several patterns of names may be written to one folder
        shards = [_finished(path) for path in _journals(folder / name, folder)]
        _check_same(shards, "input")
        every += shards
    for each in every:
        each.path.unlink()
    return _total(every)


def _total(shards):
    counts = Counts(0, 0, 0)
    for each in shards:
        lines, reported, failed, reason = each.state.counts
        counts = Counts(
            counts.lines + lines, counts.reported + reported, counts.failed + failed, counts.reason or reason
        )
    return counts


def _journals(output, place):
    """The journals of all shards of an output, in order; `place` is what errors call it."""
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
        raise DataError(f"not there, or not finished: shard {', '.join(missing[:5])}; run what is missing", place)
    return [found[shard] for shard in sorted(found, key=lambda shard: shard.number)]


def _check_same(shards, *besides):
    """Raise a `DataError` unless all shards are of one run, but for the values of these names."""
    first, *others = shards
    for each in others:
        names = [name for name in journal.differing(first.run, each.run) if name not in ("shard", *besides)]
        if names:
            raise DataError(f"is a shard with another {' and '.join(names)} than {first.path.name}", each.path)


def _finished(path):
    """A shard of a folder."""
    run, state = read_journal(path)
    if not state.is_written or state.file + 1 < run["input"][0]:
        raise DataError("this shard is not finished; run it again, it goes on where it stopped", path)
    return _Done(path, state, run)


def _checked(path):
    run, state = read_journal(path)
    target = path.with_name(path.name.removesuffix(journal.ENDING))
    if not state.is_written:
        raise DataError("is not finished; run this shard again, it goes on where it stopped", target)
    for file, noted in ((target, state.output), (reports_of(target), state.reports)):
        if noted is not None and not noted.is_of(file):
            raise DataError("is missing or was changed; run this shard again with --restart", file)
    return _Done(target, state, run)


def _content(path):
    with open(path, "rb") as file:
        while content := file.read(_ONCE):
            yield content


def _joined_arrays(paths: Iterable[Path], rows: int):
    """The arrays of several files as one; their headers are of the same length."""
    import numpy as np

    columns = {np.load(path, mmap_mode="r").shape[1:] for path in paths}
    header = npy_header((rows, *columns.pop()))
    yield [header]
    for path in paths:
        content = _content(path)
        yield [next(content)[len(header) :]]
        yield content


def _write(path, contents):
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

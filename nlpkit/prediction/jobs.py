"""Prediction jobs: files, formats and shards, checked before a model is loaded."""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nlpkit import __version__
from nlpkit.datasets.files import PARTIAL, check_name, check_readable, digest_of, ending_of
from nlpkit.errors import ConfigError, DataError, MissingPackageError, unknown_name
from nlpkit.options import FILE, Options
from nlpkit.prediction import journal
from nlpkit.prediction.chunks import count_lines, open_input, size_of
from nlpkit.prediction.journal import Journal
from nlpkit.prediction.output import errors_path, is_file
from nlpkit.prediction.stream import FileShare

BINARY_FORMATS = ("npy",)
"""Output formats that are not text: `nlpkit.prediction.predictor.Predictor.write` returns bytes, and `header` the bytes
before them, once the number of lines is known."""
SHOWN_FORMATS = ("html", "colour")
"""Output formats of every task: a page, and coloured text for a terminal."""
INPUT_FORMATS = ("text", "jsonl")
ENGINES = ("local", "ray")
"""Engines of a prediction."""
ON_ERROR = ("skip", "stop")
"""Actions at a bad line."""


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of several parts of a job, each done by a process of its own, on the same machine or another.

    Attributes:
        number: number of the shard, from 1.
        count: number of shards.

    Example:

        >>> Shard.parse("2/8").name_of("news.txt.gz")
        'news.2-of-8.txt.gz'
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Parse ``i/n``; raise a `ConfigError` if it is out of range."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ConfigError(f"shard {text!r}: must be i/n, from 1/n to n/n, such as 2/8")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def name_of(self, name: str) -> str:
        """Name of this shard of a file."""
        ending = ending_of(name) + (".gz" if name.endswith(".gz") else "")
        return f"{name.removesuffix(ending)}.{self.number}-of-{self.count}{ending}"

    def share(self, count: int) -> range:
        """Indices of this shard's part of `count` items."""
        return range(count * (self.number - 1) // self.count, count * self.number // self.count)


@dataclasses.dataclass(frozen=True)
class Job:
    """Files to answer, with their formats and options.

    Attributes:
        files: pairs of an input and its output.
        format: output format.
        input_format: ``text`` or ``jsonl``.
        on_error: one of `ON_ERROR`.
        journal: path of the journal; None if one of the files can't be read or written twice.
        shard: shard to answer; None for all.
        is_split: whether the shard consists of chunks of a single file, not of whole files.
        restart: whether to begin anew where an earlier run was stopped.
    """

    files: tuple[tuple[Any, Any], ...]
    format: str
    input_format: str
    on_error: str
    journal: Path | None
    shard: Shard | None
    is_split: bool
    restart: bool

    @classmethod
    def plan(
        cls,
        formats: Sequence[str],
        input: str | Path,
        output: str | Path,
        format: str | None = None,
        input_format: str | None = None,
        on_error: str = "skip",
        shard: str | None = None,
        restart: bool = False,
    ) -> Job:
        """Make a job from a user's arguments, see `nlpkit.prediction.predictor.Predictor.predict_file`.

        Args:
            formats: output formats of the task.

        Raises:
            ConfigError: if an argument is not accepted, or the input is the output.
            DataError: if a file can't be read or written, or a standard stream is closed.
        """
        check_on_error(on_error)
        share = None if shard is None else Shard.parse(shard)
        inputs = expand(input)
        if input_format is None:
            by_name = sorted({format_by_name(path) for path in inputs})
            if len(by_name) > 1:
                raise ConfigError(f"{input}: holds lines of text and JSON lines; choose one by the input format")
            input_format = by_name[0]
        file_format = output_format(formats, output, format)
        is_split = share is not None and is_single(input)
        for path in (input, output) if is_split else ():
            if not is_file(path) or not Path(path).name:
                raise ConfigError(f"{path}: a shard is read from a file and written to one")
        if is_single(input):
            outputs = [output if share is None else Path(output).with_name(share.name_of(Path(output).name))]
            place = Path(outputs[0])
        else:
            outputs = [Path(output, name) for name in _names(inputs, file_format)]
            # Another pattern with the same output folder is another job.
            name = f"nlpkit-{hashlib.sha256(os.fsencode(Path(input).absolute())).hexdigest()[:8]}"
            place = Path(output, name if share is None else share.name_of(name))
            if Path(input).resolve() == Path(output).resolve():
                raise ConfigError(f"{input}: is the input and the output; choose another output")
            if share is not None:
                if share.count > len(inputs):
                    raise ConfigError(f"shard {shard!r}: there are only {len(inputs)} files, and a shard is whole ones")
                own = share.share(len(inputs))
                inputs, outputs = [inputs[i] for i in own], [outputs[i] for i in own]
        files = tuple(zip(inputs, outputs))
        if not is_single(input):
            _make_folder(Path(output), files)
        job = cls(files, file_format, input_format, on_error, None, share, is_split, restart)
        job.check()
        is_kept = all(Path(source).is_file() and is_file(target) for source, target in job.files)
        if share is not None and not is_kept:
            raise ConfigError(f"{output}: a shard is read from a file and written to one")
        if is_split and file_format == "html":
            raise ConfigError(f"{output}: a page is not made of shards; take another format")
        return dataclasses.replace(job, journal=_beside(place, journal.ENDING) if is_kept else None)

    def check(self) -> None:
        """Check that its files can be read and written.

        Raises:
            ConfigError, DataError: as in `plan`.
        """
        if self.input_format not in INPUT_FORMATS:
            raise ConfigError(unknown_name("input_format", self.input_format, INPUT_FORMATS))
        for source, target in self.files:
            check_output(source, target)
            if str(source) == "-":
                if sys.stdin is None:
                    raise DataError("is closed; give a file, or let a program write to it", "standard input")
            else:
                check_readable(source)

    @property
    def reports(self) -> str:
        """Places of the reports about lines, for messages."""
        places = [errors_path(target) for _, target in self.files]
        if len(places) > 1:
            return f"*.errors.jsonl in {places[0] and places[0].parent}"
        return str(places[0] if places and places[0] else "standard error")

    def shares(self, chunk: int) -> list[FileShare]:
        """The files, or this shard's chunks of a single file; `chunk` is the size of a chunk in bytes."""
        if self.shard is None or not self.is_split:
            return [FileShare(*each) for each in self.files]
        [(source, target)] = self.files
        with open_input(source) as file:
            size = size_of(file, str(source)) if Path(source).suffix == ".gz" else Path(source).stat().st_size
        share = self.shard.share(-(-size // chunk))
        with open_input(source) as file:
            return [
                FileShare(source, target, share.start, share.stop, count_lines(file, str(source), chunk, share.start))
            ]

    def open_journal(self, model: Mapping[str, Any], options: Options) -> Journal | None:
        """Open its journal, if it has one.

        Args:
            model: plain values that identify the model.
            options: prediction options.

        Raises:
            DataError: if another job has left a journal there, or it is damaged.
        """
        if self.journal is None:
            return None
        files = [(Path(source).name, Path(source).stat().st_size, digest_of(source)) for source, _ in self.files]
        listed = hashlib.sha256(json.dumps(files).encode("utf-8", "backslashreplace")).hexdigest()
        run = {
            "version of nlpkit": __version__,
            **model,
            "input": [len(files), listed],
            "format": self.format,
            "input format": self.input_format,
            "on_error": self.on_error,
            "shard": self.shard and str(self.shard),
            "prediction option": _values_of(options),
        }
        return Journal(self.journal, run, self.restart, stays=self.shard is not None)


def check_on_error(on_error: str) -> None:
    """Raise a `ConfigError` unless `on_error` is one of `ON_ERROR`."""
    if on_error not in ON_ERROR:
        raise ConfigError(unknown_name("on_error", on_error, ON_ERROR))


def check_engine(engine: str, address: str | None, workers: int | None) -> None:
    """Raise a `ConfigError` for an unknown engine, or an address or workers without Ray; a `MissingPackageError` if Ray
    is not installed."""
    if engine not in ENGINES:
        raise ConfigError(unknown_name("engine", engine, ENGINES))
    for name, value in (("address", address), ("workers", workers)):
        if engine != "ray" and value is not None:
            raise ConfigError(f"{name} = {value!r}: is for the engine ray")
    if engine == "ray" and importlib.util.find_spec("ray") is None:
        raise MissingPackageError("ray", "ray")


def check_output(source: str | Path, output: str | Path) -> None:
    """Check that an output can be written without destroying its input.

    Raises:
        ConfigError: if the input is the output, or a file written beside it.
        DataError: if the output can't be a file, or standard output is closed.
    """
    if str(output) == "-":
        if sys.stdout is None:
            raise DataError("is closed; give a file, or let a program read from it", "standard output")
        return
    check_name(source)
    check_name(output)
    reports = errors_path(output)
    if reports is not None:
        check_name(reports.with_name(reports.name + PARTIAL))
    for path in (Path(output), reports):
        if path is not None and path.is_dir():
            raise DataError("is a folder; the output is a file", path)
    if not Path(output).parent.is_dir():
        raise DataError(f"can't be written: the folder {Path(output).parent} does not exist", output)
    origin, target = Path(source).resolve(), Path(output).resolve()
    if target == origin:
        raise ConfigError(f"{source}: is the input and the output; choose another output")
    journal_path = _beside(target, journal.ENDING)
    for path, what in ((target, "output"), (reports, "report"), (journal_path, "journal")):
        if path is not None and origin in (path, _beside(path, PARTIAL)) and origin.exists():
            raise ConfigError(f"{source}: the {what} of {output} would replace it; choose another output")


def expand(input: str | Path) -> list[Any]:
    """The input files: one, those of a folder, or those that match a pattern, in the order of their names.

    Raises:
        DataError: if there are none.
    """
    if is_single(input):
        return [input]
    if Path(input).is_dir():
        found = [path for path in sorted(Path(input).iterdir()) if path.is_file() and not _is_own(path.name)]
    else:
        found = [Path(path) for path in sorted(glob.glob(str(input), recursive=True))]
        found = [path for path in found if path.is_file() and not _is_own(path.name)]
    if not found and Path(input).is_dir():
        raise DataError("is a folder without a file to answer", input)
    if not found:
        raise DataError("there is no such file, and none that matches it as a pattern", input)
    return found


def is_single(input: str | Path) -> bool:
    """Whether an input is one file, not a folder or a pattern of names."""
    check_name(input)
    path = Path(input)
    return str(input) == "-" or (not path.is_dir() and (path.exists() or not glob.has_magic(str(input))))


def format_by_name(path: str | Path) -> str:
    """Input format by the ending of a name: ``jsonl`` or ``text``; a `ConfigError` for labelled columns."""
    if ending_of(path) == ".conll":
        raise ConfigError(
            f"{path}: labelled columns are for nlpkit evaluate; predict reads lines of text or JSON lines (the input "
            "format text reads the file as lines of text)"
        )
    return "jsonl" if ending_of(path) == ".jsonl" else "text"


def output_format(formats: Sequence[str], output: str | Path, name: str | None) -> str:
    """The output format: the one requested, else the ending of the output's name, else the first of the task.

    Args:
        formats: formats of the task; `SHOWN_FORMATS` are added.
        output: name of the output.
        name: requested format, or None.

    Raises:
        ConfigError: if the format is unknown, or the output can't hold it.
    """
    formats = (*formats, *SHOWN_FORMATS)
    by_name = ending_of(output).removeprefix(".")
    chosen = name or (by_name if by_name in formats else formats[0])
    if chosen not in formats:
        raise ConfigError(unknown_name("format", chosen, formats))
    if chosen in BINARY_FORMATS and (str(output) == "-" or str(output).endswith(".gz")):
        raise ConfigError(f"{output}: {chosen} needs a file that is not compressed")
    return chosen


def _names(inputs: Sequence[Path], file_format: str) -> list[str]:
    """Names of the outputs of several files, with the ending of their format."""
    ending = f".{'txt' if file_format in ('text', 'colour') else file_format}"
    names: dict[str, Path] = {}
    for path in inputs:
        packed = ".gz" if path.suffix == ".gz" and file_format not in BINARY_FORMATS else ""
        name = f"{path.name.removesuffix('.gz').removesuffix(ending_of(path))}{ending}{packed}"
        if name in names:
            raise ConfigError(f"{names[name]} and {path}: would both be written to {name}; predict them one by one")
        names[name] = path
    return [*names]


def _make_folder(folder: Path, files: Sequence[tuple[Any, Any]]) -> None:
    """Make the folder of several outputs, after a check of their inputs."""
    if folder.exists() and not folder.is_dir():
        raise DataError("is a file; the output of several files is a folder", folder)
    for source, _ in files:
        check_readable(source)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DataError(f"can't be created: {error.strerror}", folder) from None


def _is_own(name: str) -> bool:
    """Whether a file of this name was written beside an output."""
    return name.startswith(".") or name.endswith((PARTIAL, journal.ENDING, ".errors.jsonl"))


def _beside(path: Path, ending: str) -> Path:
    path = path.resolve()
    return path.with_name(path.name + ending)


def _values_of(options: Options) -> dict[str, Any]:
    """Plain values of options; for a file, the digest of its content."""
    values = options.to_dict()
    for each in options.declared():
        path = values[each.name]
        if each.metavar == FILE and isinstance(path, (str, Path)) and path and path not in each.other:
            values[each.name] = digest_of(path)
    return json.loads(json.dumps(values, default=repr))

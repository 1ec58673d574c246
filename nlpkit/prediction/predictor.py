"""What answers records: a trained model in use, one record at a time, many, or from file to file."""

from __future__ import annotations

import abc
import functools
import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, overload

from nlpkit.datasets.readers import field_of
from nlpkit.errors import ConfigError, DataError, DataWarning
from nlpkit.prediction.answers import Answer, Problem
from nlpkit.prediction.blocks import Stages
from nlpkit.prediction.jobs import Job, check_engine, check_on_error
from nlpkit.prediction.rendering import page_end, page_head, render, styled_to_ansi
from nlpkit.prediction.stream import Counts, Engine, answer_here, predict_stream

A = TypeVar("A", bound=Answer)


class Predictor(abc.ABC, Generic[A]):
    """From records to answers. A subclass says how a record is read, encoded, run through a network and answered.

    Threads may share it. A pickle of it holds the name of its folder, which is opened again by whoever unpickles it.
    After a fork it says at once that it must be loaded anew.

    Attributes:
        declaration: its name, its output formats and its prediction options, see
            `nlpkit.tasks.declaration.Declaration`.
        metrics: of the validation and test data when it was trained, by ``valid`` and ``test``.
        identity: plain values that tell it from other models; nothing if it has no folder.
    """

    declaration: ClassVar[Any]

    def __init__(self) -> None:
        self.metrics: dict[str, Any] = {}
        self.identity: dict[str, str] = {}
        self._opener: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
        self._process = os.getpid()

    def opened_by(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Say how a pickle of it is opened."""
        self._opener = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if self._opener is None:
            raise TypeError("a model without a folder can't be pickled; nlpkit.train and nlpkit.load give one with")
        return self._opener

    @overload
    def predict(  # type: ignore[overload-overlap]
        self, records: str | tuple[Any, ...] | Mapping[str, Any], *, on_error: str = ..., **options: Any
    ) -> A: ...

    @overload
    def predict(self, records: Iterable[Any], *, on_error: str = ..., **options: Any) -> list[A]: ...

    def predict(self, records: Any, *, on_error: str = "skip", **options: Any) -> Any:
        """The answer to a record, or those to many, one each, in order.

        Args:
            records: what the task answers. A text, a tuple, for a record of several parts, or a dictionary with the
                fields of a JSON line is one record; a list or any other iterable of these is many.
            on_error: with ``skip`` a record that can't be answered has an empty answer and a `DataWarning` says why;
                with ``stop`` it is a `DataError`.
            options: the task's prediction options; ``nlpkit predict DIR --help`` lists them.

        Returns:
            The task's answers, frozen dataclasses; ``to_dict()`` gives plain values.

        Raises:
            TypeError: if `records` is neither.
            ConfigError: if an option is unknown or out of range.
            DataError: at the first bad record with ``on_error="stop"``.
        """
        if isinstance(records, (str, tuple, Mapping)):
            return self._predict_all([records], on_error, options)[0]
        if isinstance(records, bytes) or not isinstance(records, Iterable):
            received = type(records).__name__
            raise TypeError(f"predict takes a text, a tuple, a dictionary, or a list of such. Received: {received}")
        return self._predict_all(records, on_error, options)

    def _predict_all(self, records, on_error, options):
        check_on_error(on_error)
        answers, problems = self.answered(records, self.declaration.prediction.create(options))
        for problem in problems:
            reason = f"record {problem.row}: {problem.reason}"
            if problem.is_error and on_error == "stop":
                raise DataError(reason)
            warnings.warn(reason, DataWarning, stacklevel=4)
        return answers

    def answered(self, records: Iterable[Any], options: Any) -> tuple[list[A], list[Problem]]:
        """The answers to records as users give them, one each, in order, and what is wrong with some.

        Args:
            records: as `predict` takes many.
            options: of the class of prediction options that the declaration names.
        """
        self.check_process()
        prepared = self.prepare(options)
        parsed, problems = self.parse_all(records)
        encoded, more = self.encode(parsed, prepared)
        return list(self.answers(encoded, self.run(encoded))), merge(problems, more)

    def predict_file(
        self,
        input: str | Path,
        output: str | Path,
        format: str | None = None,
        input_format: str | None = None,
        on_error: str = "skip",
        *,
        shard: str | None = None,
        restart: bool = False,
        engine: str = "local",
        address: str | None = None,
        workers: int | None = None,
        **options: Any,
    ) -> Counts:
        """Answer every line of a file, in order and in bounded memory.

        A run that was killed goes on where it stopped when it is called again: beside an output that is not whole
        stands ``OUTPUT.journal``, which says how far it has come and of what.

        Args:
            input, output: paths, or ``-`` for standard input and output; names that end in ``.gz`` are gzipped. If the
                input is a folder or a pattern such as ``news/*.txt``, the output is a folder with a file for each.
            format: an output format of the task; by default as the output's name ends, or the first of them.
            input_format: ``text`` for a record a line, ``jsonl`` for objects; by default as the input's name ends. What
                an object holds stands in the answer as well, if both are objects.
            on_error: ``skip`` or ``stop``, see `nlpkit.prediction.stream.predict_stream`.
            shard: ``i/n`` answers the i-th of n shares of the file, to a file of its own; `nlpkit.merge` joins them. Of
                several files it takes every share of them.
            restart: begin anew where an earlier run was stopped.
            engine: where it runs: ``local`` is this process, ``ray`` workers of Ray Data, on this machine or a cluster,
                which must find the model and the input by the same names.
            address, workers: with ``ray``, that of a cluster, and how many workers of a core each; by default this
                machine, and all its cores.
            options: as in `predict`.

        Returns:
            ``(lines, reported, failed, reason)``: how many lines there were, of how many something was reported, how
            many of these have an empty answer, and what was reported first.

        Raises:
            ConfigError: if an option or argument is not accepted.
            DataError: as `nlpkit.prediction.stream.predict_stream`; if another run was stopped here.
            MissingPackageError: without Ray.
        """
        check_engine(engine, address, workers)
        formats = self.declaration.formats
        job = Job.plan(formats, input, output, format, input_format, on_error, shard, restart)
        made = self.declaration.prediction.create(options)
        made.check_files()
        made.check_format(job.format)
        journal = job.open_journal(self.identity, made) if self.identity else None
        stages = self.stages(job.format, job.input_format, made)
        chosen: Engine = answer_here
        if engine == "ray":
            from nlpkit.prediction.on_ray import RayEngine

            if not self.identity:
                raise ConfigError("a model without a folder has nothing that a worker could load")
            recipe = functools.partial(type(self).stages, self, job.format, job.input_format, made)
            chosen = RayEngine(recipe, address, workers)
        return predict_stream(stages, job.shares(stages.chunk), on_error, journal, chosen)

    def stages(self, file_format: str, input_format: str, options: Any) -> Stages:
        """How a block of lines of a file is answered."""
        self.check_process()
        prepared = self.prepare(options)
        keeps_fields = file_format == input_format == "jsonl"

        def encode(items):
            records, problems = self.parse_all(items)
            encoded, more = self.encode(records, prepared)
            return (encoded, items if keeps_fields else None), merge(problems, more)

        def write(encoded, outputs):
            encoded, items = encoded
            if items is None:
                return self.write(encoded, outputs, file_format)
            return "".join(
                _json_line({**(item if isinstance(item, Mapping) else {}), **answer.to_dict()})
                for item, answer in zip(items, self.answers(encoded, outputs))
            )

        return Stages(
            encode=encode,
            run=lambda encoded: self.run(encoded[0]),
            write=write,
            header=lambda count: self.header(file_format, count),
            footer=page_end() if file_format == "html" else "",
            between=self.between_parts(file_format),
            is_json=input_format == "jsonl",
            chunk=self.declaration.chunk,
        )

    def answer(self, records: Sequence[Any], **options: Any) -> Sequence[A]:
        """Answers to records that were parsed, one each, in order; what is wrong with some is not told."""
        encoded, _ = self.encode(records, self.prepare(self.declaration.prediction.create(options)))
        return self.answers(encoded, self.run(encoded))

    def check_process(self) -> None:
        """Threads of a backend don't live on in a forked process, where the first step would wait for them for ever.

        Raises:
            ConfigError: in a process that was forked since.
        """
        if os.getpid() != self._process:
            raise ConfigError(
                "this model was loaded before the process was forked; load it in the new process by nlpkit.load, or "
                'start processes by "spawn"'
            )

    # What a subclass says. Several threads call these at once, each for a chunk of its own.

    @classmethod
    def parse(cls, item: Any) -> Any:
        """A record from what a user gives: a line of text, a tuple, or the object of a JSON line.

        Raises:
            ValueError: if it is something else.
        """
        return text_of(item)

    @classmethod
    def parse_all(cls, items: Iterable[Any]) -> tuple[list[Any], list[Problem]]:
        """Records from what a user gave, and what is wrong with some; a bad one is parsed as an empty text."""
        records, problems = [], []
        for row, item in enumerate(items):
            try:
                records.append(cls.parse(item))
            except ValueError as error:
                problems.append(Problem(row, str(error), is_error=True))
                records.append(cls.parse(""))
        return records, problems

    def prepare(self, options: Any) -> Any:
        """What all blocks of one prediction share, made from the user's prediction options; `encode` takes it."""
        return options

    @abc.abstractmethod
    def encode(self, records: Sequence[Any], prepared: Any) -> tuple[Any, list[Problem]]:
        """Records to arrays, and what is wrong with some of them. A record with an error has an empty answer."""

    @abc.abstractmethod
    def run(self, encoded: Any) -> Any:
        """Arrays through the network."""

    @abc.abstractmethod
    def answers(self, encoded: Any, outputs: Any) -> Sequence[A]:
        """The output of `run` to one answer for each record."""

    def write(self, encoded: Any, outputs: Any, file_format: str) -> str | bytes:
        """The output of `run` in a file format, each line with its end."""
        answers = self.answers(encoded, outputs)
        if file_format == "jsonl":
            return "".join(_json_line(answer.to_dict()) for answer in answers)
        if file_format == "html":
            return render(answers)
        if file_format == "colour":
            return "".join(f"{styled_to_ansi(answer.styled())}\n" for answer in answers)
        return "".join(f"{getattr(answer, f'to_{file_format}')()}\n" for answer in answers)

    def between_parts(self, file_format: str) -> str | None:
        """What stands between the answers to the parts of a text that is too long to be answered at once, each without
        its line end; None if a text can't be answered in parts."""
        return None

    def header(self, file_format: str, count: int) -> bytes:
        """What stands before the answers to so many records; as long for any count."""
        return page_head(self.declaration.name).encode() if file_format == "html" else b""


def merge(first: Sequence[Problem], second: Sequence[Problem]) -> list[Problem]:
    """One problem a record, in order; of a record that could not be parsed nothing else is reported."""
    return [found[row] for found in [{p.row: p for p in (*second, *first)}] for row in sorted(found)]


def text_of(item: Any, field: str = "text") -> str:
    """A text, given as it is or as a field of a JSON object; a `ValueError` says what else came."""
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        return field_of(item, field, str)
    raise ValueError(f"expected a text. Received: {item!r:.60}")


def _json_line(fields):
    return json.dumps(fields, ensure_ascii=False) + "\n"

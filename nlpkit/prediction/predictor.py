"""A trained model in use: answers to one record, to many, or from file to file."""

from __future__ import annotations

import abc
import functools
import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

from nlpkit.datasets.readers import field_of
from nlpkit.errors import ConfigError, DataError, DataWarning
from nlpkit.prediction.answers import Answer, Problem
from nlpkit.prediction.blocks import Stages
from nlpkit.prediction.jobs import Job, check_engine, check_on_error
from nlpkit.prediction.rendering import page_end, page_head, render, styled_to_ansi
from nlpkit.prediction.runtime import Runtime
from nlpkit.prediction.stream import Counts, Engine, answer_here, predict_stream

A = TypeVar("A", bound=Answer)


class PredictorDeclaration(Protocol):
    """The declaration of a predictor, free of frameworks; `nlpkit.tasks.declaration.Declaration` is one."""

    @property
    def name(self) -> str: ...
    @property
    def formats(self) -> Sequence[str]: ...
    @property
    def prediction(self) -> type[Any]: ...
    @property
    def chunk(self) -> int: ...


class Predictor(abc.ABC, Generic[A]):
    """From records to answers. A subclass says how a record is read, encoded, run through a network and answered.

    Threads may share it. A pickle of it holds the name of its folder, which is opened again by whoever unpickles it.
    After a fork it says at once that it must be loaded anew.

    Attributes:
        declaration: its name, output formats and prediction options.
        metrics: metrics on the validation and test data of its training, by ``valid`` and ``test``.
        runtime: the `Runtime` that computes its answers.
    """

    declaration: ClassVar[PredictorDeclaration]

    def __init__(self) -> None:
        self.metrics: dict[str, Any] = {}
        self.runtime = Runtime()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.runtime.reduce()

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

    def _predict_all(self, records: Iterable[Any], on_error: str, options: Mapping[str, Any]) -> list[A]:
        check_on_error(on_error)
        answers, problems = self.answered(records, self.declaration.prediction.create(options))
        for problem in problems:
            reason = f"record {problem.row}: {problem.reason}"
            if problem.is_error and on_error == "stop":
                raise DataError(reason)
            warnings.warn(reason, DataWarning, stacklevel=3)
        return answers

    def answered(self, records: Iterable[Any], options: Any) -> tuple[list[A], list[Problem]]:
        """The answers to records as users give them, one each, in order, and what is wrong with some.

        Args:
            records: as `predict` takes many.
            options: of the class of prediction options that the declaration names.
        """
        self.runtime.check_process()
        prepared = self.prepare(options)
        parsed, problems = parse_records(self, records)
        encoded, more = self.encode(parsed, prepared)
        return list(self.answers(encoded, self.run(encoded))), merged_problems(problems, more)

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
        identity = self.runtime.identity
        journal = job.open_journal(identity, made) if identity else None
        stages = stages_of(self, job.format, job.input_format, made)
        chosen: Engine = answer_here
        if engine == "ray":
            from nlpkit.prediction.on_ray import RayEngine

            if not identity:
                raise ConfigError("a model without a folder has nothing that a worker could load")
            recipe = functools.partial(stages_of, self, job.format, job.input_format, made)
            chosen = RayEngine(recipe, address, workers)
        return predict_stream(stages, job.shares(stages.chunk), on_error, journal, chosen)

    # What a subclass says. Several threads call these at once, each for a chunk of its own.

    @classmethod
    def parse(cls, item: Any) -> Any:
        """A record from what a user gives: a line of text, a tuple, or the object of a JSON line.

        Raises:
            ValueError: if it is something else.
        """
        return text_of(item)

    def prepare(self, options: Any) -> Any:
        """Values that all blocks of one prediction share, made from its options; `encode` takes them."""
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
        """Separator of the answers to the parts of a text that is too long to be answered at once, each without its
        line end; None if a text can't be answered in parts."""
        return None

    def header(self, file_format: str, count: int) -> bytes:
        """Beginning of a file with answers to so many records; it has the same length for any count."""
        return page_head(self.declaration.name).encode() if file_format == "html" else b""


def answer_parsed(predictor: Predictor[A], records: Sequence[Any], **options: Any) -> Sequence[A]:
    """Answers to records that have been parsed, one each, in order; their problems are left out."""
    encoded, _ = predictor.encode(records, predictor.prepare(predictor.declaration.prediction.create(options)))
    return predictor.answers(encoded, predictor.run(encoded))


def stages_of(predictor: Predictor[Any], file_format: str, input_format: str, options: Any) -> Stages:
    """The stages in which a predictor answers a chunk of lines of a file.

    Args:
        predictor: the predictor.
        file_format: one of its output formats.
        input_format: ``text`` or ``jsonl``.
        options: prediction options, of the class that its declaration names.
    """
    predictor.runtime.check_process()
    prepared = predictor.prepare(options)
    keeps_fields = file_format == input_format == "jsonl"

    def encode(items: Sequence[Any]) -> tuple[Any, list[Problem]]:
        records, problems = parse_records(predictor, items)
        encoded, more = predictor.encode(records, prepared)
        return (encoded, items if keeps_fields else None), merged_problems(problems, more)

    def write(encoded: Any, outputs: Any) -> str | bytes:
        encoded, items = encoded
        if items is None:
            return predictor.write(encoded, outputs, file_format)
        return "".join(
            _json_line({**(item if isinstance(item, Mapping) else {}), **answer.to_dict()})
            for item, answer in zip(items, predictor.answers(encoded, outputs))
        )

    return Stages(
        encode=encode,
        run=lambda encoded: predictor.run(encoded[0]),
        write=write,
        header=lambda count: predictor.header(file_format, count),
        footer=page_end() if file_format == "html" else "",
        between=predictor.between_parts(file_format),
        is_json=input_format == "jsonl",
        chunk=predictor.declaration.chunk,
    )


def parse_records(predictor: Predictor[Any], items: Iterable[Any]) -> tuple[list[Any], list[Problem]]:
    """Records from items as users give them, and the problems of some; a bad item is parsed as an empty text."""
    records, problems = [], []
    for row, item in enumerate(items):
        try:
            records.append(predictor.parse(item))
        except ValueError as error:
            problems.append(Problem(row, str(error), is_error=True))
            records.append(predictor.parse(""))
    return records, problems


def merged_problems(first: Sequence[Problem], second: Sequence[Problem]) -> list[Problem]:
    """One problem a record, in order; of a record that could not be parsed nothing else is reported."""
    by_row = {problem.row: problem for problem in (*second, *first)}
    return [by_row[row] for row in sorted(by_row)]


def text_of(item: Any, field: str = "text") -> str:
    """A text, given as it is or as a field of a JSON object; a `ValueError` says what else came."""
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        return field_of(item, field, str)
    raise ValueError(f"expected a text. Received: {item!r:.60}")


def _json_line(fields):
    return json.dumps(fields, ensure_ascii=False) + "\n"

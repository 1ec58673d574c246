"""A trained model in use."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nlpkit.datasets.files import ending_of
from nlpkit.errors import ConfigError, DataError, DataWarning
from nlpkit.prediction.stream import Stages, check_arguments, check_on_error, output_format, predict_stream
from nlpkit.tasks.answers import Answer
from nlpkit.tasks.declaration import BINARY_FORMATS, options_of
from nlpkit.tasks.task import Problem, Task
from nlpkit.terminal import say


class Predictor:
    """What `nlpkit.load` and `nlpkit.train` give: answers, answers from file to file, and metrics.

    Threads may share it. A pickle of it holds the name of its folder, which is opened again by whoever unpickles it.
    After a fork it says at once that it must be loaded anew.

    Attributes:
        task: the task's own object, with its settings, vocabularies and network.
        metrics: of the validation and test data when it was trained, by ``valid`` and ``test``.
    """

    def __init__(
        self, task: Task, metrics: Mapping[str, Any] | None = None, opener: tuple[Callable, tuple] | None = None
    ):
        """See the class.

        Args:
            task, metrics: as the attributes.
            opener: a function and arguments by which an unpickled one opens its folder.
        """
        self.task = task
        self.metrics = dict(metrics or {})
        self._opener = opener
        self._process = os.getpid()

    def __reduce__(self) -> tuple[Callable, tuple]:
        if self._opener is None:
            raise TypeError("a predictor without a folder can't be pickled; nlpkit.train and nlpkit.load give one with")
        return self._opener

    def __repr__(self) -> str:
        return f"<nlpkit predictor of the task {self.task.declaration.name}>"

    def predict(self, records: Iterable[Any], *, on_error: str = "skip", **options: Any) -> Sequence[Answer]:
        """Answers to records, one each, in order.

        Args:
            records: what the task answers: texts, tuples for records of several parts, or dictionaries with the fields
                of a JSON line.
            on_error: with ``skip`` a record that can't be answered has an empty answer and a `DataWarning` says why;
                with ``stop`` it is a `DataError`.
            options: the task's prediction options; ``nlpkit predict DIR --help`` lists them.

        Returns:
            The task's answers, frozen dataclasses; ``to_dict()`` gives plain values.

        Raises:
            TypeError: if `records` is a single record.
            ConfigError: if an option is unknown or out of range.
            DataError: at the first bad record with ``on_error="stop"``.
        """
        if isinstance(records, (str, bytes, Mapping)):
            raise TypeError(f"predict takes a list of records. Received: a single {type(records).__name__}")
        prepared = self._prepare(options)
        check_on_error(on_error)
        parsed, problems = parse_all(self.task, records)
        encoded, more = self.task.encode(parsed, prepared)
        for problem in merge(problems, more):
            reason = f"record {problem.row}: {problem.reason}"
            if problem.is_error and on_error == "stop":
                raise DataError(reason)
            warnings.warn(reason, DataWarning, stacklevel=2)
        return self.task.answers(encoded, self.task.run(encoded))

    def predict_file(
        self,
        input: str | Path,
        output: str | Path,
        format: str | None = None,
        input_format: str | None = None,
        on_error: str = "skip",
        **options: Any,
    ) -> tuple[int, int]:
        """Answer every line of a file, in order and in bounded memory.

        Args:
            input, output: paths, or ``-`` for standard input and output; names that end in ``.gz`` are gzipped.
            format: an output format of the task; by default as the output's name ends, or the first of them.
            input_format: ``text`` for a record a line, ``jsonl`` for objects; by default as the input's name ends.
            on_error: ``skip`` or ``stop``, see `nlpkit.prediction.stream.predict_stream`.
            options: as in `predict`.

        Returns:
            Number of lines, and of those about which something was reported.

        Raises:
            ConfigError: if an option or argument is not accepted.
            DataError: as `nlpkit.prediction.stream.predict_stream`.
        """
        file_format = output_format(self.task.declaration, output, format)
        input_format = input_format or format_by_name(input)
        check_arguments(input, output, input_format, on_error)
        prepared = self._prepare(options)

        def encode(items):
            records, problems = parse_all(self.task, items)
            encoded, more = self.task.encode(records, prepared)
            return encoded, merge(problems, more)

        stages = Stages(
            encode=encode,
            run=self.task.run,
            write=lambda encoded, outputs: self.task.write(encoded, outputs, file_format),
            header=functools.partial(self.task.header, file_format) if file_format in BINARY_FORMATS else None,
            between=self.task.between_parts(file_format),
        )
        return predict_stream(stages, input, output, input_format, on_error)

    def evaluate(self, data: str | Path, **reading: Any) -> dict[str, Any]:
        """Metrics over a labelled file; what was passed over or mended in it is printed on standard error.

        Args:
            data: the file.
            reading: the task's reading options; ``nlpkit evaluate DIR --help`` lists them.

        Returns:
            Metrics by name; a dictionary of rows is a table.

        Raises:
            ConfigError: if an option is unknown or out of range.
            DataError: if the file can't be read or used.
        """
        self._check_process()
        task = self.task
        read = task.read(data, options_of(task.declaration.reading, reading, is_measured=True), task.metadata)
        for note in read.notes:
            say(note)
        return {**task.evaluate(read.examples), **read.counts}

    def _prepare(self, options):
        self._check_process()
        return self.task.prepare(self.task.declaration.prediction.create(options))

    def _check_process(self):
        """Threads of a backend don't live on in a forked process, where the first step would wait for them for ever."""
        if os.getpid() != self._process:
            raise ConfigError(
                "this model was loaded before the process was forked; load it in the new process by nlpkit.load, or "
                'start processes by "spawn"'
            )


def format_by_name(path: str | Path) -> str:
    """``jsonl`` or ``text``, as the name of an input file ends."""
    return "jsonl" if ending_of(path) == ".jsonl" else "text"


def parse_all(task: Task, items: Iterable[Any]) -> tuple[list[Any], list[Problem]]:
    """Records from what a user gave, and what is wrong with some; a bad one is parsed as an empty text."""
    records, problems = [], []
    for row, item in enumerate(items):
        try:
            records.append(task.parse(item))
        except ValueError as error:
            problems.append(Problem(row, str(error), is_error=True))
            records.append(task.parse(""))
    return records, problems


def merge(first: Sequence[Problem], second: Sequence[Problem]) -> list[Problem]:
    """One problem a record, in order; of a record that could not be parsed nothing else is reported."""
    return [found[row] for found in [{p.row: p for p in (*second, *first)}] for row in sorted(found)]

"""What a task implements, and what it gets for that. Training, prediction and the command line know nothing else."""

from __future__ import annotations

import abc
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np

from nlpkit.datasets.readers import field_of
from nlpkit.errors import ConfigError, DataError
from nlpkit.tasks.answers import Answer
from nlpkit.tasks.declaration import Declaration
from nlpkit.tasks.pictures import Picture
from nlpkit.training.metric import Metric
from nlpkit.training.settings import TrainingSettings

_HELD_OUT = 0.05  # of the training data, where there is no validation file


class Data(NamedTuple):
    """A data file that has been read."""

    examples: Any
    """A sequence of examples."""
    metadata: dict[str, Any] = {}  # noqa: RUF012
    """What holds for all of them and a model must know, such as a tag scheme. Plain values."""
    notes: Sequence[str] = ()
    """What was passed over or mended, for people."""
    counts: dict[str, int] = {}  # noqa: RUF012
    """The same in numbers, for the metrics; zeros are left out."""


class Problem(NamedTuple):
    """Something about a record that a person should know."""

    row: int
    """Index of the record among those that were encoded together."""
    reason: str
    is_error: bool = False
    """A record with an error is not answered; one with a warning is."""


class Stored(Protocol):
    """What a `Part` is made of: something that is written to a file and read from it."""

    def write(self, file: IO[bytes]) -> None: ...

    @classmethod
    def load(cls, path: Path) -> Any: ...


class Part(NamedTuple):
    """A file of a trained folder: where it is kept, and what reads it."""

    file: str
    attribute: str
    """Of the task, which is None where there is no such file."""
    kind: type[Stored]
    """Has ``write(file)`` and ``load(path)``."""


class Network(Protocol):
    """A network with named parts; `model` holds all weights that are kept.

    Training fits it, or if there is one the `training_model`, which has a head beside it that prediction does not need:
    weights that are neither averaged nor kept.
    """

    model: Any


def training_model(network: Any) -> Any:
    """The Keras model that training fits."""
    return getattr(network, "training_model", network.model)


class Task(abc.ABC):
    """A model with everything around it: from a file's examples to arrays, and from its output to answers.

    A task names its `declaration` and `parts` and implements the abstract methods; the others have a default.

    Args:
        settings: of the class that the declaration names.
        metadata: plain values that the model needs beside its settings and files.
        parts: by the attribute of each `Part`, its content.

    Attributes:
        network: the network, once it was built.
        models: other trained tasks that it brings along, by the setting that named them (`nlpkit.options.MODEL`).
    """

    declaration: ClassVar[Declaration]
    parts: ClassVar[Sequence[Part]] = ()
    settings: Any
    network: Any = None

    def __init__(self, settings: TrainingSettings, metadata: Mapping[str, Any] | None = None, **parts: Any):
        self.settings, self.metadata = settings, dict(metadata or {})
        self.models: dict[str, Task] = {}
        for part in self.parts:
            setattr(self, part.attribute, parts.pop(part.attribute, None))
        if parts:
            raise TypeError(f"{type(self).__name__} has no parts {', '.join(parts)}")

    def bring(self, models: Mapping[str, Task]) -> None:
        """Take other trained tasks along, by the setting that named them."""
        self.models = dict(models)

    # Training.

    @classmethod
    @abc.abstractmethod
    def read(cls, path: str | Path, options: Any, metadata: Mapping[str, Any] | None = None) -> Data:
        """The examples of a data file.

        Args:
            path: the file.
            options: of the class of reading options that the declaration names.
            metadata: of the data that a model was trained on, for data that are measured.
        """

    @classmethod
    @abc.abstractmethod
    def build(cls, settings: Any, data: Data) -> Self:
        """An untrained task with the vocabularies of its training data; its network may wait for `untrained`."""

    @classmethod
    def untrained(cls, settings: Any, data: Data) -> Self:
        """What `build` gives, with its network."""
        task = cls.build(settings, data)
        task.network = task.network or task.build_network()
        return task

    @classmethod
    def continued(cls, start: Self, settings: Any, data: Data) -> Self:
        """A task with the weights of another one, and with what the new training data have more.

        Args:
            start: a trained task of the same kind.
            settings: whose network is that of `start`; how it is trained may differ.
            data: the training data.
        """
        raise ConfigError(f"a model of the task {cls.declaration.name} can't go on from another one")

    @abc.abstractmethod
    def build_network(self) -> Any:
        """The untrained `Network` that settings, metadata and parts imply."""

    @property
    @abc.abstractmethod
    def loss(self) -> Any:
        """The loss to train with, as `keras.Model.compile` takes it."""

    @abc.abstractmethod
    def batches(self, examples: Any, seed: int) -> Any:
        """Training batches as `nlpkit.training.loop.train_model` takes them."""

    @property
    def metric(self) -> Metric:
        """What picks the best weights."""
        return self.declaration.metric

    def optimizer(self, steps: int) -> Any:
        """The optimizer for so many steps, or None for that of the training loop."""

    @classmethod
    def hold_out(cls, examples: Any, path: str | Path) -> tuple[Any, Any]:
        """The examples of a file without a twentieth of them, chosen by a fixed seed, and that twentieth."""
        if len(examples) < 2:
            raise DataError("holds one example, of which none can be held out; give a validation file", path)
        order = np.random.default_rng(0).permutation(len(examples))
        count = max(1, round(len(examples) * _HELD_OUT))
        return [examples[i] for i in np.sort(order[count:])], [examples[i] for i in order[:count]]

    @classmethod
    def check_validation_data(cls, examples: Any, path: str | Path) -> None:
        """Raise a `DataError` if the metric that picks the best weights can't be measured on these examples."""

    @staticmethod
    def digest(examples: Any) -> str:
        """Short hash of a data set."""
        content = json.dumps([vars(example) for example in examples])
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    # Answers. `encode`, `run` and `write` each run in a thread of their own, block after block.

    @classmethod
    def parse(cls, item: Any) -> Any:
        """A record from what a user gives: a line of text, a tuple, or the object of a JSON line.

        Raises:
            ValueError: if it is something else.
        """
        return text_of(item)

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
    def answers(self, encoded: Any, outputs: Any) -> Sequence[Answer]:
        """The output of `run` to one answer for each record."""

    def write(self, encoded: Any, outputs: Any, file_format: str) -> str | bytes:
        """The output of `run` in a file format, each line with its end."""
        answers = self.answers(encoded, outputs)
        if file_format == "jsonl":
            return "".join(json.dumps(answer.to_dict(), ensure_ascii=False) + "\n" for answer in answers)
        return "".join(f"{getattr(answer, f'to_{file_format}')()}\n" for answer in answers)

    def between_parts(self, file_format: str) -> str | None:
        """What stands between the answers to the parts of a text that is too long to be answered at once, each without
        its line end; None if a text can't be answered in parts."""
        return None

    def header(self, file_format: str, count: int) -> bytes:
        """What stands before the answers to so many records, in a format that is not text; as long for any count."""
        raise TypeError(f"{self.declaration.name} writes no {file_format}")

    def predict(self, records: Sequence[Any], **options: Any) -> Sequence[Any]:
        """Answers to records, one each, in order; problems are not reported, see `nlpkit.Predictor.predict`."""
        prepared = self.prepare(self.declaration.prediction.create(options))
        encoded, _ = self.encode(records, prepared)
        return self.answers(encoded, self.run(encoded))

    # Evaluation.

    def calibrate(self, examples: Any) -> None:
        """Choose what is chosen on validation data once training has ended, such as a threshold."""

    @abc.abstractmethod
    def evaluate(self, examples: Any) -> dict[str, Any]:
        """Metrics over examples, by name; a dictionary of rows becomes a table."""

    def expected(self, examples: Any, count: int) -> list[tuple[Any, Answer | None]]:
        """Some records and their right answers, for the report and the demo; None where there is no right one."""
        return []

    def pictures(self, examples: Any) -> list[Picture]:
        """What the report shows beside metrics and sample answers, made from the validation data."""
        return []

    # Files of other programs.

    def export(self, path: Path) -> None:
        """Write a file for other programs, of a kind that the declaration lists in `exports`."""
        raise TypeError(f"{self.declaration.name} has no files for other programs")

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """A trained task from a file of another program, of a kind that the declaration lists in `imports`."""
        raise TypeError(f"{cls.declaration.name} reads no files of other programs")


def text_of(item: Any, field: str = "text") -> str:
    """A text, given as it is or as a field of a JSON object; a `ValueError` says what else came."""
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        return field_of(item, field, str)
    raise ValueError(f"expected a text. Received: {item!r:.60}")

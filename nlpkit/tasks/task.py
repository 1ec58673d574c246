"""The interface of a task: methods to implement, and behaviour that it inherits. Other rooms know no more of it."""

from __future__ import annotations

import abc
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple, Protocol, Self, TypeVar

import numpy as np

from nlpkit.errors import DataError
from nlpkit.prediction.answers import Answer
from nlpkit.prediction.predictor import A, Predictor
from nlpkit.tasks.declaration import Declaration, options_of
from nlpkit.tasks.shared.plots import Plot
from nlpkit.terminal import say
from nlpkit.training.metric import Metric
from nlpkit.training.settings import TrainingSettings

T = TypeVar("T", bound="Task[Any]")
_IN_REPR = 3  # metrics
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


class Stored(Protocol):
    """The content of a part: written to a file and read from one."""

    def write(self, file: IO[bytes]) -> None: ...

    @classmethod
    def load(cls, path: Path) -> Any: ...


class Part(NamedTuple):
    """A file of a trained folder beside the network, such as a vocabulary."""

    file: str
    """Its name in the folder."""
    name: str
    """Key of its content in `Task.parts`."""
    kind: type[Stored]
    """Class of its content."""


class Network(Protocol):
    """A network with named parts. Beside `model` it may have:

    - ``graphs``: programs of its prediction, `nlpkit.prediction.programs.Graph` by name; they are exported, so that
      prediction needs no framework;
    - ``training_model``: the model that training fits, with a head whose weights are neither averaged nor kept;
    - ``divides_batches``: whether several devices may share a batch. Each array of a batch must have a row for each
      example, and the loss must be a mean over these, none of which depends on another.
    """

    model: Any
    """The Keras model with all weights that are kept."""


def training_model(network: Any) -> Any:
    """The Keras model that training fits."""
    return getattr(network, "training_model", network.model)


class Task(Predictor[A]):
    """A model with everything around it: a predictor that is trained, from a file's examples on.

    A task names its `declaration` and `part_files` and implements the abstract methods; the others have a default.

    Args:
        settings: of the class that the declaration names.
        metadata: plain values that the model needs beside its settings and files.
        parts: content of each part, by name.

    Attributes:
        parts: contents of its `part_files`, by name; None for a file that it does not have.
        sub_models: trained tasks that it uses, by the setting that named them (`nlpkit.options.MODEL`).
    """

    declaration: ClassVar[Declaration]
    part_files: ClassVar[Sequence[Part]] = ()
    settings: Any

    def __init__(self, settings: TrainingSettings, metadata: Mapping[str, Any] | None = None, **parts: Any):
        super().__init__()
        self.settings, self.metadata = settings, dict(metadata or {})
        self.sub_models: dict[str, Task[Any]] = {}
        self.parts: dict[str, Any] = {part.name: parts.pop(part.name, None) for part in self.part_files}
        if parts:
            raise TypeError(f"{type(self).__name__} has no parts {', '.join(parts)}")

    @property
    def network(self) -> Any:
        """The network for Keras, see `nlpkit.prediction.runtime.Runtime`."""
        return self.runtime.network

    @network.setter
    def network(self, network: Any) -> None:
        self.runtime.network = network

    def __repr__(self) -> str:
        if not self.runtime.is_ready:
            return f"<{type(self).__name__}: an untrained model of the task {self.declaration.name}>"
        known: Mapping[str, Any] = next(
            (self.metrics[name] for name in ("test", "valid") if self.metrics.get(name)), {}
        )
        numbers = [f"{name} {value:.4f}" for name, value in known.items() if isinstance(value, float)][:_IN_REPR]
        if self.runtime.name == "onnx":
            size = f"{sum(map(len, self.runtime.onnx_files.values())) / 1e6:.1f} MB, on onnxruntime"
        else:
            size = f"{self.network.model.count_params():,} parameters"
        return f"<{type(self).__name__}: {', '.join([f'task {self.declaration.name}', size, *numbers])}>"

    def attach(self, models: Mapping[str, Task[Any]]) -> None:
        """Attach sub-models, keyed by the setting that names them."""
        self.sub_models = dict(models)

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
    def continued(cls, start: Self, settings: Any, data: Data) -> Self:
        """A task with the weights of another one, and with what the new training data have more.

        Args:
            start: a trained task of the same kind.
            settings: whose network is that of `start`; how it is trained may differ.
            data: the training data.

        Raises:
            ConfigError: if the network is another one.
        """
        from nlpkit.tasks.shared.warm_start import merged_parts, transfer_weights

        built = cls.build(settings, data)
        task = cls(settings, built.metadata, **merged_parts(start, built))
        task.network = task.build_network()
        transfer_weights(task, start)
        return task

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
        """The metric that picks the best weights."""
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

    # Evaluation.

    def calibrate(self, examples: Any) -> None:
        """Choose what is chosen on validation data once training has ended, such as a threshold."""

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
        labelled = read_labelled(self, data, **reading)
        return {**self.measure(labelled.examples), **labelled.counts}

    @abc.abstractmethod
    def measure(self, examples: Any) -> dict[str, Any]:
        """Metrics over examples, by name; a dictionary of rows becomes a table."""

    def expected(self, examples: Any, count: int) -> list[tuple[Any, Answer | None]]:
        """Some records and their right answers, for the report and the demo; None where there is no right one."""
        return []

    def plots(self, examples: Any) -> list[Plot]:
        """Plots of the validation data for the report, beside metrics and sample answers."""
        return []

    def plot(self, record: Any, answer: A) -> Plot | None:
        """A plot for a page, beside the answer to a record that `parse` gave, or None."""
        return None

    def samples(self) -> list[Any]:
        """Some items to `parse`, for trying the model out: by `nlpkit benchmark`, and before an export."""
        return ["今天天气真好，我们去公园。", "春风送暖入千家", "北京大学"]


def untrained(task: type[T], settings: Any, data: Data) -> T:
    """A task built from training data, with its network."""
    built = task.build(settings, data)
    built.network = built.network or built.build_network()
    return built


def read_labelled(task: Task[Any], data: str | Path, **reading: Any) -> Data:
    """The labelled data of a file, read as `Task.evaluate` reads them; notes about them go to standard error.

    Args:
        task: the trained task.
        data: the file.
        reading: reading options.
    """
    task.runtime.check_process()
    labelled = task.read(data, options_of(task.declaration.reading, reading, is_measured=True), task.metadata)
    for note in labelled.notes:
        say(note)
    return labelled


def digest_of_examples(examples: Any) -> str:
    """Short hash of a data set: its own ``digest()``, if it has one, or that of the fields of its examples."""
    if hasattr(examples, "digest"):
        return examples.digest()
    content = json.dumps([vars(example) for example in examples])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]

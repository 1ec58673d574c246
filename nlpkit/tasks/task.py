"""What a task implements, and what it gets for that. Training, prediction and the command line know nothing else."""

from __future__ import annotations

import abc
import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np

from nlpkit.errors import DataError
from nlpkit.prediction.answers import Answer
from nlpkit.prediction.predictor import A, Predictor
from nlpkit.prediction.programs import Graph, Program
from nlpkit.tasks.declaration import Declaration, options_of
from nlpkit.tasks.shared.plots import Plot
from nlpkit.terminal import say
from nlpkit.training.metric import Metric
from nlpkit.training.settings import TrainingSettings

_TOLD = 3  # metrics in the repr
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
    """A network with named parts; `model` holds all weights that are kept. What its task computes in prediction may
    stand in `graphs`, a dictionary of `nlpkit.prediction.programs.Graph`: then it is exported, and needs no framework.

    Training fits it, or if there is one the `training_model`, which has a head beside it that prediction does not need:
    weights that are neither averaged nor kept.
    """

    model: Any


def training_model(network: Any) -> Any:
    """The Keras model that training fits."""
    return getattr(network, "training_model", network.model)


class Task(Predictor[A]):
    """A model with everything around it: a predictor that is trained, from a file's examples on.

    A task names its `declaration` and `parts` and implements the abstract methods; the others have a default.

    Args:
        settings: of the class that the declaration names.
        metadata: plain values that the model needs beside its settings and files.
        parts: by the attribute of each `Part`, its content.

    Attributes:
        runtime: what computes its answers, ``onnx`` or ``keras``.
        programs: parts of the network by name, see `program`.
        exported: the same as ONNX files, which a folder has beside its network.
        models: other trained tasks that it brings along, by the setting that named them (`nlpkit.options.MODEL`).
    """

    declaration: ClassVar[Declaration]
    parts: ClassVar[Sequence[Part]] = ()
    compared_under: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    """Prediction options under which a network that was written as ONNX must answer as Keras does."""
    divides_batches = False
    """Whether several devices may share a batch: each of its arrays has a row for each example, and the loss is a mean
    over these, of which none looks at another."""
    settings: Any

    def __init__(self, settings: TrainingSettings, metadata: Mapping[str, Any] | None = None, **parts: Any):
        super().__init__()
        self.settings, self.metadata = settings, dict(metadata or {})
        self.sub_models: dict[str, Task] = {}
        self.programs: dict[str, Program] = {}
        self.exported: dict[str, bytes] = {}
        self.runtime = "keras"
        self._network: Any = None
        self._reads_network: Callable[[], Any] | None = None
        self._making = threading.RLock()
        for part in self.parts:
            setattr(self, part.attribute, parts.pop(part.attribute, None))
        if parts:
            raise TypeError(f"{type(self).__name__} has no parts {', '.join(parts)}")

    @property
    def network(self) -> Any:
        """The network, once it was built. Where onnxruntime computes the answers it is read from the folder when it is
        used."""
        with self._making:
            if self._network is None and self._reads_network is not None:
                self._network, self._reads_network = self._reads_network(), None
            return self._network

    @network.setter
    def network(self, network: Any) -> None:
        self._network = network

    def computed_by(self, programs: Mapping[str, Program], read: Callable[[], Any]) -> None:
        """Let programs compute the answers; `read` gives the network, for what they don't."""
        self.runtime, self.programs, self._reads_network = "onnx", dict(programs), read

    def share_network(self, other: Task[Any]) -> None:
        """Take the network and the programs of a task with the same settings."""
        self.runtime, self.programs, self.exported = other.runtime, other.programs, other.exported
        self._network, self._reads_network = other._network, other._reads_network

    def __repr__(self) -> str:
        if self._network is None and not self.programs:
            return f"<{type(self).__name__}: an untrained model of the task {self.declaration.name}>"
        known: Mapping[str, Any] = next(
            (self.metrics[name] for name in ("test", "valid") if self.metrics.get(name)), {}
        )
        numbers = [f"{name} {value:.4f}" for name, value in known.items() if isinstance(value, float)][:_TOLD]
        if self.runtime == "onnx":
            size = f"{sum(map(len, self.exported.values())) / 1e6:.1f} MB, on onnxruntime"
        else:
            size = f"{self.network.model.count_params():,} parameters"
        return f"<{type(self).__name__}: {', '.join([f'task {self.declaration.name}', size, *numbers])}>"

    def attach(self, models: Mapping[str, Task]) -> None:
        """Take other trained tasks along, by the setting that named them."""
        self.sub_models = dict(models)

    def program(self, name: str, graph: Callable[[], Graph] | None = None) -> Program:
        """A part of the network as a function of arrays: what `run` computes by.

        Args:
            name: of one of the network's ``graphs``.
            graph: makes it, if it is none of these.
        """
        with self._making:
            if name not in self.programs:
                network = self.network  # before what follows loads a framework that is not there
                from nlpkit.training.forward import Forward

                self.programs[name] = Forward(*(graph() if graph else network.graphs[name]))
            return self.programs[name]

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
        read = self.read_measured(data, **reading)
        return {**self.measure(read.examples), **read.counts}

    def read_measured(self, data: str | Path, **reading: Any) -> Data:
        """The labelled data of a file as `evaluate` reads them; its notes are printed on standard error."""
        self.check_process()
        read = self.read(data, options_of(self.declaration.reading, reading, is_measured=True), self.metadata)
        for note in read.notes:
            say(note)
        return read

    @abc.abstractmethod
    def measure(self, examples: Any) -> dict[str, Any]:
        """Metrics over examples, by name; a dictionary of rows becomes a table."""

    def expected(self, examples: Any, count: int) -> list[tuple[Any, Answer | None]]:
        """Some records and their right answers, for the report and the demo; None where there is no right one."""
        return []

    def plots(self, examples: Any) -> list[Plot]:
        """What the report shows beside metrics and sample answers, made from the validation data."""
        return []

    def plot(self, record: Any, answer: A) -> Plot | None:
        """What a page shows beside the answer to a record that `parse` gave, or nothing."""
        return None

    # Files of other programs.

    def samples(self) -> list[Any]:
        """Some items to `parse`, by which a network that is written for another program is tried."""
        return ["今天天气真好，我们去公园。", "春风送暖入千家", "北京大学"]

    def packaged_example(self) -> str:
        """What uses a network that was written for other programs, a file of `nlpkit/export/templates`; by default one
        that only runs it."""
        return "example.py"

    def export(self, path: Path) -> None:
        """Write a file for other programs, of a kind that the declaration lists in `exports`."""
        raise TypeError(f"{self.declaration.name} has no files for other programs")

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """A trained task from a file of another program, of a kind that the declaration lists in `imports`."""
        raise TypeError(f"{cls.declaration.name} reads no files of other programs")

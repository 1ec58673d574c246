"""The declaration of a task, free of any framework: its name, its options, its metric, its commands.

Each task declares itself in its `config.py`, from which the command line shows help and checks arguments in a fraction
of a second.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nlpkit.options import Options
from nlpkit.training.metric import Metric
from nlpkit.training.settings import TrainingSettings

if TYPE_CHECKING:
    from nlpkit.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class ReadingOptions(Options):
    """Options of reading data files; tasks extend it."""

    noun = "reading option"
    group = "reading"
    measured: ClassVar[Mapping[str, Any]] = {}
    """Other defaults for evaluation data."""
    checked: ClassVar[Sequence[str]] = ()
    """Names of the options that ``nlpkit check`` takes as well."""


def options_of(kind: type[ReadingOptions], values: Mapping[str, Any], is_measured: bool) -> ReadingOptions:
    """Reading options from a user's values over the defaults, for evaluation data or for training data."""
    return kind.create({**(kind.measured if is_measured else {}), **values})


@dataclasses.dataclass(frozen=True)
class PredictionOptions(Options):
    """Options of prediction; tasks extend it."""

    noun = "prediction option"
    group = "prediction"

    def check_format(self, file_format: str) -> None:
        """Raise a `ConfigError` if an output format can't hold a requested value."""


@dataclasses.dataclass(frozen=True)
class Metadata(Options):
    """Values that a model keeps beside its settings and files; tasks extend it, and a folder is checked against it."""

    noun = "value"
    group = "metadata"

    @classmethod
    def check_values(cls, values: Mapping[str, Any]) -> None:
        """Raise a `ConfigError` if a declared value has the wrong type or range; undeclared values are ignored."""
        cls.create({each.name: values[each.name] for each in cls.declared() if each.name in values})


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of a single task: ``nlpkit NAME DIR …``.

    Attributes:
        name: name of the command.
        summary: phrase for the list of commands.
        function: ``"module:function"``, which takes the task of a trained folder and the options. The module imports no
            framework until the function is called.
        options: class of its options, which become flags.
        needs: with ``answers``, the required file of the model's folder, and the remedy if it is missing.
        writes: result of the function: ``lines`` of an output file, or a task, the ``model`` of another folder. With
            ``answers`` there is no function: the command is another name of ``nlpkit predict``.
    """

    name: str
    summary: str
    function: str = ""
    options: type[Options] = Options
    writes: str = "lines"
    needs: tuple[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class Demo:
    """A demonstration of a task by `nlpkit demo` on the built-in samples.

    Attributes:
        title: heading.
        train, valid: file names in the task's folder of samples; without `valid` some of `train` is held out.
        settings: settings that differ from the defaults.
        records: records to answer at the end, the name of a file of them, or nothing, for some of `valid`.
    """

    title: str
    train: str
    valid: str | None
    settings: Mapping[str, Any]
    records: Sequence[str] | str = ()


@dataclasses.dataclass(frozen=True)
class Declaration:
    """A task as declared to the command line, training and prediction.

    Attributes:
        name: name of the task.
        summary: phrase for the list of tasks.
        data: format of labelled data, for help texts.
        settings, reading, prediction: its three classes of options.
        metric: metric that selects the best weights.
        metadata: class of the values that its models keep beside their settings; None if they are not checked.
        keeps_last: whether to keep the weights of the last epoch instead of the best.
        batches_at_once: number of batches that prediction computes in parallel, if a single one is too small for all
            cores; the command line divides the cores among them.
        chunk: size of a chunk of a file in prediction, in bytes; it should take about a second or less.
        formats: output formats, the default first, besides those of every task. ``jsonl`` is ``to_dict()`` of an
            answer, any other format ``NAME`` its method ``to_NAME()``.
        task: ``"module:class"`` of its `Task`.
        check: ``"module:function"`` behind ``nlpkit check``, or empty; it takes paths, settings, and the `checked`
            reading options by name.
        commands: commands of this task alone.
        demos: demonstrations of ``nlpkit demo``.
        compared_under: prediction options under which an ONNX network must give the same answers as Keras.
        packaged_example: template of ``example.py`` in exports (see `nlpkit/export/templates`), and the inputs that it
            computes; an export of a network with other inputs gets an example that only runs the network.
        exports: endings and names of the files that its method ``export(path)`` writes.
        imports: endings of the files that its class method ``from_file(path)`` reads.
    """

    name: str
    summary: str
    settings: type[TrainingSettings]
    metric: Metric
    data: str = "labelled data"
    reading: type[ReadingOptions] = ReadingOptions
    prediction: type[PredictionOptions] = PredictionOptions
    metadata: type[Metadata] | None = None
    keeps_last: bool = False
    batches_at_once: int = 1
    chunk: int = 1 << 18
    formats: tuple[str, ...] = ("text", "jsonl")
    task: str = ""
    check: str = ""
    commands: tuple[Command, ...] = ()
    demos: tuple[Demo, ...] = ()
    compared_under: tuple[Mapping[str, Any], ...] = ({},)
    packaged_example: tuple[str, tuple[str, ...]] = ("example.py", ())
    exports: Mapping[str, str] = dataclasses.field(default_factory=dict)
    imports: tuple[str, ...] = ()

    def load_task(self) -> type[Task]:
        """Import the task's class, and with it its framework."""
        return load_object(self.task)


def load_object(place: str) -> Any:
    """The object named by ``"module:name"``."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)

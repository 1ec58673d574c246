"""What is known of a task without any framework: its name, its options, its metric, its commands.

Each task declares itself in its `config.py`, from which the command line shows help and checks what a user typed in a
fraction of a second.
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
    """How data files are read; tasks extend it."""

    noun = "reading option"
    group = "reading"
    measured: ClassVar[Mapping[str, Any]] = {}
    """Defaults that differ for data that are measured, not trained on."""
    checked: ClassVar[Sequence[str]] = ()
    """Those that ``nlpkit check`` takes as well."""


def options_of(kind: type[ReadingOptions], values: Mapping[str, Any], is_measured: bool) -> ReadingOptions:
    """Reading options from what a user gave, over the defaults for data of that use."""
    return kind.create({**(kind.measured if is_measured else {}), **values})


@dataclasses.dataclass(frozen=True)
class PredictionOptions(Options):
    """How records are answered; tasks extend it."""

    noun = "prediction option"
    group = "prediction"

    def check_format(self, file_format: str) -> None:
        """Raise a `ConfigError` if an output format leaves out what is asked for."""


@dataclasses.dataclass(frozen=True)
class Metadata(Options):
    """What a model must know beside its settings and files; tasks extend it, and a folder is checked against it."""

    noun = "value"
    group = "metadata"

    @classmethod
    def check_values(cls, values: Mapping[str, Any]) -> None:
        """Raise a `ConfigError` if one that is declared is something else; there may be others."""
        cls.create({each.name: values[each.name] for each in cls.declared() if each.name in values})


@dataclasses.dataclass(frozen=True)
class Command:
    """A command that only one task has: ``nlpkit NAME DIR …``.

    Attributes:
        name: its name.
        summary: a phrase for the list of commands.
        function: ``"module:function"``, which takes the task of a trained folder and the options. The module imports no
            framework until the function is called.
        options: its options, which become flags.
        needs: with ``answers``, the file that a model's folder must have, and what to do without it.
        writes: what the function returns: ``lines`` of an output file, or a task, the ``model`` of another folder. With
            ``answers`` there is no function: it is what ``nlpkit predict`` does, under another name.
    """

    name: str
    summary: str
    function: str = ""
    options: type[Options] = Options
    writes: str = "lines"
    needs: tuple[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class Demo:
    """What `nlpkit demo` shows of a task on the built-in samples.

    Attributes:
        title: heading.
        train, valid: file names in the task's folder of samples; without `valid` some of `train` is held out.
        settings: those that differ from the defaults.
        records: what is answered at the end: records, the name of a file of them, or nothing, for some of `valid`.
    """

    title: str
    train: str
    valid: str | None
    settings: Mapping[str, Any]
    records: Sequence[str] | str = ()


@dataclasses.dataclass(frozen=True)
class Declaration:
    """A task as the command line, training and prediction know it.

    Attributes:
        name: by which users call it.
        summary: what it does, a phrase.
        data: what a line of labelled data holds, for help texts.
        settings, reading, prediction: its three classes of options.
        metric: what picks the best weights.
        metadata: what the values that its models keep beside their settings must be; None if they are not checked.
        keeps_last: keep the weights of the last epoch instead.
        batches_at_once: batches that prediction computes side by side, where each by itself is too small for all cores;
            the command line gives each of them its share.
        chunk: bytes of a file that prediction answers at a time: about what takes a second or less.
        formats: output formats, the default first, besides those that every task has. ``jsonl`` is ``to_dict()`` of an
            answer, any other format ``NAME`` its method ``to_NAME()``.
        task: ``"module:class"`` of its `Task`.
        check: ``"module:function"`` behind ``nlpkit check``, or nothing; it takes paths, settings, and by name those
            reading options that are `checked`.
        commands: commands that only this task has.
        demos: what ``nlpkit demo`` shows.
        compared_under: prediction options under which a network written as ONNX must answer as Keras does.
        packaged_example: template of ``example.py`` in exports (see `nlpkit/export/templates`), and the inputs that it
            computes; an export of a network with other inputs has one that only runs the network.
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
        """The task's class; this imports its framework."""
        return load_object(self.task)


def load_object(place: str) -> Any:
    """What ``"module:name"`` names."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)

"""What every task's class has: the face that training, prediction and the command line know."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import keras
import numpy as np

from nlpkit.errors import ConfigError, DataError, unknown_name
from nlpkit.training.config import TrainingConfig

_HELD_OUT = 0.05  # of the training data, where there is no validation file


class Data(NamedTuple):
    """A data file that has been read."""

    examples: Sequence
    facts: dict[str, Any] = {}  # noqa: RUF012
    """What holds for all of them and a model must know, such as a tag scheme. Plain values."""
    notes: Sequence[str] = ()
    """What was passed over or mended, for people."""
    counts: dict[str, int] = {}  # noqa: RUF012
    """The same in numbers, for the metrics; zeros are left out."""


class Task:
    """A model with everything around it: from a file's examples to arrays, and from its output to answers.

    Attributes:
        name: the task's name.
        Config: its settings.
        metric: the metric whose maximum picks the best weights.
        keeps_last: keep the weights of the last epoch instead.
        formats: output formats of `write`, the default first.
        own_files: names that `save` may write.
        reading: options of `read`, and what they are for data that are measured, not trained on.
        answering: options of `prepare`.
        model: the network, once `attach` was called.
    """

    name: ClassVar[str]
    Config: ClassVar[type[TrainingConfig]]
    metric: ClassVar[str]
    keeps_last: ClassVar[bool] = False
    formats: ClassVar[Sequence[str]]
    own_files: ClassVar[Sequence[str]]
    reading: ClassVar[Mapping[str, Any]]
    answering: ClassVar[Sequence[str]]
    config: TrainingConfig
    model: keras.Model | None = None

    # Training.

    @classmethod
    def read(cls, path, facts: dict | None = None, **options) -> Data:
        """The examples of a file; `facts` are those that other data have fixed before."""
        raise NotImplementedError

    @classmethod
    def hold_out(cls, examples: Sequence, path) -> tuple[Sequence, Sequence]:
        """The examples of a file without a twentieth of them, chosen by a fixed seed, and that twentieth."""
        if len(examples) < 2:
            raise DataError("holds one example, of which none can be held out; give a validation file", path)
        order = np.random.default_rng(0).permutation(len(examples))
        count = max(1, round(len(examples) * _HELD_OUT))
        return [examples[i] for i in np.sort(order[count:])], [examples[i] for i in order[:count]]

    @classmethod
    def from_examples(cls, config, examples: Sequence, facts: dict) -> Self:
        """An untrained task with the vocabularies of its training data."""
        raise NotImplementedError

    @property
    def loss(self):
        """The loss to train `model` with."""
        raise NotImplementedError

    def optimizer(self, steps: int) -> keras.optimizers.Optimizer | None:
        """The optimizer for so many steps, or None for that of the training loop."""
        return None

    def batches(self, examples: Sequence, seed: int):
        """Training batches as `nlpkit.training.loop.train_model` takes them."""
        raise NotImplementedError

    def attach(self, model: keras.Model):
        """Give the task its network."""
        raise NotImplementedError

    # Answers. The stages of a block of texts: each runs in a thread of its own.

    def prepare(self, **options) -> dict:
        """Options of a user, those named in `answering`, to those of `encode`."""
        return options

    def inspect(self, texts: Sequence[str], **prepared) -> Iterable[tuple[int, str]]:
        """Indices of texts that something is wrong with, and what."""
        return ()

    def encode(self, texts: Sequence[str], **prepared):
        """The first stage: texts to arrays."""
        raise NotImplementedError

    def run(self, encoded):
        """The second stage: arrays through the network."""
        raise NotImplementedError

    def write(self, encoded, found, file_format: str) -> str:
        """The last stage: the lines of output, each with its end."""
        raise NotImplementedError

    def predict(self, texts: Iterable[str], **prepared) -> list:
        """Answers to texts as Python values."""
        raise NotImplementedError

    # Evaluation.

    def evaluate(self, examples: Sequence) -> dict:
        """Metrics over examples."""
        raise NotImplementedError

    def samples(self, examples: Sequence) -> list[dict]:
        """Rows for the report: what was expected, what came, whether they agree."""
        raise NotImplementedError

    def maps(self) -> list[tuple]:
        """Pictures for the report, see `nlpkit.training.report.write_report`."""
        return []

    # The folder.

    def files(self) -> list[str]:
        """Names of the files that `save` writes and `load` reads."""
        raise NotImplementedError

    def save(self, folder: Path):
        """Write all files but the model and `task.json`."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path, config, facts: dict) -> Self:
        """Read what `save` wrote; `facts` are those of `facts()`."""
        raise NotImplementedError

    def facts(self) -> dict:
        """What `load` and `read` need beside the files."""
        return {}

    # The same for all tasks.

    @classmethod
    def check_options(cls, kind: str, options: Mapping[str, Any]):
        """A `ConfigError` if one of the options, of `reading` or `answering`, is not known to the task."""
        accepted = {"reading": cls.reading, "answering": cls.answering}[kind]
        for name in options:
            if name not in accepted:
                raise ConfigError(unknown_name(f"option of {kind} for {cls.name}", name, accepted))

    @staticmethod
    def digest(examples: Sequence) -> str:
        """Short hash of a data set."""
        content = json.dumps([vars(example) for example in examples])
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]

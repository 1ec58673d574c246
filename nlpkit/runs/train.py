"""From files to an artefact: what `nlpkit train` does."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from nlpkit.artefacts.backend import check_backend
from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.load import in_use, load_artefact
from nlpkit.artefacts.manifest import RESUME
from nlpkit.artefacts.run_folder import check_folder, check_not_in_use, is_complete, locked, open_folder
from nlpkit.artefacts.saving import save_artefact
from nlpkit.artefacts.versions import versions
from nlpkit.datasets.files import check_readable, digest_of, write_atomically
from nlpkit.errors import ArtefactError, ConfigError, TrainingError
from nlpkit.export.onnx_programs import check_packages
from nlpkit.options import Options
from nlpkit.tasks import get_declaration, get_task
from nlpkit.tasks.declaration import options_of
from nlpkit.terminal import libraries_quiet, say
from nlpkit.training.settings import SCHEDULE, TrainingSettings

if TYPE_CHECKING:
    from nlpkit.tasks.task import Data, Task

T = TypeVar("T", bound="Task[Any]")
_LONG = 60  # characters of a list that is told whole


@overload
def train(
    task: str,
    train: str | Path,
    valid: str | Path | None = ...,
    *,
    out: str | Path,
    test: str | Path | None = ...,
    preset: str | None = ...,
    settings: Mapping[str, Any] | None = ...,
    start: str | Path | Folder | None = ...,
    seed: int = ...,
    resume: bool = ...,
    force: bool = ...,
    **reading: Any,
) -> Task[Any]: ...


@overload
def train(
    task: type[T],
    train: str | Path,
    valid: str | Path | None = ...,
    *,
    out: str | Path,
    test: str | Path | None = ...,
    preset: str | None = ...,
    settings: Mapping[str, Any] | None = ...,
    start: str | Path | Folder | None = ...,
    seed: int = ...,
    resume: bool = ...,
    force: bool = ...,
    **reading: Any,
) -> T: ...


def train(
    task: str | type[Task[Any]],
    train: str | Path,
    valid: str | Path | None = None,
    *,
    out: str | Path,
    test: str | Path | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | None = None,
    start: str | Path | Folder | None = None,
    seed: int = 0,
    resume: bool = False,
    force: bool = False,
    **reading: Any,
) -> Task[Any]:
    """Train a model and write it to a folder.

    Settings, options, files and folder are checked before a framework is loaded or anything is written.

    Args:
        task: name of a task, or a class of `nlpkit.tasks.task.Task`.
        train, valid, test: data files. Without `valid`, some of the training data is held out.
        out: the folder.
        preset: name of a set of settings that the task gives out, such as ``"fast"``.
        settings: those of the task that differ from the defaults, or from the preset; ``nlpkit config TASK`` lists
            them.
        start: folder of a trained model of the same task to go on from: its settings hold where `settings` says nothing
            else, but for those that depend on the number of examples; its vocabularies are extended, and training
            begins with its weights.
        seed: int; the same seed gives the same weights on the same machine.
        resume: go on where a run in this folder was stopped.
        force: replace the run in this folder.
        reading: the task's reading options; ``nlpkit train TASK --help`` lists them.

    Returns:
        The trained model, ready to use; its ``metrics`` are those of ``metrics.json``.

    Raises:
        ConfigError: if a task, setting or option is not known or out of range.
        DataError: if a data file can't be read or used.
        ArtefactError: if the folder can't be written to, or holds another run.
        MissingPackageError: if a package that a setting needs is not installed.
        TrainingError: if the loss diverges.
    """
    begin = time.perf_counter()
    plan = _Plan.check(task, train, valid, test, out, preset, settings or {}, start, seed, resume, force, reading)
    with libraries_quiet():
        import keras  # noqa: F401  # and its backend, which is noisy
    files = plan.read()
    plan = plan.for_examples(len(files["train"].examples))
    fingerprint = plan.fingerprint(files)
    if resume and is_complete(plan.folder):
        return _finished(plan, fingerprint)
    from nlpkit.training.devices import Devices

    with Devices(plan.settings.devices).used(), contextlib.ExitStack() as stack:
        model = _build(plan, files["train"])
        stack.enter_context(locked(plan.folder))
        check_folder(plan.folder, task, resume, force)  # another run may have been here meanwhile
        open_folder(plan.folder, keep=resume)
        history = _fit(plan, model, files, fingerprint)
        return _finish(plan, model, files, fingerprint, history, begin)


@dataclasses.dataclass(frozen=True)
class _Plan:
    """A run whose arguments have been checked."""

    task: str | type[Task]
    settings: TrainingSettings
    given: frozenset[str]
    reading: Options
    measuring: Options
    paths: dict[str, Path]
    folder: Path
    start: Folder | None
    sub_models: dict[str, Folder]
    seed: int
    resume: bool

    @classmethod
    def check(cls, task, train, valid, test, out, preset, settings, start, seed, resume, force, reading):
        """Look at everything that needs no framework."""
        declaration = get_declaration(task)
        given = frozenset(settings)
        if start is not None:
            start = Folder.open(start)
            settings = {**_settings_of(start, declaration, preset, out), **settings}
        made = declaration.settings.create(settings, preset)
        training, measuring = (options_of(declaration.reading, reading, is_measured) for is_measured in (False, True))
        made.require("devices", made.devices == 1 or made.accumulate == 1, "1 where batches are accumulated")
        made.check_files()
        sub_models = {name: Folder.open(folder) for name, folder in made.model_folders().items()}
        if type(seed) is not int or not 0 <= seed < 2**32:
            raise ConfigError(f"seed = {seed!r}: must be an integer from 0 to {2**32 - 1}")
        if made.tensorboard:
            from nlpkit.runs.listeners import check_tensorboard

            check_tensorboard(os.environ.get("KERAS_BACKEND", "tensorflow"))
        check_backend()
        check_packages(made.onnx)
        paths = {"train": train, "valid": valid, "test": test}
        paths = {name: Path(path) for name, path in paths.items() if path is not None}
        for path in paths.values():
            check_readable(path)
        check_not_in_use(out)
        check_folder(out, task, resume, force)
        return cls(task, made, given, training, measuring, paths, Path(out), start, sub_models, seed, resume)

    @property
    def name(self):
        return get_declaration(self.task).name

    def read(self) -> dict[str, Data]:
        """The data, by ``train``, ``valid`` and ``test``."""
        from nlpkit.tasks.task import Data

        cls = get_task(self.task)
        data = cls.read(self.paths["train"], self.reading)
        found = {"train": data}
        for name in ("valid", "test"):
            if name in self.paths:
                found[name] = cls.read(self.paths[name], self.measuring, data.metadata)
        if "valid" in found:
            cls.check_validation_data(found["valid"].examples, self.paths["valid"])
        else:
            examples, held_out = cls.hold_out(data.examples, self.paths["train"])
            found |= {"train": data._replace(examples=examples), "valid": Data(held_out)}
        sizes = f"{len(found['train'].examples):,} training and {len(found['valid'].examples):,} validation examples"
        say(f"{self.name}: {sizes}" + _told(data.metadata))
        for each in found.values():
            for note in each.notes:
                say(note)
        return found

    def for_examples(self, count: int) -> _Plan:
        """The run with settings that suit so many examples."""
        settings = self.settings.for_examples(count, self.given)
        values = {name: getattr(settings, name) for name in SCHEDULE}
        few = [f"{name}={value:g}" for name, value in values.items() if value != getattr(self.settings, name)]
        if few:
            say(f"so few examples are trained with {' '.join(few)}, see the setting least_steps")
        return dataclasses.replace(self, settings=settings)

    def fingerprint(self, files):
        """Values that a run must share with an earlier one to resume it."""
        from nlpkit.tasks.task import digest_of_examples

        sub_models = {name: folder.files for name, folder in self.sub_models.items()}
        return {
            "task": self.name,
            "settings": self.settings.to_dict(),
            **({} if self.start is None else {"start": self.start.files}),
            **({"sub_models": sub_models} if sub_models else {}),
            "seed": self.seed,
            "train": digest_of_examples(files["train"].examples),
            "valid": digest_of_examples(files["valid"].examples),
            "versions": versions(),
        }


def _settings_of(start, declaration, preset, out):
    """The settings of the model that training goes on from."""
    if preset is not None:
        raise ConfigError(f"preset = {preset!r}: the settings are those of the model in {start}; leave it out")
    if start.path.resolve() == Path(out).resolve():
        raise ArtefactError(f"{out}: is the folder to go on from; choose another one for the new model")
    if start.task != declaration.name:
        raise ArtefactError(f"{start}: is of the task {start.task!r}, not {declaration.name!r}")
    return {name: value for name, value in start.settings.items() if name not in SCHEDULE}


def _build(plan, data):
    """The untrained model, in the precision of the settings."""
    import keras

    from nlpkit.tasks.task import untrained

    policy = keras.config.dtype_policy()
    try:
        keras.utils.set_random_seed(plan.seed)
        keras.config.set_dtype_policy(plan.settings.precision)
        cls = get_task(plan.task)
        if plan.start is None:
            model = untrained(cls, plan.settings, data)
        else:
            model = cls.continued(load_artefact(plan.start, cls), plan.settings, data)
        model.attach({name: load_artefact(folder) for name, folder in plan.sub_models.items()})
        if plan.settings.devices > 1 and not getattr(model.network, "divides_batches", False):
            raise ConfigError(f"devices = {plan.settings.devices}: batches of {plan.name} can't be divided; take 1")
    finally:
        keras.config.set_dtype_policy(policy)
    parameters = model.network.model.count_params()
    say(f"{parameters:,} parameters, keras {keras.__version__} on {keras.backend.backend()}")
    return model


def _fit(plan, model, files, fingerprint):
    """Train; the history, a row an epoch."""
    from nlpkit.runs.listeners import EpochBar, Listener, history_writer, tensorboard_writer
    from nlpkit.tasks.task import training_model
    from nlpkit.training.loop import TrainingDone, train_model

    declaration, settings = model.declaration, plan.settings
    batches = model.batches(files["train"].examples, plan.seed)
    listeners: list[Listener] = [history_writer(plan.folder / "history.csv")]
    if settings.tensorboard:
        listeners.append(tensorboard_writer(plan.folder / RESUME / "tensorboard"))
    history: Sequence[Mapping[str, Any]] = []
    with EpochBar(model.metric) as bar:
        for event in train_model(
            training_model(model.network), model.loss, batches, lambda: model.measure(files["valid"].examples),
            model.metric, settings, plan.folder / RESUME, fingerprint, resume=plan.resume,
            optimizer=model.optimizer(settings.epochs * len(batches)), keep_last=declaration.keeps_last,
            kept=model.network.model,
        ):  # fmt: skip
            for listener in listeners:
                listener(event)
            bar(event)
            history = event.history if isinstance(event, TrainingDone) else history
    return history


def _finish(plan, model, files, fingerprint, history, begin):
    """Measure the weights that are kept, and write the folder."""
    from nlpkit.artefacts.weights import round_weights
    from nlpkit.reports.report import write_report

    round_weights(model.network.model)
    model.calibrate(files["valid"].examples)
    metrics = {name: _measure(model, files[name]) for name in ("valid", "test") if name in files}
    more = {
        **{
            key: fingerprint[key]
            for key in ("seed", "start", "sub_models", "train", "valid", "versions")
            if key in fingerprint
        },
        "data": _data_files(plan, files),
        "seconds": time.perf_counter() - begin,
    }
    folder = plan.folder
    write_atomically(folder / "metrics.json", json.dumps(metrics, ensure_ascii=False, indent=1).encode())
    model.runtime.onnx_files = _exported(plan, model, files["valid"].examples)
    title = f"nlpkit {plan.name}: {folder.name}"
    write_report(folder / "report.html", title, model, files["valid"], history, more, metrics)
    save_artefact(folder, model, more)
    for name, scores in metrics.items():
        say(f"{name}: " + "  ".join(f"{k} {v:.4f}" for k, v in scores.items() if isinstance(v, float)))
    if metrics["valid"].get(model.metric.name) == 0 and model.metric.higher_is_better:
        say(
            f"{model.metric.name} is 0: the model has learnt nothing. See what nlpkit check {plan.name} says of the "
            "data, and take more of them, or more steps by the settings epochs and learning_rate."
        )
    say(f"{folder}: written after {more['seconds']:.0f} s")
    return in_use(model, folder, metrics)


def _exported(plan, model, examples):
    """The programs of the network as ONNX, if they are wanted and there are such."""
    from nlpkit.export.onnx_programs import export_programs, missing_package

    if plan.settings.onnx == "off" or not hasattr(model.network, "graphs"):
        return {}
    missing = missing_package()
    if missing is not None:
        say(f"without {missing} no ONNX files are written, and Keras answers; pip install {missing}")
        return {}
    try:
        return export_programs(model, examples)
    except ValueError as error:
        if plan.settings.onnx == "on":
            raise TrainingError(f"the network can't be written as ONNX: {error}") from None
        say(f"no ONNX files are written, and Keras answers: {error}")
        return {}


def _data_files(plan, files):
    """Name, examples, size and hash of each data file, for the report."""
    known = {}
    for use, data in files.items():
        known[use] = {"file": "held out of the training data", "examples": len(data.examples)}
        if use in plan.paths:
            path = plan.paths[use]
            known[use]["file"] = path.name
            if path.is_file():
                known[use] |= {"bytes": path.stat().st_size, "sha256": digest_of(path)}
    return known


def _measure(model, data):
    return {**model.measure(data.examples), **data.counts}


def _finished(plan, fingerprint):
    """The model of a run that had ended already, if it is the same run."""
    from nlpkit.training.loop import difference

    folder = Folder.open(plan.folder)
    done = {key: folder.manifest.get(key) for key in fingerprint}
    if done != fingerprint:
        raise ArtefactError(f"{plan.folder}: {difference(done, fingerprint)}")
    say(f"{plan.folder}: training had ended already")
    metrics = json.loads((plan.folder / "metrics.json").read_text("utf-8"))
    model = load_artefact(folder, get_task(plan.task))
    return in_use(model, plan.folder, metrics)


def _told(metadata):
    """The metadata of the training data in a line, long lists by their length."""
    values = ((key, value if len(str(value)) < _LONG else len(value)) for key, value in metadata.items())
    return "".join(f", {key} {value}" for key, value in values)

"""The training loop: a generator of events, with a state that can be saved after any step."""

from __future__ import annotations

import dataclasses
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nlpkit.datasets.accumulated import AccumulatedBatches
from nlpkit.errors import ArtefactError, ConfigError, TrainingError
from nlpkit.optimizers import GradientAccumulation, LearningRateMultipliers, RowAdam
from nlpkit.training.averaging import MovingAverage
from nlpkit.training.checkpoint import get_values, load_state, save_state, set_values
from nlpkit.training.metric import Metric
from nlpkit.training.settings import TrainingSettings
from nlpkit.training.steps import TrainingSteps

STATE = "state.npz"
BEST = "best.npz"
_FINAL_RATE = 0.02
_DIVERGED = 1e9  # a loss above it counts as diverged


@dataclasses.dataclass(frozen=True)
class EpochBegan:
    """An epoch begins, or resumes at `step` of `steps`; `best` is the best metric so far."""

    epoch: int
    epochs: int
    step: int
    steps: int
    best: float | None


@dataclasses.dataclass(frozen=True)
class StepDone:
    """A step is done; `loss` is the mean since the beginning of the epoch."""

    step: int
    loss: float


@dataclasses.dataclass(frozen=True)
class Evaluating:
    """All steps of an epoch are done, and evaluation begins."""


@dataclasses.dataclass(frozen=True)
class EpochDone:
    """An epoch has ended; `history` has a row of numbers for each epoch so far, this one included."""

    epoch: int
    epochs: int
    value: float
    is_best: bool
    history: Sequence[Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class TrainingDone:
    """The model has its final weights; `history` has a row of numbers for each epoch."""

    history: Sequence[Mapping[str, Any]]


Event = EpochBegan | StepDone | Evaluating | EpochDone | TrainingDone


@dataclasses.dataclass
class _Position:
    """The position of a run; with the variables and the average it is the whole state."""

    epoch: int = 0
    step: int = 0  # within the epoch
    loss: float = math.nan
    best: float | None = None
    epochs_without_improvement: int = 0
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)


def train_model(
    model: Any,
    loss: Any,
    batches: Any,
    evaluate: Callable[[], Mapping[str, Any]],
    metric: Metric,
    settings: TrainingSettings,
    folder: Path,
    fingerprint: Mapping[str, Any],
    *,
    resume: bool = False,
    optimizer: Any = None,
    keep_last: bool = False,
    kept: Any = None,
) -> Iterator[Event]:
    """Train a model and yield events; after the last one, the model has its final weights.

    These are the averaged weights of the epoch with the best metric (the last of equal ones), or of the last epoch, for
    the `kept` part of the model. The state is saved every ``settings.save_every`` steps and after every epoch. A run
    that is killed and started again with ``resume=True`` ends with the same weights, bit for bit, as one that was never
    stopped (same machine, backend, versions and thread count, on a CPU).

    Args:
        model: a Keras model.
        loss: loss in any form that `keras.Model.compile` accepts; None if the model has its own.
        batches: object with ``len()`` and ``epoch(epoch, start)``, which yields tuples of arrays, the same at every
            call: inputs and, unless the model has its own loss, targets and weights.
        evaluate: function without arguments that returns metrics of the current model by name. It is called at the end
            of each epoch with the averaged weights.
        metric: metric that selects the best weights.
        settings: settings of training.
        folder: existing folder for the state, `STATE` and `BEST`.
        fingerprint: plain values that must be the same when training is resumed (settings, data, versions).
        resume: whether to resume from the saved state, if there is one.
        optimizer: a Keras optimizer; by default Adam with the warm-up and the cosine of the settings, by rows for big
            tables, see `nlpkit.optimizers.RowAdam`.
        keep_last: whether to keep the weights of the last epoch instead of the best ones.
        kept: the part of the model to evaluate and keep, a Keras model that shares its weights; by default all. Weights
            outside of it, such as those of a million classes, are trained but neither averaged nor kept.

    Yields:
        For each epoch `EpochBegan`, `StepDone` for each step, `Evaluating` and `EpochDone`; at the end `TrainingDone`.

    Raises:
        ArtefactError: if the saved state is damaged or belongs to another run.
        TrainingError: if the loss is NaN or diverges.
    """
    run = _Run(model, loss, batches, settings, Path(folder), fingerprint, optimizer, keep_last, kept)
    if resume:
        run.restore()
    position, epochs = run.position, settings.epochs
    while position.epoch < epochs:
        if settings.patience and position.epochs_without_improvement >= settings.patience:
            break
        begin = time.perf_counter()
        yield EpochBegan(position.epoch, epochs, position.step, len(batches), position.best)
        first = position.step
        for _ in run.epoch():
            yield StepDone(position.step, position.loss)
        rate = (position.step - first) / (time.perf_counter() - begin)
        yield Evaluating()
        value, is_best, scores = run.measure(evaluate, metric)
        times = {"steps_per_second": round(rate, 2), "seconds": round(time.perf_counter() - begin, 2)}
        position.history.append({"epoch": position.epoch + 1, "loss": position.loss, **scores, **times})
        position.epoch, position.step = position.epoch + 1, 0
        run.save()
        yield EpochDone(position.epoch, epochs, value, is_best, position.history)
    run.keep_weights()
    yield TrainingDone(position.history)


class _Run:
    """A training run: the model, its average, the position, and the saved state."""

    def __init__(
        self,
        model: Any,
        loss: Any,
        batches: Any,
        settings: TrainingSettings,
        folder: Path,
        fingerprint: Mapping[str, Any],
        optimizer: Any,
        keep_last: bool,
        kept: Any,
    ):
        jit = {"auto": "auto", "on": True, "off": False}[settings.jit]
        self._accumulation: GradientAccumulation | None = None
        optimizer = optimizer or _adam(settings, -(-len(batches) // settings.accumulate), model.trainable_variables)
        if settings.accumulate > 1:
            batches = AccumulatedBatches(batches, settings.accumulate)
            optimizer = self._accumulation = GradientAccumulation(optimizer, settings.accumulate)
        if settings.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        model.compile(optimizer, loss, jit_compile=jit)
        model.optimizer.build(model.trainable_variables)
        self._model, self._batches, self._settings, self._kept = model, batches, settings, kept or model
        self._folder, self._fingerprint, self._keep_last = folder, dict(fingerprint), keep_last
        self._steps = TrainingSteps(model, settings.devices)
        self._average = MovingAverage(self._kept.trainable_variables, settings.ema_momentum)
        self._metrics: list[np.ndarray] | None = None  # metrics of the part of an epoch before a resumption
        self.position = _Position()

    def epoch(self) -> Iterator[None]:
        """Train to the end of the epoch, yielding after each step."""
        position, save_every = self.position, self._settings.save_every
        self._model.reset_metrics()
        if self._metrics is not None:
            set_values(self._model.metrics_variables, self._metrics)
            self._metrics = None
        for loss in self._steps.run(self._batches, position.epoch, position.step):
            position.step, position.loss = position.step + 1, loss
            # After the last step of an epoch the state is saved with the epoch's metrics.
            total = position.epoch * len(self._batches) + position.step
            saves = total % save_every == 0 and position.step < len(self._batches)
            averages = position.step % self._settings.accumulate == 0 and self._average.is_due(self._num_updates())
            if saves or averages:
                self._steps.synchronize()
            if averages:
                self._average.update(self._num_updates())
            if saves:
                self.save()
            yield
        if self._accumulation is not None and self._accumulation.flush():
            self._average.update(self._num_updates())
        if not abs(position.loss) < _DIVERGED:
            raise TrainingError(
                f"the loss is {position.loss} in epoch {position.epoch + 1}; take a lower learning_rate than "
                f"{self._settings.learning_rate:g}, and train anew with --force"
            )

    def _num_updates(self) -> int:
        """Number of updates of the weights, including the flush at the end of each epoch."""
        in_epoch, here = (-(-count // self._settings.accumulate) for count in (len(self._batches), self.position.step))
        return self.position.epoch * in_epoch + here

    def measure(
        self, evaluate: Callable[[], Mapping[str, Any]], metric: Metric
    ) -> tuple[float, bool, dict[str, int | float]]:
        """The metric, whether it is the best so far, and all numeric metrics; the best weights are saved."""
        position = self.position
        with self._average.applied():
            metrics = evaluate()
            value = metrics[metric.name]
            is_best = metric.is_better(value, position.best)
            position.best = value if is_best else position.best
            position.epochs_without_improvement = 0 if is_best else position.epochs_without_improvement + 1
            # Among equal values the later model is better trained, for example after epochs with a metric of 0.
            if value == position.best and not self._keep_last:
                save_state(self._folder / BEST, {"weights": self._kept.weights}, {})
        return value, is_best, {key: each for key, each in metrics.items() if isinstance(each, (int, float))}

    def keep_weights(self) -> None:
        """Assign the final weights to the kept part of the model."""
        if self._keep_last:
            with self._average.applied():
                weights = get_values(self._kept.weights)
        else:
            weights = load_state(self._folder / BEST)[0]["weights"]
        set_values(self._kept.weights, weights)

    def _groups(self) -> dict[str, list[Any]]:
        """All variables of the run by group."""
        model = self._model
        return {"model": model.variables, "optimizer": model.optimizer.variables, "metrics": model.metrics_variables}

    def save(self) -> None:
        """Save the state."""
        values = {
            "position": dataclasses.asdict(self.position),
            "num_updates": self._average.num_updates,
            "fingerprint": self._fingerprint,
        }
        more = {"average": self._average.values, "random": self._steps.random_state()}
        save_state(self._folder / STATE, {**self._groups(), **more}, values)

    def restore(self) -> None:
        """Restore the saved state, if there is one."""
        path = self._folder / STATE
        if not path.exists():
            return
        groups, values = load_state(path)
        if values["fingerprint"] != self._fingerprint:
            raise ArtefactError(f"{path}: {difference(values['fingerprint'], self._fingerprint)}")
        self.position = _Position(**values["position"])
        metrics = groups.pop("metrics", None)
        self._metrics = metrics if self.position.step else None
        for name, variables in self._groups().items():
            if name in groups:
                set_values(variables, groups[name])
        self._average.values, self._average.num_updates = groups.get("average", []), values["num_updates"]
        self._steps.restore_random_state(groups.get("random", []))


def difference(saved: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """An error message with the changes between the fingerprints of two runs."""
    parts = ", ".join(_changes(saved, now))
    return f"can't resume, the run has changed: {parts}; undo that, or train anew with --force"


def _changes(saved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in {**saved, **now}:
        before, after = saved.get(key), now.get(key)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes(before, after)
        elif key in ("train", "valid"):
            yield f"the {key} data have changed"
        else:
            yield f"{key} was {before!r} and is {after!r}"


def _adam(settings: TrainingSettings, updates_per_epoch: int, variables: Sequence[Any]) -> Any:
    """Adam with the schedule, clipping and layer rates of the settings."""
    steps = max(settings.epochs * updates_per_epoch - settings.warmup_steps, 1)
    rate, warmup = settings.learning_rate, settings.warmup_steps
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else rate, steps, alpha=_FINAL_RATE,
        **({"warmup_target": rate, "warmup_steps": warmup} if warmup else {}),
    )  # fmt: skip
    adam = RowAdam(schedule, clipnorm=settings.clip_norm or None)
    factors = settings.rate_of_layers()
    if not factors:
        return adam
    for name in factors:
        if not any(name in variable.path for variable in variables):
            layers = sorted({variable.path.split("/")[0] for variable in variables})
            raise ConfigError(f"layer_rates = {name!r}: no weight has that in its path; layers are {', '.join(layers)}")
    return LearningRateMultipliers(adam, {re.escape(name): factor for name, factor in factors.items()})

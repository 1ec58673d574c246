"""The one training loop: Keras' own `fit`, epoch by epoch, with a state that can be saved anywhere."""

import dataclasses
import importlib.util
import math
import time
from collections.abc import Callable
from pathlib import Path

import keras

from nlpkit.errors import ArtefactError, ConfigError, MissingPackageError, TrainingError
from nlpkit.training.averaging import MovingAverage
from nlpkit.training.checkpoint import get_values, load_state, save_state, set_values, synchronize
from nlpkit.training.progress import console, progress_bar
from nlpkit.training.report import write_history

STATE = "state.npz"
BEST = "best.npz"


@dataclasses.dataclass
class _Position:
    """Where training stands. Together with the variables and the average it is the whole state."""

    epoch: int = 0
    step: int = 0  # within the epoch
    total: int = 0
    best: float = -math.inf
    waited: int = 0
    history: list = dataclasses.field(default_factory=list)


def train_model(
    model: keras.Model,
    loss: keras.losses.Loss,
    batches,
    evaluate: Callable[[], dict],
    metric: str,
    config,
    folder: Path,
    fingerprint: dict,
    resume: bool = False,
    optimizer: keras.optimizers.Optimizer | None = None,
    keep_last: bool = False,
) -> list[dict]:
    """Train a model; afterwards it has the best weights that an epoch ended with, or the last.

    The state is saved every ``config.save_every`` steps and after every epoch. A run that is killed and started again
    with ``resume=True`` ends with the same weights, bit for bit, as one that was never stopped (same machine, backend,
    versions and thread count, on a CPU).

    Args:
        batches: has ``len()`` and ``epoch(epoch, start)``, which yields ``(inputs, targets, weights)``, the same at
            every call.
        evaluate: function without arguments that returns the task's metrics of the model as it is. It is called at
            the end of each epoch with the averaged weights.
        metric: the one of them whose maximum picks the best weights.
        config: `nlpkit.training.config.TrainingConfig`.
        folder: for the state, `STATE` and `BEST`; exists.
        fingerprint: plain values that must be the same when training is resumed (settings, data, versions).
        optimizer: by default Adam with the warm-up and the cosine of the settings.
        keep_last: keep the last weights, whatever the metric says.

    Returns:
        The history, a dictionary of losses and metrics for each epoch.
    """
    model.compile(
        optimizer or _adam(config, len(batches)),
        loss,
        jit_compile={"auto": "auto", "on": True, "off": False}[config.jit],
    )
    model.optimizer.build(model.trainable_variables)
    average = MovingAverage(model, config.ema_momentum)
    position = _Position()
    run = _Run(model, average, position, Path(folder), fingerprint, config.save_every, len(batches))
    if resume:
        run.restore()
    board = _TensorBoard(Path(folder) / "tensorboard") if config.tensorboard else None
    out = console()
    with progress_bar("steps", "loss", "metric") as bar:
        run.bar = bar
        while position.epoch < config.epochs and not (config.patience and position.waited >= config.patience):
            begin = time.perf_counter()
            shown = f"{metric} {position.best:.4f}" if position.history else ""
            run.row = bar.add_task(
                f"epoch {position.epoch + 1}/{config.epochs}",
                total=len(batches), completed=position.step, loss="", metric=shown,
            )  # fmt: skip
            steps = len(batches) - position.step
            model.fit(
                _fit_input(batches, position),
                initial_epoch=position.epoch,
                epochs=position.epoch + 1,
                callbacks=[run],
                verbose=0,
                shuffle=False,
                steps_per_epoch=steps,
            )
            synchronize(model)
            rate = steps / (time.perf_counter() - begin)
            if not abs(run.loss) < _DIVERGED:
                raise TrainingError(
                    f"the loss is {run.loss} in epoch {position.epoch + 1}; take a lower learning_rate than "
                    f"{config.learning_rate:g}, and train anew with --force"
                )
            with average.applied():
                bar.update(run.row, metric="evaluating")
                metrics = evaluate()
                is_best = metrics[metric] > position.best
                position.best = max(metrics[metric], position.best)
                position.waited = 0 if is_best else position.waited + 1
                if is_best and not keep_last:
                    save_state(run.folder / BEST, {"weights": get_values(model.weights)}, {})
            scores = {key: value for key, value in metrics.items() if isinstance(value, (int, float))}
            seconds = time.perf_counter() - begin
            times = {"steps_per_second": round(rate, 2), "seconds": round(seconds, 2)}
            position.history.append({"epoch": position.epoch + 1, "loss": run.loss, **scores, **times})
            position.epoch, position.step = position.epoch + 1, 0
            run.save()
            write_history(run.folder.parent / "history.csv", position.history)
            if board:
                board.write(position.history[-1])
            bar.remove_task(run.row)
            mark = " *" if position.waited == 0 else ""
            out.print(
                f"epoch {position.epoch}/{config.epochs}  loss {run.loss:.4f}  "
                f"{metric} {metrics[metric]:.4f}{mark}  {seconds:.1f} s"
            )
    if keep_last:
        with average.applied():
            weights = get_values(model.weights)
    else:
        weights = load_state(run.folder / BEST)[0]["weights"]
    set_values(model.weights, weights)
    return position.history


class _Run(keras.callbacks.Callback):
    """Counts steps, feeds the average and the bar, saves and restores the state."""

    def __init__(self, model, average, position, folder, fingerprint, save_every, steps):
        super().__init__()
        self._average, self._position, self._save_every, self._steps = average, position, save_every, steps
        self._trained, self._fingerprint, self.folder = model, fingerprint, folder
        self._metrics = None  # of the part of an epoch that was done before
        self.loss = math.nan
        self.bar = self.row = None

    def on_epoch_begin(self, epoch, logs=None):
        if self._metrics is not None:
            set_values(self._trained.metrics_variables, self._metrics)
            self._metrics = None

    def on_train_batch_end(self, batch, logs=None):
        position = self._position
        position.step += 1
        position.total += 1
        self.loss = float(logs["loss"])
        # After the last step of an epoch the state is saved with the epoch's metrics.
        saves = position.total % self._save_every == 0 and position.step < self._steps
        if self._average.is_due(position.total) or saves:
            synchronize(self._trained)
        self._average.update(position.total)
        if saves:
            self.save()
        self.bar.update(self.row, advance=1, loss=f"loss {self.loss:.4f}")

    def _groups(self):
        model = self._trained
        return {
            "model": model.variables,
            "optimizer": model.optimizer.variables,
            "metrics": model.metrics_variables,
        }

    def save(self):
        groups = {name: get_values(variables) for name, variables in self._groups().items()}
        groups["average"] = self._average.values
        values = {
            "position": dataclasses.asdict(self._position),
            "looks": self._average.looks,
            "loss": self.loss,
            "fingerprint": self._fingerprint,
        }
        save_state(self.folder / STATE, groups, values)

    def restore(self):
        """Go on where the saved state stands; from the beginning if there is none yet."""
        path = self.folder / STATE
        if not path.exists():
            return
        groups, values = load_state(path)
        if values["fingerprint"] != self._fingerprint:
            raise ArtefactError(f"{path}: {difference(values['fingerprint'], self._fingerprint)}")
        # fit() builds the metrics at its first step; their values wait until then.
        self._metrics = groups.pop("metrics", None)
        for name, variables in self._groups().items():
            if name in groups:
                set_values(variables, groups[name])
        self._average.values, self._average.looks = groups.get("average", []), values["looks"]
        self.loss = values["loss"]
        for key, value in values["position"].items():
            setattr(self._position, key, value)
        if self._position.step == 0:
            self._metrics = None


def difference(saved: dict, now: dict) -> str:
    """What has changed between the fingerprints of two runs, as an error message."""
    parts = ", ".join(_changes(saved, now))
    return f"can't resume, the run has changed: {parts}; undo that, or train anew with --force"


def _changes(saved, now):
    for key in {**saved, **now}:
        before, after = saved.get(key), now.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _changes(before, after)
        elif key in ("train", "valid"):
            yield f"the {key} data are others"
        else:
            yield f"{key} was {before!r} and is {after!r}"


def _adam(config, steps_per_epoch):
    steps = max(config.epochs * steps_per_epoch - config.warmup_steps, 1)
    warmup = {"warmup_target": config.learning_rate, "warmup_steps": config.warmup_steps} if config.warmup_steps else {}
    first = 0.0 if warmup else config.learning_rate
    rate = keras.optimizers.schedules.CosineDecay(first, steps, alpha=_FINAL_RATE, **warmup)
    optimizer = keras.optimizers.Adam(rate, clipnorm=config.clip_norm or None)
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


_FINAL_RATE = 0.02
_DIVERGED = 1e9  # a loss that has lost its way without reaching infinity


def _fit_input(batches, position):
    """The rest of an epoch as something that `fit` takes without guessing shapes from the first batches."""
    if keras.backend.backend() != "tensorflow":
        return batches.epoch(position.epoch, position.step)
    import tensorflow as tf

    epoch, step = position.epoch, position.step
    first = next(iter(batches.epoch(epoch, step)))
    signature = keras.tree.map_structure(
        lambda x: tf.TensorSpec([None] * min(x.ndim, 2) + list(x.shape[2:]), x.dtype), first
    )
    data = tf.data.Dataset.from_generator(lambda: batches.epoch(epoch, step), output_signature=signature)
    # Nothing is left to tune; and the thread that tunes sleeps twice as long each time, up to a minute, while the end
    # of an epoch waits for it.
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.prefetch(2).with_options(options)


def check_packages(config):
    """An error if a package that the settings ask for is not installed, or is not at hand on this backend."""
    if config.tensorboard and keras.backend.backend() != "tensorflow":
        raise ConfigError("tensorboard = True: its files are written by TensorFlow; use KERAS_BACKEND=tensorflow")
    if config.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise MissingPackageError("tensorboard", "tensorboard")


class _TensorBoard:
    def __init__(self, folder):
        import tensorflow as tf

        self._tf, self._writer = tf, tf.summary.create_file_writer(str(folder))

    def write(self, row):
        with self._writer.as_default():
            for key, value in row.items():
                if key != "epoch":
                    self._tf.summary.scalar(key, value, step=row["epoch"])
        self._writer.flush()

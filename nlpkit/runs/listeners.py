"""Listeners of a training run: progress bar, table of epochs, TensorBoard."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nlpkit.datasets.files import write_atomically
from nlpkit.errors import ConfigError, MissingPackageError
from nlpkit.terminal import progress_bar, say
from nlpkit.training.loop import EpochBegan, EpochDone, Evaluating, Event, StepDone
from nlpkit.training.metric import Metric

Listener = Callable[[Event], None]


class EpochBar:
    """Shows a progress bar for each epoch, and a line at its end, which marks the best epoch so far."""

    def __init__(self, metric: Metric):
        self._metric, self._bar = metric.name, progress_bar("steps", "loss", "note")
        self._row: Any = None

    def __enter__(self) -> EpochBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        if isinstance(event, EpochBegan):
            best = "" if event.best is None else f"best {self._metric} {event.best:.4f}"
            self._row = self._bar.add_task(
                f"epoch {event.epoch + 1}/{event.epochs}", total=event.steps, completed=event.step, loss="", note=best
            )
        elif isinstance(event, StepDone):
            self._bar.update(self._row, completed=event.step, loss=f"loss {event.loss:.4f}")
        elif isinstance(event, Evaluating):
            self._bar.update(self._row, note="evaluating")
        elif isinstance(event, EpochDone):
            self._bar.remove_task(self._row)
            row, mark = event.history[-1], "  * best so far" if event.is_best else ""
            say(
                f"epoch {event.epoch}/{event.epochs}  loss {row['loss']:.4f}  "
                f"{self._metric} {event.value:.4f}  {row['seconds']:.1f} s{mark}"
            )


def history_writer(path: Path) -> Listener:
    """A listener that writes a CSV file with a row for each epoch."""

    def listen(event: Event) -> None:
        if isinstance(event, EpochDone):
            write_atomically(path, history_table(event.history).encode())

    return listen


def history_table(history: Sequence[Mapping[str, Any]]) -> str:
    """CSV with a row for each epoch."""
    buffer = io.StringIO()
    columns = list(dict.fromkeys(key for row in history for key in row))
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return buffer.getvalue()


def check_tensorboard(backend: str) -> None:
    """Check that TensorBoard's files can be written.

    Raises:
        ConfigError: on a backend other than TensorFlow.
        MissingPackageError: without tensorboard.
    """
    if backend != "tensorflow":
        raise ConfigError("tensorboard = True: its files are written by TensorFlow; use KERAS_BACKEND=tensorflow")
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingPackageError("tensorboard", "tensorboard")


def tensorboard_writer(folder: Path) -> Listener:
    """A listener that writes the metrics of each epoch for TensorBoard."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))

    def listen(event: Event) -> None:
        if isinstance(event, EpochDone):
            row = event.history[-1]
            with writer.as_default():
                for key, value in row.items():
                    if key != "epoch":
                        tf.summary.scalar(key, value, step=row["epoch"])
            writer.flush()

    return listen

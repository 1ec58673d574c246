"""Kills and full disks at each call of the writer."""

import zipfile

import keras
import pytest
import tensorflow as tf

import nlpkit

from .faults import check_every_point
from .line_task import LineClassifier


def weights_of(folder):
    """What is the same for the same run, byte for byte."""
    with zipfile.ZipFile(folder / "model.keras") as file:
        weights = file.read("model.weights.h5")
    return {"weights": weights, **{name: (folder / name).read_bytes() for name in ("vocab.txt", "labels.txt")}}


@pytest.fixture
def eagerly():
    """A hundred trainings of one step are faster without graphs."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`")
@pytest.mark.parametrize("kind", ["kill", "full"])
def test_every_call_of_the_writer_in_a_training(kind, tmp_path, eagerly):
    lines = "".join(f"{word}\tfood\n{word}书\tbook\n" for word in ("面", "汤", "饭", "菜"))
    (tmp_path / "lines.tsv").write_text(lines, "utf-8")

    def run(folder, resume=False):
        keras.utils.clear_session()  # layers are numbered anew, as in a process of its own
        nlpkit.train(
            LineClassifier, tmp_path / "lines.tsv", out=folder, resume=resume, settings={"epochs": 1, "save_every": 1}
        )

    seen = check_every_point(run, lambda folder: run(folder, resume=True), weights_of, tmp_path / "runs", kind)
    assert len(seen) > 40 and {call.split()[0] for call in seen} >= {"create", "write", "flush", "sync", "rename"}

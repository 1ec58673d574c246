"""Kills and full disks at each call of the writer."""

import shutil

import keras
import pytest
import tensorflow as tf

import nlpkit

from .faults import check_every_point
from .line_task import LineClassifier


def weights_of(folder):
    """What is the same for the same run, byte for byte."""
    return {name: (folder / name).read_bytes() for name in ("weights.bin", "vocab.txt", "labels.txt")}


@pytest.fixture
def eagerly():
    """A hundred trainings of one step are faster without graphs."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`")
# A script lets the disk be full at each call, see docs/benchmarks/trust.md.
@pytest.mark.parametrize(("kind", "calls"), [("kill", ""), ("full", "write")])
def test_every_call_of_the_writer_in_a_training(kind, calls, tmp_path, eagerly):
    lines = "".join(f"{word}\tfood\n{word}书\tbook\n" for word in ("面", "汤", "饭", "菜"))
    (tmp_path / "lines.tsv").write_text(lines, "utf-8")
    settings = {"epochs": 1, "save_every": 1, "least_steps": 0}

    def run(folder, resume=False):
        keras.utils.clear_session()  # layers are numbered anew, as in a process of its own
        nlpkit.train(LineClassifier, tmp_path / "lines.tsv", out=folder, resume=resume, settings=settings)

    seen = check_every_point(run, lambda folder: run(folder, resume=True), weights_of, tmp_path / "runs", kind, calls)
    assert len(seen) > 30 and {call.split()[0] for call in seen} >= {"create", "write", "flush", "rename"}


@pytest.mark.parametrize(("kind", "calls"), [("kill", ""), ("full", "write"), ("full", "move")])
def test_every_call_of_the_writer_when_a_folder_is_replaced(kind, calls, tmp_path):
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    for path, number in ((old, 1), (new, 2)):
        path.write_text(f"2 2\n面 {number} 0\n书 0 {number}\n", "utf-8")
    nlpkit.convert(old, tmp_path / "before")

    def run(folder):
        keras.utils.clear_session()
        shutil.copytree(tmp_path / "before", folder / "model")
        nlpkit.convert(new, folder / "model", force=True)

    def again(folder):
        """Whatever happened, there was one whole model at each moment, or the next start puts it back."""
        keras.utils.clear_session()
        nlpkit.convert(new, folder / "model", force=True)

    def content(folder):
        assert [path.name for path in folder.iterdir()] == ["model"]
        assert not (folder / "model" / "resume" / "replaced").exists()
        return {"weights": (folder / "model" / "weights.bin").read_bytes()}

    seen = check_every_point(run, again, content, tmp_path / "runs", kind, calls)
    assert {call.split()[0] for call in seen} >= {"create", "rename", "move"}

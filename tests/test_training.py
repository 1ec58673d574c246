"""The training loop: averaging, settings, saved state, kill and resume."""

import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import nlpkit
from nlpkit.artefacts.run_folder import locked
from nlpkit.datasets.files import write_atomically
from nlpkit.errors import ArtefactError, ConfigError, DataError, MissingPackageError, TrainingError
from nlpkit.options import read_settings
from nlpkit.tasks import declarations, get_declaration
from nlpkit.training.averaging import MovingAverage
from nlpkit.training.checkpoint import get_values, load_state, save_state

from .conftest import COUPLETS, SAMPLES, SMALL, SMALL_COUPLET

FILES = {"train": SAMPLES / "words-train.txt", "valid": SAMPLES / "words-test.txt"}


def test_average_is_the_weighted_mean_of_what_was_seen():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    average = MovingAverage(model.trainable_variables, 0.9)
    seen, weights = [], []
    for step in range(1, 41):
        model.layers[0].kernel.assign([[float(step)]])
        average.update(step)
        if average.is_due(step):
            seen.append(step)
            weights = [w * 0.9**8 for w in weights] + [1.0]
            expected = np.average(seen, weights=weights)
            np.testing.assert_allclose(average.values[0], [[expected]], rtol=1e-5)
    with average.applied():
        np.testing.assert_allclose(get_values(model.weights)[0], [[expected]], rtol=1e-5)
    np.testing.assert_allclose(get_values(model.weights)[0], [[40.0]])


def test_no_momentum_means_no_average():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    average = MovingAverage(model.trainable_variables, 0.0)
    average.update(8)
    assert not average.is_due(8) and not average.values
    with average.applied():
        pass


def test_state_round_trip_bit_for_bit(tmp_path):
    groups = {
        "a": [np.array([np.nan, -0.0, 1e-45], "float32"), np.array(7, "int64")],
        "b": [],
        "c": [np.ones((2, 3), "uint32")],
    }
    save_state(tmp_path / "s.npz", groups, {"x": [1, 2.5], "y": "é"})
    found, values = load_state(tmp_path / "s.npz")
    assert values == {"x": [1, 2.5], "y": "é"}
    assert found["a"][0].tobytes() == groups["a"][0].tobytes()
    assert found.get("b", []) == []
    np.testing.assert_array_equal(found["c"][0], groups["c"][0])


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"nonsense" * 40])
def test_damaged_state_is_one_clear_error(tmp_path, damage):
    path = tmp_path / "s.npz"
    save_state(path, {"a": [np.ones(99)]}, {})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ArtefactError, match=r"s.npz: the saved state is damaged .* --force"):
        load_state(path)


def test_atomic_write_leaves_no_partial_file(tmp_path):
    write_atomically(tmp_path / "f", b"one")
    write_atomically(tmp_path / "f", b"two")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"two"


def test_settings_from_file_and_pairs(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('encoder = "gru"\nepochs = 3\n')
    pairs = ["epochs=5", "dilations=1,2", "lexicon=jieba", "tensorboard=true", "dropout=0.5"]
    assert read_settings(path, pairs) == {
        "encoder": "gru", "epochs": 5, "dilations": [1, 2], "lexicon": "jieba", "tensorboard": True, "dropout": 0.5,
    }  # fmt: skip
    path.write_text("epochs = = 3")
    with pytest.raises(ConfigError, match=r"c.toml: is not TOML"):
        read_settings(path)
    assert read_settings(None, ["lexicon=", "dropout=.5"]) == {"lexicon": "", "dropout": 0.5}
    with pytest.raises(ConfigError, match="--set 'epochs': expected key=value"):
        read_settings(None, ["epochs"])


@pytest.mark.parametrize("task", [each.name for each in declarations()])
def test_few_examples_get_enough_steps(task):
    settings = get_declaration(task).settings()
    for count in (1, 30, 200, 1000, 10**7):
        few = settings.for_examples(count)
        steps = -(-count // few.batch_size) * few.epochs
        assert steps >= settings.least_steps or few.epochs == 100
        assert few.warmup_steps <= steps / 10 or few == settings
        assert settings.smallest_batch <= few.batch_size <= settings.batch_size and few.epochs >= settings.epochs
        given = settings.for_examples(count, {"epochs", "batch_size"})
        assert (given.epochs, given.batch_size) == (settings.epochs, settings.batch_size)
    assert few == settings
    assert settings.create({"least_steps": 0}).for_examples(1) == settings.create({"least_steps": 0})


def arrays(folder):
    found = {}
    for name in ("state.npz", "best.npz"):
        with np.load(folder / "resume" / name) as file:
            found.update({f"{name}/{key}": file[key] for key in file.files if key != "values"})
    found["weights"] = np.fromfile(folder / "weights.bin", "uint8")
    return found


# A script kills all tasks, twenty times each.
def test_killed_and_resumed_equals_never_stopped(tmp_path):
    values = {**SMALL, "head": "softmax"}

    def command(out, *more):
        settings = [f"{k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in values.items()]
        return [
            sys.executable, "-m", "nlpkit", "train", "tagging", "--train", FILES["train"], "--valid", FILES["valid"],
            "--out", out, *more, "--set", *settings, "save_every=5",
        ]  # fmt: skip

    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True)
    process = subprocess.Popen(command(tmp_path / "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "killed" / "resume" / "state.npz"
    deadline = time.monotonic() + 60
    # Right after a state that was saved in the middle of an epoch.
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    position = load_state(state)[1]["position"]
    assert position["step"] > 0 or position["epoch"] > 0
    assert not (tmp_path / "killed" / "task.json").exists()
    with pytest.raises(ArtefactError, match=r"training has not ended here; finish it with .* --resume"):
        nlpkit.load(tmp_path / "killed")
    subprocess.run(command(tmp_path / "killed", "--resume"), check=True, capture_output=True)
    whole, resumed = arrays(tmp_path / "whole"), arrays(tmp_path / "killed")
    assert whole.keys() == resumed.keys()
    for key in whole:
        np.testing.assert_array_equal(whole[key], resumed[key], err_msg=key)
    # A run that has ended is not trained again.
    before = os.stat(state).st_mtime_ns
    subprocess.run(command(tmp_path / "killed", "--resume"), check=True, capture_output=True)
    assert os.stat(state).st_mtime_ns == before


@pytest.mark.parametrize(("precision", "jit"), [("mixed_float16", "auto"), ("mixed_bfloat16", "on")])
def test_precision_and_jit_switches(tmp_path, precision, jit):
    # Few shapes, for each is compiled anew.
    settings = {**SMALL, "epochs": 1, "precision": precision, "jit": jit, "window": 32, "batch_size": 999}
    model = nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings=settings)
    assert 0 < model.metrics["valid"]["f1"] < 1
    assert keras.config.dtype_policy().name == "float32"
    assert nlpkit.load(tmp_path / "m").predict(["今天天气真好"])


def test_couplets_in_mixed_precision(tmp_path):
    files = {name: COUPLETS / f"couplets-{part}.tsv" for name, part in (("train", "train"), ("valid", "test"))}
    settings = {**SMALL_COUPLET, "epochs": 1, "precision": "mixed_bfloat16"}
    model = nlpkit.train("couplet", **files, out=tmp_path / "m", settings=settings)
    assert (
        len(nlpkit.load(tmp_path / "m").predict(["今天天气真好"])[0].lower)
        == 6
        == len(model.predict(["今天天气真好"])[0].lower)
    )


def test_early_stopping_keeps_the_best(tmp_path):
    settings = {**SMALL, "epochs": 30, "learning_rate": 1e-9, "patience": 2}
    nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings=settings)
    rows = (tmp_path / "m" / "history.csv").read_text().splitlines()
    assert len(rows) < 10


def test_a_loss_that_is_no_number_stops(tmp_path):
    with pytest.raises(TrainingError, match=r"the loss is .* in epoch 1; take a lower learning_rate than 1e\+30"):
        nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, "learning_rate": 1e30})
    assert not (tmp_path / "m" / "weights.bin").exists()


def test_a_missing_package_is_told_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r'pip install "nlpkit\[tensorboard\]"'):
        nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, "tensorboard": True})
    assert not (tmp_path / "m").exists()


def test_resume_refuses_another_run(tmp_path):
    nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, "epochs": 1})
    (tmp_path / "m" / "task.json").unlink()
    with pytest.raises(ArtefactError, match=r"can't resume, the run has changed: seed was 0 and is 1"):
        nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, "epochs": 1}, seed=1, resume=True)
    with pytest.raises(ArtefactError, match=r"has changed: epochs was 1 and is 2; undo"):
        nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, "epochs": 2}, resume=True)


def test_output_folder_is_never_overwritten_by_accident(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    for options in ({}, {"force": True}, {"resume": True}):
        with pytest.raises(ArtefactError, match="holds something else"):
            nlpkit.train("tagging", **FILES, out=tmp_path, settings=SMALL, **options)
    assert (tmp_path / "thesis.txt").read_text() == "precious"
    for marker in ("", "nlpkit-run"):
        (tmp_path / "foreign" / "resume").mkdir(parents=True, exist_ok=True)
        (tmp_path / "foreign" / "resume" / "notes.md").write_text("precious")
        (tmp_path / "foreign" / "resume" / marker).touch()
        with pytest.raises(ArtefactError, match=r"holds something else \(resume/notes.md\)"):
            nlpkit.train("tagging", **FILES, out=tmp_path / "foreign", settings=SMALL, force=True)
    # A manifest of somebody else's is no reason to remove anything.
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "task.json").write_text('{"task": "mine", "files": {"notes.txt": ""}}')
    (tmp_path / "other" / "metrics.json").write_text("precious")
    with pytest.raises(ArtefactError, match="holds something else"):
        nlpkit.train("tagging", **FILES, out=tmp_path / "other", settings=SMALL, force=True)
    assert (tmp_path / "other" / "metrics.json").read_text() == "precious"
    (tmp_path / "run" / "resume").mkdir(parents=True)
    (tmp_path / "run" / "resume" / "nlpkit-run").touch()
    with pytest.raises(ArtefactError, match="go on with --resume or replace it with --force"):
        nlpkit.train("tagging", **FILES, out=tmp_path / "run", settings=SMALL)


def test_a_run_is_replaced_only_when_the_new_one_can_begin(tmp_path):
    nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, "epochs": 1})
    model = (tmp_path / "m" / "weights.bin").read_bytes()
    for wrong, error in (({"lexicon": "no.txt"}, DataError), ({"vectors": "no.txt"}, DataError)):
        with pytest.raises(error, match="no such file"):
            nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, **wrong}, force=True)
    for seed in (-1, 1.5, "a"):
        with pytest.raises(ConfigError, match=f"seed = {seed!r}: must be an integer from 0"):
            nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings=SMALL, force=True, seed=seed)
    assert (tmp_path / "m" / "weights.bin").read_bytes() == model
    with pytest.raises(ArtefactError, match="the run has changed: epochs was 1 and is 2"):
        nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, "epochs": 2}, resume=True)


def test_killed_while_evaluating(tmp_path, monkeypatch):
    from nlpkit.tasks.tagging.task import Tagger

    settings = {**SMALL, "epochs": 1, "save_every": 1}

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Tagger, "measure", stop)
        with pytest.raises(KeyboardInterrupt):
            nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings=settings)
    assert (
        nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings=settings, resume=True).metrics["valid"]["f1"] > 0
    )


@pytest.mark.parametrize("name", ["history.csv", "report.html", "task.json", "vocab.txt"])
def test_what_a_kill_leaves_half_written_is_no_hindrance(name, words_model, tmp_path):
    import shutil

    folder = tmp_path / "m"
    shutil.copytree(words_model, folder)
    if name != "task.json":
        (folder / "task.json").unlink()
    (folder / f"{name}.partial").write_text("half")
    (folder / "resume" / "state.npz.partial").write_text("half")
    settings = {**SMALL, "lexicon": "train"}
    nlpkit.train("tagging", **FILES, out=folder, settings=settings, resume=True)
    assert nlpkit.load(folder).predict(["今天天气真好"])
    (folder / f"{name}.partial").write_text("half")
    nlpkit.train("tagging", **FILES, out=folder, settings={**SMALL, "epochs": 1}, force=True)
    assert not list(folder.rglob("*.partial"))


def test_a_kill_before_the_mark_is_written(tmp_path):
    (tmp_path / "m" / "resume").mkdir(parents=True)
    (tmp_path / "m" / "resume" / "lock").touch()
    (tmp_path / "m" / "resume" / "nlpkit-run.partial").touch()
    nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings={**SMALL, "epochs": 1})
    assert not [*(tmp_path / "m").rglob("*.partial")]


def test_one_run_at_a_time(tmp_path):
    with locked(tmp_path / "m"):
        for options in ({}, {"force": True}, {"resume": True}):
            with pytest.raises(ArtefactError, match=rf"m: is in use by process {os.getpid()}, since 2.*choose another"):
                nlpkit.train("tagging", **FILES, out=tmp_path / "m", settings=SMALL, **options)
    program = (
        "import os, signal, sys, time, pathlib\n"
        "from nlpkit.artefacts.run_folder import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(9)\n"  # a child that outlives it holds nothing
        "    time.sleep(0.5)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path / "m"], stdout=subprocess.DEVNULL)
    with locked(tmp_path / "m"):
        pass


def test_the_loop_tells_what_happens():
    from nlpkit.training.loop import EpochBegan, EpochDone, Evaluating, StepDone, TrainingDone

    events, _ = run_small_loop(epochs=2)
    kinds = [type(event) for event in events]
    assert kinds == [*(2 * [EpochBegan, StepDone, StepDone, StepDone, Evaluating, EpochDone]), TrainingDone]
    assert [event.step for event in events if isinstance(event, StepDone)] == [1, 2, 3] * 2
    done = [event for event in events if isinstance(event, EpochDone)]
    assert [event.is_best for event in done] == [True, True] and done[1].history[1]["error"] == done[1].value


def test_a_metric_has_a_direction():
    _, kept = run_small_loop(epochs=4, values=[3.0, 1.0, 2.0, float("nan")])
    assert kept == 2  # the epoch with the lowest error


def run_small_loop(epochs, values=(5.0, 4.0, 3.0, 2.0)):
    """Events of a loop whose model counts its epochs, and the count in the weights that were kept."""
    import tempfile
    from pathlib import Path

    from nlpkit.training.loop import train_model
    from nlpkit.training.metric import Metric
    from nlpkit.training.settings import TrainingSettings

    class Batches:
        def __len__(self):
            return 3

        def epoch(self, epoch, start=0):
            for _ in range(start, 3):
                yield {"x": np.ones((2, 1), "float32")}, np.ones((2, 1), "float32"), np.ones(2, "float32")

    x = keras.Input((1,), name="x")
    model = keras.Model({"x": x}, keras.layers.Dense(1)(x))
    count = iter(range(1, 99))

    def evaluate():
        epoch = next(count)
        model.layers[-1].bias.assign([float(epoch)])
        return {"error": values[epoch - 1]}

    settings = TrainingSettings.create({"epochs": epochs, "ema_momentum": 0.0, "warmup_steps": 0})
    with tempfile.TemporaryDirectory() as folder:
        events = list(
            train_model(model, "mse", Batches(), evaluate, Metric("error", False), settings, Path(folder), {"seed": 0})
        )
    return events, round(float(np.asarray(model.layers[-1].bias.value)[0]))

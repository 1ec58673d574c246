"""The contract of all tasks: a trained folder is complete, answers elsewhere as here, and measures as training did."""

import json
import subprocess
import sys

import numpy as np
import pytest

import nlpkit
from nlpkit.errors import ConfigError

from .conftest import COUPLETS, SAMPLES, TEXT

# Fixture: data to measure on, lines to answer, the names of the input and of the answer in JSON lines.
TASKS = {
    "words_model": (SAMPLES / "words-test.txt", lambda _, examples: [e.text for e in examples], "text", "words"),
    "entities_model": (
        SAMPLES / "entities-test.conll", lambda _, examples: [e.text for e in examples], "text", "entities",
    ),
    "couplet_model": (
        COUPLETS / "couplets-test.tsv", lambda _, examples: [e.upper for e in examples], "upper", "answers",
    ),
    "word2vec_model": (TEXT, lambda task, _: task.vocabulary.symbols, "text", "answers"),
}  # fmt: skip


@pytest.fixture(scope="module", params=TASKS)
def trained(request):
    """A trained folder, its predictor, data, input lines, and the names."""
    folder = request.getfixturevalue(request.param)
    data, lines_of, *names = TASKS[request.param]
    predictor = nlpkit.load(folder)
    lines = lines_of(predictor.task, predictor.task.read(data).examples)[:20]
    return folder, predictor, data, lines, names


def test_a_fresh_process_answers_the_same(trained, tmp_path):
    folder, predictor, _, lines, (given, answer) = trained
    (tmp_path / "in.txt").write_text("".join(line + "\n" for line in lines), "utf-8")
    command = [sys.executable, "-m", "nlpkit", "predict", folder, "--format", "jsonl"]
    command += ["--input", tmp_path / "in.txt", "--output", tmp_path / "out.jsonl"]
    subprocess.run(command, check=True, capture_output=True)
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [row[answer] for row in found] == predictor.predict(lines)
    assert [row[given] for row in found] == lines


def test_the_saved_model_measures_what_training_measured(trained):
    folder, _, data, *_ = trained
    assert nlpkit.evaluate(folder, data) == json.loads((folder / "metrics.json").read_text())["valid"]


def test_the_folder_is_complete(trained):
    folder, predictor, *_ = trained
    names = {path.name for path in folder.iterdir()}
    assert names >= {"model.keras", "task.json", "metrics.json", "history.csv", "report.html", *predictor.task.files()}
    page = (folder / "report.html").read_text("utf-8")
    assert "<svg" in page and "Sample predictions" in page
    history = (folder / "history.csv").read_text().splitlines()
    assert history[0].startswith("epoch,loss,")
    assert predictor.task.metric in history[0].split(",")
    assert len(history) == 1 + predictor.task.config.epochs


def test_batch_mates_do_not_matter(trained):
    _, predictor, _, lines, _ = trained
    together = predictor.predict(lines)
    alone = [predictor.predict([line])[0] for line in lines[:6]]
    assert _without_scores(alone) == _without_scores(together[:6])
    assert _without_scores(predictor.predict(lines[::-1])) == _without_scores(together[::-1])


def _without_scores(answers):
    return [[{k: v for k, v in piece.items() if k != "score"} for piece in answer] for answer in answers]


def test_unknown_options_are_named(trained, tmp_path):
    _, predictor, data, lines, _ = trained
    with pytest.raises(ConfigError, match="unknown option of answering"):
        predictor.predict(lines, n_bets=3)
    with pytest.raises(ConfigError, match="unknown option of reading"):
        nlpkit.train(predictor.task.name, data, out=tmp_path / "m", repeat=True)
    assert not (tmp_path / "m").exists()


def check_gradients(task, examples):
    """Every weight of an untrained task gets a gradient."""
    import tensorflow as tf

    arrays, targets, weights = next(task.batches(examples, 0).epoch(0))
    with tf.GradientTape() as tape:
        outputs = task.model({k: tf.constant(v) for k, v in arrays.items()}, training=True)
        loss = task.loss(targets, outputs, weights)
    variables = task.model.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        assert gradient is not None, variable.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path

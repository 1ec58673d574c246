"""The contract of all tasks: a trained folder is complete, answers elsewhere as here, and measures as training did."""

import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import nlpkit
from nlpkit.errors import ArtefactError, ConfigError
from nlpkit.prediction.jobs import BINARY_FORMATS
from nlpkit.tasks import get_declaration, get_task, names, register
from nlpkit.tasks.task import Task, read_labelled, training_model

from .conftest import ARTICLES, COUPLETS, QUESTIONS, SAMPLES, SENTENCES, TEXT, with_programs

PACKAGE = Path(nlpkit.__file__).parent
# Fixture: data to measure on, and how to get lines to answer.
TASKS = {
    "words_model": (SAMPLES / "words-test.txt", lambda _, examples: [e.text for e in examples]),
    "entities_model": (SAMPLES / "entities-test.conll", lambda _, examples: [e.text for e in examples]),
    "tokens_model": (SAMPLES / "pos-test.conll", lambda _, examples: [e.text for e in examples]),
    "couplet_model": (COUPLETS / "couplets-test.tsv", lambda _, examples: [e.upper for e in examples]),
    "similarity_model": (QUESTIONS / "questions-test.tsv", lambda _, examples: [e.text for e in examples]),
    "extraction_model": (SENTENCES / "triples-test.jsonl", lambda _, examples: [e.text for e in examples]),
    "title_model": (ARTICLES / "articles-test.jsonl", lambda _, examples: [e.text for e in examples]),
    "word2vec_model": (TEXT, lambda task, _: task.vocabulary.symbols),
}


@pytest.fixture(scope="module", params=[f"{name}-{runtime}" for name in TASKS for runtime in ("keras", "onnx")])
def trained(request):
    """A trained folder, its predictor, by Keras or by onnxruntime, data and input lines."""
    name, runtime = request.param.split("-")
    folder = request.getfixturevalue(name)
    data, lines_of = TASKS[name]
    if runtime == "onnx":
        folder = with_programs(folder, lambda model: read_labelled(model, data).examples)
    predictor = nlpkit.load(folder)
    assert predictor.runtime.name == runtime
    task = predictor
    lines = lines_of(task, task.read(data, task.declaration.reading(), task.metadata).examples)[:20]
    return folder, predictor, data, lines


def test_a_fresh_process_answers_the_same(trained, tmp_path):
    folder, predictor, _, lines = trained
    (tmp_path / "in.txt").write_text("".join(line + "\n" for line in lines), "utf-8")
    command = [sys.executable, "-m", "nlpkit", "predict", folder, "--format", "jsonl"]
    command += ["--input", tmp_path / "in.txt", "--output", tmp_path / "out.jsonl"]
    subprocess.run(command, check=True, capture_output=True)
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert found == [json.loads(json.dumps(answer.to_dict())) for answer in predictor.predict(lines)]


@pytest.mark.parametrize("name", TASKS)
def test_the_saved_model_measures_what_training_measured(name, request):
    folder, (data, _) = request.getfixturevalue(name), TASKS[name]
    metrics = json.loads((folder / "metrics.json").read_text())["valid"]
    assert nlpkit.evaluate(folder, data) == metrics == nlpkit.load(folder).metrics["valid"]


@pytest.mark.parametrize("name", TASKS)
def test_the_folder_is_complete(name, request):
    folder = request.getfixturevalue(name)
    predictor = nlpkit.load(folder)
    present = {path.name for path in folder.iterdir()}
    files = {part.file for part in predictor.part_files if predictor.parts[part.name] is not None}
    assert present == {"weights.bin", "task.json", "metrics.json", "history.csv", "report.html", "resume", *files}
    page = (folder / "report.html").read_text("utf-8")
    assert "<svg" in page and "Sample answers" in page and page.count("<tr") > 20
    history = (folder / "history.csv").read_text().splitlines()
    assert history[0].startswith("epoch,loss,")
    assert predictor.metric.name in history[0].split(",")
    assert len(history) == 1 + predictor.settings.epochs


def test_batch_mates_do_not_matter(trained):
    _, predictor, _, lines = trained
    together = predictor.predict(lines)
    alone = [predictor.predict([line])[0] for line in lines[:6]]
    assert _without_scores(alone) == _without_scores(together[:6])
    assert _without_scores(predictor.predict(lines[::-1])) == _without_scores(together[::-1])


def test_threads_share_a_predictor_and_a_pickle_opens_its_folder(trained):
    _, predictor, _, lines = trained
    expected = _without_scores(predictor.predict(lines[:8]))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: predictor.predict(lines[:8]), range(8)):
            assert _without_scores(found) == expected
    again = pickle.loads(pickle.dumps(predictor))
    assert _without_scores(again.predict(lines[:8])) == expected and again.metrics == predictor.metrics


def test_a_forked_process_is_told_to_load_the_model_anew(words_model):
    predictor = nlpkit.load(words_model)
    child = os.fork()
    if child == 0:
        try:
            predictor.predict(["今天"])
        except ConfigError as error:
            os._exit(7 if "load it in the new process" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def _without_scores(answers):
    """Answers as plain values, of which numbers may differ in their last digits."""

    def plain(x):
        if isinstance(x, dict):
            return {key: plain(value) for key, value in x.items() if key != "score"}
        if isinstance(x, (list, tuple)):
            return [plain(each) for each in x]
        return pytest.approx(x, abs=1e-5) if isinstance(x, float) else x

    return [plain(answer.to_dict()) for answer in answers]


def test_answers_are_frozen_and_come_in_every_format(trained):
    _, predictor, _, lines = trained
    task = predictor
    encoded, problems = task.encode([task.parse(line) for line in lines], task.prepare(task.declaration.prediction()))
    outputs = task.run(encoded)
    answers = task.answers(encoded, outputs)
    assert len(answers) == len(lines) and not any(problem.is_error for problem in problems)
    with pytest.raises(dataclasses.FrozenInstanceError):
        answers[0].text = "x"
    for file_format in set(task.declaration.formats) - set(BINARY_FORMATS):
        written = task.write(encoded, outputs, file_format)
        assert written == Task.write(task, encoded, outputs, file_format)  # where a task has a faster way
    assert all(answer.styled() for answer in answers)


def test_unknown_options_are_named(trained, tmp_path):
    _, predictor, data, lines = trained
    with pytest.raises(ConfigError, match="unknown prediction option 'n_bets'"):
        predictor.predict(lines, n_bets=3)
    with pytest.raises(ConfigError, match="unknown reading option 'repeat'"):
        nlpkit.train(predictor.declaration.name, data, out=tmp_path / "m", repeat=True)
    with pytest.raises(ConfigError, match="unknown reading option 'repeat'"):
        predictor.evaluate(data, repeat=True)
    assert not (tmp_path / "m").exists()


def test_empty_records_are_answered_or_reported(trained):
    _, predictor, _, lines = trained
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = predictor.predict([lines[0], "", lines[1]])
    assert len(answers) == 3 and not list(answers[1])
    assert _without_scores(answers[::2]) == _without_scores(predictor.predict(lines[:2]))


def test_a_record_of_another_kind_is_reported(trained):
    _, predictor, _, lines = trained
    with pytest.warns(match=r"record 1: expected a text( or a list of tokens)?\. Received: 7"):
        answers = predictor.predict([lines[0], 7])
    assert len(answers) == 2 and not list(answers[1])
    with pytest.raises(ValueError, match=r"record 0: expected a text( or a list of tokens)?\. Received: None"):
        predictor.predict([None], on_error="stop")


def test_a_model_has_few_public_names(trained):
    """A user who presses Tab sees what a model can do, and no more than that."""
    _, predictor, *_ = trained
    names = [name for name in dir(predictor) if not name.startswith("_")]
    queries = isinstance(predictor, nlpkit.SentenceVectors | nlpkit.WordVectors)  # questions that users have of vectors
    assert len(names) <= (60 if queries else 40), names
    assert not {"words", "tokens", "labels"} & {*names}  # those of answers


# The house.


@pytest.mark.parametrize("room", ["cli", "training", "prediction", "runs", "web"])
def test_no_task_is_named_in_shared_rooms(room):
    for path in (PACKAGE / room).rglob("*.py"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for name in ("tagging", "couplet", "similarity", "word2vec", "extraction", "tasks.title", "'title'"):
                plain = line.replace('"', "'")  # "title" is also a word of HTML
                assert not re.search(rf"(?<!\w){name}(?!\w)", plain), f"{path}:{number} names the task {name}: {line}"


@pytest.mark.parametrize("name", ["couplet", "extraction", "similarity", "tagging", "title", "word2vec"])
def test_task_folders_have_the_same_rooms(name):
    present = {path.name for path in (PACKAGE / "tasks" / name).glob("*.py")}
    wanted = ("config", "examples", "model", "decode", "answers", "check", "task")
    assert present >= {f"{file}.py" for file in wanted}
    assert get_declaration(name) is get_task(name).declaration


def test_a_task_of_ones_own_needs_one_short_file(tmp_path, capsys):
    """It is passed as a class, or known by an entry point to the command; `tests/line_task.py` is all of it."""
    source = Path(__file__).with_name("line_task.py").read_text("utf-8")
    assert len([line for line in source.splitlines() if line.strip()]) <= 60
    (tmp_path / "line_task.py").write_text(source, "utf-8")
    info = tmp_path / "line_task-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: line-task\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[nlpkit.tasks]\nlines = line_task:LineClassifier\n")
    rng = np.random.default_rng(0)
    words = {"sport": "球赛跑跳泳", "food": "饭菜汤面米"}
    lines = [("".join(rng.choice([*words[kind], *"我你他"], 8)), kind) for kind in words for _ in range(60)]
    (tmp_path / "data.tsv").write_text("".join(f"{text}\t{kind}\n" for text, kind in lines), "utf-8")
    (tmp_path / "in.txt").write_text("我在跑\n\n米饭\n", "utf-8")

    def run(*arguments):
        command = [sys.executable, "-m", "nlpkit", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**_environment(tmp_path)})

    (tmp_path / "bad.tsv").write_text("我在跑\tsport\n米饭\n", "utf-8")
    result = run("train", "lines", "--train", "bad.tsv", "--out", "bad")
    assert result.returncode == 2 and "bad.tsv, line 2: expected a line, a tab and a label" in result.stderr
    assert "size of the vectors" in run("train", "lines", "--help").stdout
    settings = ["--set", "epochs=6", "batch_size=16", "warmup_steps=5", "learning_rate=0.05"]
    train = ["train", "lines", "--train", "data.tsv", "--out", "model", *settings]
    assert run(*train).returncode == 0
    assert "had ended already" in run(*train, "--resume").stderr
    assert json.loads(run("evaluate", "model", "--data", "data.tsv", "--json").stdout)["accuracy"] > 0.9
    assert run("predict", "model", "--input", "in.txt", "--output", "out.jsonl", "--format", "jsonl").returncode == 0
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [answer["label"] for answer in answers] == ["sport", "", "food"]
    with pytest.raises(
        ArtefactError, match="'lines'; this nlpkit knows couplet, extraction, similarity, tagging, title, word2vec"
    ):
        nlpkit.load(tmp_path / "model")

    from .line_task import LineClassifier

    assert nlpkit.load(tmp_path / "model", LineClassifier).predict(["汤面"])[0].label == "food"
    with pytest.raises(ArtefactError, match="is of the task 'lines', not 'tagging'"):
        nlpkit.load(tmp_path / "model", get_task("tagging"))
    model = nlpkit.train(LineClassifier, tmp_path / "data.tsv", out=tmp_path / "mine", settings={"epochs": 1})
    assert model.declaration.name == "lines" and "lines" not in names()
    register(LineClassifier)
    try:
        assert nlpkit.load(tmp_path / "mine").predict(["汤面"])[0].text == "汤面" and "lines" in names()
    finally:
        from nlpkit import tasks

        del tasks._REGISTERED["lines"]


def test_a_task_of_another_package_that_is_broken(tmp_path):
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[nlpkit.tasks]\nbroken = no_such_module_x:Task\n")

    def run(*arguments):
        command = [sys.executable, "-m", "nlpkit", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=_environment(tmp_path))

    assert "tagging" in run("train", "--help").stdout and run().returncode == 0
    result = run("train", "broken", "--train", "x", "--out", "y")
    assert result.returncode == 2 and "the task 'broken' of an installed package can't be loaded" in result.stderr


def _environment(folder):
    import os

    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{PACKAGE.parent}"}


def check_gradients(task, examples):
    """Every weight of an untrained task gets a gradient."""
    import tensorflow as tf

    network = training_model(task.network)
    arrays, targets, weights = next(task.batches(examples, 0).epoch(0))
    with tf.GradientTape() as tape:
        outputs = network({k: tf.constant(v) for k, v in arrays.items()}, training=True)
        loss = task.loss(targets, outputs, weights)
    variables = network.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        assert gradient is not None, variable.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


# What CONTRIBUTING.md asks for.


@pytest.mark.parametrize("name", ["couplet", "extraction", "similarity", "tagging", "title", "word2vec"])
def test_a_task_has_all_that_the_checklist_names(name):
    root = PACKAGE.parent
    if not (root / "CONTRIBUTING.md").exists():
        root = Path(__file__).parents[1]
    checklist = (root / "CONTRIBUTING.md").read_text("utf-8").partition("## Add a task")[2].partition("\n## ")[0]
    files = re.findall(r"^   - `(\w+\.py)`", checklist, re.MULTILINE)
    assert files == ["config.py", "examples.py", "model.py", "decode.py", "answers.py", "check.py", "task.py"]
    assert all((PACKAGE / "tasks" / name / file).exists() for file in files)
    assert (root / "data" / name).is_dir() and f"`{name}/" in (root / "data" / "README.md").read_text("utf-8")
    assert get_declaration(name).demos and get_declaration(name).check
    assert any(name in folder for folder in TASKS) or name == "tagging"
    assert f'"{name}"' in (root / "scripts" / "benchmarks" / "resume.py").read_text("utf-8")
    assert (root / "scripts" / f"train_{name}.py").exists()
    for readme in ("README.md", "README.zh-CN.md"):
        assert f"| `{name}` |" in (root / readme).read_text("utf-8")


@pytest.mark.parametrize("room", ["layers", "losses", "metrics", "decoding", "datasets"])
def test_rooms_give_out_what_they_hold(room):
    module = __import__(f"nlpkit.{room}", fromlist=["__all__"])
    for name in module.__all__:
        thing = getattr(module, name)
        assert thing.__doc__ and thing.__doc__.strip(), f"nlpkit.{room}.{name} has no docstring"


def test_every_layer_is_under_contract():
    from nlpkit import layers

    rows = (Path(__file__).parent / "portable" / "test_layers.py").read_text("utf-8")
    for name in layers.__all__:
        if isinstance(getattr(layers, name), type):
            assert f'"{name}"' in rows, f"{name} has no row in LAYERS"


@pytest.mark.parametrize("task", ["couplet", "extraction", "tagging", "title", "word2vec"])
def test_data_can_be_read_without_a_framework(task):
    program = (
        f"import sys, nlpkit.tasks.{task}.check, nlpkit.tasks.{task}.examples\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow', 'torch', 'jax')))"
    )
    assert subprocess.run([sys.executable, "-c", program], env=_environment(PACKAGE.parent)).returncode == 0


def test_everything_public_has_type_hints():
    import importlib
    import inspect
    import pkgutil

    missing = []
    for _, name, _ in pkgutil.walk_packages(nlpkit.__path__, "nlpkit."):
        if name.endswith("__main__"):
            continue
        module = importlib.import_module(name)
        for public, thing in vars(module).items():
            if public.startswith("_") or getattr(thing, "__module__", None) != name:
                continue
            functions = {public: thing} if inspect.isfunction(thing) else {}
            if inspect.isclass(thing):
                functions = {
                    f"{public}.{key}": value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
                    for key, value in vars(thing).items()
                    if not key.startswith("_") or key == "__init__"
                }
            for full, function in functions.items():
                if not inspect.isfunction(function) or getattr(function, "__module__", None) != name:
                    continue
                hints = inspect.get_annotations(function)
                arguments = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
                if not full.endswith("__init__"):
                    arguments.append("return")
                missing += [f"{name}.{full}: {p}" for p in arguments if p not in hints and not p.startswith("_")]
    assert not missing, "\n".join(missing)


def test_metadata_may_have_any_name(words_model, tmp_path):
    import shutil

    from nlpkit.artefacts.saving import save_artefact

    folder = tmp_path / "m"
    shutil.copytree(words_model, folder)
    task = nlpkit.load(folder)
    task.metadata["seed"] = "of its own"
    save_artefact(folder, task, {"seed": 7})
    assert nlpkit.load(folder).metadata["seed"] == "of its own"
    assert json.loads((folder / "task.json").read_text("utf-8"))["seed"] == 7

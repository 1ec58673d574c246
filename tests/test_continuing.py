"""Training that goes on from a model: what it knows stays, what new data have more comes behind it."""

import json

import numpy as np
import pytest

import nlpkit
from nlpkit.artefacts.load import load
from nlpkit.errors import ArtefactError, ConfigError
from nlpkit.tasks import get_task

from .conftest import ARTICLES, COUPLETS, QUESTIONS, SAMPLES, SENTENCES

SHORT = {"epochs": 1, "least_steps": 0, "onnx": "off"}
NEW = {
    "words_model": "今天 鑫源镇 开张\n龘 是 字\n",
    "couplet_model": "鑫源春早\t龘水秋高\n龘水秋高\t鑫源春早\n",
    "title_model": '{"text": "鑫源镇集市开张，来了百人。", "title": "鑫源镇集市"}\n' * 2,
    "extraction_model": json.dumps(
        {"text": "《龘传》的配乐是鑫源", "spo_list": [{"subject": "龘传", "predicate": "配乐", "object": "鑫源"}]},
        ensure_ascii=False,
    ) + "\n",
    "similarity_model": "1\t龘字怎么读\n1\t龘怎么念\n2\t鑫源在哪\n2\t哪里是鑫源\n",
    "word2vec_model": "今天 鑫源镇 开张\n" * 20,
}  # fmt: skip


def _continued(model, text, path, **settings):
    task = get_task(model.declaration.name)
    path.write_text(text, "utf-8")
    reading = {"cut": "spaces"} if task.declaration.name == "word2vec" else {}
    data = task.read(path, task.declaration.reading.create(reading))
    return task.continued(model, type(model.settings).create({**model.settings.to_dict(), **settings}), data)


@pytest.mark.parametrize("name", NEW)
def test_a_model_that_goes_on_first_answers_as_before(name, request, tmp_path):
    old = load(request.getfixturevalue(name), runtime="keras")
    text = NEW[name] if name != "couplet_model" else NEW[name] * 2
    new = _continued(old, text, tmp_path / f"new.{'jsonl' if text.startswith('{') else 'txt'}")
    grown = 0
    for name, before in old.parts.items():
        after = new.parts[name]
        if hasattr(before, "symbols") and name != "label_vocabulary":
            assert after.symbols[: len(before.symbols)] == before.symbols
            grown += len(after.symbols) - len(before.symbols)
    assert grown > 0
    for own, given in zip(new.network.model.weights, old.network.model.weights, strict=True):
        kept = np.array(own.value)[tuple(map(slice, given.shape))]
        if "seed_generator" not in own.path:
            np.testing.assert_array_equal(kept, given.value)
    if name in ("words_model", "word2vec_model"):  # of the others the data, or a larger vocabulary, change a little
        records = old.samples()
        assert [new.predict(each).to_dict() for each in records] == [old.predict(each).to_dict() for each in records]


def test_labels_of_another_kind(words_model, tmp_path):
    old = load(words_model, runtime="keras")
    text = "在\tO\n北\tB-LOC\n京\tI-LOC\n\n张\tB-PER\n三\tI-PER\n"
    new = _continued(old, text, tmp_path / "new.conll")
    assert new.parts["label_vocabulary"].symbols == ["B-LOC", "B-PER", "I-LOC", "I-PER", "O"]
    spans = {(entity.start, entity.end) for entity in new.predict("在北京").entities}
    words = {(word.start, word.end) for word in old.predict("在北京").words}
    assert spans <= words  # a B is like a B, whatever its label
    weights = {weight.path: np.array(weight.value) for weight in new.network.model.weights}
    assert np.ptp(weights["emissions/bias"]) > 0 and weights["potentials/transitions"].shape == (6, 6)


def test_what_can_not_go_on(words_model, tokens_model, couplet_model, tmp_path):
    words = SAMPLES / "words-test.txt"
    with pytest.raises(ConfigError, match=r"does not fit: it has width = 16, of which some can't be changed"):
        nlpkit.train("tagging", words, words, out=tmp_path / "a", start=words_model, settings={**SHORT, "width": 24})
    with pytest.raises(ConfigError, match=r"has unit = 'token', these data have 'character'"):
        nlpkit.train("tagging", words, words, out=tmp_path / "a", start=tokens_model, settings=SHORT)
    with pytest.raises(ArtefactError, match="is of the task 'couplet', not 'tagging'"):
        nlpkit.train("tagging", words, words, out=tmp_path / "a", start=couplet_model)
    with pytest.raises(ArtefactError, match=r"zh-wrds: no such folder; .*did you mean the model zh-words"):
        nlpkit.train("tagging", words, words, out=tmp_path / "a", start="zh-wrds")
    assert not [path for path in tmp_path.iterdir() if path.name == "a"]


def test_training_goes_on_from_a_name(tmp_path):
    words = SAMPLES / "words-test.txt"
    settings = {**SHORT, "warmup_steps": 0, "ema_momentum": 0, "layer_rates": "mix=0,vectors=0.5"}
    model = nlpkit.train("tagging", words, words, out=tmp_path / "m", start="zh-words", settings=settings)
    start = load("zh-words", runtime="keras")
    assert {*model.parts["label_vocabulary"].symbols} == {*"BMES"} and model.metrics["valid"]["f1"] > 0.8
    for before, after in zip(start.network.model.weights, model.network.model.weights, strict=True):
        if before.path.startswith("mix"):
            np.testing.assert_array_equal(before.value, after.value)
        elif before.path.endswith("conv/kernel"):
            assert np.abs(np.array(before.value) - np.array(after.value)).max() > 1e-4
    for bad, reason in (
        ("mix", "must be NAME=FACTOR"),
        ("mix=-1", "must be NAME=FACTOR"),
        ("mix=0,", "must be NAME=FACTOR"),
        ("nowhere=2", "no weight has that in its path; layers are"),
    ):
        with pytest.raises(ConfigError, match=reason):
            nlpkit.train("tagging", words, words, out=tmp_path / "n", settings={**SHORT, "layer_rates": bad})


@pytest.mark.parametrize(
    ("task", "fixture", "data"),
    [
        ("couplet", "couplet_model", COUPLETS / "couplets-test.tsv"),
        ("title", "title_model", ARTICLES / "articles-test.jsonl"),
        ("extraction", "extraction_model", SENTENCES / "triples-test.jsonl"),
        ("similarity", "similarity_model", QUESTIONS / "questions-test.tsv"),
    ],
)
def test_each_task_trains_on(task, fixture, data, request, tmp_path):
    start = request.getfixturevalue(fixture)
    model = nlpkit.train(task, data, data, out=tmp_path / "m", start=start, settings=SHORT)
    assert nlpkit.load(tmp_path / "m").predict(model.samples()[:1])

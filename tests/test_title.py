"""What is the title task's own, beside the contract of all tasks."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nlpkit
from nlpkit.errors import ArtefactError, ConfigError, DataError
from nlpkit.metrics import clge_scores, copied_spans, copying, lead, novelty, word_rouge
from nlpkit.tasks.task import Data, untrained
from nlpkit.tasks.title.check import check
from nlpkit.tasks.title.config import TitlePrediction, TitleSettings
from nlpkit.tasks.title.examples import (
    END,
    END_ID,
    NUM_EXTRA,
    Texts,
    TitleExample,
    TrainingBatches,
    inputs_and_weights,
    make_vocabulary,
    num_features,
    read_titles,
)
from nlpkit.tasks.title.task import TitleWriter
from nlpkit.text.vocabulary import UNKNOWN, CharacterVocabulary

from .conftest import ARTICLES, SMALL_TITLE
from .test_tasks import check_gradients

TRAIN = ARTICLES / "articles-train.jsonl"


@pytest.fixture(scope="module")
def predictor(title_model):
    return nlpkit.load(title_model)


@pytest.fixture(scope="module")
def texts():
    return [example.text for example in read_titles(ARTICLES / "articles-test.jsonl")[0]]


@pytest.mark.parametrize(
    "switches",
    [
        {"label_smoothing": 0.1}, {"encoder": "gated_conv", "coverage": False},
        {"encoder": "lstm", "prior": False, "layers": 2},
        {"copy": False, "conditional_norm": False}, {"char_dim": 8, "counts": False}, {"words": False},
    ],
)  # fmt: skip
def test_every_weight_gets_a_gradient(switches):
    examples = read_titles(TRAIN)[0][:40]
    config = TitleSettings.create({**SMALL_TITLE, "dilations": [1, 2], **switches})
    check_gradients(untrained(TitleWriter, config, Data(examples)), examples)


# Files.


def test_json_lines_and_columns_are_read_alike(tmp_path):
    rows = [("春风 又绿\n江南岸", "春风"), ("明月何时照我还", "明月")]
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"text": a, "title": b, "more": 1}, ensure_ascii=False) + "\n" for a, b in rows), "utf-8"
    )
    (tmp_path / "a.tsv").write_text("".join(f"{a}\t{b}\n".replace("\n江", " 江") for a, b in rows), "utf-8")
    expected = [TitleExample("春风 又绿 江南岸", "春风", 1), TitleExample("明月何时照我还", "明月", 2)]
    assert read_titles(tmp_path / "a.jsonl") == (expected, [], 0)
    assert read_titles(tmp_path / "a.tsv") == (expected, [], 0)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("a.jsonl", '{"text": "春风"}', 'expected a str in the field "title". Received: nothing'),
        ("a.jsonl", '{"text": "春风", "title": ""}', "has no title"),
        ("a.jsonl", '{"text": " ", "title": "春"}', "has no text"),
        ("a.jsonl", "春风", "is not JSON"),
        ("a.jsonl", "[1]", "expected a JSON object"),
        ("a.tsv", "春风", "expected a text, a tab and a title. Received 1 column(s)"),
        ("a.tsv", "a\tb\tc", "expected a text, a tab and a title. Received 3 column(s)"),
        ("a.tsv", "", "is empty"),
    ],
)
def test_bad_lines_are_named_and_passed_over(tmp_path, name, line, message):
    good = '{"text": "春风", "title": "春"}' if name.endswith("jsonl") else "春风\t春"
    (tmp_path / name).write_text(f"{good}\n{line}\n{good}\n", "utf-8")
    examples, notes, bad = read_titles(tmp_path / name)
    assert len(examples) == 2 and bad == 1
    assert f"{name}, line 2: {message}" in notes[0]
    with pytest.raises(DataError, match="line 2"):
        read_titles(tmp_path / name, "stop")


def test_check_sees_lengths_leaks_and_the_lead(tmp_path):
    rows = "天气转凉。明天有雨\t天气转凉\n天气转凉。明天有雨\t雨\n" + "字" * 300 + "\t字\n"
    (tmp_path / "a.tsv").write_text(rows, "utf-8")
    (tmp_path / "b.tsv").write_text("天气转凉。明天有雨\t天气转凉\nbad\n", "utf-8")
    first, second = check([tmp_path / "a.tsv", tmp_path / "b.tsv"], {})
    assert first["texts with titles"] == 3 and first["repeated texts"].startswith("1 ")
    assert first["texts longer than 256 (the beginning is read)"].startswith("1 ")
    assert first["titles that occur in the text verbatim"].startswith("3 ")
    assert second["bad lines (passed over)"] == 1 and second["ROUGE-L of the first sentence"] == "0.8571"
    assert second[f"texts that are also in {tmp_path / 'a.tsv'}"].startswith("1 ")


# Ids.

VOCABULARY = CharacterVocabulary([END, *"春风又绿江南岸"])
SHORT = TitleSettings.create({"max_text": 8})
SYMBOLS = st.text(st.sampled_from("春风又绿江南岸龘齉𠮷😀A \x03"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SYMBOLS, SYMBOLS), min_size=1, max_size=4))
def test_what_a_text_has_can_be_named_though_it_is_unknown(pairs):
    texts = Texts([text for text, _ in pairs], VOCABULARY, SHORT, [also for _, also in pairs])
    for row, (text, also) in enumerate(pairs):
        ids = texts.ids[texts.flat.starts[row] :][: texts.flat.lengths[row]]
        assert len(ids) == min(len(text), 8) and END_ID not in ids
        assert texts.decode(row, ids[ids != UNKNOWN]) == text[:8].replace("\x03", "")
        named = texts.encode(row, also.replace("\x03", ""))
        assert (named != UNKNOWN).all() and texts.decode(row, named) == also.replace("\x03", "")
    assert [*texts.strings()] == [text[:8] for text, _ in pairs]


def test_features_are_of_the_text_as_it_is_read():
    texts = Texts(["北京北京龘龘的春风", "北京"], VOCABULARY, SHORT)
    batch = texts.padded(np.array([0, 1]), 9)
    assert batch["source"].dtype == "int32" and batch["features"].dtype == "uint8"
    assert batch["features"][0].T.tolist() == [
        [2, 2, 2, 2, 2, 2, 1, 1, 0], [2, 2, 2, 2, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1, 1, 0],
        [1, 0, 1, 0, 1, 1, 1, 1, 0], [0, 1, 0, 1, 1, 1, 1, 1, 0],
    ]  # fmt: skip
    assert batch["features"][1].T.tolist() == [[*row, *[0] * 7] for row in ((1, 1), (1, 1), (1, 1), (1, 0), (0, 1))]
    for switches, size in (({"counts": False}, 2), ({"words": False}, 3), ({"counts": False, "words": False}, 0)):
        settings_ = TitleSettings.create(switches)
        found = Texts(["北京"], VOCABULARY, settings_).padded(np.array([0]), 2)
        assert num_features(settings_) == size and ("features" in found) == bool(size)
        assert not size or found["features"].shape == (1, 2, size)


def test_of_very_many_unknown_characters_the_last_can_not_be_copied():
    text = "".join(chr(0x3400 + i) for i in range(NUM_EXTRA + 5))
    texts = Texts([text], VOCABULARY, TitleSettings.create({"max_text": 1000}))
    ids = texts.ids[texts.flat.starts[0] :][: len(text)]
    assert (ids == UNKNOWN).sum() == 5 and len({*ids.tolist()}) == NUM_EXTRA + 1


def test_batches_hold_each_example_once_and_are_the_same_each_time():
    examples = read_titles(TRAIN)[0]
    config = TitleSettings.create({**SMALL_TITLE, "replace": 0.3, "hide": 0.0, "char_min_count": 2})
    vocabulary = make_vocabulary(examples, config)
    batches = TrainingBatches(examples, vocabulary, config, seed=3)
    epoch = [*batches.epoch(2)]
    assert len(epoch) == len(batches) and sum(len(gold) for _, gold, _ in epoch) == len(examples)
    for (inputs, gold, weights), (again, *_) in zip(epoch[1:], batches.epoch(2, 1), strict=True):
        assert all((inputs[name] == again[name]).all() for name in inputs)
        np.testing.assert_allclose(weights.mean(), 1, rtol=1e-5)
        assert (weights[(gold == 0) | (gold == UNKNOWN)] == 0).all() and (inputs["previous"][:, 0] == 0).all()
        copied = gold >= len(vocabulary)
        assert all((gold[row][copied[row]][:, None] == inputs["source"][row]).any(-1).all() for row in range(len(gold)))
        was = np.pad(gold[:, :-1], [[0, 0], [1, 0]])
        changed = (inputs["previous"] != was).mean()
        assert 0.02 < changed < 0.4


def test_hidden_characters_are_hidden_everywhere_in_their_row():
    examples = read_titles(TRAIN)[0]
    plain = TitleSettings.create({**SMALL_TITLE, "hide": 0.0})
    vocabulary = make_vocabulary(examples, plain)
    hiding = TitleSettings.create({**SMALL_TITLE, "hide": 0.3})
    batches = [TrainingBatches(examples, vocabulary, config, seed=3).epoch(1) for config in (plain, hiding)]
    shares = []
    for (inputs, gold, _), (hidden, new, _) in zip(*batches, strict=True):
        for before, after in zip(
            np.concatenate([inputs["source"], gold], axis=1), np.concatenate([hidden["source"], new], axis=1)
        ):
            assert len({*zip(before, after)}) == len({*before}) == len({*after})  # one to one
            changed = before != after
            assert (after[changed] >= len(vocabulary)).all() and (before[changed] > END_ID).all()
            shares.append(changed.sum() / (before > END_ID).sum())
    assert 0.1 < np.mean(shares) < 0.4
    without = TitleSettings.create({**SMALL_TITLE, "copy": False})
    for _, gold, weights in TrainingBatches(examples, vocabulary, without, seed=3).epoch(0):
        assert (weights[gold >= len(vocabulary)] == 0).all()


# The search.


def slow_scores(task, text, title):
    """The log probability of each character of a title and of its end, by the whole network."""
    texts = Texts([text], task.vocabulary, task.settings)
    ids = np.append(texts.encode(0, title), END_ID)[None].astype("int32")
    return task.network.gold_scores(inputs_and_weights(texts.padded(np.array([0]), len(text)), ids)[0])[0]


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_scores_are_those_of_the_whole_network(predictor, texts, penalty):
    for text in texts[:4]:
        for answer in predictor.predict([text[:60]], n_best=3, length_penalty=penalty)[0]:
            scores = slow_scores(predictor, text[:60], answer.title)
            if len(answer.title) == predictor.settings.max_title:
                scores = scores[:-1]  # it was cut at the greatest length, without its end
            np.testing.assert_allclose(answer.score, scores.sum() / len(scores) ** penalty, rtol=1e-3, atol=1e-3)


def test_the_search_is_that_which_runs_the_whole_network_for_each_step(predictor, texts):
    task, text, width, steps = predictor, texts[0][:40], 3, 6
    known = Texts([text], task.vocabulary, task.settings)
    symbols = sorted({*task.vocabulary.symbols[1:], *text})
    alive, finished = [(0.0, "")], []
    for t in range(steps):
        grown = []
        for before, title in alive:
            assert before <= 0
            if t:
                finished.append((float(slow_scores(task, text, title).sum()) / (t + 1), title))
            ids = np.stack([known.encode(0, title + symbol) for symbol in symbols])
            inputs, *_ = inputs_and_weights(known.padded(np.zeros(len(ids), int), len(text)), ids.astype("int32"))
            scores = task.network.gold_scores(inputs)
            grown += [(float(s), title + symbol) for s, symbol in zip(scores.sum(-1), symbols)]
        alive = sorted(grown, reverse=True)[:width]
    finished += [(total / steps, title) for total, title in alive]
    best = sorted(finished, reverse=True)[:width]
    options = {"n_best": width, "beam_width": width, "max_length": steps, "length_penalty": 1.0}
    found = predictor.predict([text], **options)[0]
    np.testing.assert_allclose([each.score for each in found], [score for score, _ in best], rtol=1e-3, atol=1e-3)
    assert [each.title for each in found] == [title for _, title in best]


def test_a_text_gets_the_same_title_and_score_alone_and_in_any_batch(predictor, texts):
    together = predictor.predict([*texts, "字" * 64, "短"], n_best=2)
    for text, answer in zip(texts[:8], together):
        alone = predictor.predict([text], n_best=2)[0]
        assert [each.title for each in alone] == [each.title for each in answer]
        np.testing.assert_allclose([e.score for e in alone], [e.score for e in answer], atol=1e-4)


def test_options_rule_the_titles(predictor, texts):
    some = texts[:6]
    for answer in predictor.predict(some, min_length=9, max_length=11, n_best=3, beam_width=4):
        assert len(answer) == 3 and answer[0] is answer.titles[0] and all(9 <= len(each.title) <= 11 for each in answer)
        assert len({each.title for each in answer}) == 3
        scores = [each.score for each in answer]
        assert scores == sorted(scores, reverse=True)
    plain = predictor.predict(some)
    often = "".join({*"".join(answer.title for answer in plain)})[:5]
    for answer in predictor.predict(some, forbidden=often):
        assert answer.title and not {*answer.title} & {*often}
    for answer in predictor.predict(some, min_length=20, no_repeat=1):
        assert len({*answer.title}) == len(answer.title) >= 20
    for answer in predictor.predict(some, prefix="关于𠮷龘", max_length=12):
        assert answer.title.startswith("关于𠮷龘")
    own = predictor.predict([{"text": some[0], "prefix": "甲"}, some[1]], prefix="乙")
    assert [answer.title[0] for answer in own] == ["甲", "乙"]
    with pytest.raises(ConfigError, match="prefix = '一二三四五': must be no longer than max_length, 4"):
        predictor.predict(some, prefix="一二三四五", max_length=4)
    with pytest.raises(ConfigError, match="min_length = 9: must be at most max_length, 4"):
        predictor.predict(some, min_length=9, max_length=4)
    with pytest.raises(ConfigError, match=r"top_p = 1\.5: must be at most 1"):
        predictor.predict(some, temperature=1.0, top_p=1.5)
    with pytest.raises(ConfigError, match="top_k = 3: must be 0 without a temperature"):
        predictor.predict(some, top_k=3)
    with pytest.raises(ConfigError, match="prefix = '甲乙': must be without forbidden characters"):
        predictor.predict(some, prefix="甲乙", forbidden="乙")


def test_draws_depend_on_the_seed_and_on_nothing_else(predictor, texts):
    options = {"temperature": 1.0, "n_best": 2}
    first = predictor.predict(texts[:5], seed=1, **options)
    assert first == predictor.predict(texts[:5], seed=1, **options) != predictor.predict(texts[:5], seed=2, **options)
    assert [a.titles[0].title for a in first] == [
        a.titles[0].title for a in predictor.predict([*texts[:5], "字" * 60], seed=1, **options)[:5]
    ]
    greedy = [a.title for a in predictor.predict(texts[:5], beam_width=1)]
    assert greedy == [a.title for a in predictor.predict(texts[:5], temperature=1.0, top_k=1)]
    assert greedy == [a.title for a in predictor.predict(texts[:5], temperature=0.5, top_p=1e-6)]
    with_prefix = predictor.predict(texts[:5], prefix="龘", **options)
    assert all(each.title[0] == "龘" for answer in with_prefix for each in answer)


def test_all_that_is_to_be_said_of_a_text_is_said(predictor):
    with pytest.warns(match="has 70 characters, of which the first 64 are read; none of its characters is in the voc"):
        predictor.predict(["龘" * 70])


BARE = dict.fromkeys(("copy", "prior", "counts", "words"), False)


@pytest.mark.parametrize("switches", [{"copy": False}, BARE, {"encoder": "gated_conv"}])
def test_models_with_other_parts_answer_too(switches, texts):
    config = TitleSettings.create({**SMALL_TITLE, **switches})
    task = untrained(TitleWriter, config, Data(read_titles(TRAIN)[0]))
    with pytest.warns(match="of which the first 64 are read"):
        answers = task.predict(texts[:3], n_best=2, length_penalty=1.0)
    for text, answer in zip(texts, answers):
        for each in answer:
            scores = slow_scores(task, text[:64], each.title)
            scores = scores[:-1] if len(each.title) == 24 else scores
            np.testing.assert_allclose(each.score, scores.mean(), rtol=1e-3, atol=1e-3)
    assert task.predict([texts[0][:64]], temperature=1.0, prefix="龘")[0].title[0] == "龘"


# Bad input.


def test_every_text_has_a_defined_answer(predictor):
    unknown = "".join(chr(0x3400 + i) for i in range(30))
    records = ["", "春" * 100_000, unknown, "  ", "标题\t另一列", "好"]
    with pytest.warns() as caught:
        answers = predictor.predict(records)
    found = [str(each.message) for each in caught]
    assert found == [
        "record 0: is empty",
        "record 1: has 100,000 characters, of which the first 64 are read",
        "record 2: none of its characters is in the vocabulary; answered all the same",
        "record 3: is empty",
        "record 4: holds a tab; what follows it is not read",
    ]
    assert [bool(answer.title) for answer in answers] == [False, True, True, False, True, True]
    with pytest.raises(DataError, match="record 0: is empty"):
        predictor.predict(records, on_error="stop")
    with pytest.raises(DataError, match="must begin with 30 characters, and may have 24"):
        predictor.predict([{"text": "好", "prefix": "一" * 30}], on_error="stop")


def test_prefixes_that_can_not_be_written_stop_no_other_text(predictor, texts):
    with pytest.warns(match="must begin with 30 characters, and may have 24"):
        answers = predictor.predict([{"text": texts[0], "prefix": "一" * 30}, texts[1][:64]])
    assert not answers[0].titles and answers[1] == predictor.predict([texts[1][:64]])[0]
    assert predictor.predict([{"text": texts[0][:64], "prefix": "甲\x03乙"}])[0].title.startswith("甲乙")
    assert predictor.predict([{"text": texts[0][:64], "prefix": ""}], prefix="甲")[0].title[0] != "甲"
    config = TitleSettings.create({**SMALL_TITLE, "max_text": 200})
    task = untrained(TitleWriter, config, Data(read_titles(TRAIN)[0]))
    many = "".join(chr(0xAC00 + i) for i in range(140))
    with pytest.warns(match="more than 126 unknown characters; a part of that can't be written"):
        assert task.predict([{"text": many, "prefix": "힣"}], max_length=5)[0].title
    for options, message in (
        ({"min_length": 40}, "min_length = 40: must be at most what a title may have, 24"),
        ({"prefix": "一" * 30}, "must be no longer than a title may be, 24"),
    ):
        with pytest.raises(ConfigError, match=message):
            predictor.predict(texts[:1], **options)


@pytest.mark.parametrize("copy", [True, False])
def test_what_is_impossible_is_never_written(copy):
    config = TitleSettings.create({**SMALL_TITLE, "copy": copy})
    pairs = [TitleExample("春风又", "春风", 1)]
    task = TitleWriter(config, {"mean_title": 2.0}, vocabulary=make_vocabulary(pairs * 2, config))
    task.network = task.build_network()
    predictor = task
    for options in (
        {"n_best": 5, "max_length": 1}, {"no_repeat": 1, "min_length": 10}, {"no_repeat": 2, "max_length": 300},
        {"forbidden": "春风又", "min_length": 2}, {"forbidden": "\x03", "max_length": 3},
        {"forbidden": "春风又", "min_length": 2, "temperature": 1.0, "n_best": 3},
        {"beam_width": 250, "n_best": 250, "max_length": 3},
    ):  # fmt: skip
        for each in predictor.predict(["春风"], **options)[0]:
            assert {*each.title} <= {*"春风又"} and each.score > -1e4, options
    assert len(predictor.predict(["春风"], n_best=5, max_length=1)[0].titles) == 3


def test_titles_with_a_prefix_have_the_score_of_the_whole_network(predictor, texts):
    text = texts[0][:40]
    others = [symbol for symbol in predictor.vocabulary.symbols[1:] if symbol not in text]
    for prefix in ("".join(others[:2]), text[3:5], others[-1] + text[0]):
        for answer in predictor.predict([text], prefix=prefix, n_best=2, length_penalty=0.0, max_length=20)[0]:
            scores = slow_scores(predictor, text, answer.title)[: 20 if len(answer.title) == 20 else None]
            np.testing.assert_allclose(answer.score, scores.sum(), rtol=1e-3)


def test_training_in_half_precision(tmp_path):
    settings_ = {**SMALL_TITLE, "epochs": 1, "precision": "mixed_float16"}
    model = nlpkit.train("title", TRAIN, ARTICLES / "articles-test.jsonl", out=tmp_path / "m", settings=settings_)
    assert model.predict(["今天下雪，学校停课。"])[0].title


def test_a_model_that_never_learnt_to_end_stops_at_the_greatest_length(texts):
    task = untrained(TitleWriter, TitleSettings.create(SMALL_TITLE), Data(read_titles(TRAIN)[0]))
    bias = np.zeros(len(task.vocabulary), "float32")
    bias[END_ID] = -1e4
    task.network.embedding.bias.assign(bias)
    answers = task.predict([text[:64] for text in texts[:3]])
    assert all(len(answer.title) == 24 for answer in answers)


NASTY = st.text(
    st.one_of(st.sampled_from("春，A1 \t　\0\x01\x03\x85\u2028😀👨‍👩‍👧𠮷"), st.characters(codec="utf-8")), max_size=40
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NASTY, max_size=4))
def test_no_line_stops_the_others(predictor, lines):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = predictor.predict([*lines, "春风送暖"], max_length=6)
    for line, answer in zip(lines, found):
        assert bool(answer.titles) == bool(line.partition("\t")[0].split())
        assert len(answer.title) <= 6 and "\x03" not in answer.title
    assert found[-1].title


# Going on from another model.


def test_training_goes_on_from_a_model(title_model, tmp_path):
    lines = [{"text": f"鑫源镇第{i}次集市开张，来了{i}百人。", "title": f"鑫源镇第{i}次集市"} for i in range(1, 30)]
    path = tmp_path / "more.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    model = nlpkit.train("title", path, path, out=tmp_path / "m", start=title_model, settings={"epochs": 1})
    old, new = nlpkit.load(title_model), model
    assert new.vocabulary.symbols[: len(old.vocabulary.symbols)] == old.vocabulary.symbols
    assert "鑫" in new.vocabulary and "鑫" not in old.vocabulary
    assert new.settings.width == old.settings.width == 16 and new.settings.epochs == 1
    untrained = TitleWriter.continued(old, new.settings, Data(read_titles(path)[0]))
    size = len(old.vocabulary)
    for own, before in zip(untrained.network.model.weights, old.network.model.weights, strict=True):
        np.testing.assert_array_equal(np.array(own.value)[: size if own.shape != before.shape else None], before.value)
    for bad, message in (
        ({"settings": {"width": 32}}, "does not fit: it has width = 16"),
        ({"settings": {"copy": False}}, "does not fit: it has copy = True"),
        ({"preset": "fast"}, "preset = 'fast'"),
    ):
        with pytest.raises(ConfigError, match=message):
            nlpkit.train("title", path, path, out=tmp_path / "n", start=title_model, **bad)
    with pytest.raises(ArtefactError, match="is the folder to go on from"):
        nlpkit.train("title", path, path, out=title_model, start=title_model, force=True)
    assert not (tmp_path / "n").exists() and nlpkit.load(title_model)


def test_a_model_of_another_task_is_no_start(couplet_model, title_model, tmp_path):
    with pytest.raises(ArtefactError, match="is of the task 'couplet', not 'title'"):
        nlpkit.train("title", TRAIN, out=tmp_path / "m", start=couplet_model)


# Metrics.


def plain_common(first, second):
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@settings(max_examples=80, deadline=None)
@given(st.text("春风又绿江", min_size=1, max_size=30), st.text("春风又绿江", min_size=1, max_size=30))
def test_rouge_against_plain_loops(right, written):
    scores = clge_scores([right], [written])
    assert scores["rouge_l"] == pytest.approx(2 * plain_common(right, written) / (len(right) + len(written)))
    for n in (1, 2):
        grams = [[text[i : i + n] for i in range(len(text) - n + 1)] for text in (right, written)]
        common = sum(min(grams[0].count(g), grams[1].count(g)) for g in {*grams[0]})
        assert scores[f"rouge_{n}"] == pytest.approx(2 * common / max(len(grams[0]) + len(grams[1]), 1))


def test_metrics_of_empty_and_equal_texts():
    assert clge_scores(["春风", "ＡＢ c"], ["", "abC"])["rouge_l"] == 0.5
    assert clge_scores(["春风又绿江"], ["春风又绿江"]) == {
        "rouge_1": 1.0, "rouge_2": 1.0, "rouge_l": 1.0, "sentence_bleu": pytest.approx(1.0)
    }  # fmt: skip
    assert word_rouge(["北京大学生"], ["北京大学"])["rouge_1"] < 1
    assert lead("第一句话！第二句。", 99) == "第一句话" and lead("第一句话", 1.6) == "第一"
    assert novelty(["春风"], ["春风"], 2) == 0 and novelty(["春风"], ["风春"], 2) == 1
    assert copied_spans("春风又绿", "又绿春") == [(0, 2)]
    assert copying(["春风又绿"], ["春风x又绿"]) == {"share": 0.8, "length": 2.0}


def test_default_prediction_options_are_the_documented_ones():
    assert TitlePrediction().to_dict()["beam_width"] == 5 and TitlePrediction().max_length is None


def test_each_search_has_a_program_of_its_own():
    from nlpkit.tasks.title.decode import program_of

    groups = [
        [{}, {"n_best": 3, "prefix": "x", "length_penalty": 1.0}], [{"no_repeat": 2}], [{"no_repeat": 3}],
        [{"temperature": 1.0}, {"temperature": 0.5, "seed": 3}], [{"temperature": 1.0, "top_k": 2}],
        [{"temperature": 1.0, "top_k": 3}], [{"temperature": 1.0, "top_p": 0.9}, {"temperature": 0.7, "top_p": 0.5}],
    ]  # fmt: skip
    names = [{program_of(TitlePrediction.create(options))[0] for options in group} for group in groups]
    assert all(len(group) == 1 for group in names) and len(set.union(*names)) == len(groups)
    assert names[0] == {"search"} and names[3] == {"draw"}

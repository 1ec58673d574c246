"""What is the tagger's own, beside the contract of all tasks."""

import functools
import itertools
import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nlpkit
from nlpkit.datasets.windows import cut_windows
from nlpkit.errors import ArtefactError, ConfigError, DataError
from nlpkit.tasks.shared.characters import make_features
from nlpkit.tasks.shared.records import SEGMENTERS, Sentence, by_rules
from nlpkit.tasks.tagging.answers import Entity, Token
from nlpkit.tasks.tagging.check import check
from nlpkit.tasks.tagging.config import TaggingPrediction, TaggingReading, TaggingSettings
from nlpkit.tasks.tagging.decode import AnswerDecoder, spaced_words
from nlpkit.tasks.tagging.examples import Example, check_labels, detect_format, read_examples, read_labelled
from nlpkit.tasks.tagging.task import Outputs, Tagger
from nlpkit.tasks.task import Data, untrained
from nlpkit.text import tag_schemes
from nlpkit.text.characters import FlatTexts, code_points
from nlpkit.text.tag_schemes import allowed_transitions

from .conftest import SAMPLES, SMALL
from .test_tasks import check_gradients

LINES = [example.text for example in read_examples(SAMPLES / "words-test.txt")[:20]]


def test_it_learns(words_model, entities_model):
    assert nlpkit.evaluate(words_model, SAMPLES / "words-test.txt")["f1"] > 0.6
    assert nlpkit.evaluate(entities_model, SAMPLES / "entities-train.conll")["f1"] > 0.3


def test_its_network_is_a_plain_keras_model(words_model, tmp_path):
    import keras

    from nlpkit.layers import ViterbiDecoder

    nlpkit.load(words_model).network.model.save(tmp_path / "tagger.keras")
    model = keras.saving.load_model(tmp_path / "tagger.keras")
    tags = keras.Model(model.input, ViterbiDecoder()(model.output))
    arrays = {name: np.zeros((1, 4, *x.shape[2:]), str(x.dtype)) for name, x in model.input.items()}
    assert tags.predict(arrays, verbose=0).shape == (1, 4)


@pytest.mark.parametrize("encoder", ["gated_conv", "gru", "lstm"])
@pytest.mark.parametrize("head", ["crf", "memm", "softmax"])
def test_every_weight_gets_a_gradient(encoder, head):
    examples = read_examples(SAMPLES / "words-train.txt")[:40]
    config = TaggingSettings.create({**SMALL, "encoder": encoder, "head": head, "lexicon": "train"})
    tagger = untrained(Tagger, config, Data(examples, {"scheme": "BMES"}))
    check_gradients(tagger, examples)


NASTY = st.text(
    st.one_of(st.sampled_from("的一是中国。，A1 \t　\0\x01\x85\u2028😀👨‍👩‍👧𠮷"), st.characters(codec="utf-8")),
    max_size=200,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NASTY, max_size=5))
def test_words_put_together_are_the_text(words_model, texts):
    predictor = _held(words_model)
    for text, words in zip(texts, predictor.predict(texts), strict=True):
        assert "".join(word.text for word in words) == text
        for word, after in itertools.zip_longest(words, words.words[1:]):
            assert text[word.start : word.end] == word.text
            assert word.end == (after.start if after else len(text))


@functools.cache
def _held(folder):
    return nlpkit.load(folder)


@given(st.lists(st.text("ab \t　\u2028中。", max_size=12), min_size=1, max_size=4), st.randoms())
def test_spaced_words_against_a_loop(lines, random):
    ends = [[random.random() < 0.5 for _ in line] for line in lines]
    codes = code_points("".join(line + "\n" for line in lines))
    flat = np.array([end for line in ends for end in [*line, False]])
    expected = []
    for line, marks in zip(lines, ends):
        spaced = "".join((" " if c.isspace() else c) + (" " if end else "") for c, end in zip(line, marks))
        expected.append(" ".join(spaced.split()) + "\n")
    assert spaced_words(codes, flat) == "".join(expected)


@given(st.lists(st.text("甲乙。，", max_size=300), max_size=4), st.sampled_from([32, 64]))
def test_windows_cover_each_character_once(texts, window):
    flat = FlatTexts(texts)
    windows = cut_windows(flat, window)
    assert (windows.lengths <= window).all()
    assert (windows.keep_from >= windows.starts).all()
    assert (windows.keep_to <= windows.starts + windows.lengths).all()
    kept = [np.arange(a, b) for a, b in zip(windows.keep_from, windows.keep_to)]
    places = [np.arange(a, a + n) for a, n in zip(flat.starts, flat.lengths)]
    assert sorted(np.concatenate([*kept, [-1]]).tolist()) == sorted(np.concatenate([*places, [-1]]).tolist())


def test_long_texts_are_cut_and_joined(words_model):
    predictor = nlpkit.load(words_model)
    text = "".join(LINES)
    assert len(text) > 4 * SMALL["window"]
    words = predictor.predict([text])[0]
    assert "".join(word.text for word in words) == text
    apart = [word.text for line in LINES for word in predictor.predict([line])[0]]
    same = len({w.end for w in words} & set(itertools.accumulate(map(len, apart)))) / len(apart)
    assert same > 0.95


def test_columns_are_legal_where_a_text_had_to_be_cut(words_model, tmp_path):
    predictor = nlpkit.load(words_model)
    tagger, text = predictor, "长江大桥" * 90
    cut_inside = np.random.default_rng(0).integers(0, len(tagger._labels), 1 + len(text) + 1).astype("int16")
    encoded, _ = tagger.encode([tagger.parse(text)], tagger.prepare(TaggingPrediction()))
    columns = tagger.write(encoded, Outputs(cut_inside, None), "conll").splitlines()
    labels = [line.split("\t")[1] for line in columns if line]
    assert len(labels) == len(text) and tag_schemes.find_illegal(labels, tagger.decoder.scheme) is None


def test_user_dictionary_steers(words_model, entities_model, tmp_path):
    predictor = nlpkit.load(words_model)
    text = "我爱柯西施瓦茨不等式"
    (tmp_path / "words.txt").write_text("柯西施瓦茨\n", "utf-8")
    for source in (["柯西施瓦茨"], tmp_path / "words.txt"):
        words = predictor.predict([text], user_dictionary=source, user_bonus=50.0)[0]
        assert "柯西施瓦茨" in [word.text for word in words]
    assert predictor.predict([text], user_dictionary=["没有"]) == predictor.predict([text])
    entities = nlpkit.load(entities_model).predict([text], user_dictionary={"柯西施瓦茨": "PER"}, user_bonus=50.0)[0]
    assert Entity("柯西施瓦茨", 2, 7, "PER") in entities.entities
    with pytest.raises(DataError, match="'柯西' of type 'XYZ'; write the word, a tab and one of LOC, ORG, PER"):
        nlpkit.load(entities_model).predict([text], user_dictionary={"柯西": "XYZ"})


def test_formats_are_detected_and_agree(tmp_path):
    conll, words, jsonl = tmp_path / "a.conll", tmp_path / "a.txt", tmp_path / "a.jsonl"
    conll.write_text("我\tS\n爱\tS\n北\tB\n京\tE\n", "utf-8")
    words.write_text("我 爱 北京\n", "utf-8")
    spans = [{"start": 0, "end": 1}, {"start": 1, "end": 2}, {"start": 2, "end": 4}]
    jsonl.write_text(json.dumps({"text": "我爱北京", "words": spans}), "utf-8")
    assert [detect_format(p) for p in (conll, words, jsonl)] == ["conll", "words", "jsonl"]
    assert {(e.text, e.labels) for p in (conll, words, jsonl) for e in read_labelled(p, repair=False).examples} == {
        ("我爱北京", ("S", "S", "B", "E"))
    }


def test_output_can_be_read_again(entities_model, tmp_path):
    (tmp_path / "in.txt").write_text("\n".join(LINES) + "\n", "utf-8")
    predictor = nlpkit.load(entities_model)
    answers = {}
    for name in ("jsonl", "conll"):
        predictor.predict_file(tmp_path / "in.txt", tmp_path / f"out.{name}", name)
        answers[name] = [(e.text, e.labels) for e in read_labelled(tmp_path / f"out.{name}", False).examples]
    assert answers["jsonl"] == answers["conll"]


def test_illegal_labels_are_listed_or_repaired(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("甲\tO\n乙\tI-X\n丙\tI-X\n\n丁\tB-X\n\n戊\tB-X\n己\tI-Y\n", "utf-8")
    examples = read_examples(path)
    message = (
        r"a.conll: 2 illegal tag sequence\(s\) under BIO: I-X after O \(sentence at line 1, character 2\), "
        r"I-Y after B-X \(sentence at line 7, character 2\); mend them, or pass --repair"
    )
    with pytest.raises(DataError, match=message):
        check_labels(examples, path, repair=False)
    scheme, legal, repaired = check_labels(examples, path, repair=True)
    assert (scheme, repaired) == ("BIO", 2)
    assert [e.labels for e in legal] == [("O", "B-X", "I-X"), ("B-X",), ("B-X", "B-Y")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("甲\tO\n\n乙\tO\n甲\tX-PER\n", "line 4: unknown tag scheme: X-PER"),
        ("甲\tNOUN\n乙\tB-PER\n", "line 1: unknown tag scheme: NOUN"),
        ("New York\tNOUN\n", "token 'New York' has white space in it"),
        ("\tNOUN\n", "2 columns"),
        ('{"tokens": ["a", ""], "labels": ["X", "Y"]}', "token 2, '', is empty"),
        ('{"tokens": ["a", "b"], "labels": ["X"]}', 'expected 2 texts in the field "labels"'),
        ('{"tokens": ["a", "b"]}', 'expected a list in the field "labels". Received: nothing'),
        ('{"text": "甲乙", "words": [{"start": 0, "end": 1}]}', "the words do not cover the text"),
        (
            '{"text": "甲乙", "entities": [{"start": 0, "end": 3, "type": "X"}]}',
            "start < end inside the text, which has 2 characters",
        ),
        (
            '{"text": "我爱北京", "entities": [{"start": 1, "end": 3, "label": "X", "text": "北京"}]}',
            "the text from 1 to 3 is '爱北', not '北京'",
        ),
        ('{"text": "甲乙", "entities": [[0, 1, "X"]]}', 'expected objects like {"start": 2, "end": 5, "label": "LOC"}'),
        ('{"text": "甲乙"}', 'expected a list in the field "words", "entities" or "tokens"'),
        ("\n\n", "holds no example"),
    ],
)
def test_bad_training_data(tmp_path, content, message):
    path = tmp_path / "bad"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match=message):
        Tagger.read(path, TaggingReading())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lernrate": 1}, "unknown setting 'lernrate', did you mean 'learning_rate'?"),
        ({"encoder": "lstn"}, "unknown encoder 'lstn', did you mean 'lstm'"),
        ({"epochs": 0}, "epochs = 0: must be at least 1"),
        ({"epochs": "many"}, "epochs = 'many': expected an integer"),
        ({"dropout": 1.0}, "dropout = 1.0: must be from 0 to below 1"),
        ({"dilations": []}, "dilations"),
        ({"width": 7}, "width = 7: must be even"),
    ],
)
def test_bad_settings(values, message):
    with pytest.raises(ConfigError, match=message):
        TaggingSettings.create(values)
    with pytest.raises(ConfigError, match="unknown preset 'fats', did you mean 'fast'"):
        TaggingSettings.create({}, "fats")


def test_check_finds_what_is_wrong(tmp_path):
    one, two = tmp_path / "one.conll", tmp_path / "two.conll"
    one.write_text("甲\tO\n乙\tI-X\n\n丙\tO\n\n丙\tO\n", "utf-8")
    two.write_text("丙\tB-X\n\n丙\tO\n", "utf-8")
    first, second = check([one, two], {})
    assert first["illegal tag sequences"].startswith("1 (in the sentences at lines 1)")
    assert first["repeated examples"].startswith("1 (33.33%)")
    assert second["same text, other labels"] == 1
    assert second[f"examples that are also in {one}"].startswith("2 (100.00%)")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("plain.txt", "今天天气真好我们去公园玩了一天\n明天天气也会很好我们再去公园吧\n", "have no space: plain text?"),
        ("table.csv", "我,O\n去,O\n北,B-LOC\n", "hold ',': CSV?"),
        ("words.txt", "今天\n天气\n" * 6, "a word or two on each line"),
        ("one.conll", "我\tO\n北\tB-LOC\n" * 150, "one sentence of 300 units"),
        ("line.conll", "我\tO\n鱼\tB_菜\n", "tags have a hyphen, B-菜"),
    ],
)
def test_check_says_what_looks_odd(name, content, told, tmp_path):
    (tmp_path / name).write_text(content, "utf-8")
    assert any(told in str(value) for key, value in check([tmp_path / name], {})[0].items() if "odd" in key)
    assert not any("odd" in key for key in check([SAMPLES / "words-train.txt"], {})[0])


def test_vectors_start_the_embeddings(tmp_path):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("3 4\n的 1 2 3 4\n中国 1 0\n龘 4 3 2 1\n", "utf-8")
    settings = {**SMALL, "vectors": str(vectors), "char_dim": 4, "bigram_dim": 2}
    data = Data(read_examples(SAMPLES / "words-train.txt"), {"scheme": "BMES"})
    tagger = untrained(Tagger, TaggingSettings.create(settings), data)
    (row,) = tagger.reader.features.characters.encode(["龘"])
    found = tagger.network.units.character_vectors.get_weights()[0][row]
    np.testing.assert_allclose(found / found[0], [1, 0.75, 0.5, 0.25], rtol=1e-5)
    with pytest.raises(DataError, match="have 4 numbers, char_dim is 16; set char_dim=4"):
        untrained(Tagger, TaggingSettings.create({**settings, "char_dim": 16}), data)


def test_frozen_vectors_stay_what_they_are(tmp_path):
    (tmp_path / "vectors.txt").write_text("的 1 2 3 4\n一 4 3 2 1\n", "utf-8")
    settings = {**SMALL, "vectors": str(tmp_path / "vectors.txt"), "freeze_vectors": True, "char_dim": 4, "epochs": 1}
    data, out = SAMPLES / "words-test.txt", tmp_path / "model"
    tagger = nlpkit.train("tagging", data, data, out=out, settings=settings)
    for network in (tagger.network, nlpkit.load(out).network):
        (table,) = network.units.character_vectors.get_weights()
        row, other = (table[tagger.reader.features.characters.encode([symbol])[0]] for symbol in "的是")
        np.testing.assert_allclose(row / row[0], [1, 2, 3, 4], rtol=1e-3)
        assert not other.any()
    with pytest.raises(ConfigError, match="freeze_vectors = True: must be false without vectors"):
        TaggingSettings.create({"freeze_vectors": True})


def test_features_keep_edges_and_padding_apart():
    features = make_features(["甲乙"], TaggingSettings.create({**SMALL, "char_min_count": 1, "bigram_min_count": 1}))
    flat = FlatTexts(["甲乙", "乙"])
    arrays = features.encode(flat)
    windows = cut_windows(flat, 64)
    batch = windows.gather(arrays, np.array([0, 1]), 4)
    assert (batch["characters"] != 0).tolist() == [[True, True, False, False], [True, False, False, False]]
    assert (batch["bigrams"][batch["characters"] == 0] == 0).all()
    assert (batch["bigrams"][0, :2] > 1).all()  # all of its pairs were seen, those with the edges too


def test_an_exported_network_decodes(words_model, tmp_path):
    import keras
    import tensorflow as tf

    from nlpkit.layers import ViterbiDecoder

    task = nlpkit.load(words_model)
    model = task.network.model
    tagger = keras.Model(model.input, ViterbiDecoder()(model.output))
    encoded, _ = task.encode([*map(task.parse, LINES)], task.prepare(TaggingPrediction()))
    arrays = encoded.inputs.batch(encoded.windows, np.arange(8), 64)
    tagger.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_array_equal(np.asarray(exported.serve(arrays)), tagger.predict(arrays, verbose=0))


def test_long_training_texts_are_cut_between_spans():
    word = "甲乙丙丁" * 20
    examples = [
        Example("天" * 3 + word, ("S",) * 3 + ("B", *"M" * 78, "E"), 1),
        Example("天气" * 100, ("B", "E") * 100, 2),
    ]
    tagger = untrained(Tagger, TaggingSettings.create({**SMALL, "window": 32}), Data(examples, {"scheme": "BMES"}))
    allowed = allowed_transitions(tagger._labels, "BMES")
    characters = 0
    for arrays, tags, _ in tagger.batches(examples, 0).epoch(0):
        for row, real in zip(tags, arrays["characters"] != 0):
            characters += real.sum()
            assert all(allowed[a, b] for a, b in itertools.pairwise([4, *row[real], 4]))
    assert characters == 283


def test_stops_between_digits_are_no_places_to_cut():
    flat = FlatTexts(["甲" * 20 + ",乙" + "丙" * 6 + "12:30" + "丁" * 40])
    windows = cut_windows(flat, 32)
    assert windows.keep_to[0] - flat.starts[0] == 21


@pytest.mark.parametrize(
    ("labels", "kind"), [(["B", "I", "O"], Entity), (["B-NN", "E-NN", "S-VV"], Token), (["NN", "NN", "VV"], Token)]
)
def test_untyped_spans_typed_words_and_plain_labels(labels, kind, tmp_path):
    path = tmp_path / "a.conll"
    path.write_text(("".join(f"{c}\t{label}\n" for c, label in zip("甲乙丙", labels)) + "\n") * 9, "utf-8")
    model = nlpkit.train(
        "tagging", path, path, out=tmp_path / "m", settings={**SMALL, "epochs": 1, "char_min_count": 1}
    )
    assert ("labels" if labels[0] == "NN" else "types") in model.metrics["valid"]
    assert all(isinstance(span, kind) for span in model.predict(["甲乙丙"])[0])


def test_half_a_surrogate_pair_and_bad_offsets_are_data_errors(tmp_path):
    path = tmp_path / "a.jsonl"
    for line in (
        '{"text": "a\\ud800b", "words": [{"start": 0, "end": 3}]}',
        '{"text": "ab", "words": [{"start": null, "end": 1}, {"start": 1, "end": 2}]}',
        '{"text": "ab", "words": [{"start": 0.0, "end": 2}]}',
    ):
        path.write_text(line + "\n", "utf-8")
        with pytest.raises(DataError, match=r"a.jsonl, line 1: "):
            read_examples(path)


def test_four_columns_are_conll(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("小 NN X B-PER\n王 NN X I-PER\n", "utf-8")
    assert read_labelled(path, repair=False).examples == [Example("小王", ("B-PER", "I-PER"), 1)]


def test_one_example_needs_a_validation_file(tmp_path):
    (tmp_path / "one.txt").write_text("我 爱 北京\n", "utf-8")
    with pytest.raises(DataError, match="give a validation file"):
        nlpkit.train("tagging", tmp_path / "one.txt", out=tmp_path / "m", settings=SMALL)
    assert not (tmp_path / "m").exists()


def test_runs_of_letters_and_digits_stay_together_as_the_data_had_them(tmp_path):
    line = "他 用 GitHub 和 ET9 看 3.14 与 a@b.cn\n"
    (tmp_path / "whole.txt").write_text(line * 30, "utf-8")
    (tmp_path / "torn.txt").write_text(line.replace("ET9", "ET 9").replace("3.14", "3 . 14") * 30, "utf-8")
    text = "我在GitLab买XY7，6.28元，写信到you@example.org，ＡＢＣ"
    settings = {**SMALL, "epochs": 1, "learning_rate": 1e-6}  # it has learnt nothing
    found = {}
    for name in ("whole", "torn"):
        data = tmp_path / f"{name}.txt"
        model = nlpkit.train("tagging", data, data, out=tmp_path / name, settings=settings)
        found[name] = nlpkit.load(tmp_path / name).predict([text])[0]
        assert "".join(word.text for word in found[name]) == text
        assert found[name] == model.predict([text])[0]
    whole, torn = ([word.text for word in found[name]] for name in ("whole", "torn"))
    for run in ("GitLab", "XY7", "6.28", "you@example.org", "ＡＢＣ"):
        assert any(run in word for word in whole), (run, whole)
    assert any("GitLab" in word for word in torn)
    splits = nlpkit.load(tmp_path / "torn").metadata["splits"]
    assert "letter-digit" in splits and "decimal" in splits and "letters" not in splits
    free = nlpkit.load(tmp_path / "whole").predict([text], keep_runs=False)[0]
    assert "".join(word.text for word in free) == text


def test_traditional_characters_are_read_as_simplified_ones(words_model):
    predictor = nlpkit.load(words_model)
    simple, traditional = "我们学习国语", "我們學習國語"
    places = [(word.start, word.end) for word in predictor.predict([simple])[0]]
    answer = predictor.predict([traditional])[0]
    assert [(word.start, word.end) for word in answer] == places
    assert "".join(word.text for word in answer) == traditional
    task = predictor
    (known, read) = (
        task.encode([task.parse(traditional)], task.prepare(TaggingPrediction(simplify=flag)))[0].inputs.arrays[
            "characters"
        ]
        for flag in (False, True)
    )
    assert (known == 1).sum() > (read == 1).sum()
    # A character that the lexicon knows and the vocabulary does not is looked up there.
    words = nlpkit.load(words_model).predict(["银行贷款", "銀行貸款"])
    assert [(word.start, word.end) for word in words[0]] == [(word.start, word.end) for word in words[1]]


def test_words_end_at_white_space_unless_the_data_have_it_inside(tmp_path):
    (tmp_path / "plain.txt").write_text("我 爱 北京\n" * 40, "utf-8")
    spans = [{"start": 0, "end": 1}, {"start": 1, "end": 10}, {"start": 10, "end": 11}]
    line = json.dumps({"text": "看 New York了", "words": spans})
    (tmp_path / "blanks.jsonl").write_text(f"{line}\n" * 40, "utf-8")
    settings = {**SMALL, "epochs": 6, "learning_rate": 0.01}
    for name in ("plain.txt", "blanks.jsonl"):
        model = nlpkit.train("tagging", tmp_path / name, tmp_path / name, out=tmp_path / f"{name}-m", settings=settings)
        words = [word.text for word in model.predict(["看 New York了"])[0]]
        if name == "plain.txt":
            assert "".join(words) == "看 New York了" and words.count(" ") == 2
        else:
            assert words == ["看", " New York", "了"]


def test_evaluation_repairs_unless_told_otherwise(entities_model, tmp_path):
    (tmp_path / "a.conll").write_text("王\tI-PER\n去\tO\n", "utf-8")
    predictor = nlpkit.load(entities_model)
    assert predictor.evaluate(tmp_path / "a.conll")["repaired"] == 1
    with pytest.raises(DataError, match="illegal tag sequence"):
        predictor.evaluate(tmp_path / "a.conll", repair=False)


# Tokens, labels without prefixes, characters of several code points.


def test_the_tokens_of_a_file_say_what_its_units_are(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("好 O\n👍🏽 B-X\n\n北 B-X\n京 I-X\n", "utf-8")
    emoji = read_labelled(path, repair=False)
    assert (emoji.unit, emoji.scheme) == ("character", "BIO")
    assert [(e.text, e.labels) for e in emoji.examples] == [("好👍🏽", ("O", "B-X", "I-X")), ("北京", ("B-X", "I-X"))]
    path.write_text("I PRON\nlove VERB\n\n北京 NOUN\n", "utf-8")
    words = read_labelled(path, repair=False)
    assert (words.unit, words.scheme) == ("token", "plain")
    assert words.examples[0] == Example("I love", ("PRON", "VERB"), 1, ("I", "love"))
    joint = read_labelled(path, repair=False, unit="character")
    assert (joint.unit, joint.scheme) == ("character", "BMES")
    assert joint.examples[1] == Example("北京", ("B-NOUN", "E-NOUN"), 4)
    assert joint.examples[0].labels == ("S-PRON", "B-VERB", "M-VERB", "M-VERB", "E-VERB")
    path.write_text("New B-LOC\nYork I-LOC\n", "utf-8")
    assert read_labelled(path, False, "character").examples == [Example("NewYork", ("B-LOC", *["I-LOC"] * 6), 1)]
    with pytest.raises(DataError, match=r"a.conll: has labels of the scheme BIO, where the model's are BMES"):
        read_labelled(path, False, "character", "BMES")
    (tmp_path / "a.txt").write_text("我 爱 北京\n", "utf-8")
    with pytest.raises(DataError, match="line 1: holds a text without tokens"):
        read_labelled(tmp_path / "a.txt", False, "token")
    assert check([tmp_path / "a.conll"], {})[0]["units"] == "tokens"
    assert check([tmp_path / "a.conll"], {}, unit="character")[0]["units"] == "characters"
    path.write_text("a N\n   \tV\n", "utf-8")
    with pytest.raises(DataError, match=r"a.conll, line 2: the token ' *' is empty"):
        read_labelled(path, False)


@given(st.lists(st.sampled_from(["B-X", "I-X", "B-Y", "I-Y", "O"]), min_size=1, max_size=8), st.data())
def test_spans_hold_whole_characters(labels, data):
    joins = np.array([False, *data.draw(st.lists(st.booleans(), min_size=len(labels) - 1, max_size=len(labels) - 1))])
    for scheme, spelt in (
        ("BIO", labels),
        (
            "BMES",
            tag_schemes.write_spans([(i, i + 1, x[-1]) for i, x in enumerate(labels)], len(labels), "BMES", "BMES"),
        ),
        ("plain", labels),
    ):
        reader = AnswerDecoder(sorted({*spelt}), scheme, 64)
        flat, tags = FlatTexts(["字" * len(spelt)]), np.array([0, *(sorted({*spelt}).index(x) for x in spelt), 0])
        (found,) = reader.label_sequences(flat, tags, np.array([False, *joins, False]))
        assert len(found) == len(labels)
        spans = tag_schemes.read_spans(found, scheme)
        if scheme == "plain":
            assert all(found[i] == found[i - 1] for i in np.flatnonzero(joins))
            continue
        assert not [span for span in spans for end in span[:2] if end < len(labels) and joins[end]]
        assert scheme == "BIO" or [i for a, b, _ in spans for i in range(a, b)] == [*range(len(labels))]
        if not joins.any():
            assert spans == tag_schemes.read_spans(spelt, scheme)


def test_a_model_of_tokens_takes_texts_and_tokens(tokens_model, tmp_path):
    predictor = nlpkit.load(tokens_model)
    spaced, listed, named = predictor.predict(["我  爱 北京", ["我", "爱", "北京"], {"tokens": ["我", "爱", "北京"]}])
    assert [(t.text, t.start, t.end) for t in spaced] == [("我", 0, 1), ("爱", 3, 4), ("北京", 5, 7)]
    known = nlpkit.evaluate(tokens_model, SAMPLES / "pos-train.conll")
    assert known["unknown_share"] == 0 and known["known_accuracy"] == known["accuracy"] > 0.5
    assert listed == named and listed.text == "我 爱 北京" and listed.labels == spaced.labels
    assert listed.to_text() == " ".join(f"{t.text}/{t.label}" for t in listed)
    (tmp_path / "in.txt").write_text("我  爱 北京\n\n好\n", "utf-8")
    predictor.predict_file(tmp_path / "in.txt", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text("utf-8").split("\n")[:2] == [spaced.to_text(), ""]
    cut = predictor.predict(["我爱北京"], segmenter="jieba")[0]
    assert [t.text for t in cut] == ["我", "爱", "北京"]
    (tmp_path / "in.jsonl").write_text('{"tokens": ["我", "爱"]}\n{"text": "北京 好"}\n{"tokens": ["a b"]}\n', "utf-8")
    for name in ("jsonl", "conll"):
        assert predictor.predict_file(tmp_path / "in.jsonl", tmp_path / f"out.{name}")[:2] == (3, 1)
    read = [read_labelled(tmp_path / f"out.{name}", False, "token").examples for name in ("jsonl", "conll")]
    assert [(e.tokens, e.labels) for e in read[0]] == [(e.tokens, e.labels) for e in read[1]]
    with pytest.raises(ConfigError, match=r"user_dictionary = .*: must be left out, for the model reads tokens"):
        predictor.predict(["我"], user_dictionary=["我"])


def test_a_sentence_of_many_tokens(tokens_model):
    tokens = ["我", "爱", "北京", "。"] * 12_500
    answer = nlpkit.load(tokens_model).predict([tokens])[0]
    assert len(answer.tokens) == 50_000 and answer.tokens[-1].end == len(answer.text)


def test_models_say_what_they_read(words_model, tokens_model):
    with pytest.raises(DataError, match="record 0: holds tokens, and the model reads characters; give a text"):
        nlpkit.load(words_model).predict([["我", "爱"]], on_error="stop")
    with pytest.raises(ConfigError, match="segmenter = 'jieba': must be left out, for the model reads characters"):
        nlpkit.load(words_model).predict(["我爱"], segmenter="jieba")
    with pytest.raises(ConfigError, match="unit = 'character': must be auto or token, which the model reads"):
        nlpkit.evaluate(tokens_model, SAMPLES / "pos-test.conll", unit="character")
    with pytest.raises(DataError, match="holds a text without tokens"):
        nlpkit.evaluate(tokens_model, SAMPLES / "words-test.txt")
    assert nlpkit.load(tokens_model).predict(["", " \t", []])[1].tokens == ()


SMALL_TOKENS = {**SMALL, "token_dim": 8, "spelling_width": 8, "affix_dim": 4, "num_affixes": 64, "epochs": 1}


def test_columns_are_features(tmp_path):
    path, names = tmp_path / "a.conll", ["token", "pos", "_", "label"]
    rows = "Ann\tN\tx\tB-P\nis\tV\tx\tO\nold\tA\tx\tO\n\n"
    path.write_text(rows * 6, "utf-8")
    model = nlpkit.train("tagging", path, path, out=tmp_path / "m", settings=SMALL_TOKENS, columns=names)
    assert nlpkit.load(tmp_path / "m").parts["column_vocabulary"].symbols == ["pos=A", "pos=N", "pos=V"]
    assert nlpkit.evaluate(tmp_path / "m", path) == model.metrics["valid"]
    assert nlpkit.load(tmp_path / "m").measure(Tagger.read(path, TaggingReading(columns=tuple(names))).examples)
    settings = {**SMALL_TOKENS, "epochs": 20, "learning_rate": 0.03, "warmup_steps": 2, "ema_momentum": 0}
    learnt = nlpkit.train("tagging", path, path, out=tmp_path / "l", settings=settings, columns=names)
    assert learnt.metrics["valid"]["f1"] == 1
    with pytest.raises(DataError, match='line 1: expected a list in the field "pos"'):
        nlpkit.evaluate(tmp_path / "m", path, columns=["token", "_", "_", "label"])
    record = {"tokens": ["Ann", "is"], "pos": ["N", "V"]}
    assert len(model.predict([record])[0].labels) == 2
    with pytest.raises(DataError, match='expected a list in the field "pos"'):
        model.predict([["Ann", "is"]], on_error="stop")
    with pytest.raises(DataError, match="the model also reads pos; give an object with tokens and these"):
        model.predict(["Ann is"], on_error="stop")
    with pytest.raises(DataError, match=r"line 1: 4 columns: .*; expected 3 on every line"):
        Tagger.read(path, TaggingReading.create({"columns": ["token", "pos", "label"]}))
    for bad, message in ((["token"], "token and label"), (["token", "label", "a", "a"], "none occurs twice")):
        with pytest.raises(ConfigError, match=message):
            TaggingReading.create({"columns": bad})
    (tmp_path / "c.conll").write_text("甲\tN\tO\n乙\tV\tO\n\n" * 3, "utf-8")
    with pytest.raises(ConfigError, match="characters have no columns beside their label"):
        nlpkit.train(
            "tagging", tmp_path / "c.conll", out=tmp_path / "n", settings=SMALL, columns=["token", "pos", "label"]
        )


@pytest.mark.parametrize(
    "switches",
    [
        {"spelling": "lstm", "encoder": "gru"},
        {"spelling": "none", "affix_dim": 0, "shapes": False, "head": "softmax"},
    ],
)
def test_every_part_of_a_model_of_tokens_can_be_left_out(switches):
    data = Tagger.read(SAMPLES / "pos-test.conll", TaggingReading())
    tagger = untrained(Tagger, TaggingSettings.create({**SMALL_TOKENS, **switches}), data)
    check_gradients(tagger, data.examples)


def test_vectors_of_tokens(tmp_path):
    (tmp_path / "vectors.txt").write_text(
        "3 8\n" + "".join(f"{w}{' 1' * 8}\n" for w in ("北京", "龘龘", "，")), "utf-8"
    )
    settings = {**SMALL_TOKENS, "vectors": str(tmp_path / "vectors.txt")}
    data = Tagger.read(SAMPLES / "pos-test.conll", TaggingReading())
    tagger = untrained(Tagger, TaggingSettings.create(settings), data)
    (table,) = tagger.network.units.word_vectors.get_weights()
    row = table[tagger.parts["token_vocabulary"].encode(["龘龘"])[0]]
    np.testing.assert_allclose(row, np.full(8, 0.3), rtol=1e-5)
    few = untrained(Tagger, TaggingSettings.create({**settings, "max_tokens": 5}), data)
    assert len(few.parts["token_vocabulary"].symbols) == 5 and "龘龘" not in few.parts["token_vocabulary"]
    with pytest.raises(DataError, match="have 8 numbers, token_dim is 4; set token_dim=8"):
        untrained(Tagger, TaggingSettings.create({**settings, "token_dim": 4}), data)
    with pytest.raises(ConfigError, match="lexicon = 'train': is for characters"):
        untrained(Tagger, TaggingSettings.create({**settings, "lexicon": "train"}), data)


def test_a_segmenter_of_ours_becomes_part_of_the_model(words_model, tmp_path):
    text, out = "我们学习国语，他也学习。", tmp_path / "m"
    data, settings = SAMPLES / "pos-test.conll", {**SMALL_TOKENS, "segmenter": str(words_model)}
    nlpkit.train("tagging", data, data, out=out, settings=settings)
    shutil.move(out, tmp_path / "moved")
    words = nlpkit.load(words_model).predict([text])[0]
    predictor = nlpkit.load(tmp_path / "moved")
    assert [token.text for token in predictor.predict([text])[0]] == [word.text for word in words]
    assert len(predictor.predict([text, ""], segmenter="spaces")[0].tokens) == 1
    listed = json.loads((tmp_path / "moved" / "task.json").read_text("utf-8"))["files"]
    assert {"segmenter-task.json", "segmenter-weights.bin", "segmenter-vocab.txt", "weights.bin"} <= {*listed}
    again = nlpkit.train("tagging", data, data, out=tmp_path / "moved", settings=settings, force=True)
    assert again.predict([text]) == predictor.predict([text])
    (tmp_path / "moved" / "segmenter-vocab.txt").write_text("a\n", "utf-8")
    with pytest.raises(ArtefactError, match=r"segmenter-vocab\.txt: is damaged or was changed"):
        nlpkit.load(tmp_path / "moved")


def test_what_can_be_no_segmenter(entities_model, tmp_path):
    data, settings = SAMPLES / "pos-test.conll", {**SMALL_TOKENS, "segmenter": str(entities_model)}
    with pytest.raises(ConfigError, match="segmenter: a model of the task tagging that does not find words"):
        nlpkit.train("tagging", data, data, out=tmp_path / "m", settings=settings)
    with pytest.raises(ArtefactError, match="jiba: no such folder; give one that nlpkit train wrote"):
        nlpkit.train("tagging", data, data, out=tmp_path / "m", settings={**settings, "segmenter": "jiba"})
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", ["rules", "jieba"])
def test_a_segmenter_cuts_no_character_apart(name):
    text = "好👍🏽e\u0301te\u0301 👨\u200d👩"
    tokens = next(iter(SEGMENTERS[name]([text])))
    assert all(text[start : start + len(token)] == token for token, start in tokens)
    assert not {"🏽", "\u0301", "\u200d👩"} & {token for token, _ in tokens}
    assert [token for token, _ in next(iter(by_rules(["Mr. Ng of AT&T ate e\u0301te\u0301."])))] == (
        ["Mr.", "Ng", "of", "AT&T", "ate", "e\u0301te\u0301", "."]
    )


def test_joint_answers_have_no_white_space_in_tokens_and_conll_of_whole_characters():
    reader = AnswerDecoder(["B-N", "M-N", "E-N", "S-N", "S-V"], "BMES", 64)
    answer = reader.answer(Sentence("我 爱👍🏽"), ["S-N", "B-N", "M-N", "M-N", "E-N"])
    assert [(token.text, token.start, token.end) for token in answer] == [("我", 0, 1), ("爱👍🏽", 2, 5)]
    assert answer.to_conll() == "我\tS-N\n \tS-N\n爱\tB-N\n👍🏽\tE-N\n"
    assert reader.answer(Sentence("👍🏽"), ["B-N", "E-N"]).to_conll() == "👍🏽\tS-N\n"


def test_labels_that_the_model_does_not_have(tokens_model):
    with pytest.raises(DataError, match=r"none of the labels of the data, .*, is one of the model's"):
        nlpkit.evaluate(tokens_model, SAMPLES / "english-test.conll")


def test_a_tagger_of_tokens_is_no_segmenter(tokens_model, tmp_path):
    settings = {**SMALL_TOKENS, "segmenter": str(tokens_model)}
    with pytest.raises(ConfigError, match="does not find words"):
        nlpkit.train("tagging", SAMPLES / "pos-train.conll", out=tmp_path / "m", settings=settings)

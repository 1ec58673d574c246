"""What users type in Python."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nlpkit
from nlpkit.errors import ArtefactError, ConfigError, UnknownWordError

SCRIPT = Path(__file__).with_name("user_script.py")
TEXT = "王小明在北京的公园里。"


def test_a_record_and_a_list_of_records(words_model, similarity_model):
    tagger = nlpkit.load(words_model)
    one = tagger.predict(TEXT)
    assert tagger.predict([TEXT, TEXT]) == [one, one] and tagger.predict({"text": TEXT}) == one
    assert tagger.predict([]) == [] and tagger.predict(text for text in [TEXT]) == [one]
    pair = nlpkit.load(similarity_model).predict(("怎么退货", "如何退货"))
    assert (pair.first, pair.second) == ("怎么退货", "如何退货")


def test_a_class_of_another_task_is_refused(words_model):
    with pytest.raises(ArtefactError, match="is of the task 'tagging', not 'couplet'"):
        nlpkit.load(words_model, nlpkit.CoupletWriter)


def test_a_model_says_what_it_is(words_model):
    tagger = nlpkit.load(words_model)
    assert re.fullmatch(r"<Tagger: task tagging, [\d,]+ parameters, f1 0\.\d{4}, .*>", repr(tagger))
    assert tagger.metrics["valid"]["f1"] > 0.6


def test_confidence_is_a_probability_of_each_span(words_model, entities_model, tokens_model):
    for folder in (words_model, entities_model, tokens_model):
        tagger = nlpkit.load(folder)
        sure = tagger.predict(TEXT if folder != tokens_model else "我 爱 北京", confidence=True)
        plain = tagger.predict(sure.text)
        assert [(each.text, each.start) for each in sure] == [(each.text, each.start) for each in plain]
        assert all(0 < each.probability <= 1 for each in sure) and all(each.probability is None for each in plain)
        assert plain.agrees(sure) and "probability" not in json.dumps(plain.to_dict())


def test_entities_as_text(entities_model, tmp_path):
    tagger = nlpkit.load(entities_model)
    spans = nlpkit.Entity("高 小帆", 0, 4, "PER"), nlpkit.Entity("北京", 5, 7, "LOC")
    answer = nlpkit.Entities("高 小帆在北京", (), spans)
    assert answer.to_text() == "高 小帆/PER\t北京/LOC"
    assert answer.to_dict()["entities"][0] == {"text": "高 小帆", "start": 0, "end": 4, "label": "PER"}
    assert isinstance(tagger.predict(TEXT), nlpkit.Entities)


def test_the_output_name_is_its_format_and_fields_are_kept(entities_model, tmp_path):
    tagger = nlpkit.load(entities_model)
    lines = [{"id": 7, "text": TEXT, "source": {"page": 3}}, {"text": "<b>你好</b>"}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    for name in ("out.jsonl", "out.conll", "out.html", "out.txt"):
        assert tagger.predict_file(tmp_path / "in.jsonl", tmp_path / name)[:2] == (2, 0)
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert (first["id"], first["source"], first["text"]) == (7, {"page": 3}, TEXT) and "entities" in first
    assert second.keys() == {"text", "entities"}
    page = (tmp_path / "out.html").read_text("utf-8")
    assert page.startswith("<!doctype html>") and page.endswith("</html>\n") and page.count("<p>") == 2
    assert "<b>" not in page and "&lt;b" in page and "你好" in page
    tagger.predict_file(tmp_path / "in.jsonl", tmp_path / "seen.txt", format="colour")
    seen = (tmp_path / "seen.txt").read_text("utf-8")
    assert seen.count("\n") == 2 and re.sub(r"\x1b\[[\d;]*m", "", seen).replace("/PER", "").startswith("王小明")


def test_answers_are_pictures_in_a_notebook(words_model, couplet_model):
    answers = nlpkit.load(words_model).predict([TEXT, ""])
    assert str(nlpkit.render(answers)) == nlpkit.render(answers)._repr_html_()
    assert nlpkit.render(answers[0]) == answers[0]._repr_html_() + "\n"
    assert "vertical-rl" in nlpkit.render(nlpkit.load(couplet_model).predict("春风吹绿柳"))
    for wrong in ("text", 7, [TEXT], None):
        with pytest.raises(TypeError, match="render takes an answer of predict, or a list of answers"):
            nlpkit.render(wrong)


def test_wrong_parts_are_marked():
    right = nlpkit.Segmentation("今天天气", (), (nlpkit.Word("今天", 0, 2), nlpkit.Word("天气", 2, 4)))
    words = nlpkit.Word("今天", 0, 2), nlpkit.Word("天", 2, 3), nlpkit.Word("气", 3, 4)
    found = nlpkit.Segmentation("今天天气", (), words)
    marked = re.findall(r'title="not in the other column">([^<]*)<', found.to_html(right))
    assert marked == ["天", "气"] and not right.agrees(found) and "title=" not in found.to_html(found)


def test_word_vectors_are_used_as_in_gensim(word2vec_model):
    words = nlpkit.load(word2vec_model, nlpkit.WordVectors)
    first, second, third = list(words)[:3]
    assert len(words) == len(words.vocabulary.symbols) and first in words and "没有这词" not in words and 7 not in words
    assert words[first].shape == (16,) and words[[first, second]].shape == (2, 16)
    np.testing.assert_array_equal(words[[first, second]], words.vectors[:2])
    assert words.most_similar(first, topn=3) == words.most_similar([first], topn=3)
    nearest = words.similar_by_vector(words[first], topn=1)[0]
    assert nearest[0] == first and nearest[1] == pytest.approx(1, abs=1e-5)
    mixed = words.most_similar([words[second], third], negative=first, topn=len(words))
    assert third not in dict(mixed) and second in dict(mixed)
    with pytest.raises(KeyError) as error:
        words[second + "龘"]
    assert isinstance(error.value, UnknownWordError) and "; known are " in str(error.value)
    assert str(error.value).startswith(f"unknown word '{second}龘'")
    with pytest.raises(TypeError, match="expected a word or a list of words"):
        words[0]
    with pytest.raises(ConfigError, match="takes a word or a vector at least"):
        words.most_similar()
    with pytest.raises(ConfigError, match=r"expected a vector of 16 finite numbers. Received: shape \(3,\)"):
        words.similar_by_vector(np.ones(3))
    with pytest.raises(ConfigError, match="a list of three words or more"):
        words.doesnt_match("一二三")


def test_a_script_with_all_tasks_is_typed_and_runs(
    words_model, entities_model, couplet_model, title_model, similarity_model, extraction_model, word2vec_model
):
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", "/dev/null", SCRIPT]
    typed = subprocess.run([*mypy, "--follow-imports", "silent"], capture_output=True, text=True, cwd=SCRIPT.parents[1])
    assert typed.returncode == 0, typed.stdout + typed.stderr
    plain = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}  # JAX sets it
    ran = subprocess.run([sys.executable, SCRIPT, words_model.parent], capture_output=True, text=True, env=plain)
    assert ran.returncode == 0, ran.stderr
    # What is wrong with a record is a warning; the libraries are quiet.
    assert all("Warning" in line or line.startswith("  ") for line in ran.stderr.splitlines()), ran.stderr

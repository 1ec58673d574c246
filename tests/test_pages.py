"""What people look at: the report of a run, the comparison of several, mistakes by kind."""

import html.parser
import json
import re
import subprocess
import sys

import numpy as np
import pytest

import nlpkit
from nlpkit.errors import ArtefactError, ConfigError, DataError
from nlpkit.reports.chart import Series, chart
from nlpkit.reports.drawing import draw
from nlpkit.reports.mistakes import find_mistakes
from nlpkit.reports.mistakes_page import write_mistakes
from nlpkit.tasks.shared.plots import Map
from nlpkit.tasks.task import read_labelled

from .conftest import SAMPLES, SMALL

FILES = {"train": SAMPLES / "entities-train.conll", "valid": SAMPLES / "entities-test.conll"}
VOID = {"meta", "br", "line", "polyline", "path", "rect"}


class Balanced(html.parser.HTMLParser):
    """Sees that each element is closed in its place."""

    def __init__(self, page):
        super().__init__()
        self.open = []
        self.feed(page)
        assert self.open == [], self.open

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "other"
    nlpkit.train("tagging", **FILES, out=out, settings={**SMALL, "epochs": 1, "width": 24})
    return out


def test_a_report_is_whole_and_needs_no_network(entities_model, couplet_model, word2vec_model):
    for folder in (entities_model, couplet_model, word2vec_model):
        page = (folder / "report.html").read_text("utf-8")
        Balanced(page)
        assert not re.search(r"(src|href)=|https?://|@import|url\(", page)
    page = (entities_model / "report.html").read_text("utf-8")
    assert all(
        text in page for text in ("loss, training", "f1, validation", "the best epoch", "missed", "confusion matrix")
    )
    assert "entities-train.conll" in page and "<td>width</td><td>16</td>" in page  # data, and a setting that differs
    page = (couplet_model / "report.html").read_text("utf-8")
    assert "cross entropy, validation" in page and "vertical-rl" in page and "✓&thinsp;no_copy" in page


def test_charts_show_what_there_is():
    assert chart("f1", []) == "" == chart("f1", [Series("a", [None, float("nan")])])
    drawn = chart("f1", [Series("<a>", [0.5, None, 0.25, float("inf")]), Series("b", [1.0])], best=(0, 2))
    Balanced(drawn)
    assert drawn.count("<polyline") == 3 and "&lt;a&gt;" in drawn and "the best epoch, 3: 0.2500" in drawn
    assert json.loads(html.unescape(re.search("data-series='([^']*)'", drawn)[1]))["count"] == 4
    for values in ([0.0, 0.0], [3.0], [1e-9, 2e-9], [-5, 1e9]):
        Balanced(chart("x", [Series("x", values)]))


def test_no_two_words_of_a_map_overlap():
    rng = np.random.default_rng(0)
    drawn = draw(Map("words", [f"词{i}" for i in range(300)], rng.normal(size=(300, 2))))
    Balanced(drawn)
    shown = re.findall(r"<text x='([\d.]+)' y='([\d.]+)' data-x='[\d.]+' data-y='[\d.]+' font-size='14'>", drawn)
    assert 50 < len(shown) < 300 and "词0" in drawn
    boxes = [(float(x), float(y)) for x, y in shown]
    for i, (x, y) in enumerate(boxes):
        assert all(abs(x - a) > 28 or abs(y - b) > 14 for a, b in boxes[:i])


def test_mistakes_are_counted_by_kind(entities_model, words_model, tmp_path):
    tagger = nlpkit.load(entities_model)
    examples = read_labelled(tagger, FILES["valid"]).examples
    found = find_mistakes(tagger, examples)
    right = sum(len(answer.entities) for _, answer in tagger.expected(examples, len(examples)))
    assert sum(found.agreed.values()) == round(tagger.measure(examples)["recall"] * right)
    assert found.records == len(examples) and next(iter(found.by_kind())).endswith(("missed", "there is none", "ends"))
    write_mistakes(found, tmp_path / "wrong.jsonl", "mistakes")
    lines = [json.loads(line) for line in (tmp_path / "wrong.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == len(found.wrong) and lines[0]["right_answer"] != lines[0]["answer"]
    write_mistakes(found, tmp_path / "wrong.html", "mistakes")
    Balanced((tmp_path / "wrong.html").read_text("utf-8"))
    segmenter = nlpkit.load(words_model)
    found = find_mistakes(segmenter, read_labelled(segmenter, SAMPLES / "words-test.txt").examples)
    assert {*found.by_kind()} <= {"split", "joined", "cut elsewhere"} and found.confusion() == {}


def test_mistakes_of_spans():
    entity = nlpkit.Entity

    def kinds(right, found):
        right, found = (nlpkit.Entities("一二三四五六七八", (), tuple(each)) for each in (right, found))
        return [mistake.kind for mistake in found.mistakes(right)]

    one = entity("一二", 0, 2, "PER")
    assert kinds([one], [one]) == []
    assert kinds([one], []) == ["PER missed"] and kinds([], [one]) == ["PER where there is none"]
    assert kinds([one], [entity("一二", 0, 2, "LOC")]) == ["PER taken for LOC"]
    assert kinds([one], [entity("一二三", 0, 3, "PER")]) == ["PER with other ends"]
    assert kinds([one], [entity("二三", 1, 3, "LOC")]) == ["PER with other ends, as LOC"]


def test_runs_are_compared(entities_model, other_model, words_model, couplet_model, tmp_path):
    nlpkit.compare([entities_model, other_model], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    Balanced(page)
    f1 = {name: nlpkit.load(folder).metrics["valid"]["f1"] for name, folder in zip("ab", (entities_model, other_model))}
    assert f"<td class='n best'>{max(f1.values()):.4f}</td>" in page
    assert "<td>width</td><td class='n'>16</td><td class='n'>24</td>" in page and "<td>head</td>" not in page
    nlpkit.compare([entities_model, entities_model], tmp_path / "page.html")
    assert "have the same settings and seed" in (tmp_path / "page.html").read_text("utf-8")
    for folders, error, message in (
        ([entities_model], ConfigError, "two folders or more. Received: 1"),
        ([entities_model, couplet_model], ConfigError, "of several tasks, couplet, tagging"),
        ([entities_model, tmp_path / "none"], ArtefactError, "none: no such folder"),
        ([entities_model, tmp_path], ArtefactError, "holds no task.json"),
    ):
        with pytest.raises(error, match=message):
            nlpkit.compare(folders, tmp_path / "page.html")
    with pytest.raises(DataError, match="does not exist"):
        nlpkit.compare([entities_model, other_model], tmp_path / "none" / "page.html")


def test_commands(entities_model, other_model, word2vec_model, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "nlpkit", *arguments], capture_output=True, text=True, cwd=tmp_path
        )

    result = run("errors", entities_model, "--data", FILES["valid"], "--output", "wrong.jsonl", "--show", "1")
    assert result.returncode == 0 and "mistakes in" in result.stderr and "missed" in result.stderr
    assert (tmp_path / "wrong.jsonl").exists()
    assert run("compare", entities_model, other_model).returncode == 0 and (tmp_path / "compare.html").exists()
    for arguments, message in (
        (("errors", entities_model, "--data", FILES["valid"], "--output", "x.csv"), "must end in .jsonl or .html"),
        (("errors", entities_model, "--data", FILES["valid"], "--show", "0"), "must be at least 1"),
        (("compare", entities_model), "Received: 1"),
        (("demo", "couplet", "--keep", tmp_path), "--keep takes a new folder"),
    ):
        result = run(*arguments)
        assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr

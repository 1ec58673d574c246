"""A prediction that is stopped goes on; the shards of one are joined; both give the bytes of a run that was not."""

import gzip
import io
import itertools
import json
import random
import subprocess
import sys

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import nlpkit
from nlpkit.errors import ConfigError, DataError
from nlpkit.prediction import chunks, journal, stream
from nlpkit.prediction.blocks import Stages
from nlpkit.prediction.jobs import Job, Shard
from nlpkit.prediction.journal import Journal, State
from nlpkit.prediction.stream import FileShare, predict_stream
from nlpkit.tasks.shared.seeding import generators

from .faults import check_every_point

LINES = [f"第{i}行。" + "字" * (i % 23) for i in range(300)]


class Stop(BaseException):
    """The end of a run."""


def _shout(after=None, problem=7):
    """Stages that answer each line with itself twice, and break off after so many blocks."""
    seen = []

    def encode(items):
        from nlpkit.prediction.answers import Problem

        seen.append(items)
        if after is not None and len(seen) > after:
            raise Stop
        return items, [Problem(row, "seven", row % 2 == 0) for row, item in enumerate(items) if str(problem) in item]

    return Stages(encode, lambda x: x, lambda items, _: "".join(f"{x}{x}\n" for x in items), chunk=200, footer="end\n")


@pytest.fixture
def always(monkeypatch):
    """The journal is written after each block."""
    monkeypatch.setattr(journal, "_EVERY", 0.0)


def _content(path):
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_stopped_run_goes_on(tmp_path, always, ending):
    source, whole, out = (tmp_path / f"{name}{ending}" for name in ("in", "whole", "out"))
    content = "\n".join(LINES).encode()
    source.write_bytes(gzip.compress(content) if ending else content)
    expected = predict_stream(_shout(), [FileShare(source, whole)])
    path, stops = tmp_path / "out.journal", 0
    while True:
        made = Journal(path, {"input": 1})
        before = made.state.counts[0] if made.state else 0
        try:
            found = predict_stream(_shout(after=7), [FileShare(source, out)], journal=made)
            break
        except Stop:
            stops += 1
            assert not out.exists() and Journal(path, {"input": 1}).state.counts[0] > before
    assert stops > 3 and found == expected and _content(out) == _content(whole)
    reports = (tmp_path / f"{name}{ending}.errors.jsonl" for name in ("out", "whole"))
    assert len({path.read_bytes() for path in reports}) == 1
    assert len([*tmp_path.iterdir()]) == 5  # nothing is left over


def test_a_stopped_run_of_several_files_goes_on(tmp_path, always):
    for i in range(4):
        (tmp_path / f"{i}.txt").write_text("\n".join(LINES[: 40 * i]), "utf-8")
    parts = [[FileShare(tmp_path / f"{i}.txt", tmp_path / f"{name}{i}") for i in range(4)] for name in ("whole", "out")]
    expected = predict_stream(_shout(), parts[0])
    stops, found = 0, None
    while found is None:
        try:
            found = predict_stream(_shout(after=3), parts[1], journal=Journal(tmp_path / "journal", {}))
        except Stop:
            stops += 1
    assert stops > 1 and found == expected
    for i in range(4):
        assert (tmp_path / f"out{i}").read_bytes() == (tmp_path / f"whole{i}").read_bytes()
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("kind", ["kill", "full"])
def test_every_call_of_the_writer(tmp_path, always, kind):
    for i, count in enumerate((30, 0, 20)):
        (tmp_path / f"{i}").write_text("\n".join(LINES[:count]), "utf-8")

    def run(out):
        out.mkdir(exist_ok=True, parents=True)
        parts = [FileShare(tmp_path / f"{i}", out / f"{i}") for i in range(3)]
        predict_stream(_shout(), parts, journal=Journal(out / "run.journal", {}))

    def content(out):
        return {path.name: path.read_bytes() for path in out.iterdir()}

    seen = check_every_point(run, run, content, tmp_path / "runs", kind, keeps=True)
    assert len(seen) > 50 and len(content(tmp_path / "runs" / "whole")) == 5


def test_a_journal_of_another_run_is_refused(tmp_path, always):
    (tmp_path / "in").write_text("\n".join(LINES), "utf-8")
    path, parts = tmp_path / "out.journal", [FileShare(tmp_path / "in", tmp_path / "out")]
    with pytest.raises(Stop):
        predict_stream(_shout(after=7), parts, journal=Journal(path, {"input": [1, 2], "model": "a", "format": "text"}))
    kept = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises(
        DataError, match=r"out.journal: an unfinished prediction is here, with another input and model;"
    ):
        Journal(path, {"input": [1, 3], "model": "b", "format": "text"})
    text = path.read_text()
    for damaged in (text[:-9], text.replace('"chunk": ', '"chunk": 1'), "", "[]", "{}", "null", text.replace("]", "")):
        path.write_text(damaged)
        with pytest.raises(DataError, match="is damaged, or no journal of nlpkit; begin anew with --restart"):
            Journal(path, {"input": [1, 2], "model": "a", "format": "text"})
    path.write_text(text)
    partial = tmp_path / "out.partial"
    for content in (kept["out.partial"][1:], b"x" + kept["out.partial"][1:]):
        partial.write_bytes(content)
        with pytest.raises(DataError, match=r"out.partial: does not match its journal; .* --restart"):
            made = Journal(path, {"input": [1, 2], "model": "a", "format": "text"})
            predict_stream(_shout(), parts, journal=made)
        assert partial.read_bytes() == content
    predict_stream(_shout(), parts, journal=Journal(path, {"other": 1}, restart=True))
    assert not path.exists() and (tmp_path / "out").read_text("utf-8").count("\n") == 301


def test_stopping_at_a_bad_line_keeps_nothing(tmp_path, always):
    (tmp_path / "in").write_text("\n".join(LINES), "utf-8")
    with pytest.raises(DataError, match=r"in, line 71: seven"):
        predict_stream(
            _shout(problem=70),
            [FileShare(tmp_path / "in", tmp_path / "out")],
            "stop",
            Journal(tmp_path / "journal", {}),
        )
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@hypothesis.given(
    st.lists(st.text(st.sampled_from("字 a。𠮷")), max_size=12), st.lists(st.integers(0, 90)), st.integers(4, 40),
    st.integers(1, 5), st.booleans(), st.sampled_from(["\n", "\ufeff", ""]),
)  # fmt: skip
@hypothesis.settings(deadline=None)
def test_chunks_of_shards_are_those_of_the_file(texts, repeats, size, count, in_parts, more):
    content = (more + "\n".join(x * n for x, n in zip(texts, repeats + [1] * 12)) + more).encode()

    def opened(first, end):
        source = io.BytesIO(content)
        if content.startswith(b"\xef\xbb\xbf"):
            source.read(3)  # as `open_input` does
        return source

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "LONGEST", 100)
        patch.setattr(chunks, "_PART", 50)
        patch.setattr(chunks, "_KEPT", 90)
        whole = [*chunks.read_chunks(opened(0, None), "f", size, in_parts)]
        total, found = -(-len(content) // size), []
        for number in range(1, count + 1):
            share = Shard(number, count).share(total)
            lines = chunks.count_lines(opened(0, None), "f", size, share.start)
            before = sum(len(chunk.content.removesuffix(b"\n").split(b"\n")) for chunk in found if not chunk.before)
            assert lines == before
            found += chunks.read_chunks(opened(share.start, share.stop), "f", size, in_parts, share.start, share.stop)
        assert found == whole
        for chunk in whole:  # from each chunk one may go on
            again = [*chunks.read_chunks(opened(chunk.number, None), "f", size, in_parts, chunk.number)]
            assert again == [each for each in whole if each.number >= chunk.number]


def test_shards(tmp_path):
    assert [Shard.parse("2/8"), str(Shard(2, 8))] == [Shard(2, 8), "2/8"]
    for name, shard in (("a.txt", "a.2-of-8.txt"), ("a", "a.2-of-8"), ("a.b.txt.gz", "a.b.2-of-8.txt.gz")):
        assert Shard(2, 8).name_of(name) == shard
    for text in ("0/2", "3/2", "2", "1/0", "-1/2", "1/2/3", "x/y", ""):
        with pytest.raises(ConfigError, match="must be i/n, from 1/n to n/n, such as 2/8"):
            Shard.parse(text)
    shares = [list(Shard(i, 3).share(10)) for i in (1, 2, 3)]
    assert [*itertools.chain(*shares)] == [*range(10)] and all(len(share) in (3, 4) for share in shares)


@pytest.fixture(scope="module")
def tagger(words_model):
    return nlpkit.load(words_model)


@pytest.fixture
def small_chunks(monkeypatch):
    import dataclasses

    from nlpkit.tasks.tagging.task import Tagger

    monkeypatch.setattr(Tagger, "declaration", dataclasses.replace(Tagger.declaration, chunk=400))


@pytest.mark.parametrize("name", ["out.txt", "out.jsonl.gz", "out.conll"])
def test_shards_are_joined(tagger, tmp_path, small_chunks, name):
    source, target = tmp_path / "in.txt.gz", tmp_path / name
    lines = [line.encode() for line in LINES]
    lines[200] = b"\xff"
    source.write_bytes(gzip.compress(b"\n".join(lines)))
    expected = tagger.predict_file(source, tmp_path / f"whole{name}")
    for number in (2, 1):
        tagger.predict_file(source, target, shard=f"{number}/3")
    with pytest.raises(DataError, match=r"missing or unfinished: shard 3/3; run these shards"):
        nlpkit.merge(target)
    assert tagger.predict_file(source, target, shard="3/3").lines > 50
    assert nlpkit.merge(target) == expected
    assert _content(target) == _content(tmp_path / f"whole{name}")
    assert (tmp_path / f"{name}.errors.jsonl").read_text().replace("in.txt", "") == (
        tmp_path / f"whole{name}.errors.jsonl"
    ).read_text()
    with pytest.raises(DataError, match=r"already exists; replace it with --force"):
        nlpkit.merge(target)
    again = tagger.predict_file(source, target, shard="2/3")  # it is done
    assert again.lines < 300
    tagger.predict_file(source, target, shard="1/2")
    with pytest.raises(DataError, match="has shards of 2 and of 3 here; leave those of one run"):
        nlpkit.merge(target, force=True)


def test_shards_that_do_not_fit(tagger, tmp_path, small_chunks):
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("\n".join(LINES), "utf-8")
    tagger.predict_file(source, target, shard="1/2")
    tagger.predict_file(source, target, shard="2/2", simplify=False)
    with pytest.raises(
        DataError, match=r"2-of-2.txt: is a shard with another prediction option simplify than out.1-of"
    ):
        nlpkit.merge(target)
    with pytest.raises(DataError, match="a finished shard is here, with another prediction option simplify"):
        tagger.predict_file(source, target, shard="2/2")
    tagger.predict_file(source, target, shard="2/2", restart=True)
    (tmp_path / "out.1-of-2.txt").write_text("changed")
    with pytest.raises(DataError, match=r"out.1-of-2.txt: is missing or was changed; run this shard again with"):
        nlpkit.merge(target)
    with pytest.raises(DataError, match=r"nothing.txt: has no shards here, such as nothing.1-of-2.txt"):
        nlpkit.merge(tmp_path / "nothing.txt")
    with pytest.raises(ConfigError, match="a page is not made of shards"):
        tagger.predict_file(source, tmp_path / "out.html", shard="1/2")
    with pytest.raises(ConfigError, match="a shard is read from a file and written to one"):
        tagger.predict_file("-", target, shard="1/2")
    (tmp_path / "out.1-of-2.txt.journal").write_text("{")
    with pytest.raises(DataError, match="is damaged, or no journal"):
        nlpkit.merge(target)


def test_vectors_of_shards_are_one_array(similarity_model, tmp_path, monkeypatch):
    import dataclasses

    from nlpkit.tasks.similarity.task import SentenceVectors

    monkeypatch.setattr(SentenceVectors, "declaration", dataclasses.replace(SentenceVectors.declaration, chunk=400))
    model = nlpkit.load(similarity_model)
    (tmp_path / "in.txt").write_text("".join(f"{line}\n" for line in LINES), "utf-8")
    model.predict_file(tmp_path / "in.txt", tmp_path / "whole.npy")
    for number in (1, 2, 3):
        model.predict_file(tmp_path / "in.txt", tmp_path / "out.npy", shard=f"{number}/3")
    assert nlpkit.merge(tmp_path / "out.npy").lines == 300
    assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert np.load(tmp_path / "out.npy").shape[0] == 300


def test_folders_and_patterns(tagger, tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    for name, lines in (("b.txt", LINES[:3]), ("a.txt", LINES[3:5]), (".hidden", ["x"]), ("a.journal", ["x"])):
        (texts / name).write_text("\n".join(lines), "utf-8")
    (texts / "c.txt.gz").write_bytes(gzip.compress("\n".join(LINES[5:9]).encode()))
    assert tagger.predict_file(texts, tmp_path / "out").lines == 9
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.txt", "b.txt", "c.txt.gz"]
    assert tagger.predict_file(texts / "*.txt", tmp_path / "json", format="jsonl").lines == 5
    assert sorted(path.name for path in (tmp_path / "json").iterdir()) == ["a.jsonl", "b.jsonl"]
    first = tagger.predict_file(texts, tmp_path / "shared", shard="1/2").lines
    assert first + tagger.predict_file(texts, tmp_path / "shared", shard="2/2").lines == 9
    assert _content(tmp_path / "shared" / "c.txt.gz") == _content(tmp_path / "out" / "c.txt.gz")
    assert nlpkit.merge(tmp_path / "shared").lines == 9
    assert sorted(path.name for path in (tmp_path / "shared").iterdir()) == ["a.txt", "b.txt", "c.txt.gz"]
    with pytest.raises(DataError, match="is a folder in which no shard has left a journal"):
        nlpkit.merge(tmp_path / "shared")
    tagger.predict_file(texts, tmp_path / "part", shard="3/3")
    with pytest.raises(DataError, match=r"part: missing or unfinished: shard 1/3, 2/3; run these shards"):
        nlpkit.merge(tmp_path / "part")
    with pytest.raises(ConfigError, match="shard '1/4': there are only 3 files"):
        tagger.predict_file(texts, tmp_path / "part", shard="1/4")
    (texts / "d.txt").write_bytes(b"\xff\n")
    assert tagger.predict_file(texts / "*.txt", tmp_path / "out").reason.startswith("d.txt, line 1: is not UTF-8")
    (texts / "a.jsonl").write_text("{}\n")
    with pytest.raises(ConfigError, match="holds lines of text and JSON lines; choose one by the input format"):
        tagger.predict_file(texts, tmp_path / "out")
    with pytest.raises(ConfigError, match=r"would both be written to a.txt; predict them one by one"):
        tagger.predict_file(texts, tmp_path / "out", input_format="text")
    with pytest.raises(DataError, match="there is no such file, and none that matches it as a pattern"):
        tagger.predict_file(tmp_path / "*.none", tmp_path / "out")
    with pytest.raises(DataError, match="is a file; the output of several files is a folder"):
        tagger.predict_file(texts / "*.txt", texts / "b.txt")
    with pytest.raises(ConfigError, match="is the input and the output"):
        tagger.predict_file(texts / "*.txt", texts)


def test_what_a_journal_knows_of(tagger, tmp_path):
    (tmp_path / "in.txt").write_text("你好\n", "utf-8")
    words = tmp_path / "words.txt"
    words.write_text("好\n", "utf-8")
    runs = []
    for change in (
        lambda: None,
        lambda: words.write_text("你好\n", "utf-8"),
        lambda: (tmp_path / "in.txt").write_text("x"),
    ):
        change()
        job = Job.plan(("text",), tmp_path / "in.txt", tmp_path / "out.txt")
        options = tagger.declaration.prediction.create({"user_dictionary": str(words)})
        runs.append(job.open_journal(tagger.runtime.identity, options)._run)
    assert [name for name in runs[0] if runs[0][name] != runs[1][name]] == ["prediction option"]
    assert [name for name in runs[1] if runs[1][name] != runs[2][name]] == ["input"]
    assert runs[0]["runtime"] in ("onnx", "keras") and len(runs[0]["model"]) == 64
    assert Job.plan(("text",), "-", tmp_path / "out.txt").journal is None


SLOW = """
import sys, time
from pathlib import Path
from nlpkit.prediction import journal
from nlpkit.prediction.blocks import Stages
from nlpkit.prediction.journal import Journal
from nlpkit.prediction.stream import FileShare, predict_stream

def write(items, _):
    time.sleep(0.04)
    return "".join(f"{x}{x}\\n" for x in items)

journal._EVERY = 0.05
source, target = map(Path, sys.argv[1:])
notes = Journal(target.with_name("journal"), {"input": source.name})
stages = Stages(lambda items: (items, ()), lambda x: x, write, chunk=200)
predict_stream(stages, [FileShare(source, target)], "skip", notes)
"""


def test_a_killed_process_goes_on(tmp_path):
    """The same of the command is what `scripts/benchmarks/kills.py` does fifty times."""
    (tmp_path / "in").write_text("\n".join(LINES * 3), "utf-8")
    command = [sys.executable, "-c", SLOW, tmp_path / "in", tmp_path / "out"]
    kills, chance = 0, random.Random(0)
    while True:
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            said = process.communicate(timeout=0.4 + chance.random() / 2)[1].decode()
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
    assert kills > 2 and process.returncode == 0 and "continuing after a stop" in said
    assert (tmp_path / "out").read_text("utf-8") == "".join(f"{line}{line}\n" for line in LINES * 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_a_header_that_was_rewritten_is_no_other_file(tmp_path, always):
    (tmp_path / "in").write_text("\n".join(LINES), "utf-8")
    stages = _shout()._replace(header=lambda count: b"%09d\n" % count)
    parts = [FileShare(tmp_path / "in", tmp_path / "out")]
    predict_stream(stages, [FileShare(tmp_path / "in", tmp_path / "whole")])
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        # It is stopped when the last bytes have been written, and the header, but nothing was noted.
        noted = []
        patch.setattr(stream._Run, "_note", _until_written(stream._Run._note, noted))
        predict_stream(stages, parts, journal=Journal(tmp_path / "j", {}))
    assert noted and (tmp_path / "out.partial").read_bytes()[:10] == b"000000300\n"
    assert predict_stream(stages, parts, journal=Journal(tmp_path / "j", {})).lines == 300
    assert (tmp_path / "out").read_bytes() == (tmp_path / "whole").read_bytes()


def _until_written(note, noted):
    def wrapped(run, chunk, is_written=False):
        if is_written:
            run._output.note()
            raise Stop
        noted.append(chunk)
        note(run, chunk)

    return wrapped


def test_small_files_are_noted_as_well(tmp_path, always):
    for i in range(9):
        (tmp_path / f"{i}").write_text("x\n")
    parts = [FileShare(tmp_path / f"{i}", tmp_path / f"out{i}") for i in range(9)]
    with pytest.raises(Stop):
        predict_stream(_shout(after=5), parts, journal=Journal(tmp_path / "j", {}))
    made = Journal(tmp_path / "j", {})
    assert made.state.file == 3 and made.state.is_written
    assert predict_stream(_shout(after=5), parts, journal=made).lines == 9


def test_what_a_review_found(tagger, tmp_path, monkeypatch):
    mark, target = "\ufeff".encode(), tmp_path / "out.txt"
    (tmp_path / "in.gz").write_bytes(gzip.compress(mark + b"abcdef\nz\n"))
    job = Job.plan(("text",), tmp_path / "in.gz", target, shard="1/1")
    assert predict_stream(_shout()._replace(chunk=10), job.shares(10)).lines == 2
    (tmp_path / "bad.gz").write_bytes(gzip.compress(b"x" * 9999)[:-20])
    with pytest.raises(DataError, match=r"bad.gz: can't be read further"):
        tagger.predict_file(tmp_path / "bad.gz", target, shard="1/2")
    (tmp_path / "in.txt").write_text("\n".join(LINES), "utf-8")
    for output in ("-", tmp_path, "/dev/null", ".", ""):
        with pytest.raises((ConfigError, DataError), match="a shard is read from a file and written to one"):
            tagger.predict_file(tmp_path / "in.txt", output, shard="1/2")
    with pytest.raises(DataError, match=r"nosuch.txt: no such file"):
        tagger.predict_file(tmp_path / "in.txt", target, user_dictionary=str(tmp_path / "nosuch.txt"))
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a").write_text("x")
    with pytest.raises(ConfigError, match="is the input and the output"):
        tagger.predict_file(tmp_path / "texts", tmp_path / "texts", format="jsonl")
    tagger.predict_file(tmp_path / "in.txt", target, shard="1/2")
    (tmp_path / "out.1-of-2.txt").unlink()
    with pytest.raises(DataError, match=r"out.1-of-2.txt: is missing or was changed since it was written"):
        tagger.predict_file(tmp_path / "in.txt", target, shard="1/2")


def test_an_error_in_a_later_part_of_a_line_counts(tmp_path, monkeypatch):
    from nlpkit.prediction.answers import Problem

    monkeypatch.setattr(chunks, "LONGEST", 90)
    monkeypatch.setattr(chunks, "_PART", 50)
    (tmp_path / "in").write_bytes(b"a" * 120 + b"\xff\nb\n")
    warn = Stages(lambda items: (items, [Problem(0, "odd")]), lambda x: x, lambda *_: "x\n", between=" ", chunk=60)
    with pytest.raises(DataError, match="in, line 1: is not UTF-8"):
        predict_stream(warn, [FileShare(tmp_path / "in", tmp_path / "out")], "stop")
    counts = predict_stream(warn, [FileShare(tmp_path / "in", tmp_path / "out")])
    assert counts[:3] == (2, 2, 1)
    reports = (tmp_path / "out.errors.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(each)["severity"] for each in reports] == ["warning", "error", "warning"]


def test_chance_depends_on_the_record_alone():
    values = [each.random() for each in generators(["a", "b", "a", "\ud800"], 3)]
    assert values[0] == values[2] != values[1] and next(generators(["b"], 3)).random() == values[1]
    assert next(generators(["a"], 4)).random() != values[0]


def test_what_a_run_says(tmp_path, always, capsys):
    (tmp_path / "in").write_text("\n".join(LINES), "utf-8")
    parts = [FileShare(tmp_path / "in", tmp_path / "out")]
    with pytest.raises(Stop):
        predict_stream(_shout(after=7), parts, journal=Journal(tmp_path / "j", {}))
    assert "the answers so far are kept; the same command continues from there" in capsys.readouterr().err
    predict_stream(_shout(), parts, journal=Journal(tmp_path / "j", {}))
    assert "continuing after a stop: " in capsys.readouterr().err
    assert State().counts == (0, 0, 0, "") and json.loads(json.dumps(State()._asdict()))["file"] == 0
    assert stream.answer_here is not None

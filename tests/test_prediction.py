"""File to file."""

import contextlib
import dataclasses
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import time

import hypothesis
import hypothesis.strategies as st
import pytest

import nlpkit
from nlpkit.errors import ConfigError, DataError
from nlpkit.prediction import chunks


@pytest.fixture(scope="module")
def predictor(words_model):
    return nlpkit.load(words_model)


def test_order_empty_lines_and_line_ends(predictor, tmp_path):
    lines = ["今天天气真好。", "", "  我们 去公园　", "x" * 300, "最后一行"]
    for name, content in (("lf", "\n".join(lines)), ("crlf", "\r\n".join(lines) + "\r\n")):
        (tmp_path / name).write_bytes(content.encode())
        assert predictor.predict_file(tmp_path / name, tmp_path / "out")[:2] == (5, 0)
        found = (tmp_path / "out").read_text("utf-8").split("\n")
        assert len(found) == 6 and found[-1] == ""
        for line, answer in zip(lines, found):
            assert "".join(answer.split()) == "".join(line.split())
        assert found[1] == "" and found[2].startswith("我们 ")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["crlf", "lf", "out"]


def test_many_blocks_are_one_file(predictor, tmp_path, monkeypatch):
    lines = [f"第{i}行有一些字。" for i in range(500)]
    (tmp_path / "in.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    predictor.predict_file(tmp_path / "in.gz", tmp_path / "whole")
    _chunks_of(700, predictor, monkeypatch)
    assert predictor.predict_file(tmp_path / "in.gz", tmp_path / "parts.gz")[:2] == (500, 0)
    assert gzip.decompress((tmp_path / "parts.gz").read_bytes()) == (tmp_path / "whole").read_bytes()


def _chunks_of(size, predictor, monkeypatch):
    declaration = dataclasses.replace(type(predictor).declaration, chunk=size)
    monkeypatch.setattr(type(predictor), "declaration", declaration)


@pytest.fixture
def short_lines(monkeypatch):
    """Lines of more than 900 bytes are long, and their parts have 200 at most."""
    monkeypatch.setattr(chunks, "LONGEST", 900)
    monkeypatch.setattr(chunks, "_PART", 200)


@hypothesis.given(
    st.lists(st.text(st.sampled_from("字 a。，\u3000𠮷")), max_size=8), st.lists(st.integers(0, 60)), st.data()
)
@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_chunks_are_the_file(short_lines, texts, repeats, data):
    lines = [text * (repeats[i] if i < len(repeats) else 1) for i, text in enumerate(texts)]
    content = "\n".join(lines).encode()
    in_parts = data.draw(st.booleans())
    found = [*chunks.read_chunks(io.BytesIO(content), "file", 200, in_parts)]
    assert sum(chunk.size for chunk in found) == len(content)
    assert all(len(chunk.content) <= 1200 for chunk in found)
    if in_parts:
        ends = [b"\n" if chunk.is_last and not chunk.content.endswith(b"\n") else b"" for chunk in found]
        whole = b"".join(chunk.content + end for chunk, end in zip(found, ends))
        assert whole.removesuffix(b"\n") == content.removesuffix(b"\n")
        for chunk in found:
            chunk.content.decode()  # no character is cut
    else:
        sizes = [len(line) for line in content.splitlines(keepends=True)]
        assert sum(chunk.is_passed_over for chunk in found) == sum(n > 900 for n in sizes)
    whole_lines = [chunk.content.removesuffix(b"\n").count(b"\n") + 1 for chunk in found if not chunk.before]
    assert sum(whole_lines) == (content.removesuffix(b"\n").count(b"\n") + 1 if content else 0)


def test_long_lines_in_parts(predictor, tmp_path, short_lines, monkeypatch):
    long = "今天天气真好，我们去公园。" * 200
    _chunks_of(200, predictor, monkeypatch)
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text(f"你好\n{long}\n　　{' ' * 2000}\n再见\n{long}", "utf-8")
    assert predictor.predict_file(source, target)[:2] == (5, 0)
    found = target.read_text("utf-8").split("\n")
    whole = predictor.predict([long])[0].to_text()
    assert found[1] == found[4] == whole and found[2] == "" and found[3].replace(" ", "") == "再见" and len(found) == 6
    predictor.predict_file(source, tmp_path / "out.conll")
    rows = (tmp_path / "out.conll").read_text("utf-8").split("\n\n")
    assert [len(each.split("\n")) for each in rows[:2]] == [2, len(long)]
    # Of an answer with offsets there are no parts.
    assert predictor.predict_file(source, tmp_path / "out.jsonl")[:2] == (5, 3)
    answers = [json.loads(line)["text"] for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert answers == ["你好", "", "", "再见", ""]
    errors = (tmp_path / "out.jsonl.errors.jsonl").read_text("utf-8").splitlines()
    assert json.loads(errors[0])["reason"].startswith("is 7,801 bytes long, and can be 4,194,304 at")
    # What can't be read of it is left out and told once.
    source.write_bytes(long.encode() + b"\xff" + long.encode() + b"\xff\n\n")
    assert predictor.predict_file(source, target)[:2] == (2, 1)
    error = json.loads((tmp_path / "out.txt.errors.jsonl").read_text("utf-8"))
    assert error["line"] == 1 and "byte 0xff at column 7801)" in error["reason"]


def test_an_answer_does_not_wait_for_the_next_block():
    from nlpkit.prediction.blocks import Stages
    from nlpkit.prediction.stream import FileShare, predict_stream

    written = []

    def encode(texts):
        # A block is written before the third one after it is begun.
        if texts[0] == "4":
            for _ in range(100):
                if written:
                    break
                time.sleep(0.05)
            assert written
        return texts, ()

    class Slow(io.BytesIO):
        """A file of which a line is read at a time."""

        def read(self, size=-1):
            return self.readline()

    def opened(path):
        return contextlib.nullcontext(Slow(b"".join(b"%d\n" % i for i in range(6))))

    stages = Stages(encode, lambda x: x, lambda x, y: written.append(x) or "\n", chunk=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlpkit.prediction.stream.open_input", opened)
        assert predict_stream(stages, [FileShare("numbers", os.devnull)])[:2] == (6, 0)
    assert written == [[str(i)] for i in range(6)]


def test_an_error_in_a_stage_ends_all_of_them(tmp_path):
    from nlpkit.prediction.blocks import Stages
    from nlpkit.prediction.stream import FileShare, predict_stream

    def fail(texts):
        raise ValueError("broken stage")

    (tmp_path / "in").write_text("x\n" * 9)
    before = threading.active_count()
    with pytest.raises(ValueError, match="broken stage"):
        predict_stream(Stages(fail, lambda x: x, lambda x, y: ""), [FileShare(tmp_path / "in", tmp_path / "out")])
    assert threading.active_count() == before
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_bad_lines_keep_their_place(predictor, tmp_path):
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_bytes("好的\n".encode() + b"\xff\xfe bad\n" + "再见\n".encode())
    assert predictor.predict_file(source, target)[:2] == (3, 1)
    assert [line.replace(" ", "") for line in target.read_text("utf-8").splitlines()] == ["好的", "", "再见"]
    error = json.loads((tmp_path / "out.txt.errors.jsonl").read_text("utf-8"))
    assert error["line"] == 2 and "is not UTF-8" in error["reason"] and "bad" in error["input"]
    with pytest.raises(DataError, match=r"in.txt, line 2: is not UTF-8"):
        predictor.predict_file(source, tmp_path / "other.txt", on_error="stop")
    assert not list(tmp_path.glob("other*"))
    source.write_text("好的\n", "utf-8")
    predictor.predict_file(source, target)  # the list of errors was the last run's
    assert not (tmp_path / "out.txt.errors.jsonl").exists()


def test_json_lines_in_and_out(predictor, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "你好\\n世界"}\n{"no": 1}\n{"text": ""}\n', "utf-8")
    assert predictor.predict_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", "jsonl")[:2] == (3, 1)
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [a["text"] for a in answers] == ["你好\n世界", "", ""]
    assert "".join(w["text"] for w in answers[0]["words"]) == "你好\n世界"
    predictor.predict_file(tmp_path / "in.jsonl", tmp_path / "out.txt")
    assert len((tmp_path / "out.txt").read_text("utf-8").splitlines()) == 3


def test_wrong_options(predictor, tmp_path):
    (tmp_path / "in").write_text("x\n")
    with pytest.raises(ConfigError, match="unknown format 'cnll', did you mean 'conll'"):
        predictor.predict_file(tmp_path / "in", tmp_path / "out", "cnll")
    with pytest.raises(ConfigError, match="unknown on_error 'ignore'; accepted: skip, stop"):
        predictor.predict_file(tmp_path / "in", tmp_path / "out", on_error="ignore")
    with pytest.raises(DataError, match="no such file"):
        predictor.predict_file(tmp_path / "nothing", tmp_path / "out")
    with pytest.raises(DataError, match="can't be written"):
        predictor.predict_file(tmp_path / "in", tmp_path / "no" / "out")
    with pytest.raises(TypeError, match=r"or a list of such\. Received: int"):
        predictor.predict(7)
    with pytest.raises(ConfigError, match="in: is the input and the output"):
        predictor.predict_file(tmp_path / "in", tmp_path / "in")
    with pytest.raises(ConfigError, match="user_bonus = nan: must be a finite number"):
        predictor.predict(["x"], user_dictionary=["x"], user_bonus=float("nan"))
    with pytest.raises(ConfigError, match="user_bonus is the weight of a user dictionary"):
        predictor.predict(["x"], user_bonus=1.0)
    (tmp_path / "words").write_text("好\n坏\tPER\n", "utf-8")
    with pytest.raises(
        DataError, match=r"words, line 2: the user dictionary has '坏' of type 'PER'; .* knows no types"
    ):
        predictor.predict(["x"], user_dictionary=tmp_path / "words")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="is a folder; the output is a file"):
        predictor.predict_file(tmp_path / "in", tmp_path)


def test_inputs_that_the_output_would_destroy(predictor, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name, output in (
        ("out.partial", "out"), ("out.errors.jsonl", "out"), ("out.errors.jsonl.partial", "out"), ("real", "link"),
        ("real.errors.jsonl", "link"), ("real.partial", "link"),
    ):  # fmt: skip
        (tmp_path / name).write_text("你好\n", "utf-8")
        with pytest.raises(ConfigError, match="choose another output"):
            predictor.predict_file(tmp_path / name, tmp_path / output)
        assert (tmp_path / name).read_text("utf-8") == "你好\n"
    (tmp_path / "q.errors.jsonl").mkdir()
    with pytest.raises(DataError, match=r"q.errors.jsonl: is a folder"):
        predictor.predict_file(tmp_path / "real", tmp_path / "q")


def test_two_writers_and_planted_links(tmp_path):
    from nlpkit.datasets.files import write_atomically, written_atomically

    with written_atomically(tmp_path / "out") as file:
        file.write(b"first")
        with pytest.raises(DataError, match="out: is being written by another process"):
            write_atomically(tmp_path / "out", b"second")
    assert (tmp_path / "out").read_bytes() == b"first"
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "new.partial").symlink_to(tmp_path / "precious")
    write_atomically(tmp_path / "new", b"content")
    assert (tmp_path / "precious").read_text() == "mine" and not (tmp_path / "new").is_symlink()


def test_a_pipe_is_read_once_and_whole(words_model, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    lines = "".join(f"第{i}行。\n" for i in range(3000))
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text(lines, "utf-8"))
    writer.start()
    command = [sys.executable, "-m", "nlpkit", "predict", words_model, "--input", tmp_path / "pipe", "--output", "-"]
    result = subprocess.run(command, capture_output=True)
    writer.join()
    assert result.stdout.decode().replace(" ", "") == lines


def test_a_byte_order_mark_in_pieces():
    class Pieces(io.BytesIO):
        def read(self, size=-1):
            return super().read(1)

    for text in ("\ufeff好\n", "好\n", "\ufeff", "", "\ufeff\ufeff\n"):
        found = chunks.read_chunks(Pieces(text.encode()), "file", 3, False)
        assert b"".join(chunk.content for chunk in found).decode() == text.removeprefix("\ufeff")


def test_a_device_or_pipe_is_written_to_and_a_link_followed(predictor, tmp_path):
    (tmp_path / "in").write_text("你好\n", "utf-8")
    (tmp_path / "in").write_bytes("你好\n".encode() + b"\xff\n")
    assert predictor.predict_file(tmp_path / "in", "/dev/null")[:2] == (2, 1)
    assert not os.path.isfile("/dev/null")
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    predictor.predict_file(tmp_path / "in", tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text("utf-8").strip() != "old"

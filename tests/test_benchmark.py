"""How fast a model answers, as a command measures it."""

import pytest

import nlpkit
from nlpkit.cli.tables import print_benchmark
from nlpkit.errors import ConfigError, DataError
from nlpkit.runs.benchmark import SIZES, peak_memory


def test_a_model_is_measured(words_model, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("今天天气真好\n\n你好\n", "utf-8")
    found = nlpkit.benchmark(words_model, tmp_path / "in.txt", seconds=0.1)
    assert [*found] == ["keras"]
    figures = found["keras"]
    assert 0 < figures["p50"] <= figures["p99"] < 1000 * figures["first_answer"]
    assert figures["memory"] > 100 and figures["records/s at 1"] < figures[f"records/s at {SIZES[-1]}"]
    print_benchmark(found)
    said = capsys.readouterr().err
    assert "first answer" in said and "512 at once" in said


def test_peak_memory_is_in_bytes():
    """`ru_maxrss` is in kilobytes on Linux, and in bytes on macOS."""
    mac, linux = peak_memory("darwin"), peak_memory("linux")
    assert 1024 * mac <= linux < 1.2 * 1024 * mac and linux > 10e6


def test_what_is_wrong_is_told(words_model, tmp_path):
    with pytest.raises(ConfigError, match="unknown runtime 'onxn', did you mean 'onnx'"):
        nlpkit.benchmark(words_model, runtimes=["onxn"])
    with pytest.raises(ConfigError, match="has no ONNX files; train it with --set onnx=on"):
        nlpkit.benchmark(words_model, runtimes=["onnx"])
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match="empty: is empty"):
        nlpkit.benchmark(words_model, tmp_path / "empty")

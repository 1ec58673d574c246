"""Networks written for programs without nlpkit."""

import json
import subprocess
import sys

import numpy as np
import pytest

import nlpkit
from nlpkit.errors import ArtefactError, ConfigError, DataError, MissingPackageError
from nlpkit.export import packages

TEXT = "今天ＡＢ天气真好，我们去公园。"


def _run(folder, *arguments):
    """What the example says, in a process that can't import nlpkit."""
    program = "import sys, runpy; sys.modules['nlpkit'] = None; runpy.run_path('example.py', run_name='__main__')"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("kind", packages.FORMATS)
def test_a_tagger_without_nlpkit(words_model, tmp_path, kind):
    if kind == "litert":
        pytest.importorskip("ai_edge_litert")
    nlpkit.export_model(words_model, tmp_path / "out", kind)
    tags = json.loads(_run(tmp_path / "out", TEXT))
    words = nlpkit.load(words_model).predict(TEXT, keep_runs=False, simplify=False).words
    begins = {word.start for word in words}
    assert "".join(character for character, _ in tags) == TEXT
    assert {i for i, (_, tag) in enumerate(tags) if tag in "BS"} == begins
    interface = json.loads((tmp_path / "out" / "interface.json").read_text("utf-8"))
    assert interface["written as"] == kind and {"vocab.txt", "labels.txt"} <= {*interface["files"]}
    assert not [path for path in tmp_path.iterdir() if path.name != "out"]
    with pytest.raises(ArtefactError, match="holds an export already; replace it with --force"):
        nlpkit.export_model(words_model, tmp_path / "out", kind)


def test_other_networks_say_what_they_compute(similarity_model, tmp_path):
    nlpkit.export_model(similarity_model, tmp_path / "out")
    assert "output 0: shape (3," in _run(tmp_path / "out")
    sample = np.load(tmp_path / "out" / "sample.npz")
    vectors = nlpkit.load(similarity_model).encode_texts(nlpkit.load(similarity_model).samples())
    assert sorted(np.abs(vectors).sum(1).round(3)) == sorted(np.abs(sample["vectors/output/0"]).sum(1).round(3))
    if packages.importlib.util.find_spec("ai_edge_litert"):
        with pytest.raises(ConfigError, match="LiteRT does not have the loops of recurrent layers and searches"):
            nlpkit.export_model(similarity_model, tmp_path / "other", "litert")
        assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_wrong_is_told(words_model, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="unknown format 'onxn', did you mean 'onnx'"):
        nlpkit.export_model(words_model, tmp_path / "out", "onxn")
    with pytest.raises(ArtefactError, match="no such folder"):
        nlpkit.export_model(tmp_path / "nothing", tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").touch()
    with pytest.raises(ArtefactError, match="holds something else; choose another folder"):
        nlpkit.export_model(words_model, tmp_path / "out", force=True)
    with pytest.raises(DataError, match=r"the folder .* does not exist"):
        nlpkit.export_model(words_model, tmp_path / "no" / "out")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r'ai-edge-litert is not installed; pip install "nlpkit\[litert\]"'):
        nlpkit.export_model(words_model, tmp_path / "new", "litert")

"""The models that come with nlpkit: found by name, whole, small enough, and able to answer without a framework."""

import json
import shutil
import subprocess
import sys

import pytest

import nlpkit
from nlpkit.artefacts.bundled import card_of
from nlpkit.artefacts.folder import Folder
from nlpkit.cli.main import main
from nlpkit.errors import ArtefactError, ConfigError
from nlpkit.export.onnx_programs import is_same

from .conftest import DATA

ALONE = """
import sys
for name in ("tensorflow", "keras", "torch", "jax"):
    sys.modules[name] = None
import nlpkit
for name, card in nlpkit.models().items():
    answer = nlpkit.load(name).predict(card.example)
    assert answer.to_text(), name
print(nlpkit.load("zh-words").predict("今天天气真好，我们去北京大学。").to_text())
"""


def test_cards():
    cards = nlpkit.models()
    assert [*cards] == ["zh-title", "zh-vectors", "zh-verse", "zh-words"]
    assert sum(card.size for card in cards.values()) < 25e6
    for name, card in cards.items():
        manifest = json.loads((DATA / "models" / name / "task.json").read_text("utf-8"))
        present = {path.name for path in (DATA / "models" / name).iterdir()}
        assert present == {*manifest["files"], "task.json", "metrics.json", "card.toml"}
        assert card.data and all(source.licence and source.attribution for source in card.data)
        assert card.figures and card.limits and name in str(card) and card.licence in str(card)
    with pytest.raises(ConfigError, match="unknown model 'zh-word', did you mean 'zh-words'"):
        card_of("zh-word")


def test_they_answer_without_a_framework():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("今天/NOUN 天气/NOUN ")


def test_a_folder_wins_over_a_name(words_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Folder.open("zh-words").path.parent.name == "models"
    shutil.copytree(words_model, "zh-words")
    assert str(Folder.open("zh-words")) == "zh-words"
    assert nlpkit.load("zh-words").predict("今天").words
    for name in ("models/zh-words", "..", "zh-word", "zh-words/..", ""):
        with pytest.raises(ArtefactError):
            Folder.open(name)


def test_a_damaged_one_is_told(tmp_path, monkeypatch):
    copy = tmp_path / "models"
    shutil.copytree(DATA / "models" / "zh-verse", copy / "zh-verse")
    monkeypatch.setattr("nlpkit.artefacts.bundled._home", lambda: copy)
    (copy / "zh-verse" / "vocab.txt").write_text("x\n")
    with pytest.raises(ArtefactError, match=r"vocab.txt: is damaged or was changed"):
        nlpkit.load("zh-verse")


@pytest.mark.parametrize("name", ["zh-title", "zh-vectors", "zh-verse", "zh-words"])
def test_keras_computes_them_too(name):
    """Their weights are stored once, in the ONNX files: from there Keras reads them, to train them further."""
    example = card_of(name).example
    by_keras, by_onnx = (nlpkit.load(name, runtime=runtime).predict(example).to_dict() for runtime in ("keras", "onnx"))
    assert is_same(by_keras, by_onnx)
    assert (Folder.open(name).path / "weights.bin").stat().st_size < 50_000


def test_without_weights_a_folder_only_answers(tmp_path):
    folder = tmp_path / "verse"
    shutil.copytree(DATA / "models" / "zh-verse", folder)
    manifest = json.loads((folder / "task.json").read_text("utf-8"))
    for table in ("files", "sizes"):
        del manifest[table]["weights.bin"]
    (folder / "task.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ConfigError, match="has no network for Keras; it can only answer, by onnxruntime"):
        nlpkit.load(folder, runtime="keras")
    with pytest.raises(ConfigError, match="can't do this: it has no network for Keras"):
        nlpkit.load(folder).predict("明月松间照", temperature=1.0)
    pairs = DATA / "couplet" / "couplets-test.tsv"
    with pytest.raises(ConfigError, match="has no network for Keras"):
        nlpkit.train("couplet", pairs, out=tmp_path / "m", start=folder)
    assert not (tmp_path / "m").exists()


def test_names_at_the_command_line(tmp_path, capsys):
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("今天天气真好\n", "utf-8")
    assert main(["predict", "zh-words", "--input", str(source), "--output", str(target)]) == 0
    assert target.read_text("utf-8").startswith("今天/NOUN")
    assert main(["models"]) == 0
    assert "zh-words" in capsys.readouterr().out
    assert main(["models", "zh-verse", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["zh-verse"]["licence"] == "MIT"
    command = [sys.executable, "-m", "nlpkit", "predict", "zh-wrods", "--input", str(source), "--output", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "did you mean the model zh-words?" in done.stderr
    assert main(["convert", "zh-vectors", str(tmp_path / "v.txt")]) == 0
    assert (tmp_path / "v.txt").read_text("utf-8").startswith("30000 80\n")

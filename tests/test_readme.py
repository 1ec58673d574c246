"""What README and docs/ show is run as it stands.

Trainings are run up to the network: their data are read and their settings checked. Then a model that the other tests
use takes the place of theirs, or, where there is none for these data, they have one epoch.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from nlpkit.artefacts.load import load_artefact
from nlpkit.cli.main import main

ROOT = Path(__file__).parents[1]
BLOCKS = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.md") if path.stem != "index")
MODELS = {
    "data/tagging/words-train.txt": "words_model",
    "data/tagging/entities-train.conll": "entities_model",
    "data/tagging/pos-train.conll": "tokens_model",
    "data/couplet/couplets-train.tsv": "couplet_model",
    "data/title/articles-train.jsonl": "title_model",
    "data/title/articles-test.jsonl": "title_model",  # goes on from one
    "data/extraction/triples-train.jsonl": "extraction_model",
    "data/similarity/questions-train.tsv": "similarity_model",
    "data/word2vec/text.txt": "word2vec_model",
}
ALONE = "if __name__ =="  # what begins processes must be a program of its own


def blocks_of(path):
    return BLOCKS.findall((ROOT / path).read_text("utf-8"))


def code_of(path):
    return [re.sub(r"\s*#.*", "", block) for _, block in blocks_of(path)]


_OPENED = {}


def _opened_once(folder, task=None, runtime="keras"):
    """A model is opened once, as that takes seconds."""
    key = folder.path.absolute(), folder.prefix, task, runtime
    if key not in _OPENED:
        _OPENED[key] = load_artefact(folder, task, runtime)
    return _OPENED[key]


class _Enough(Exception):
    """Ends a training before its network is built."""


class Folder:
    """One in which the blocks of a page are run, with the samples in it.

    Commands are run in this process, where the framework has been imported, but for those that read from a pipe.
    """

    def __init__(self, path, fixtures):
        self.path, self.fixtures = path, fixtures
        (path / "data").symlink_to(ROOT / "data")
        program = path / "bin" / "nlpkit"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nlpkit "$@"\n')
        program.chmod(0o755)
        paths = {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
        self.environment = {**os.environ, **paths}

    def run_page(self, page):
        """Run all blocks of a page and return what they print."""
        shown, names = [], {"__name__": "__main__"}
        once = mock.patch("nlpkit.artefacts.load.load_artefact", _opened_once)
        with contextlib.chdir(self.path), once:
            for kind, block in blocks_of(page):
                if kind == "python" and ALONE not in block:
                    with contextlib.redirect_stdout(io.StringIO()) as out:
                        exec(block, names)
                    shown.append(out.getvalue())
                elif kind == "python":
                    (self.path / "block.py").write_text(block, "utf-8")
                    shown.append(self._command([sys.executable, "block.py"]))
                else:
                    shown += map(self._line, re.findall(r"^.*<<END\n(?s:.*?)^END$|^.+$", block, re.MULTILINE))
        return shown

    def _line(self, line):
        words = shlex.split(line, comments=True)
        if not words or words[0] != "nlpkit" or "|" in words:
            return self._command(["sh", "-c", line])
        if words[1] == "train":
            return self._train(words)
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as out:
            assert main(words[1:]) == 0, line
        out.seek(0)
        return out.read()

    def _train(self, words):
        name, out = (words[words.index(flag) + 1] for flag in ("--train", "--out"))
        if name not in MODELS:
            assert main([*words[1:], "--set", "epochs=1"]) == 0, words
            return ""
        with mock.patch("nlpkit.runs.train._build", side_effect=_Enough), pytest.raises(_Enough):
            main(words[1:])
        shutil.copytree(self.fixtures.getfixturevalue(MODELS[name]), out)
        return ""

    def _command(self, command):
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def test_readme_runs_as_it_stands(tmp_path, request):
    shown = Folder(tmp_path, request).run_page("README.md")
    assert len(shown) >= 20 and any("True" in each for each in shown)
    assert (tmp_path / "words.txt").read_text("utf-8").replace(" ", "") == "今天天气真好，我们去公园。\n"
    assert '"probability"' in (tmp_path / "news.jsonl").read_text("utf-8")
    assert (tmp_path / "titles.txt").read_text("utf-8").count("\n") == 34


@pytest.mark.parametrize("page", PAGES)
def test_docs_run_as_they_stand(page, tmp_path, request):
    Folder(tmp_path, request).run_page(f"docs/{page}.md")


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs" / "zh").glob("*.md")))
def test_chinese_docs_show_the_same(page):
    assert code_of(f"docs/{page}") == code_of(f"docs/zh/{page}")


def test_the_chinese_readme_shows_the_same():
    assert code_of("README.md") == code_of("README.zh-CN.md")
    for name in ("README.md", "README.zh-CN.md"):
        assert (ROOT / name).read_text("utf-8").count("\n") <= 150


def test_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "scripts" / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"

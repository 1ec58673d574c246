"""What README and docs/ show is run as it stands, but that a training has one epoch here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = {"files": "words_model", "layers": None, "processes": "words_model", "similarity": "similarity_model"}


def blocks_of(path):
    return BLOCKS.findall((ROOT / path).read_text("utf-8"))


def run(kind, block, folder):
    """Run a block in a folder that has the samples and, as a program, the nlpkit of this Python."""
    program = folder / "bin" / "nlpkit"
    if not program.exists():
        program.parent.mkdir()
        one_epoch = 'if [ "$1" = train ]; then set -- "$@" --set epochs=1; fi'
        program.write_text(f'#!/bin/sh\n{one_epoch}\nexec "{sys.executable}" -m nlpkit "$@"\n')
        program.chmod(0o755)
        (folder / "data").symlink_to(ROOT / "data")
    paths = {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    path = folder / f"block.{kind}"
    path.write_text(f"set -e\n{block}" if kind == "sh" else block, "utf-8")
    command = ["sh", path] if kind == "sh" else [sys.executable, path]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **paths}, capture_output=True, text=True)
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_readme_runs_as_it_stands(tmp_path):
    shown = [run(kind, block, tmp_path) for kind, block in blocks_of("README.md")]
    assert len(shown) >= 9 and any("True" in each for each in shown)
    assert (tmp_path / "words.txt").read_text("utf-8").replace(" ", "") == "今天天气真好，我们去公园。\n"
    assert '"probability"' in (tmp_path / "news.jsonl").read_text("utf-8")
    assert (tmp_path / "titles.txt").read_text("utf-8").count("\n") == 34


def test_the_chinese_readme_shows_the_same():
    def without_comments(blocks):
        return [re.sub(r"\s*#.*", "", block) for _, block in blocks]

    assert without_comments(blocks_of("README.md")) == without_comments(blocks_of("README.zh-CN.md"))
    for name in ("README.md", "README.zh-CN.md"):
        assert (ROOT / name).read_text("utf-8").count("\n") <= 150


def test_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "scripts" / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_python_in_docs_runs(page, tmp_path, request):
    if PAGES[page]:
        (tmp_path / "model").symlink_to(request.getfixturevalue(PAGES[page]))
    (tmp_path / "news.txt").write_text("今天天气真好\n", "utf-8")
    # In one process, for most of the time is the import of a framework.
    blocks = [block for kind, block in blocks_of(f"docs/{page}.md") if kind == "python"]
    run("python", "\n".join(blocks), tmp_path)

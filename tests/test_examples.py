"""The examples run as they stand, the notebook from top to bottom."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nlpkit

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "scripts" / "examples"


def run(program, folder):
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, program], cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_an_example_runs(name, tmp_path):
    assert run(EXAMPLES / f"{name}.py", tmp_path).strip()


def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    """Its code in one program, with few epochs."""
    cells = json.loads((EXAMPLES / "answers.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    program = tmp_path / "notebook.py"
    program.write_text(re.sub(r'"epochs": \d+', '"epochs": 2', "\n".join(code)), "utf-8")
    run(program, EXAMPLES)
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    assert sum("text/html" in data for data in shown) >= 3


def test_data_is_checked(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "data.py"]
    told = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert told.returncode == 0 and "tagging/sxu-seg" in told.stdout
    (tmp_path / "couplet").mkdir()
    (tmp_path / "couplet" / "valid.tsv").write_text("春\t秋\n", "utf-8")
    (tmp_path / "couplet" / "train.tsv").write_text("", "utf-8")
    told = subprocess.run([*command, "--check", tmp_path], capture_output=True, text=True)
    assert told.returncode == 1 and "valid.tsv: has 1 lines, the tables were made with 2,000" in told.stdout
    assert "train.tsv.gz: is missing; train.tsv is there" in told.stdout
    assert subprocess.run([*command, "--check", tmp_path / "none"], capture_output=True).returncode == 2


def test_versions_agree():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {nlpkit.__version__}\n" in citation

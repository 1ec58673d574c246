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


def run(program, folder, *arguments):
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


ENGINES = {"on_datasets": "datasets", "on_spark": "pyspark"}
"""Examples that run a model on another program's engine, and its package."""


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem not in ENGINES))
def test_an_example_runs(name, tmp_path):
    assert run(EXAMPLES / f"{name}.py", tmp_path).strip()


@pytest.mark.parametrize("name", ENGINES)
def test_a_model_runs_on_another_engine(name, words_model, tmp_path):
    pytest.importorskip(ENGINES[name])
    lines = [f"第{i}行。今天天气真好" for i in range(50)]
    (tmp_path / "in.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    run(EXAMPLES / f"{name}.py", tmp_path, words_model, "in.txt", "out.jsonl")
    out = tmp_path / "out.jsonl"
    texts = "".join(path.read_text("utf-8") for path in (out.glob("part-*") if out.is_dir() else [out]))
    found = [json.loads(line)["words"] for line in texts.splitlines()]
    assert sorted(found) == sorted(answer.to_text() for answer in nlpkit.load(words_model).predict(lines))


def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    """Its code in one program, with few epochs."""
    cells = json.loads((EXAMPLES / "answers.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    program = tmp_path / "notebook.py"
    few = '"epochs": 2, "least_steps": 0, "onnx": "off"'
    program.write_text(re.sub(r'"epochs": \d+', few, "\n".join(code)), "utf-8")
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

"""Let each call of the writer go wrong once, in the training of a task and in predictions.

    python scripts/benchmarks/faults.py [--tasks tagging couplet …] [--kinds kill full]

A small model of each task is trained on the built-in samples, as often as its training calls the writer: each time
another call goes wrong, by a process that dies there or by a disk that is full. After a death nothing but
`--resume` may be needed, after a full disk the message must name the file and nothing half-written be left; then the
training is resumed, and its weights must be those of a training in which nothing went wrong, bit for bit. The same for
a file that a prediction writes: it must be absent or whole.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = (60, 15)  # of the samples that are trained on and measured, so that a training takes seconds
sys.path.insert(0, str(ROOT))

import keras  # noqa: E402
from resume import SAMPLES, TASKS  # noqa: E402

import nlpkit  # noqa: E402
from nlpkit.options import read_settings  # noqa: E402
from tests.faults import check_every_point  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=[*TASKS], metavar="TASK")
    parser.add_argument("--kinds", nargs="*", choices=("kill", "full"), default=["kill", "full"])
    args = parser.parse_args()
    print("| | fault | calls, all as promised | s |\n|---|---|---:|---:|")
    for task in args.tasks:
        for kind in args.kinds:
            for name, check in (("training", training), ("prediction", prediction)):
                begin = time.monotonic()
                with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
                    calls = len(check(task, Path(folder), kind))
                print(f"| {task}, {name} | {kind} | {calls} | {time.monotonic() - begin:.0f} |", flush=True)


def training(task, folder, kind):
    def run(out, resume=False):
        train(task, folder, out, resume)

    def content(out):
        return {"weights": (out / "weights.bin").read_bytes()}

    return check_every_point(run, lambda out: run(out, resume=True), content, folder / "runs", kind)


def prediction(task, folder, kind):
    train(task, folder, folder / "model")
    model = nlpkit.load(folder / "model")
    (_, valid), _ = TASKS[task]
    lines = (SAMPLES / task.partition(",")[0] / valid).read_text("utf-8").splitlines()
    texts = ["".join(line.split()) or "空" for line in lines][:40]
    (folder / "texts.txt").write_text("".join(f"{text}\n" for text in [*texts, "\0"]), "utf-8")

    def run(out):
        out.mkdir(exist_ok=True, parents=True)
        (out / "answers.txt").write_text("old")
        model.predict_file(folder / "texts.txt", out / "answers.txt")

    def content(out):
        return {path.name: path.read_bytes() for path in out.iterdir()}

    def again(out):
        found, whole = ((each / "answers.txt").read_bytes() for each in (out, folder / "runs" / "whole"))
        assert found in (b"old", whole), f"{len(found)} of {len(whole)} bytes"
        run(out)

    return check_every_point(run, again, content, folder / "runs", kind)


def train(task, folder, out, resume=False):
    keras.utils.clear_session()
    names, settings = TASKS[task]
    task = task.partition(",")[0]
    for name, count in zip(names, LINES):
        lines = (SAMPLES / task / name).read_text("utf-8").splitlines(keepends=True)
        (folder / name).write_text("".join(lines[:count]), "utf-8")
    settings = {**read_settings(None, settings), "epochs": 1, "save_every": 4}
    train, valid = (folder / name for name in names)
    nlpkit.train(task, train, valid, out=out, settings=settings, resume=resume)


if __name__ == "__main__":
    main()

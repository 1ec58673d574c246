"""`nlpkit demo`: the whole way on built-in samples, in a temporary folder."""

from __future__ import annotations

import tempfile
import time
import warnings
from importlib import resources
from pathlib import Path

import nlpkit
from nlpkit.cli.tables import print_metrics
from nlpkit.errors import DataWarning
from nlpkit.prediction.rendering import rich_text
from nlpkit.tasks.declaration import Declaration, Demo
from nlpkit.terminal import console

_SHOWN = 8


def demo(task: Declaration) -> None:
    """Train, evaluate and predict on the samples of a task, and show what came out."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="nlpkit-demo-") as folder:
        for i, each in enumerate(task.demos):
            _show(task, each, Path(folder) / f"model{i}")
    console().print(
        f"Done in {time.perf_counter() - begin:.0f} s. So small a sample teaches only a little: train on your own data "
        f"with [bold]nlpkit train {task.name} --train FILE --out DIR[/], then [bold]nlpkit predict DIR --input FILE "
        "--output FILE[/]."
    )


def _show(task: Declaration, demo: Demo, out: Path):
    samples = sample_folder() / task.name
    train, valid = samples / demo.train, samples / demo.valid if demo.valid else None
    console().print(f"[bold]{demo.title}[/]: training on {demo.train}")
    nlpkit.train(task.name, train, valid, out=out, settings=demo.settings)
    model = nlpkit.load(out)
    print_metrics(model.metrics["valid"])
    if isinstance(demo.records, str):
        records = (samples / demo.records).read_text("utf-8").splitlines()[:_SHOWN]
    elif demo.records:
        records = list(demo.records)
    else:
        examples = model.read(valid or train, task.reading(), model.metadata).examples
        records = [record for record, _ in model.expected(examples, _SHOWN)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        for answer in model.predict(records):
            console().print(rich_text(answer.parts()))
    console().print("")


def sample_folder() -> Path:
    """The folder of samples, which is part of the package."""
    return Path(str(resources.files("nlpkit"))) / "data"

"""`nlpkit demo`: what models that come along answer, then the whole way on built-in samples, in a temporary folder."""

from __future__ import annotations

import contextlib
import tempfile
import time
import warnings
from importlib import resources
from pathlib import Path

import nlpkit
from nlpkit.artefacts.bundled import Card, models
from nlpkit.cli.tables import print_metrics
from nlpkit.errors import ArtefactError, DataWarning
from nlpkit.prediction.rendering import rich_text
from nlpkit.tasks.declaration import Declaration, Demo
from nlpkit.terminal import console, say

_SHOWN = 8
_FEW = 4


def demo(task: Declaration, keep: str | Path | None = None) -> None:
    """Show what a model that comes with nlpkit answers; then train, evaluate and predict on the samples of a task.

    Args:
        task: the task.
        keep: a new folder for the models, one each; without it they are made in a temporary one.

    Raises:
        ArtefactError: if there is something in that folder.
    """
    begin = time.perf_counter()
    if keep is not None and Path(keep).exists() and not (Path(keep).is_dir() and not any(Path(keep).iterdir())):
        raise ArtefactError(f"{keep}: is there already; --keep takes a new folder")
    for card in models().values():
        if card.task == task.name:
            _show_model(card, task)
    with contextlib.ExitStack() as stack:
        folder = Path(keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="nlpkit-demo-")))
        for each in task.demos:
            _show(task, each, folder / each.title.lower().replace(" ", "-"), keep is not None)
    kept = "" if keep is not None else f" nlpkit demo {task.name} --keep DIR keeps models and reports."
    console().print(
        f"Done in {time.perf_counter() - begin:.0f} s.{kept} So small a sample teaches only a little: train on your "
        f"own data with [bold]nlpkit train {task.name} --train FILE --out DIR[/], then "
        "[bold]nlpkit predict DIR --input FILE --output FILE[/]."
    )


def _show_model(card: Card, task: Declaration):
    """The answers of a model to its example and some records of the task's first demo."""
    console().print(f"[bold]{card.name}[/], which comes with nlpkit: {card.summary}")
    records = _records(task, task.demos[0]) if task.demos else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        for answer in nlpkit.load(card.name).predict([card.example, *records[:_FEW]]):
            console().print(rich_text(answer.styled()))
    console().print("")


def _show(task: Declaration, demo: Demo, out: Path, is_kept: bool):
    samples = sample_folder() / task.name
    train, valid = samples / demo.train, samples / demo.valid if demo.valid else None
    console().print(f"[bold]{demo.title}[/]: training on {demo.train}")
    nlpkit.train(task.name, train, valid, out=out, settings=demo.settings)
    model = nlpkit.load(out)
    print_metrics(model.metrics["valid"])
    records = _records(task, demo)[:_SHOWN]
    if not records:
        examples = model.read(valid or train, task.reading(), model.metadata).examples
        records = [record for record, _ in model.expected(examples, _SHOWN)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        for answer in model.predict(records):
            console().print(rich_text(answer.styled()))
    if is_kept:
        say(f"{out}: kept; its report.html is for a browser")
    console().print("")


def _records(task, demo):
    """The records that a demo names."""
    if isinstance(demo.records, str):
        return (sample_folder() / task.name / demo.records).read_text("utf-8").splitlines()
    return [*demo.records]


def sample_folder() -> Path:
    """The folder of samples, which is part of the package."""
    return Path(str(resources.files("nlpkit"))) / "data"

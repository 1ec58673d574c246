"""`nlpkit demo`: answers of bundled models, then training, evaluation and prediction on built-in samples."""

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

_SHOWN = 8  # answers of a trained model
_FEW = 4  # answers of a bundled model, beside that to its example


def demo(task: Declaration, keep: str | Path | None = None) -> None:
    """Show answers of bundled models; then train, evaluate and predict on the samples of a task.

    Args:
        task: declaration of the task.
        keep: new folder for the models; None for a temporary one.

    Raises:
        ArtefactError: if `keep` exists and is not an empty folder.
    """
    begin = time.perf_counter()
    if keep is not None and Path(keep).exists() and not (Path(keep).is_dir() and not any(Path(keep).iterdir())):
        raise ArtefactError(f"{keep}: already exists; --keep takes a new folder")
    for card in models().values():
        if card.task == task.name:
            _show_model(card, task)
    with contextlib.ExitStack() as stack:
        folder = Path(keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="nlpkit-demo-")))
        for each in task.demos:
            _show(task, each, folder / each.title.lower().replace(" ", "-"), keep is not None)
    kept = "" if keep is not None else f" nlpkit demo {task.name} --keep DIR keeps models and reports."
    console().print(
        f"Done in {time.perf_counter() - begin:.0f} s.{kept} The samples are small: train on your own data "
        f"with [bold]nlpkit train {task.name} --train FILE --out DIR[/], then "
        "[bold]nlpkit predict DIR --input FILE --output FILE[/]."
    )


def _show_model(card: Card, task: Declaration) -> None:
    """Show the answers of a bundled model to its example and some records of the task's first demo."""
    console().print(f"[bold]{card.name}[/], a bundled model: {card.summary}")
    records = _records(task, task.demos[0]) if task.demos else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        for answer in nlpkit.load(card.name).predict([card.example, *records[:_FEW]]):
            console().print(rich_text(answer.styled()))
    console().print("")


def _show(task: Declaration, demo: Demo, out: Path, is_kept: bool) -> None:
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


def _records(task: Declaration, demo: Demo) -> list[str]:
    """Records of a demo."""
    if isinstance(demo.records, str):
        return (sample_folder() / task.name / demo.records).read_text("utf-8").splitlines()
    return [*demo.records]


def sample_folder() -> Path:
    """Folder of the samples in the package."""
    return Path(str(resources.files("nlpkit"))) / "data"

"""`nlpkit demo`: the whole way on built-in samples, in a temporary folder."""

import json
import tempfile
import time
from importlib import resources
from pathlib import Path

from rich.text import Text

import nlpkit
from nlpkit.cli.tables import print_metrics
from nlpkit.errors import ConfigError, unknown_name
from nlpkit.training.progress import console

_TAGGING = {"epochs": 30, "batch_size": 16, "learning_rate": 4e-3, "warmup_steps": 40, "ema_momentum": 0.98}
_COUPLET = {"epochs": 12, "batch_size": 16, "warmup_steps": 20, "ema_momentum": 0.9, "char_min_count": 1}
_WORD2VEC = {
    "architecture": "cbow", "epochs": 60, "vector_size": 48, "window": 10, "min_count": 3, "batch_size": 512,
    "subsample": 3e-4,
}  # fmt: skip
_WORDS = ["苹果", "飞机", "医生", "比赛", "上海", "冬天", "小麦"]
_COLOURS = {"PER": "bold magenta", "LOC": "bold green", "ORG": "bold cyan"}


def demo(task: str):
    """Train, evaluate and predict on the samples of a task, and show what came out."""
    if task not in _DEMOS:
        raise ConfigError(unknown_name("demo", task, _DEMOS))
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="nlpkit-demo-") as folder:
        _DEMOS[task](Path(folder), sample_folder() / task)
    console().print(
        f"Done in {time.perf_counter() - begin:.0f} s. So small a sample teaches only a little: train on your own "
        f"data with [bold]nlpkit train {task} --train FILE --out DIR[/], then [bold]nlpkit predict DIR --input FILE "
        "--output FILE[/]."
    )


def _tagging(folder, samples):
    for title, name, ending, settings in (
        ("Word segmentation", "words", "txt", {**_TAGGING, "lexicon": "jieba"}),
        ("Named entities", "entities", "conll", {**_TAGGING, "epochs": 60}),
    ):
        train, test = samples / f"{name}-train.{ending}", samples / f"{name}-test.{ending}"
        model = _train("tagging", title, train, test, folder / name, settings)
        lines = [example.text for example in model.task.read(test).examples[:8]]
        for answer in _predict(folder, name, lines):
            console().print(_coloured(answer))
        console().print("")


def _couplet(folder, samples):
    train, test = samples / "couplets-train.tsv", samples / "couplets-test.tsv"
    _train("couplet", "Couplets", train, test, folder / "couplets", _COUPLET)
    lines = (samples / "upper-lines.txt").read_text("utf-8").splitlines()[:8]
    for answer in _predict(folder, "couplets", lines):
        line = Text(answer["upper"], style="bold yellow")
        console().print(line.append("  ").append(answer["answers"][0]["lower"], style="bold cyan"))
    console().print("")


def _word2vec(folder, samples):
    text = samples / "text.txt"
    _train("word2vec", "Word vectors", text, None, folder / "words", _WORD2VEC)
    for answer in _predict(folder, "words", _WORDS):
        line = Text(answer["text"], style="bold yellow")
        for near in answer["answers"][:6]:
            line.append(f"  {near['word']}", style="bold cyan").append(f" {near['score']:.2f}", style="dim")
        console().print(line)
    console().print("")


_DEMOS = {"tagging": _tagging, "couplet": _couplet, "word2vec": _word2vec}


def _train(task, title, train, test, out, settings):
    console().print(f"[bold]{title}[/]: training on {train.name}")
    model = nlpkit.train(task, train, test, out=out, settings=settings)
    print_metrics(model.metrics["valid"])
    return model


def _predict(folder, name, lines):
    (folder / "input.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    nlpkit.load(folder / name).predict_file(folder / "input.txt", folder / "output.jsonl", "jsonl")
    return map(json.loads, (folder / "output.jsonl").read_text("utf-8").splitlines())


def sample_folder() -> Path:
    """The folder of samples: inside the installed package, or beside it in a checkout."""
    beside = Path(nlpkit.__file__).parents[1] / "data"
    if (beside / "README.md").exists():
        return beside
    return Path(str(resources.files("nlpkit") / "data"))


def _coloured(answer):
    line = Text()
    if "words" in answer:
        for i, word in enumerate(answer["words"]):
            line.append(word["text"], style="bold cyan" if i % 2 else "bold yellow")
            line.append(" ")
        return line
    end = 0
    for entity in answer["entities"]:
        line.append(answer["text"][end : entity["start"]])
        line.append(entity["text"], style=_COLOURS.get(entity["type"], "bold"))
        line.append(f"[{entity['type']}]", style="dim")
        end = entity["end"]
    line.append(answer["text"][end:])
    return line

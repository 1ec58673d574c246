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

_SETTINGS = {"epochs": 30, "batch_size": 16, "learning_rate": 4e-3, "warmup_steps": 40, "ema_momentum": 0.98}
_COLOURS = {"PER": "bold magenta", "LOC": "bold green", "ORG": "bold cyan"}


def demo(task: str):
    """Train, evaluate and predict on the samples of a task, and show what came out."""
    if task != "tagging":
        raise ConfigError(unknown_name("demo", task, ["tagging"]))
    say, begin = console().print, time.perf_counter()
    samples = sample_folder() / "tagging"
    with tempfile.TemporaryDirectory(prefix="nlpkit-demo-") as folder:
        for title, name, ending, settings in (
            ("Word segmentation", "words", "txt", {**_SETTINGS, "lexicon": "jieba"}),
            ("Named entities", "entities", "conll", {**_SETTINGS, "epochs": 60}),
        ):
            say(f"[bold]{title}[/]: training on {name}-train.{ending}")
            test = samples / f"{name}-test.{ending}"
            model = nlpkit.train(
                "tagging", samples / f"{name}-train.{ending}", test, out=Path(folder) / name, settings=settings
            )
            print_metrics(model.metrics["valid"])
            lines = [example.text for example in model.task.read(test)[0][:8]]
            (Path(folder) / "input.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
            nlpkit.load(Path(folder) / name).predict_file(
                Path(folder) / "input.txt", Path(folder) / "output.jsonl", "jsonl"
            )
            for line in (Path(folder) / "output.jsonl").read_text("utf-8").splitlines():
                say(_coloured(json.loads(line)))
            say("")
    say(
        f"Done in {time.perf_counter() - begin:.0f} s. A few hundred sentences teach only a little: train on your own "
        "data with [bold]nlpkit train tagging --train FILE --out DIR[/], then [bold]nlpkit predict DIR --input FILE "
        "--output FILE[/]."
    )


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

"""The settings behind the figures of titles of docs/benchmarks/titles.md.

    python scripts/train_title.py ROW --data DATA --out DIR [--start DIR]

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `title/`. The row `all` trains on the news, the
technical articles and the abstracts together, of which a twentieth is held out; `csl` and `news` go on from it
(`--start`), on the training file of their own. `csl` chooses its epoch on the validation file and measures the test
file once; `news` and `classical` hold a twentieth of the training file out, and measure the validation file once. What
a part of the model brings is seen without it: `classical --set copy=true`, beside which `prior=false`, `coverage=false`
or `conditional_norm=false`.
"""

import argparse
import gzip
import json
import os
from pathlib import Path

import nlpkit
from nlpkit.cli.tables import print_metrics
from nlpkit.options import read_settings
from nlpkit.tasks.title.evaluate import quality
from nlpkit.tasks.title.examples import read_titles

MIXED = ("news", "tech", "csl")
SETTINGS = {
    "all": {"epochs": 4, "dropout": 0.2, "ema_momentum": 0.995},
    "csl": {
        "epochs": 6, "learning_rate": 1.5e-3, "warmup_steps": 50, "ema_momentum": 0.99, "dropout": 0.4,
        "label_smoothing": 0.1,
    },
    "news": {"epochs": 2, "learning_rate": 1e-3, "warmup_steps": 50, "ema_momentum": 0.995, "dropout": 0.2},
    "classical": {
        "epochs": 3, "batch_size": 32, "learning_rate": 2e-3, "dropout": 0.1, "ema_momentum": 0.998, "max_text": 270,
        "max_title": 96, "words": False, "copy": False, "hide": 0.05,
    },
}  # fmt: skip
OPTIONS = {"csl": {"no_repeat": 3}, "classical": {"length_penalty": 1.0}}
"""Prediction options with which a row is measured as well."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=SETTINGS)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--start", help="the folder of the row `all`, for csl and news")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings that differ")
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    if args.row in ("csl", "news") and args.start is None:
        parser.error(f"give --start: {args.row} goes on from the folder of the row all")
    folder, valid = args.data / "title", None
    if args.row == "all":
        train = args.out.with_name(f"{args.out.name}-data.jsonl.gz")
        args.out.parent.mkdir(parents=True, exist_ok=True)
        mix([folder / name / f"train.jsonl{'.gz' if name != 'csl' else ''}" for name in MIXED], train)
    else:
        train = folder / args.row / {"csl": "train.jsonl", "news": "train.jsonl.gz"}.get(args.row, "train.tsv.gz")
        valid = folder / "csl" / "valid.jsonl" if args.row == "csl" else None
    model = nlpkit.train(
        "title", train, valid, out=args.out, start=args.start, seed=args.seed, resume=args.resume,
        settings={**SETTINGS[args.row], **read_settings(None, args.set)},
    )  # fmt: skip
    if args.row != "all":
        measured = {"csl": "csl/test.jsonl", "news": "news/valid.jsonl"}.get(args.row, "classical/valid.tsv")
        print_metrics(model.evaluate(folder / measured))
    if args.row in OPTIONS:
        name = " ".join(f"{key}={value}" for key, value in OPTIONS[args.row].items())
        print_metrics({"other options": {name: with_options(model, folder / measured, OPTIONS[args.row])}})
    if args.row == "news":
        print_metrics({"without titles that recur in training": without_recurring(model, train, folder / measured)})


def mix(files, out):
    """One file of several."""
    with gzip.open(out, "wt", encoding="utf-8") as target:
        for path in files:
            for example in read_titles(path)[0]:
                target.write(json.dumps({"text": example.text, "title": example.title}, ensure_ascii=False) + "\n")


def with_options(model, measured, options):
    """How good titles are that are written by other options than the default."""
    examples = read_titles(measured)[0]
    written = [answer.title for answer in model.predict([example.text for example in examples], **options)]
    scores = quality(examples, written, model.metadata["mean_title"])
    return {name: value for name, value in scores.items() if isinstance(value, float)}


def without_recurring(model, train, measured):
    """ROUGE-L over those examples whose titles training has not seen."""
    seen = {example.title for example in read_titles(train)[0]}
    new = [example for example in read_titles(measured)[0] if example.title not in seen]
    return {str(len(new)): {"rouge_l": model.measure(new)["rouge_l"]}}


if __name__ == "__main__":
    main()

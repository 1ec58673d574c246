"""Losses of sentence vectors side by side, each tuned with the same effort: how well questions find their group.

    python scripts/benchmarks/similarity_losses.py --data DATA

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `similarity/`. Of legal-faq's training groups 600 are
carved out by a fixed seed and looked for among themselves, their hard negatives and the questions of the groups that
are trained on (vectors alone). Each loss is tried with three values of its margin or scale, with the first seed; the
best value is trained with the other seeds. CoSENT is given pairs: each question with the next one of its group, and
with a hard negative; two passes over these are more sentences than the other losses read.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import nlpkit

# Name: settings, and the one that is tuned.
LOSSES = {
    "softmax": ({"loss": "softmax"}, "scale", (20.0, 30.0, 40.0)),
    "am_softmax": ({"loss": "am_softmax"}, "margin", (0.2, 0.35, 0.5)),
    "simpler": ({"loss": "simpler"}, "scale", (20.0, 30.0, 40.0)),
    "arcface": ({"loss": "arcface"}, "margin", (0.2, 0.3, 0.5)),
    "cosent": ({"loss": "cosent"}, "scale", (10.0, 20.0, 40.0)),
}
NETWORK = {"char_dim": 128, "bigram_dim": 128, "dropout": 0.3, "bigram_dropout": 0.2}  # smaller than the default
CARVED = 600  # groups


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--losses", nargs="+", default=[*LOSSES], choices=LOSSES)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    with tempfile.TemporaryDirectory() as folder:
        files = carve(args.data / "similarity" / "legal-faq", Path(folder))
        lines = ["| loss | tuned | top-1 by seed | mean | spread | seconds |", "|---|---|---|---:|---:|---:|"]
        for name in args.losses:
            lines.append(measure(name, files, args, Path(folder)))
            print(lines[-1], flush=True)
    print("", *lines, sep="\n")


def carve(source, folder):
    """Files of the groups that are trained on and of those carved out, by name."""
    rows = {name: read(source / f"{name}.tsv") for name in ("train", "train-hard-negatives")}
    groups = list(dict.fromkeys(group for group, _ in rows["train"]))
    carved = {groups[i] for i in np.random.default_rng(0).permutation(len(groups))[:CARVED]}
    files = {}
    for name, is_wanted in (("rest", False), ("carved", True)):
        for kind in rows:
            files[name, kind] = folder / f"{name}-{kind}.tsv"
            write(files[name, kind], [row for row in rows[kind] if (row[0] in carved) == is_wanted])
    files["pairs"] = folder / "pairs.tsv"
    write(files["pairs"], pairs_of(read(files["rest", "train"]), read(files["rest", "train-hard-negatives"])))
    return files


def read(path):
    return [line.split("\t") for line in path.read_text("utf-8").splitlines()]


def write(path, rows):
    path.write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")


def pairs_of(sentences, negatives):
    rng = np.random.default_rng(0)
    unlike = {}
    for group, text in negatives:
        unlike.setdefault(group, []).append(text)
    for (group, text), (other, following) in itertools.pairwise([*sentences, ("", "")]):
        if group == other:
            yield text, following, "1"
        if group in unlike:
            yield text, unlike[group][rng.integers(len(unlike[group]))], "0"


def measure(name, files, args, folder):
    """The row of a loss."""
    settings, tuned, values = LOSSES[name]
    begin = time.perf_counter()

    def top1(value, seed):
        is_pairs = name == "cosent"
        out = folder / f"{name}-{value}-{seed}"
        nlpkit.train(
            "similarity", files["pairs"] if is_pairs else files["rest", "train"], out=out, seed=seed,
            settings={**NETWORK, **settings, tuned: value, "epochs": 2 if is_pairs else args.epochs},
        )  # fmt: skip
        candidates = [files["carved", "train-hard-negatives"], files["rest", "train"]]
        metrics = nlpkit.evaluate(out, files["carved", "train"], candidates=candidates)
        return metrics.get("vector_top1", metrics["top1"])

    tried = {value: top1(value, 0) for value in values}
    best = max(tried, key=tried.get)
    found = [tried[best], *(top1(best, seed) for seed in range(1, args.seeds))]
    shown = ", ".join(f"{value:g}: {score:.4f}" for value, score in tried.items())
    return (
        f"| {name} | {tuned} {best:g} ({shown}) | {', '.join(f'{each:.4f}' for each in found)} "
        f"| {statistics.mean(found):.4f} | {max(found) - min(found):.4f} | {time.perf_counter() - begin:.0f} |"
    )


if __name__ == "__main__":
    main()

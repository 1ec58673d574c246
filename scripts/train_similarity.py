"""The settings behind each row of the similarity tables of docs/benchmarks/similarity.md.

    python scripts/train_similarity.py ROW --data DATA --out DIR

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `similarity/`. nlpkit holds out a twentieth of the
training groups or pairs, on which the epoch and the weights of the score are chosen; the validation file of the data
set is measured once, at the end. `legal-faq` looks for each question's group among the other questions, the hard
negatives and the training questions.
"""

import argparse
import os
from pathlib import Path

import nlpkit
from nlpkit.cli.tables import print_metrics

# Name: preset, hard negatives of the training groups, and the files among which is looked as well.
ROWS = {
    "legal-faq": (None, ("train-hard-negatives.tsv",), ("valid-hard-negatives.tsv", "train.tsv")),
    "afqmc": ("pairs", (), ()),
    "atec": ("pairs", (), ()),
    "sts-b": ("pairs", (), ()),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    preset, negatives, candidates = ROWS[args.row]
    folder = args.data / "similarity" / args.row
    model = nlpkit.train(
        "similarity", folder / "train.tsv", out=args.out, preset=preset, seed=args.seed, resume=args.resume,
        negatives=[folder / name for name in negatives],
    )  # fmt: skip
    print_metrics(model.evaluate(folder / "valid.tsv", candidates=[folder / name for name in candidates]))


if __name__ == "__main__":
    main()

"""The settings behind each row of README's tagging table.

    python scripts/train_tagging.py ROW --data DATA --out DIR

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `tagging/`. A set without a validation file gets one
of 5 % of its training data, chosen by nlpkit's own fixed seed; the test file is measured once, at the end.
"""

import argparse
import os
from pathlib import Path

import nlpkit

# Name: files (train, valid, test), preset, settings.
ROWS = {
    "sxu-closed": (
        ("sxu-seg/train.txt", None, "sxu-seg/test.txt"),
        None,
        {"lexicon": "train", "epochs": 8, "bigram_dropout": 0.4, "char_dropout": 0.1, "dropout": 0.2, "width": 64,
         "char_dim": 48},
    ),
    "sxu-lexicon": (
        ("sxu-seg/train.txt", None, "sxu-seg/test.txt"),
        None,
        {"lexicon": "jieba", "epochs": 10, "bigram_dropout": 0.5, "char_dropout": 0.1},
    ),
    "sxu-fast": (("sxu-seg/train.txt", None, "sxu-seg/test.txt"), "fast", {}),
    "resume": (
        ("resume-ner/train.conll", "resume-ner/valid.conll", "resume-ner/test.conll"),
        None,
        {"lexicon": "jieba", "epochs": 25, "batch_size": 16, "learning_rate": 1.5e-3, "bigram_dropout": 0.3,
         "dropout": 0.4},
    ),
    "msra": (
        ("msra-ner/train.conll.gz", None, "msra-ner/test.conll"),
        None,
        {"lexicon": "jieba", "epochs": 7, "bigram_dropout": 0.5, "char_dropout": 0.1},
    ),
    "cluener": (
        ("cluener/train.conll", None, "cluener/valid.conll"),
        None,
        {"lexicon": "jieba", "epochs": 10, "bigram_dropout": 0.5, "char_dropout": 0.1, "dropout": 0.4},
    ),
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    (train, valid, test), preset, settings = ROWS[args.row]
    folder = args.data / "tagging"
    nlpkit.train(
        "tagging", folder / train, valid and folder / valid, test=folder / test, out=args.out, preset=preset,
        settings=settings, seed=args.seed, repair=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()

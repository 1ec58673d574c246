"""The settings behind each row of the table of triples of docs/benchmarks/extraction.md.

    python scripts/train_extraction.py ROW --data DATA --out DIR [--vectors FILE] [--half] [--set KEY=VALUE …]

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `extraction/` and `word2vec/`. Settings were chosen on
the validation file, which also picks epoch and threshold; the test file is measured once, at the end. The row
`word-vectors` makes the vectors of words that `--vectors` takes, DIR/vectors.txt, from the plain text of `word2vec/`
and the sentences of DuIE's training file. `--half` trains on every second sentence, for comparisons.
"""

import argparse
import gzip
import itertools
import json
import os
import shutil
import tempfile
from pathlib import Path

import nlpkit
from nlpkit.datasets.files import open_bytes
from nlpkit.options import read_settings

# Name: folder, file of training data, settings.
ROWS = {
    "duie": (
        "duie",
        "train.jsonl.gz",
        {"width": 192, "bigram_dim": 32, "dropout": 0.3, "prior": True, "adversarial": 0.5, "epochs": 10},
    ),
    "duie-light": (
        "duie",
        "train.jsonl.gz",
        {
            "width": 96, "char_dim": 96, "layers": 1, "num_subjects": 8, "num_objects": 16, "pair_width": 96,
            "dropout": 0.2, "prior": True, "adversarial": 0.5, "epochs": 10,
        },
    ),
    "duie-pointers": (
        "duie", "train.jsonl.gz", {"head": "pointers", "encoder": "gated_conv", "bigram_dim": 32, "dropout": 0.3}
    ),
    "webnlg": ("webnlg-star", "train.jsonl", {"segmenter": "spaces"}),
    "webnlg-prior": ("webnlg-star", "train.jsonl", {"segmenter": "spaces", "prior": True}),
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=(*ROWS, "word-vectors"))
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--vectors", help="the file that the row word-vectors made, for rows of duie")
    parser.add_argument("--half", action="store_true", help="train on every second sentence")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings that differ")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    if args.row == "word-vectors":
        return word_vectors(args.data, args.out, args.seed)
    name, train, settings = ROWS[args.row]
    folder = args.data / "extraction" / name
    given = {"word_vectors": args.vectors} if args.vectors else {}
    settings = {**settings, **given, **read_settings(None, args.set)}
    with tempfile.TemporaryDirectory() as temporary:
        train = folder / train
        if args.half:
            train = every_second_line(train, Path(temporary) / "half.jsonl")
        valid, test = folder / "valid.jsonl", folder / "test.jsonl"
        nlpkit.train("extraction", train, valid, test=test, out=args.out, settings=settings, seed=args.seed)
    return None


def every_second_line(path, target):
    """A file of the first, third … line of another one."""
    with open_bytes(path) as source, open(target, "wb") as file:
        file.writelines(itertools.islice(source, 0, None, 2))
    return target


def word_vectors(data, out, seed):
    """Vectors of jieba's words."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "text.txt", "wb") as target:
        with gzip.open(data / "word2vec" / "corpus.txt.gz") as source:
            shutil.copyfileobj(source, target)
        with gzip.open(data / "extraction" / "duie" / "train.jsonl.gz") as source:
            for line in source:
                target.write(" ".join(json.loads(line)["text"].split()).encode() + b"\n")
    settings = {"epochs": 2, "window": 4}
    nlpkit.train("word2vec", out / "text.txt", out=out / "model", settings=settings, seed=seed, force=True, cut="jieba")
    nlpkit.convert(out / "model", out / "vectors.txt", force=True)


if __name__ == "__main__":
    main()

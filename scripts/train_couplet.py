"""The settings behind each row of the couplet table of docs/benchmarks/couplets.md.

    python scripts/train_couplet.py ROW --data DATA --out DIR

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `couplet/`. The third column of its training file says
where a pair comes from: all rows but `verse` are trained on couplets only.
"""

import argparse
import gzip
import os
import tempfile
from pathlib import Path

import nlpkit

# Name: sources, settings.
ROWS = {
    "couplet": (["couplet"], {}),
    "verse": (["couplet", "verse"], {}),
    # The plain tagger, of the same size: it does not read the lower line.
    "plain": (["couplet"], {"lower_dilations": [], "dilations": [1] * 7}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the default number")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    sources, settings = ROWS[args.row]
    if args.epochs:
        settings = {**settings, "epochs": args.epochs}
    folder = args.data / "couplet"
    with tempfile.TemporaryDirectory() as temporary:
        pairs = select(folder / "train.tsv.gz", sources, Path(temporary) / "train.tsv")
        nlpkit.train(
            "couplet", pairs, folder / "valid.tsv", test=folder / "test.tsv", out=args.out, settings=settings,
            seed=args.seed, resume=args.resume,
        )  # fmt: skip


def select(path, sources, target):
    """The lines of a gzipped file whose third column is one of the sources, in a file of their own."""
    with gzip.open(path, "rt", encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        out.writelines(line for line in lines if line.rstrip("\n").split("\t")[2] in sources)
    return target


if __name__ == "__main__":
    main()

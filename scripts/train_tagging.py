"""The settings behind each row of the tagging table of docs/benchmarks/tagging.md.

    python scripts/train_tagging.py ROW --data DATA --out DIR [--vectors FILE]

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `tagging/`. A set without a validation file gets one
of 5 % of its training data, chosen by nlpkit's own fixed seed; the test file is measured once, at the end. The row
`word-vectors` makes the vectors that `pos` and `pos-fast` start from: a segmenter of the words of `ud-gsd` cuts the
plain text of `word2vec/`, on which word vectors are trained, DIR/vectors.txt.
"""

import argparse
import gzip
import os
import shutil
from pathlib import Path

import nlpkit
from nlpkit.datasets import read_conll
from nlpkit.options import read_settings

# Name: files (train, valid, test), preset, settings.
GSD = ("ud-gsd/train.conll", None, "ud-gsd/valid.conll")
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
    "pos": (GSD, None, {"epochs": 10, "batch_size": 16, "dropout": 0.2}),
    "pos-fast": (GSD, None, {"epochs": 10, "batch_size": 16, "dropout": 0.2, "width": 64, "dilations": [1, 2]}),
    "joint": (GSD, None, {"lexicon": "jieba", "epochs": 10, "batch_size": 16}),
}  # fmt: skip
READING = {"joint": {"unit": "character"}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=(*ROWS, "word-vectors"))
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--vectors", help="the file that the row word-vectors made, for the rows pos and pos-fast")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings that differ")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    if args.row == "word-vectors":
        return word_vectors(args.data, args.out, args.seed)
    (train, valid, test), preset, settings = ROWS[args.row]
    folder = args.data / "tagging"
    nlpkit.train(
        "tagging", folder / train, valid and folder / valid, test=folder / test, out=args.out, preset=preset,
        settings={**settings, **({"vectors": args.vectors} if args.vectors else {}), **read_settings(None, args.set)},
        seed=args.seed, repair=True, **READING.get(args.row, {}),
    )  # fmt: skip
    return None


def word_vectors(data, out, seed):
    """Vectors of the words of `ud-gsd`'s kind, from plain text."""
    out.mkdir(parents=True, exist_ok=True)
    sentences = read_conll(data / "tagging" / GSD[0])
    (out / "words.txt").write_text("".join(" ".join(each.tokens) + "\n" for each in sentences), "utf-8")
    segmenter = nlpkit.train("tagging", out / "words.txt", out=out / "segmenter", preset="fast", seed=seed, force=True)
    with gzip.open(data / "word2vec" / "corpus.txt.gz") as source, open(out / "text.txt", "wb") as target:
        shutil.copyfileobj(source, target)
    segmenter.predict_file(out / "text.txt", out / "cut.txt")
    nlpkit.train(
        "word2vec", out / "cut.txt", out=out / "model", settings={"epochs": 3}, seed=seed, force=True, cut="spaces"
    )  # fmt: skip
    nlpkit.convert(out / "model", out / "vectors.txt", force=True)


if __name__ == "__main__":
    main()

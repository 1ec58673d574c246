"""The settings behind each row of the table of word vectors of docs/benchmarks/word-vectors.md.

    python scripts/train_word2vec.py ROW --data DATA --out DIR

DATA (or the variable NLPKIT_BENCH_DATA) is the folder that holds `word2vec/`. The text is cut by jieba, which takes a
minute or two the first time.
"""

import argparse
import os
import tempfile
from pathlib import Path

import nlpkit
from nlpkit.datasets.files import read_lines

ROWS = {"skipgram": {"architecture": "skipgram"}, "cbow": {"architecture": "cbow"}}
_VALID = 1000  # lines that are measured after each epoch; they stay in the training text


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
    folder = args.data / "word2vec"
    with tempfile.TemporaryDirectory() as temporary:
        valid = Path(temporary) / "valid.txt"
        lines = (line for (_, line), _ in zip(read_lines(folder / "corpus.txt.gz"), range(_VALID)))
        valid.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        trained = nlpkit.train(
            "word2vec", folder / "corpus.txt.gz", valid, test=folder / "wordsim-240.txt", out=args.out,
            settings=ROWS[args.row], seed=args.seed, resume=args.resume,
        )  # fmt: skip
    analogies = trained.evaluate(folder / "ca8-semantic.txt")
    print(f"CA8 semantic: accuracy {analogies['accuracy']:.4f}, coverage {analogies['coverage']:.4f}")


if __name__ == "__main__":
    main()

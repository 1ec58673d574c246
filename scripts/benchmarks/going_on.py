"""What going on from a model buys, with 50, 200 and 1,000 sentences of one's own. Prints Markdown.

    python scripts/benchmarks/going_on.py --data DATA [--seed 0]

Each row is trained twice on the same first sentences of a training file that the model never saw: from nothing, with
jieba's dictionary where the start has it, and from the model. Both have the default number of steps and are measured on
the same file.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import nlpkit
from nlpkit.datasets import read_conll

SIZES = (50, 200, 1000)
ROWS = {
    "words, SXU test": ("tagging", "zh-words", "f1", {"lexicon": "jieba"}),
    "entities, Resume test": ("tagging", "zh-words", "f1", {"lexicon": "jieba"}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--rows", nargs="*", default=[*ROWS], choices=ROWS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    print("| data | sentences | from nothing | from the model | the model | seconds |\n|---|---:|---:|---:|---|---:|")
    for row in args.rows:
        task, start, metric, settings = ROWS[row]
        blocks, test, reading = SOURCES[row](args.data)
        for size in SIZES:
            with tempfile.TemporaryDirectory() as folder:
                train = Path(folder, "train" + test.suffix)
                train.write_text("".join(blocks[:size]), "utf-8")
                begin, scores = time.perf_counter(), []
                for name, more in ((None, settings), (start, {})):
                    model = nlpkit.train(
                        task, train, out=Path(folder, name or "nothing"), start=name, seed=args.seed,
                        settings={**more, "onnx": "off"}, **reading,
                    )  # fmt: skip
                    scores.append(model.evaluate(test, **reading)[metric])
                took = time.perf_counter() - begin
            print(f"| {row} | {size:,} | {scores[0]:.4f} | {scores[1]:.4f} | `{start}` | {took:.0f} |", flush=True)


def _sxu(data):
    folder = data / "tagging" / "sxu-seg"
    lines = (folder / "train.txt").read_text("utf-8").splitlines(keepends=True)
    return lines, folder / "test.txt", {}


def _resume(data):
    folder = data / "tagging" / "resume-ner"
    sentences = read_conll(folder / "train.conll")
    blocks = ["".join(f"{a}\t{b}\n" for a, b in zip(each.tokens, each.labels)) + "\n" for each in sentences]
    return blocks, folder / "test.conll", {"repair": True}


SOURCES = dict(zip(ROWS, (_sxu, _resume)))

if __name__ == "__main__":
    main()

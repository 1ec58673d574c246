"""Words of `zh-words` beside those of jieba and rjieba, on 200 sentences judged by hand. Prints Markdown.

    python scripts/benchmarks/judged_words.py [--model DIR] [--data DATA]

The sentences are `data/tagging/judged-*.txt`, written for this: a space is a boundary that must be found, `_` one that
may be, and there is no other. With DATA (or NLPKIT_BENCH_DATA) F1 of words on the validation file of `ud-gsd` and the
test file of `sxu-seg` too.
"""

import argparse
import itertools
import os
from pathlib import Path

import jieba

import nlpkit
from nlpkit.datasets import read_conll

FOLDER = Path(__file__).parents[2] / "data" / "tagging"
KINDS = ("news", "chat", "prose")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="zh-words")
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    args = parser.parse_args()
    jieba.setLogLevel(60)
    model = nlpkit.load(args.model, nlpkit.Tagger)
    cutters = {
        f"`{args.model}`": lambda texts: [[token.text for token in answer.tokens] for answer in model.predict(texts)],
        "jieba": lambda texts: [jieba.lcut(text) for text in texts],
    }
    try:
        import rjieba

        cutters["rjieba"] = lambda texts: [rjieba.cut(text) for text in texts]
    except ImportError:
        print("rjieba is left out: pip install rjieba\n")
    judged = {kind: [parse(line) for line in (FOLDER / f"judged-{kind}.txt").open(encoding="utf-8")] for kind in KINDS}
    judged["all"] = [each for sentences in judged.values() for each in sentences]
    print("| boundaries | " + " | ".join(judged) + " | precision | recall | missed | wrong |")
    print("|---|" + "---:|" * (len(judged) + 4))
    for name, cut in cutters.items():
        seen = {kind: boundaries(sentences, cut) for kind, sentences in judged.items()}
        found, missed, wrong = seen["all"]
        scores = [2 * found / (2 * found + missed + wrong) for found, missed, wrong in seen.values()]
        scores += [found / (found + wrong), found / (found + missed)]
        print(f"| {name} | " + " | ".join(f"{score:.4f}" for score in scores) + f" | {missed} | {wrong} |")
    if args.data is None:
        return
    tagging = args.data / "tagging"
    files = {
        "ud-gsd valid": [each.tokens for each in read_conll(tagging / "ud-gsd" / "valid.conll")],
        "sxu-seg test": [line.split() for line in (tagging / "sxu-seg" / "test.txt").read_text("utf-8").splitlines()],
    }
    print("\n| F1 of words | " + " | ".join(files) + " |\n|---|" + "---:|" * len(files))
    for name, cut in cutters.items():
        print(f"| {name} | " + " | ".join(f"{words_f1(rows, cut):.4f}" for rows in files.values()) + " |")


def parse(line):
    """A sentence, and the places of the boundaries that must and of those that may be found."""
    text, must, may = "", set(), set()
    for character in line.rstrip("\n"):
        if character in " _":
            (must if character == " " else may).add(len(text))
        else:
            text += character
    return text, must, may


def boundaries(sentences, cut):
    """Of the boundaries that must be found how many were, and were not; and how many were found that are none."""
    found = missed = wrong = 0
    for (_, must, may), words in zip(sentences, cut([text for text, _, _ in sentences]), strict=True):
        ends = {end for _, end in places(words)[:-1]}
        found, missed, wrong = found + len(ends & must), missed + len(must - ends), wrong + len(ends - must - may)
    return found, missed, wrong


def words_f1(rows, cut):
    same = right = given = 0
    for row, words in zip(rows, cut(["".join(row) for row in rows]), strict=True):
        wanted, found = {*places(row)}, {*places(words)}
        same, right, given = same + len(wanted & found), right + len(wanted), given + len(found)
    return 2 * same / (right + given)


def places(words):
    """Where each word begins and ends."""
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word))
    return [*itertools.pairwise(ends)]


if __name__ == "__main__":
    main()

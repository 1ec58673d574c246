"""Word segmentation from file to file: speed and F1 against jieba and a CRFsuite with character templates.

    pip install "nlpkit[bench]"
    python scripts/benchmarks/tagging.py --data DATA [--models NAME=DIR …] [--megabytes 20] [--rounds 3]

DATA (or the variable NLPKIT_BENCH_DATA) holds `tagging/sxu-seg/train.txt` and `test.txt`, and
`word2vec/corpus.txt.gz`, whose first lines are the plain text. The models are folders that
`scripts/train_tagging.py` wrote. Every peer reads a file of lines and writes a file of words separated by spaces, as
one process, start-up included; the processes take turns, and each time is the median of the rounds. The CRFsuite is
trained here first (about two minutes); F1 is measured on the test file.
"""

import argparse
import gzip
import os
import statistics
import sys
import tempfile
from pathlib import Path

import crfsuite_peer
from workers import seconds_of

from nlpkit.metrics import segmentation_scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--models", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-crfsuite", action="store_true")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        name, source, target = args.worker
        return jieba_file(source, target) if name == "jieba" else crfsuite_peer.tag_file(name, source, target, spaced)
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    with tempfile.TemporaryDirectory() as folder:
        measure(args, Path(folder))
    return 0


def measure(args, folder):
    """Print the table."""
    sxu = args.data / "tagging" / "sxu-seg"
    gold = [line.split() for line in (sxu / "test.txt").read_text("utf-8").splitlines() if line.strip()]
    known = set((sxu / "train.txt").read_text("utf-8").split())
    (folder / "test.txt").write_text("".join("".join(words) + "\n" for words in gold), "utf-8")
    (folder / "line.txt").write_text("今天天气真好，我们去公园散步吧。\n", "utf-8")
    size = 0
    with gzip.open(args.data / "word2vec" / "corpus.txt.gz") as source, open(folder / "text.txt", "wb") as target:
        for line in source:
            size += target.write(line)
            if size >= args.megabytes * 1e6:
                break

    worker = [sys.executable, __file__, "--worker"]
    peers = {"jieba": [*worker, "jieba", "{}", "{}"]}
    if not args.skip_crfsuite:
        crfsuite_peer.train(labelled(sxu / "train.txt"), folder / "crfsuite.model")
        peers["CRFsuite, character templates"] = [*worker, str(folder / "crfsuite.model"), "{}", "{}"]
    for model in args.models:
        name, _, path = model.partition("=")
        peers[f"nlpkit, {name}"] = [
            sys.executable, "-m", "nlpkit", "predict", path, "--input", "{}", "--output", "{}"
        ]  # fmt: skip

    times = {name: {"text": [], "line": []} for name in peers}
    for _ in range(args.rounds):
        for name, command in peers.items():
            for kind in ("text", "line"):
                times[name][kind].append(seconds_of(command, folder / f"{kind}.txt", folder / "out.txt"))
    print(f"{size / 1e6:.1f} MB of text, {args.rounds} rounds, {os.cpu_count()} cores\n")
    print("| peer | KB/s | ratio | first answer, s | test F1 | OOV recall |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, command in peers.items():
        text, line = (statistics.median(times[name][kind]) for kind in ("text", "line"))
        if name == "jieba":
            base = text
        seconds_of(command, folder / "test.txt", folder / "out.txt")
        found = [line.split() for line in (folder / "out.txt").read_text("utf-8").splitlines()]
        scores = segmentation_scores(gold, found, known)
        print(
            f"| {name} | {size / text / 1000:,.0f} | {base / text:.2f}× | {line:.2f} "
            f"| {scores['f1']:.4f} | {scores['oov_recall']:.4f} |"
        )


def jieba_file(source, target):
    """jieba's default mode, line by line."""
    import jieba

    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            out.write(" ".join(jieba.cut(line.rstrip("\n"))) + "\n")


def templates(text):
    """Ten character templates: unigrams and bigrams in a window of two to each side, and the character's class."""
    padded = f"  {text}  "
    features = []
    for i in range(2, len(padded) - 2):
        a, b, c, d, e = padded[i - 2 : i + 3]
        kind = "digit" if c.isdigit() else "letter" if c.isascii() and c.isalpha() else "other"
        features.append(
            [
                f"a={a}",
                f"b={b}",
                f"c={c}",
                f"d={d}",
                f"e={e}",
                f"ab={a}{b}",
                f"bc={b}{c}",
                f"cd={c}{d}",
                f"de={d}{e}",
                kind,
            ]
        )
    return features


def labelled(source):
    """Features and tags of the characters of each line of words."""
    for line in source.read_text("utf-8").splitlines():
        words = line.split()
        if words:
            tags = [tag for w in words for tag in ("S" if len(w) == 1 else "B" + "M" * (len(w) - 2) + "E")]
            yield templates("".join(words)), tags


def spaced(text, tag):
    """A line of words, by a function from features to tags."""
    tags = tag(templates(text)) if text else []
    return "".join(c + (" " if tag in "ES" else "") for c, tag in zip(text, tags)).rstrip()


if __name__ == "__main__":
    sys.exit(main())

"""Parts of speech of given words, from file to file: accuracy and speed beside a CRFsuite with the usual templates.

    pip install "nlpkit[bench]"
    python scripts/benchmarks/tokens.py --data DATA --models NAME=DIR … [--repeat 60] [--rounds 3]

DATA (or the variable NLPKIT_BENCH_DATA) holds `tagging/ud-gsd/train.conll` and `valid.conll`. The models are folders
that `scripts/train_tagging.py` wrote for the row `pos`. CRFsuite is trained here first, on templates of words, affixes,
shape and context. Every peer reads a file of lines of words with spaces between them, the validation sentences
`--repeat` times over, and writes words with their tags, as one process, start-up included; the processes take turns,
and each time is the median of the rounds.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import crfsuite_peer
from workers import seconds_of

from nlpkit.datasets import read_conll
from nlpkit.metrics import label_scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--models", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--repeat", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return crfsuite_peer.tag_file(*args.worker, tagged)
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    with tempfile.TemporaryDirectory() as folder:
        measure(args, Path(folder))
    return 0


def measure(args, folder):
    """Print the table."""
    train, valid = ([*read_conll(args.data / "tagging" / "ud-gsd" / f"{name}.conll")] for name in ("train", "valid"))
    known = {token for sentence in train for token in sentence.tokens}
    lines = [" ".join(sentence.tokens) + "\n" for sentence in valid]
    total = args.repeat * sum(len(sentence.tokens) for sentence in valid)
    files = {"once": lines, "text": lines * args.repeat, "line": lines[:1]}
    for name, content in files.items():
        (folder / f"{name}.txt").write_text("".join(content), "utf-8")

    begin = time.perf_counter()
    crfsuite_peer.train(((templates(each.tokens), each.labels) for each in train), folder / "crfsuite.model")
    seconds = {"CRFsuite": time.perf_counter() - begin}
    sizes = {"CRFsuite": (folder / "crfsuite.model").stat().st_size}
    commands = {"CRFsuite": [sys.executable, __file__, "--worker", str(folder / "crfsuite.model"), "{}", "{}"]}
    for model in args.models:
        name, _, path = model.partition("=")
        manifest = json.loads((Path(path) / "task.json").read_text("utf-8"))
        seconds[name] = manifest["seconds"]
        sizes[name] = sum((Path(path) / each).stat().st_size for each in manifest["files"])
        commands[name] = [sys.executable, "-m", "nlpkit", "predict", path, "--input", "{}", "--output", "{}"]

    times = {name: {"text": [], "line": []} for name in commands}
    for _ in range(args.rounds):
        for name, command in commands.items():
            for kind in ("text", "line"):
                times[name][kind].append(seconds_of(command, folder / f"{kind}.txt", folder / "out.txt"))
    print(f"{total:,} words of text, {args.rounds} rounds, {os.cpu_count()} cores\n")
    print("| peer | accuracy | unknown words | words/s | ratio | first answer, s | trained in, s | model, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, command in commands.items():
        text, line = (statistics.median(times[name][kind]) for kind in ("text", "line"))
        ratio = statistics.median(times["CRFsuite"]["text"]) / text
        seconds_of(command, folder / "once.txt", folder / "out.txt")
        tags = [
            [word.rpartition("/")[2] for word in line.split()]
            for line in (folder / "out.txt").read_text("utf-8").splitlines()
        ]
        scores = label_scores([each.tokens for each in valid], [each.labels for each in valid], tags, known)
        print(
            f"| {name} | {scores['accuracy']:.4f} | {scores['unknown_accuracy']:.4f} | {total / text:,.0f} "
            f"| {ratio:.2f}× | {line:.2f} | {seconds[name]:.0f} | {sizes[name] / 1e6:.1f} |"
        )


def templates(words):
    """The word, its neighbours and pairs of them, its first and last one to three characters, and its shape."""
    padded = ["<2", "<1", *words, ">1", ">2"]
    features = []
    for i, word in enumerate(words):
        a, b, c, d, e = padded[i : i + 5]
        features.append(
            [
                f"w={c}", f"-2={a}", f"-1={b}", f"+1={d}", f"+2={e}", f"-1w={b}|{c}", f"w+1={c}|{d}",
                *(f"p{n}={word[:n]}" for n in (1, 2, 3) if len(word) >= n),
                *(f"s{n}={word[-n:]}" for n in (1, 2, 3) if len(word) >= n),
                f"length={min(len(word), 5)}", f"digit={word.isdigit()}", f"some digit={any(map(str.isdigit, word))}",
                f"ascii={word.isascii()}", f"capital={word[0].isupper()}", f"-1s={b[-1:]}", f"+1p={d[:1]}",
            ]
        )  # fmt: skip
    return features


def tagged(line, tag):
    """A line of words with their tags, by a function from features to tags."""
    words = line.split()
    tags = tag(templates(words)) if words else []
    return " ".join(f"{word}/{tag}" for word, tag in zip(words, tags))


if __name__ == "__main__":
    sys.exit(main())

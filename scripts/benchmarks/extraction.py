"""Triples from file to file: F1 and speed of trained folders beside jiagu, which ships a model of DuIE's predicates.

    pip install "nlpkit[bench]"
    python scripts/benchmarks/extraction.py --data DATA --models NAME=DIR … [--repeat 8] [--peer-sentences 400]

DATA (or the variable NLPKIT_BENCH_DATA) holds `extraction/duie/`. The models are folders that
`scripts/train_extraction.py` wrote. Each peer reads the sentences of the test file as one process, start-up included:
nlpkit all of them `--repeat` times over, jiagu the first `--peer-sentences` once, for it is slow. F1 is that of exact
triples, of all sentences and of those that jiagu read. What jiagu was trained on is not known; the test file may be
part of it. `--jobs seen` instead splits the F1 of folders on `extraction/webnlg-star/` by whether training has a
triple. `--jobs joined` puts sentences of DuIE's validation file together and reads these texts as a whole and sentence
by sentence.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import workers

import nlpkit
from nlpkit.metrics import triple_scores


def main():
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=[], metavar="NAME=DIR")
    parser.add_argument("--repeat", type=int, default=8)
    parser.add_argument("--peer-sentences", type=int, default=400)
    parser.add_argument("--jobs", choices=("files", "seen", "joined"), default="files")
    args = workers.parse(parser, {"jiagu": jiagu_triples})
    {"files": files, "seen": seen, "joined": joined}[args.jobs](args)


def read(path):
    """Texts and their triples."""
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [each["text"] for each in records], [triples_of(each["spo_list"]) for each in records]


def triples_of(spo_list):
    return {(each["subject"], each["predicate"], each["object"]) for each in spo_list}


def files(args):
    """Print the table of peers."""
    texts, gold = read(args.data / "extraction" / "duie" / "test.jsonl")
    part = gold[: args.peer_sentences]
    print(f"{len(texts):,} sentences, {args.repeat} times over; {os.cpu_count()} cores\n")
    print(f"| peer | F1, all | F1, first {len(part)} | sentences/s | first answer, s | model, MB |")
    print("|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        lines = [f"{text}\n" for text in texts]
        for name, content in (("once", lines), ("many", lines * args.repeat), ("line", lines[:1])):
            (folder / f"{name}.txt").write_text("".join(content), "utf-8")
        for model in args.models:
            name, _, path = model.partition("=")
            command = [
                sys.executable, "-m", "nlpkit", "predict", path, "--format", "jsonl", "--input", "{}", "--output", "{}",
            ]  # fmt: skip
            first, many, _ = (
                workers.seconds_of(command, folder / f"{kind}.txt", folder / "out.jsonl")
                for kind in ("line", "many", "once")
            )
            found = read(folder / "out.jsonl")[1]
            size = sum(
                (Path(path) / each).stat().st_size
                for each in json.loads((Path(path) / "task.json").read_text())["files"]
            )
            scores = [triple_scores(*pair)["f1"] for pair in ((gold, found), (part, found[: len(part)]))]
            rate = len(texts) * args.repeat / many
            print(f"| {name} | {scores[0]:.4f} | {scores[1]:.4f} | {rate:,.0f} | {first:.1f} | {size / 1e6:.1f} |")
        once = workers.work("jiagu", texts=texts[:1])
        result = workers.work("jiagu", texts=texts[: len(part)])
        found = [{tuple(triple) for triple in own} for own in result["triples"]]
        rate = len(part) / result["process"]
        print(f"| jiagu | – | {triple_scores(part, found)['f1']:.4f} | {rate:,.0f} | {once['process']:.1f} | – |")


def jiagu_triples(texts):
    """What jiagu finds in texts."""
    import jiagu

    return {"triples": [list(jiagu.knowledge(text) or ()) for text in texts]}


def seen(args):
    """Print the table of triples that training has, and of others."""
    folder = args.data / "extraction" / "webnlg-star"
    known = set().union(*read(folder / "train.jsonl")[1])
    texts, gold = read(folder / "test.jsonl")
    print("| model | F1 | in training, F1 | triples | not in training, F1 | triples |")
    print("|---|---:|---:|---:|---:|---:|")
    for model in args.models:
        name, _, path = model.partition("=")
        found = [{triple.key for triple in answer} for answer in nlpkit.load(path).predict(texts)]
        rows = [
            triple_scores(
                *([{key for key in own if (key in known) == is_known} for own in each] for each in (gold, found))
            )
            for is_known in (True, False)
        ]
        cells = " | ".join(f"{row['f1']:.4f} | {row['triples']}" for row in rows)
        print(f"| {name} | {triple_scores(gold, found)['f1']:.4f} | {cells} |")


def joined(args):
    """Print the table of texts of one, two and four sentences."""
    texts, gold = read(args.data / "extraction" / "duie" / "valid.jsonl")
    texts, gold = texts[:1200], gold[:1200]
    closed = [text if text[-1] in "。！？" else f"{text}。" for text in texts]
    print("| model | read | alone | two joined | four joined |\n|---|---|---:|---:|---:|")
    for model in args.models:
        name, _, path = model.partition("=")
        predictor = nlpkit.load(path)
        for context in ("text", "sentence"):
            predictor.metadata["context"] = context
            cells = []
            for count in (1, 2, 4):
                starts = range(0, len(texts), count)
                together = texts if count == 1 else ["".join(closed[i : i + count]) for i in starts]
                found = [{triple.key for triple in answer} for answer in predictor.predict(together)]
                right = [set().union(*gold[i : i + count]) for i in starts]
                cells.append(f"{triple_scores(right, found)['f1']:.4f}")
            print(f"| {name} | by {context} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

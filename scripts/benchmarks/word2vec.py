"""Word vectors against gensim in one run: words a second, quality, memory, and answers a second.

    python scripts/benchmarks/word2vec.py --data DATA --seeds 3

The text is cut by jieba once, for both. Size 100, window 5, 5 negatives, 5 epochs, subsampling 1e-3, words seen 5
times or more; gensim reads `corpus_file` with two workers, nlpkit is the command `nlpkit train`. Every training is a
process of its own, and the programs take turns. Words a second are those of the text, rare ones included, before
subsampling, times the epochs, by the wall time of training: for gensim that of `train`, for nlpkit that of its epochs,
with compiling and measuring. Given apart are the pass that finds the vocabulary, and the
rest of `nlpkit train`: starting, the model, the state to resume from, the report and the folder. Memory is the most
that the process held.

Answers are the ten nearest words of each line of a file, from file to file, start-up included: by `nlpkit predict`, and
by a program that asks gensim's `most_similar` line by line. The first answer is a file of one line.
"""

import argparse
import csv
import json
import os
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from workers import parse, run, work

_EPOCHS = 5
_VALID = 300  # lines that nlpkit measures after each epoch; they stay in the training text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--architectures", nargs="+", default=["skipgram", "cbow"])
    parser.add_argument("--alpha", type=float, default=0.025, help="gensim's learning rate; 0.025 is its default")
    parser.add_argument("--backends", nargs="*", default=["torch", "tensorflow"], help="of nlpkit")
    parser.add_argument("--lines", type=int, default=0, help="of the text; 0 means all")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="other settings of nlpkit")
    parser.add_argument("--questions", type=int, default=120_000, help="lines that nlpkit answers, gensim a sixteenth")
    workers = _cut, _train_gensim, _number_words, _measure_nlpkit, _answer_by_gensim
    args = parse(parser, {worker.__name__[1:]: worker for worker in workers})
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NLPKIT_CACHE"] = str(Path(folder) / "cache")
        _compare(args, Path(folder))


def _compare(args, folder):
    data = args.data / "word2vec"
    files = {"text": str(folder / "text.txt"), "valid": str(folder / "valid.txt"), "data": str(data)}
    cut = work("cut", source=str(data / "corpus.txt.gz"), lines=args.lines, **files)
    print(f"{cut['words']:,} words, {os.cpu_count()} cores; cut by jieba in {cut['process']:.0f} s")
    rows = []
    for architecture in args.architectures:
        runs = {"gensim": [], **{f"nlpkit, {backend}": [] for backend in args.backends}}
        for seed in range(args.seeds):
            for peer, done in runs.items():
                how = {"architecture": architecture, "seed": seed, "out": str(folder / peer), **files}
                if peer == "gensim":
                    found = work("train_gensim", alpha=args.alpha, **how)
                else:
                    found = _train_nlpkit(peer, args.set, **how)
                print(json.dumps({"peer": peer, "architecture": architecture, "seed": seed, **found}), file=sys.stderr)
                done.append({**found, "speed": cut["words"] * _EPOCHS / found["seconds"]})
        rows += [(architecture, peer, done) for peer, done in runs.items()]
    _print(rows)
    _compare_answers(args, folder)


def _train_nlpkit(peer, settings, architecture, seed, out, text, valid, data):
    """The command, as a user gives it, and what it wrote."""
    os.environ["KERAS_BACKEND"] = _backend(peer)
    shutil.rmtree(os.environ["NLPKIT_CACHE"])  # so that the text is read anew
    vocabulary = work("number_words", text=text)["seconds"]
    _, wall, memory = run(
        [
            sys.executable, "-m", "nlpkit", "train", "word2vec", "--train", text, "--valid", valid, "--out", out,
            "--force", "--cut", "spaces", "--seed", seed,
            "--set", *settings, f"architecture={architecture}", f"epochs={_EPOCHS}",
        ]
    )  # fmt: skip
    with open(Path(out) / "history.csv", encoding="utf-8") as file:
        seconds = sum(float(row["seconds"]) for row in csv.DictReader(file))
    scores = work("measure_nlpkit", model=out, data=data)
    return {"seconds": seconds, "rest": wall - seconds, "vocabulary": vocabulary, "memory": memory, **scores}


def _backend(peer):
    return peer.removeprefix("nlpkit, ")


def _compare_answers(args, folder):
    """The table of answers, by the models of the last training."""
    words = (folder / "frequent.txt").read_text("utf-8").split()
    print("\n| peer | lines | answers/s | ratio | first answer, s | peak memory, GB |\n|---|---:|---:|---:|---:|---:|")
    base = None
    for peer in ("gensim", *(f"nlpkit, {backend}" for backend in args.backends)):
        count = args.questions // 16 if peer == "gensim" else args.questions
        asked = random.Random(0).choices(words, k=count)
        times = []
        for lines in (asked[:1], asked):
            (folder / "asked.txt").write_text("".join(f"{word}\n" for word in lines), "utf-8")
            files = folder / peer, folder / "asked.txt", folder / "answers.txt"
            times.append(_time_answers(peer, *map(str, files)))
            answers = (folder / "answers.txt").read_text("utf-8").splitlines()
            if [len(answer.split()) for answer in answers] != [10] * len(lines):
                raise SystemExit(f"{peer} did not answer every line with ten words")
        (first, _), (seconds, memory) = times
        base = base or count / seconds
        print(
            f"| {peer} | {count:,} in {seconds:.0f} s | {count / seconds:,.0f} | {count / seconds / base:.1f}× | "
            f"{first:.1f} | {memory:.2f} |"
        )


def _time_answers(peer, model, source, target):
    """Seconds and peak memory of a process that answers the lines of a file."""
    if peer == "gensim":
        done = work("answer_by_gensim", model=model, source=source, target=target)
        return done["process"], done["peak"]
    os.environ["KERAS_BACKEND"] = _backend(peer)
    command = [sys.executable, "-m", "nlpkit", "predict", model, "--input", source, "--output", target]
    return run([*command, "--n-best", 10])[1:]


def _print(rows):
    print("\n| | peer | words/s | ratio | wordsim-240 | CA8 semantic | vocabulary, s | rest, s | peak memory, GB |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for architecture, peer, runs in rows:
        base = next(done for a, p, done in rows if (a, p) == (architecture, "gensim"))
        ratio = statistics.median(a["speed"] / b["speed"] for a, b in zip(runs, base))
        print(
            f"| {architecture} | {peer} | {statistics.mean(run['speed'] for run in runs):,.0f} | {ratio:.2f}× | "
            f"{_spread(runs, 'wordsim')} | {_spread(runs, 'ca8')} | "
            f"{statistics.mean(run['vocabulary'] for run in runs):.0f} | "
            f"{statistics.mean(run.get('rest', 0) for run in runs):.0f} | {max(run['memory'] for run in runs):.2f} |"
        )


def _spread(runs, key):
    values = [run[key] for run in runs]
    return f"{statistics.mean(values):.4f}" + (f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else "")


def _cut(source, text, valid, lines, data):
    from nlpkit.tasks.word2vec.corpus import EDGE, read_corpus

    corpus, _ = read_corpus(source, "jieba")
    ends = (corpus.ids == EDGE).nonzero()[0]
    ids = corpus.ids[: ends[lines - 1] + 1] if lines else corpus.ids
    shown = [*corpus.words, "\n"]  # the last stands for the edge, whose number is -1
    with open(text, "w", encoding="utf-8") as file:
        for start in range(0, len(ids), 1 << 20):
            file.write(" ".join(shown[i] for i in ids[start : start + (1 << 20)]).replace("\n ", "\n") + " ")
    with open(text, encoding="utf-8") as file, open(valid, "w", encoding="utf-8") as out:
        out.writelines(line for _, line in zip(range(_VALID), file))
    return {"words": int((ids != EDGE).sum())}


def _train_gensim(architecture, seed, text, data, out, alpha, **_):
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=100, window=5, negative=5, min_count=5, sample=1e-3, workers=2, seed=seed, alpha=alpha,
        sg=int(architecture == "skipgram"),
    )  # fmt: skip
    begin = time.perf_counter()
    model.build_vocab(corpus_file=text)
    vocabulary, begin = time.perf_counter() - begin, time.perf_counter()
    model.train(
        corpus_file=text, total_words=model.corpus_total_words, total_examples=model.corpus_count, epochs=_EPOCHS
    )
    seconds = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    model.wv.save(out)
    (Path(out).parent / "frequent.txt").write_text(" ".join(model.wv.index_to_key[:20_000]), "utf-8")
    scores = _quality(model.wv.index_to_key, model.wv.vectors, data)
    return {"seconds": seconds, "vocabulary": vocabulary, "memory": memory, **scores}


def _number_words(text):
    from nlpkit.tasks.word2vec.corpus import read_corpus

    begin = time.perf_counter()
    read_corpus(text, "spaces")
    return {"seconds": time.perf_counter() - begin}


def _measure_nlpkit(model, data):
    import nlpkit

    words = nlpkit.load(model)
    return _quality(words.vocabulary.symbols, words.vectors, data)


def _quality(words, vectors, data):
    """Both programs by one definition."""
    import numpy as np

    from nlpkit.metrics import analogy_hits, spearman
    from nlpkit.tasks.word2vec.questions import read_questions

    places = {word: i for i, word in enumerate(words)}
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    known = {}
    for name in ("wordsim-240", "ca8-semantic"):
        questions = read_questions(Path(data) / f"{name}.txt")
        known[name] = [q for q in questions if all(word in places for word in q.words)]
    pairs = known["wordsim-240"]
    cosines = [float(unit[places[a]] @ unit[places[b]]) for a, b in (pair.words for pair in pairs)]
    rows = np.array([[places[word] for word in analogy.words] for analogy in known["ca8-semantic"]])
    scores = {"wordsim": spearman([pair.score for pair in pairs], cosines)}
    return {**scores, "ca8": float(analogy_hits(unit, rows).mean()), "pairs": len(pairs), "analogies": len(rows)}


def _answer_by_gensim(model, source, target):
    from gensim.models import KeyedVectors

    vectors = KeyedVectors.load(model)
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            out.write(" ".join(word for word, _ in vectors.most_similar(line.strip(), topn=10)) + "\n")
    return {}


if __name__ == "__main__":
    main()

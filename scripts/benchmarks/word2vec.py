"""Word vectors against gensim in one run: words a second, quality, memory.

    python scripts/benchmarks/word2vec.py --data DATA --seeds 3

The text is cut by jieba once, for both. Size 100, window 5, 5 negatives, 5 epochs, subsampling 1e-3, words seen 5
times or more; gensim reads `corpus_file` with two workers. Every training is a process of its own, and the programs
take turns. Words a second are those of the text, rare ones included, before subsampling, times the epochs, by the wall
time of training: for gensim that of `train`, for nlpkit that of its training loop, with compiling, measuring after each
epoch and saving. Given apart are the pass that finds the vocabulary, and the rest of `nlpkit.train`: starting the
backend, the model and the report.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_EPOCHS = 5
_VALID = 300  # lines that nlpkit measures after each epoch; they stay in the training text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--architectures", nargs="+", default=["skipgram", "cbow"])
    parser.add_argument("--backends", nargs="+", default=["torch", "tensorflow"], help="of nlpkit")
    parser.add_argument("--lines", type=int, default=0, help="of the text; 0 means all")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="other settings of nlpkit")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print("\n" + json.dumps(globals()[f"_{args.worker}"](**json.loads(sys.stdin.read()))))
        return
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NLPKIT_CACHE"] = str(Path(folder) / "cache")
        _compare(args, Path(folder))


def _compare(args, folder):
    data = args.data / "word2vec"
    files = {"text": str(folder / "text.txt"), "valid": str(folder / "valid.txt"), "data": str(data)}
    begin = time.perf_counter()
    words = _work("cut", source=str(data / "corpus.txt.gz"), lines=args.lines, **files)["words"]
    print(f"{words:,} words, {os.cpu_count()} cores; cut by jieba in {time.perf_counter() - begin:.0f} s")
    rows = []
    for architecture in args.architectures:
        runs = {"gensim": [], **{f"nlpkit, {backend}": [] for backend in args.backends}}
        for seed in range(args.seeds):
            for peer, done in runs.items():
                worker, _, os.environ["KERAS_BACKEND"] = peer.partition(", ")
                out = str(folder / "model")
                run = _work(worker, architecture=architecture, seed=seed, out=out, settings=args.set, **files)
                print(json.dumps({"peer": peer, "architecture": architecture, "seed": seed, **run}), file=sys.stderr)
                done.append({**run, "speed": words * _EPOCHS / run["seconds"]})
        rows += [(architecture, peer, done) for peer, done in runs.items()]
    _print(rows)


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


def _work(worker, **arguments):
    """Run a worker in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--worker", worker], input=json.dumps(arguments), capture_output=True,
        text=True, encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{worker} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _cut(source, text, valid, lines, data):
    from nlpkit.tasks.word2vec.examples import EDGE, read_corpus

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


def _gensim(architecture, seed, text, data, **_):
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=100, window=5, negative=5, min_count=5, sample=1e-3, workers=2, seed=seed,
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
    scores = _quality(model.wv.index_to_key, model.wv.vectors, data)
    return {"seconds": seconds, "vocabulary": vocabulary, "memory": memory, **scores}


def _nlpkit(architecture, seed, text, valid, data, out, settings):
    import nlpkit
    from nlpkit.prediction import train
    from nlpkit.tasks.word2vec.examples import read_corpus
    from nlpkit.training.config import read_settings

    training, seconds = train.train_model, []

    def timed(*args, **kwargs):
        begin = time.perf_counter()
        history = training(*args, **kwargs)
        seconds.append(time.perf_counter() - begin)
        return history

    train.train_model = timed
    os.environ["NLPKIT_CACHE"] += f"-{os.environ['KERAS_BACKEND']}-{architecture}-{seed}"
    begin = time.perf_counter()
    read_corpus(text, "spaces")
    vocabulary, begin = time.perf_counter() - begin, time.perf_counter()
    settings = {**read_settings(None, settings), "architecture": architecture, "epochs": _EPOCHS}
    trained = nlpkit.train("word2vec", text, valid, out=out, settings=settings, seed=seed, force=True, cut="spaces")
    rest = time.perf_counter() - begin - seconds[0]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    scores = _quality(trained.task.vocabulary.symbols, trained.task.vectors, data)
    return {"seconds": seconds[0], "rest": rest, "vocabulary": vocabulary, "memory": memory, **scores}


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


if __name__ == "__main__":
    main()

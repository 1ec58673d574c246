"""How fast sentences are encoded and found, and what a training step among a million groups costs.

    python scripts/benchmarks/similarity_speed.py step --backends tensorflow jax torch
    python scripts/benchmarks/similarity_speed.py search --model DIR --text FILE
    python scripts/benchmarks/similarity_speed.py file --model DIR --text FILE

`step`: the default network and batch, 4,000 random sentences of 20 characters; a softmax over 1,000 groups, and over a
million of which a step compares with 8,192. Each backend in a process of its own, median of the steps.

`search`: distinct sentences of 6 to 48 characters are cut from a text at its full stops and encoded; 200 others are
looked for among them one after the other, exactly and by cells, 20 nearest; recall is that of the 10 nearest.

`file`: `nlpkit predict` from a file of such sentences of 8 to 36 characters, which are as long as questions on average,
to vectors as `.npy`, start-up included.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GROUPS = (1000, 1_000_000)
SENTENCES = 4000
QUERIES = 200


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["step", "search", "file"])
    parser.add_argument("--backends", nargs="+", default=["tensorflow"], choices=["tensorflow", "jax", "torch"])
    parser.add_argument("--model", help="folder of a model")
    parser.add_argument("--text", help="a text file, plain or .gz")
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--groups", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.groups:
        print(json.dumps(measure_step(args.groups)))
    elif args.part == "step":
        compare_steps(args.backends)
    elif not args.model or not args.text:
        parser.error("give --model and --text")
    else:
        {"search": search, "file": from_file_to_file}[args.part](args)


def compare_steps(backends):
    print("| backend | 1,000 groups, ms | 1,000,000 groups, ms | ratio | peak memory, GB |\n|---|---:|---:|---:|---:|")
    for backend in backends:
        (few, _), (many, memory) = (run_step(backend, groups) for groups in GROUPS)
        print(f"| {backend} | {few:.1f} | {many:.1f} | {many / few:.2f} | {memory:.2f} |", flush=True)


def run_step(backend, groups):
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "step", "--groups", str(groups)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(result.stderr)
    return json.loads(result.stdout.strip().splitlines()[-1])


def measure_step(num_groups):
    """Median milliseconds of a training step, and the peak memory in GB."""
    import numpy as np

    from nlpkit.optimizers import RowAdam
    from nlpkit.tasks.similarity.config import SimilaritySettings
    from nlpkit.tasks.similarity.examples import Sentence
    from nlpkit.tasks.similarity.task import SentenceVectors
    from nlpkit.tasks.task import Data
    from nlpkit.training.steps import TrainingSteps

    rng = np.random.default_rng(0)
    texts = ["".join(map(chr, rng.integers(0x4E00, 0x4E00 + 3000, 20))) for _ in range(SENTENCES)]
    # As many groups as sentences have been read; the others are given weights below.
    examples = [Sentence(text, str(i % (SENTENCES // 4)), i) for i, text in enumerate(texts)]
    settings = SimilaritySettings.create({})
    task = SentenceVectors.build(settings, Data(examples))
    batches = task.batches(examples, 0)
    if num_groups > SENTENCES // 4:
        groups = rng.permutation(num_groups)[: SENTENCES // 4]
        groups[-1] = num_groups - 1
        numbers = groups[np.arange(SENTENCES) % len(groups)].astype("int32")
        task.network.add_classes(task.encoded(texts), numbers)
        batches = _OtherGroups(batches, groups, num_groups, settings.sampled_groups)
    model = task.network.training_model
    model.compile(RowAdam(1e-3, clipnorm=5.0), task.loss)
    model.optimizer.build(model.trainable_variables)
    steps, times = TrainingSteps(model), []
    for epoch in range(2):
        begin = time.perf_counter()
        for _ in steps.run(batches, epoch, 0):
            now = time.perf_counter()
            times += [1000 * (now - begin)] * epoch  # the first epoch compiles
            begin = now
    return statistics.median(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


class _OtherGroups:
    """Batches whose groups are some of a million."""

    def __init__(self, batches, groups, num_groups, count):
        self._batches, self._groups, self._num_groups, self._count = batches, groups, num_groups, count

    def __len__(self):
        return len(self._batches)

    def epoch(self, epoch, start):
        import numpy as np

        from nlpkit.tasks.similarity.batches import sample_groups

        rng = np.random.default_rng(epoch)
        for arrays, targets in self._batches.epoch(epoch, start):
            compared, places = sample_groups(self._groups[targets], self._num_groups, self._count, rng)
            yield {**arrays, "compared": compared}, places


def sentences_of(path, count, least, most):
    """Distinct sentences of a text with so many characters, the first so many."""
    from nlpkit.datasets.files import read_lines

    found = {}
    for _, line in read_lines(path):
        for sentence in re.split("[。！？；!?]", line):
            if least <= len(sentence) <= most and "\t" not in sentence:
                found.setdefault(sentence.strip())
        if len(found) >= count:
            break
    chosen = list(found)[:count]
    print(f"{len(chosen):,} sentences of {statistics.mean(map(len, chosen)):.1f} characters on average", flush=True)
    return chosen


def search(args):
    import numpy as np

    import nlpkit
    from nlpkit.tasks.similarity.index.cells import CellIndex
    from nlpkit.tasks.similarity.index.table import VectorTable

    task = nlpkit.load(args.model)
    texts = sentences_of(args.text, args.sentences + QUERIES, 6, 48)
    begin = time.perf_counter()
    vectors = task.encode_texts(texts)
    print(f"{len(texts):,} sentences encoded in {time.perf_counter() - begin:.0f} s")
    order = np.random.default_rng(0).permutation(len(texts))
    queries, known = vectors[order[:QUERIES]], vectors[order[QUERIES:]]
    begin = time.perf_counter()
    cells = CellIndex.build(known)
    built = time.perf_counter() - begin
    print("| search | p50, ms | p99, ms | recall | built in, s |\n|---|---:|---:|---:|---:|")
    exact, times = _each(VectorTable(known), queries)
    print(f"| exact | {np.median(times):.2f} | {np.quantile(times, 0.99):.2f} | 1 | |")
    found, times = _each(cells, queries)
    recall = np.mean([len({*a[:10]} & {*b[:10]}) / 10 for a, b in zip(exact, found)])
    print(f"| cells | {np.median(times):.2f} | {np.quantile(times, 0.99):.2f} | {recall:.4f} | {built:.1f} |")


def _each(index, queries):
    """Rows found for each query by itself, and milliseconds."""
    rows, times = [], []
    for i in range(len(queries)):
        begin = time.perf_counter()
        rows.append(index.nearest(queries[i : i + 1], 20)[1][0].tolist())
        times.append(1000 * (time.perf_counter() - begin))
    return rows, times


def from_file_to_file(args):
    texts = sentences_of(args.text, args.sentences, 8, 36)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.txt"
        for lines in ([texts[0]], texts):
            source.write_text("".join(f"{text}\n" for text in lines), "utf-8")
            command = ["predict", args.model, "--input", str(source), "--output", f"{folder}/out.npy"]
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-m", "nlpkit", *command], check=True, capture_output=True)
            seconds = time.perf_counter() - begin
            print(f"{len(lines):,} sentences in {seconds:.1f} s: {len(lines) / seconds:,.0f} a second", flush=True)


if __name__ == "__main__":
    main()

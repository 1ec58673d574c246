"""A training step on a big table: row-sparse optimizers against stock ones, on each backend.

    python scripts/benchmarks/rows.py --backends tensorflow jax torch

A model looks up 64 × 32 ids, drawn at random, in a table of 200,000 × 128, and fits the mean of these rows. The stock
peer is `keras.layers.Embedding` with the optimizer of Keras of the same name. Both run in one process, in turns; the
time is the median over steps.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

OPTIMIZERS = ("Adam", "Adagrad", "SGD")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=["tensorflow"], choices=["tensorflow", "jax", "torch"])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(measure(args.worker, args)))
        return
    print("| backend | optimizer | stock, ms | rows, ms | ratio |\n|---|---|---:|---:|---:|")
    for backend in args.backends:
        for name in OPTIMIZERS:
            stock, rows = run(backend, name)
            print(f"| {backend} | {name} | {stock:.1f} | {rows:.2f} | {stock / rows:.0f}× |", flush=True)


def run(backend, name):
    """Milliseconds of a step with the stock and the row-sparse optimizer, from a process of their own."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, *sys.argv[1:], "--worker", name]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(result.stderr)
    return json.loads(result.stdout.strip().splitlines()[-1])


def measure(name, args):
    import keras
    import numpy as np

    import nlpkit.layers
    import nlpkit.optimizers
    from nlpkit.training.steps import TrainingSteps

    rng = np.random.default_rng(0)

    class Batches:
        def __len__(self):
            return args.steps

        def epoch(self, epoch, start):
            for _ in range(start, args.steps):
                ids = rng.integers(0, args.rows, (args.batch, args.length)).astype("int32")
                yield ids, np.zeros((args.batch, args.size), "float32")

    steps = []
    for embedding, optimizer in (
        (keras.layers.Embedding, getattr(keras.optimizers, name)),
        (nlpkit.layers.RowEmbedding, getattr(nlpkit.optimizers, f"Row{name}")),
    ):
        ids = keras.Input((args.length,), dtype="int32")
        x = keras.layers.GlobalAveragePooling1D()(embedding(args.rows, args.size)(ids))
        model = keras.Model(ids, x)
        model.compile(optimizer(0.01), "mse")
        model.optimizer.build(model.trainable_variables)
        steps.append(TrainingSteps(model))
    times = [[], []]
    for turn in range(3):
        for each, kept in zip(steps, times):
            begin = time.perf_counter()
            for i, _ in enumerate(each.run(Batches(), 0, 0)):
                now = time.perf_counter()
                if turn and i:  # the first steps compile
                    kept.append(1000 * (now - begin))
                begin = now
    return [statistics.median(each) for each in times]


if __name__ == "__main__":
    main()

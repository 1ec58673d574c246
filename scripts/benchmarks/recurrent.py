"""A training step of a recurrent layer that reads both ways, of Keras and of nlpkit, side by side.

    python scripts/benchmarks/recurrent.py [--backends tensorflow jax torch] [--rounds 3]

32 texts of 256 steps, of which 200 are real, 128 numbers in, 128 of each direction out, between an embedding and one
dense unit. Each backend runs in a process of its own; the two layers take turns, and the best of all steps counts.
"""

import argparse
import json
import os
import subprocess
import sys
import time

BATCH, TIME, UNITS = 32, 256, 128


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jit", choices=("yes", "no"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.jit:
        print(json.dumps(measure(args.rounds, args.jit == "yes")))
        return
    print("| backend | keras.layers.GRU, ms | MaskedGRU, ms | ratio |")
    print("|---|---:|---:|---:|")
    for backend in args.backends:
        for jit in ("no", "yes") if backend == "tensorflow" else ("no",):
            result = subprocess.run(
                [sys.executable, __file__, "--jit", jit, "--rounds", str(args.rounds)], capture_output=True, text=True,
                env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}, check=True,
            )  # fmt: skip
            stock, own = json.loads(result.stdout.splitlines()[-1])
            name = f"{backend}, compiled by XLA" if jit == "yes" else backend
            print(f"| {name} | {stock * 1000:.0f} | {own * 1000:.0f} | {stock / own:.1f}× |")


def measure(rounds, jit):
    """Seconds of a step with Keras' layer and with nlpkit's."""
    import keras
    import numpy as np

    from nlpkit.layers import MaskedGRU

    stock = keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True))
    tokens = np.random.default_rng(0).integers(1, 1000, (BATCH, TIME)).astype("int32")
    tokens[:, 200:] = 0
    targets = np.zeros((BATCH, TIME, 1), "float32")
    steps = [step_of(layer, jit, tokens, targets) for layer in (stock, MaskedGRU(UNITS, bidirectional=True))]
    best = [float("inf")] * 2
    for _ in range(rounds):
        for i, step in enumerate(steps):
            for _ in range(4):
                begin = time.perf_counter()
                step()
                best[i] = min(best[i], time.perf_counter() - begin)
    return best


def step_of(layer, jit, tokens, targets):
    import keras

    ids = keras.Input((TIME,), dtype="int32")
    x = layer(keras.layers.Embedding(1000, UNITS)(ids), mask=ids != 0)
    model = keras.Model(ids, keras.layers.Dense(1)(x))
    model.compile("sgd", "mse", jit_compile=jit or (keras.backend.backend() == "jax"))
    model.train_on_batch(tokens, targets)
    return lambda: model.train_on_batch(tokens, targets)


if __name__ == "__main__":
    main()

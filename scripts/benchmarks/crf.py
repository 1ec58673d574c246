"""CRF speed against pytorch-crf: loss with gradient, and Viterbi decoding, at four sizes.

    pip install "nlpkit[bench]"
    python scripts/benchmarks/crf.py [--backends tensorflow jax torch] [--rounds 3]

Every peer runs in a process of its own; the processes take turns for some rounds, and each figure is the median of
the rounds' medians. Times are milliseconds for one batch, without the first call (which compiles). Both sides get the
same shapes, lengths between half and all of `time`, and use both cores.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SIZES = [(64, 128, 10), (64, 128, 50), (256, 64, 4), (16, 1024, 10)]
REPEATS = 15


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=["tensorflow"], choices=["tensorflow", "jax", "torch"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        measure = measure_pytorch_crf if args.worker == "pytorch-crf" else measure_nlpkit
        print(json.dumps([measure(*size) for size in SIZES]))
        return

    peers = ["pytorch-crf", *args.backends]
    rounds = {peer: [] for peer in peers}
    for _ in range(args.rounds):
        for peer in peers:
            rounds[peer].append(run_worker(peer))
    print("| batch × time × tags | peer | loss + gradient, ms | ratio | Viterbi, ms | ratio |")
    print("|---|---|---:|---:|---:|---:|")
    for i, size in enumerate(SIZES):
        for peer in peers:
            loss, viterbi = (statistics.median(r[i][k] for r in rounds[peer]) for k in (0, 1))
            if peer == "pytorch-crf":
                base = loss, viterbi
            name = peer if peer == "pytorch-crf" else f"nlpkit, {peer}"
            ratios = f"{base[0] / loss:.1f}×", f"{base[1] / viterbi:.1f}×"
            print(f"| {' × '.join(map(str, size))} | {name} | {loss:.2f} | {ratios[0]} | {viterbi:.2f} | {ratios[1]} |")


def run_worker(peer):
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")
    if peer != "pytorch-crf":
        environment["KERAS_BACKEND"] = peer
    command = [sys.executable, __file__, "--worker", peer]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(result.stdout)


def arrays(batch, length, num_tags):
    import numpy as np

    rng = np.random.default_rng(0)
    emissions = rng.normal(size=(batch, length, num_tags)).astype("float32")
    tags = rng.integers(0, num_tags, (batch, length))
    mask = np.arange(length) < rng.integers(length // 2, length + 1, (batch, 1))
    return emissions, tags, mask


def measure_pytorch_crf(*size):
    import torch
    from torchcrf import CRF

    emissions, tags, mask = map(torch.tensor, arrays(*size))
    emissions.requires_grad_()
    crf = CRF(size[-1], batch_first=True)

    def loss_and_gradient():
        emissions.grad = None
        crf.zero_grad()
        (-crf(emissions, tags, mask=mask, reduction="mean")).backward()

    return median_ms(loss_and_gradient), median_ms(lambda: crf.decode(emissions, mask=mask))


def measure_nlpkit(*size):
    """Loss and its gradient by emissions and transitions; Viterbi with its tags as a NumPy array."""
    import keras
    from keras import ops

    from nlpkit.ops import linear_chain

    emissions, tags, mask = map(ops.convert_to_tensor, arrays(*size))
    transitions = ops.convert_to_tensor(arrays(1, size[-1], size[-1])[0][0])
    backend = keras.backend.backend()

    def loss(emissions, transitions):
        return -ops.mean(linear_chain.log_likelihood(emissions, tags, transitions, mask=mask))

    if backend == "tensorflow":
        import tensorflow as tf

        @tf.function
        def step(emissions, transitions):
            with tf.GradientTape() as tape:
                tape.watch([emissions, transitions])
                value = loss(emissions, transitions)
            return value, tape.gradient(value, [emissions, transitions])

    elif backend == "jax":
        import jax

        step = jax.jit(jax.value_and_grad(loss, (0, 1)))
    else:
        emissions.requires_grad_()
        transitions.requires_grad_()

        def step(emissions, transitions):
            emissions.grad = transitions.grad = None
            value = loss(emissions, transitions)
            value.backward()
            return value.detach(), (emissions.grad, transitions.grad)

    def decode():
        free = ops.stop_gradient(emissions), ops.stop_gradient(transitions)
        return ops.convert_to_numpy(linear_chain.viterbi_decode(*free, mask=mask)[0])

    return (
        median_ms(lambda: [ops.convert_to_numpy(g) for g in step(emissions, transitions)[1]]),
        median_ms(decode),
    )


def median_ms(function):
    function()
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    main()

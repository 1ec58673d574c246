"""Kill training with SIGKILL at random moments, resume it, and compare every weight with an uninterrupted run.

    python scripts/benchmarks/resume.py [--task tagging] [--kills 20] [--seed 0]

Trains a small model on the built-in samples. Each trial is killed once at a random moment between the start of the
process and the end of the uninterrupted run, every third one a second time while it resumes; then it runs to the
end. Compared bit for bit: all arrays of the last state (weights, optimiser slots, moving average, dropout seeds,
metrics), the best weights and the saved model.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SAMPLES = Path(__file__).parents[2] / "data"
TASKS = {
    "tagging": (
        ("words-train.txt", "words-test.txt"),
        ["epochs=4", "batch_size=8", "width=16", "char_dim=16", "bigram_dim=8", "dilations=1", "save_every=7"],
    ),
    "tagging, tokens": (
        ("pos-train.conll", "pos-test.conll"),
        ["epochs=6", "batch_size=8", "width=16", "char_dim=16", "token_dim=16", "encoder=gru", "save_every=7"],
    ),
    "couplet": (
        ("couplets-train.tsv", "couplets-test.tsv"),
        ["epochs=8", "batch_size=8", "width=16", "lower_width=16", "dilations=1", "save_every=7"],
    ),
    "similarity": (
        ("questions-train.tsv", "questions-test.tsv"),
        ["epochs=6", "batch_size=16", "width=16", "char_dim=16", "bigram_dim=16", "vector_size=16", "save_every=7"],
    ),
    "title": (
        ("articles-train.jsonl", "articles-test.jsonl"),
        [
            "epochs=3",
            "batch_size=8",
            "width=16",
            "decoder_width=16",
            "char_dim=16",
            "layers=1",
            "max_text=64",
            "replace=0.1",
            "save_every=7",
        ],
    ),
    "extraction": (
        ("triples-train.jsonl", "triples-test.jsonl"),
        [
            "epochs=3",
            "batch_size=8",
            "accumulate=2",
            "width=16",
            "char_dim=16",
            "layers=1",
            "head_dim=8",
            "pair_width=16",
            "lexicon=",
            "save_every=7",
        ],
    ),
    "word2vec": (("text.txt", "text.txt"), ["epochs=40", "save_every=7"]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default="tagging")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        begin = time.monotonic()
        run(args.task, folder / "whole")
        seconds = time.monotonic() - begin
        expected = content(folder / "whole")
        print(f"uninterrupted: {seconds:.1f} s, {len(expected)} arrays")
        right = 0
        for trial in range(args.kills):
            out = folder / f"trial{trial}"
            moments = [rng.uniform(0, seconds) for _ in range(2 if trial % 3 == 2 else 1)]
            for moment in moments:
                run(args.task, out, kill_after=moment)
            run(args.task, out)
            found = content(out)
            same = found.keys() == expected.keys() and all(
                np.array_equal(found[key], expected[key]) for key in expected
            )
            right += same
            print(f"killed after {', '.join(f'{m:.1f} s' for m in moments)}: {'identical' if same else 'DIFFERENT'}")
        print(f"{right} of {args.kills} identical")
    return 0 if right == args.kills else 1


def run(task, out, kill_after=None):
    """Train, or go on; kill the process after some seconds."""
    (train, valid), settings = TASKS[task]
    task = task.partition(",")[0]
    command = [
        sys.executable, "-m", "nlpkit", "train", task, "--train", str(SAMPLES / task / train),
        "--valid", str(SAMPLES / task / valid), "--out", str(out), "--resume", "--set", *settings,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, errors = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return
    if process.returncode:
        sys.exit(errors.decode())


def content(folder):
    """All arrays of a run."""
    arrays = {}
    for path in (folder / "resume").glob("*.npz"):
        with np.load(path) as file:
            arrays.update({f"{path.name}/{key}": file[key] for key in file.files if key != "values"})
    arrays["weights.bin"] = np.fromfile(folder / "weights.bin", "uint8")
    return arrays


if __name__ == "__main__":
    sys.exit(main())

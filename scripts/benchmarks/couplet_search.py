"""How far the beam of the couplet search is from the best answer, on lines short enough to try all answers.

    python scripts/benchmarks/couplet_search.py MODEL --data DATA

A beam as wide as there are beginnings of an answer leaves nothing out, so it enumerates all answers from the
candidates of each position.
"""

import argparse
import os
from pathlib import Path

import numpy as np

import nlpkit
from nlpkit.tasks.couplet.config import CoupletPrediction
from nlpkit.tasks.couplet.examples import UpperLine, read_couplets

_LENGTH = 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a folder of the couplet task")
    parser.add_argument("--data", default=os.environ.get("NLPKIT_BENCH_DATA"), type=Path)
    parser.add_argument("--lines", type=int, default=100)
    args = parser.parse_args()
    if args.data is None:
        parser.error("give --data, or set NLPKIT_BENCH_DATA")
    task = nlpkit.load(args.model)
    uppers = [couplet.upper for couplet in read_couplets(args.data / "couplet" / "valid.tsv")[0]]
    # With a repetition where there is one, since those lines are the hard ones.
    uppers = sorted((upper for upper in uppers if len(upper) == _LENGTH), key=lambda upper: len(set(upper)))
    uppers = uppers[: args.lines]
    candidates = task.settings.candidates + _LENGTH
    exact = scores(task, uppers, candidates ** (_LENGTH - 1))
    repeated = sum(len(set(upper)) < _LENGTH for upper in uppers)
    print(f"{len(uppers)} lines of {_LENGTH} characters, {repeated} with a repetition; {candidates**_LENGTH:,} answers")
    print("\n| beam | finds the best answer | mean gap, nats | largest gap |")
    print("|---:|---:|---:|---:|")
    for width in (1, 2, 4, 8, 16):
        gap = exact - scores(task, uppers, width)
        print(f"| {width} | {np.mean(gap < 1e-3):.1%} | {gap.mean():.4f} | {gap.max():.3f} |")


def scores(task, uppers, width):
    """Score of the best answer that a beam of this width finds for each line; line by line, for a wide one is big."""
    search = task.prepare(CoupletPrediction(beam_width=width))
    return np.array([task.run(task.encode([UpperLine(upper)], search)[0])[1][0, 0] for upper in uppers])


if __name__ == "__main__":
    main()

"""Give readers, trained folders, predictions and the command line damaged and hostile input, and see what comes out.

    python scripts/benchmarks/mutations.py [--cases 1000000] [--seed 0] [--kinds KIND …]

Small models are trained on the built-in samples. Then bytes of data files, of the files of a trained folder (whose
hashes are made right, as an attacker would), values of options and records, and command lines are changed at random,
the same for the same seed. Only the errors of `nlpkit.errors` may come out, or exit status 2. Weights are few among
the cases, since each takes a tenth of a second to load.
"""

import argparse
import collections
import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from resume import SAMPLES, TASKS  # noqa: E402

import nlpkit  # noqa: E402
from nlpkit.artefacts.saving import save_folder  # noqa: E402
from nlpkit.options import read_settings  # noqa: E402
from tests.mutations import Mutations  # noqa: E402

SHARES = {"weights": 0.002, "folders": 0.05, "lines": 0.03, "options": 0.05, "command lines": 0.04}
"""Of all cases, of kinds that take longer; the others share the rest evenly."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", metavar="KIND")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        mutations = Mutations(train(Path(folder)), Path(folder))
        kinds = args.kinds or [*mutations.kinds]
        rest = (1 - sum(SHARES.get(kind, 0) for kind in kinds)) / max(1, sum(kind not in SHARES for kind in kinds))
        failures, total, start = collections.Counter(), 0, time.monotonic()
        print("| kind | cases | undocumented errors | s |\n|---|---:|---:|---:|")
        for kind in kinds:
            begin, count = time.monotonic(), round(args.cases * SHARES.get(kind, rest))
            for number in range(count):
                try:
                    mutations.run(kind, args.seed * args.cases + number)
                except AssertionError as error:
                    failures[kind] += 1
                    if failures[kind] <= 10:
                        print(error, file=sys.__stderr__, flush=True)
            total += count
            print(f"| {kind} | {count:,} | {failures[kind]} | {time.monotonic() - begin:.0f} |", flush=True)
        print(f"| all, seed {args.seed} | {total:,} | {sum(failures.values())} | {time.monotonic() - start:.0f} |")


def train(folder):
    """A small model of each kind, by name."""
    models = {}
    for task, ((train, valid), settings) in TASKS.items():
        name, out = task.partition(",")[0], folder / task.replace(", ", "-")
        settings = {**read_settings(None, settings), "epochs": 1}
        if task == "tagging":
            settings["lexicon"] = "train"
        nlpkit.train(name, SAMPLES / name / train, SAMPLES / name / valid, out=out, settings=settings)
        models["words" if task == "tagging" else task] = out
    indexed = nlpkit.load(models["similarity"]).with_index(["今天天气怎么样", "怎么去公园"])
    save_folder(indexed, folder / "index", {}, force=False)
    return {**models, "index": folder / "index"}


if __name__ == "__main__":
    main()

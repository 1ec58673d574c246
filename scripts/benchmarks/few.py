"""What few sentences teach: the first so many of CLUENER, trained as many are and as few are.

    python scripts/benchmarks/few.py --data DATA [--counts 100 300 1000]

With `least_steps=0` a training has the settings that suit many sentences, by default those that suit so few, see
`TrainingSettings.for_examples`. F1 is that of the validation file, from which the best epoch is chosen as well.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import nlpkit  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder that scripts/data.py describes")
    parser.add_argument("--counts", nargs="*", type=int, default=[100, 300, 1000])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    folder = Path(args.data) / "tagging" / "cluener"
    sentences = (folder / "train.conll").read_text("utf-8").split("\n\n")
    print("| sentences | as many are: F1 | s | as few are: F1 | s |\n|---|---:|---:|---:|---:|")
    for count in args.counts:
        row = []
        for settings in ({"least_steps": 0}, {}):
            with tempfile.TemporaryDirectory() as out:
                train = Path(out, "train.conll")
                train.write_text("\n\n".join(sentences[:count]) + "\n", "utf-8")
                begin = time.monotonic()
                model = nlpkit.train(
                    "tagging", train, folder / "valid.conll", out=f"{out}/model", settings=settings, seed=args.seed
                )
                row.append(f"{model.metrics['valid']['f1']:.4f} | {time.monotonic() - begin:.0f}")
        print(f"| {count:,} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()

"""The recipe for running a trained model over a file from Python.

python scripts/predict.py DIR INPUT OUTPUT [--format text|jsonl|conll]
"""

import argparse

import nlpkit


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--format")
    args = parser.parse_args()
    counts = nlpkit.load(args.model).predict_file(args.input, args.output, args.format)
    print(f"{counts.lines} lines, {counts.failed} of them bad")


if __name__ == "__main__":
    main()

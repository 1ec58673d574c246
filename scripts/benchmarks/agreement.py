"""On how many records of labelled files onnxruntime and Keras give the same answers.

    python scripts/benchmarks/agreement.py MODEL=FILE …

Answers are the same if all texts, places and labels in them are; of numbers, such as probabilities, which are rounded
to four digits, the largest difference is told. The rates are those of answering all records at once, and of asking for
them one by one, each the better of two.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from nlpkit.runs.artefact import load_artefact


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", metavar="MODEL=FILE")
    parser.add_argument("--singly", type=int, default=50, help="records that are asked for one by one")
    args = parser.parse_args()
    print(
        "| task | records | same | numbers differ by | onnx, records/s | Keras | onnx one by one | Keras one by one |"
    )
    print(f"|---|{'---:|' * 7}")
    for pair in args.pairs:
        folder, _, path = pair.partition("=")
        models = [load_artefact(folder, runtime=runtime) for runtime in ("onnx", "keras")]
        task = models[1]
        examples = task.read_measured(path).examples
        records = [record for record, _ in task.expected(examples, len(examples))]
        answers, rates, singly = zip(*(measured(model, records, args.singly) for model in models))
        same, most = 0, 0.0
        for one, other in zip(*answers, strict=True):
            left, right = flat(one.to_dict()), flat(other.to_dict())
            numbers = [(a, b) for a, b in zip(left, right) if isinstance(a, float) and isinstance(b, float)]
            is_same = [a for a in left if not isinstance(a, float)] == [a for a in right if not isinstance(a, float)]
            same += is_same
            if is_same:
                most = max([most, *(abs(a - b) for a, b in numbers)])
        print(
            f"| {task.declaration.name} | {len(records):,} | {same:,} | {most:.4f} | {rates[0]:,.0f} | {rates[1]:,.0f} "
            f"| {singly[0]:,.0f} | {singly[1]:,.0f} |",
            flush=True,
        )


def measured(model, records, count):
    """Answers, and records a second: of all at once, and of some one by one."""
    answers = model.answer(records)  # compiles
    rates, singly = [], []
    for _ in range(2):
        begin = time.perf_counter()
        model.answer(records)
        rates.append(len(records) / (time.perf_counter() - begin))
        begin = time.perf_counter()
        for record in records[:count]:
            model.answer([record])
        singly.append(len(records[:count]) / (time.perf_counter() - begin))
    return answers, max(rates), max(singly)


def flat(value):
    """The values of plain lists and dictionaries, in order."""
    if isinstance(value, dict):
        return [each for key in value for each in (key, *flat(value[key]))]
    if isinstance(value, (list, tuple)):
        return [each for item in value for each in flat(item)]
    return [value]


if __name__ == "__main__":
    main()

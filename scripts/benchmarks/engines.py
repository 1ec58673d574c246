"""Each task by what computes: the same answers, the time to the first one, and how many a second.

    python scripts/benchmarks/engines.py MODEL=FILE …

The files are labelled; of word vectors, words line by line. Answers of onnxruntime and Keras are the same if all texts,
places and labels in them are; of numbers, such as probabilities, which are rounded to four digits, the largest
difference is told. The rates are those of answering all records at once, and of asking for one after the other, each
the better of two; and of the latter by the method `predict` of Keras models, which is what a program of one's own would
call in a loop. The first answer comes from a process of its own.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nlpkit
from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.load import load_artefact
from nlpkit.prediction.predictor import answer_parsed
from nlpkit.tasks.task import read_labelled

COLUMNS = (
    "task", "records", "same", "numbers differ by", "first answer, s", "by Keras, s", "answers/s", "by Keras",
    "one by one", "by Keras", "by model.predict", "at once / model.predict",
)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", metavar="MODEL=FILE")
    parser.add_argument("--singly", type=int, default=50, help="records that are asked for one by one")
    args = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 1)}")
    for pair in args.pairs:
        print(f"| {' | '.join(row(*pair.split('='), args.singly))} |", flush=True)


def row(folder, path, singly):
    """The cells of a model."""
    models = [load_artefact(Folder.open(folder), runtime=runtime) for runtime in ("onnx", "keras")]
    task = models[1]
    if task.declaration.name == "word2vec":
        records = [task.parse(line) for line in Path(path).read_text("utf-8").splitlines()]
    else:
        examples = read_labelled(task, path).examples
        records = [record for record, _ in task.expected(examples, len(examples))]
    (*answers,), rates, alone = zip(*(measured(model, records, singly) for model in models))
    same, most = compared(*answers)
    looping = load_artefact(Folder.open(folder), runtime="keras")
    with looping.runtime.replaced({name: by_predict(graph) for name, graph in looping.network.graphs.items()}):
        looped = one_by_one(looping, records[:singly])
    first = nlpkit.benchmark(folder, runtimes=("onnx", "keras"), seconds=0.1)
    name = f"{task.declaration.name}, {Path(folder).name}"
    starts = [f"{each['first_answer']:.2f}" for each in first.values()]
    figures = [f"{figure:,.0f}" for figure in (*rates, *alone, looped)]
    return name, f"{len(records):,}", f"{same:,}", f"{most:.4f}", *starts, *figures, f"{rates[0] / looped:,.0f}×"


def compared(answers, others):
    """How many answers are the same, and by how much numbers in these differ."""
    same, most = 0, 0.0
    for one, other in zip(answers, others, strict=True):
        left, right = flat(one.to_dict()), flat(other.to_dict())
        if [a for a in left if not isinstance(a, float)] == [a for a in right if not isinstance(a, float)]:
            same += 1
            most = max([most, *(abs(a - b) for a, b in zip(left, right) if isinstance(a, float))])
    return same, most


def measured(model, records, count):
    """Answers, and how many a second: to all at once, and to some one by one."""
    answers, rates = answer_parsed(model, records), []  # compiles
    for _ in range(2):
        begin = time.perf_counter()
        answer_parsed(model, records)
        rates.append(len(records) / (time.perf_counter() - begin))
    return answers, max(rates), one_by_one(model, records[:count])


def one_by_one(model, records):
    """Answers a second, the better of two rounds after one that compiles."""
    rates = []
    for _ in range(3):
        begin = time.perf_counter()
        for record in records:
            answer_parsed(model, [record])
        rates.append(len(records) / (time.perf_counter() - begin))
    return max(rates[1:])


def by_predict(graph):
    """A program that calls the method `predict` of its model for each batch."""
    import tensorflow as tf

    def program(arrays):
        batch = {name: tf.constant(arrays[name], x.dtype) for name, x in graph.model.input.items()}
        return graph.model.predict(tf.data.Dataset.from_tensors((batch,)), verbose=0)

    return program


def flat(value):
    """The values of plain lists and dictionaries, in order."""
    if isinstance(value, dict):
        return [each for key in value for each in (key, *flat(value[key]))]
    if isinstance(value, (list, tuple)):
        return [each for item in value for each in flat(item)]
    return [value]


if __name__ == "__main__":
    main()

"""CRFsuite as the benchmarks of tagging run it."""

from collections.abc import Callable, Iterable
from pathlib import Path


def train(sequences: Iterable[tuple[list, list]], target: Path) -> None:
    """CRFsuite with L-BFGS, a little regularisation and all features.

    Args:
        sequences: of each sentence the features of its units, and their labels.
        target: the file of the model.
    """
    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    for features, labels in sequences:
        trainer.append(features, labels)
    trainer.set_params({"c2": 0.1, "max_iterations": 100})
    trainer.train(str(target))


def tag_file(model: str, source: str, target: str, answer: Callable) -> None:
    """Tag line by line: `answer` makes a line of a line and of a function from features to labels."""
    import pycrfsuite

    tagger = pycrfsuite.Tagger()
    tagger.open(model)
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            out.write(answer(line.rstrip("\n"), tagger.tag) + "\n")

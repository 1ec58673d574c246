"""Commands of sentence similarity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nlpkit.datasets.files import read_lines
from nlpkit.errors import ConfigError

if TYPE_CHECKING:
    from nlpkit.tasks.similarity.config import DuplicatesOptions, IndexOptions
    from nlpkit.tasks.similarity.task import SentenceVectors


def index(task: SentenceVectors, options: IndexOptions) -> SentenceVectors:
    """The same model with an index of the sentences of a file, in addition to those that it has."""
    if not options.input and not options.remove:
        raise ConfigError("give --input, a file of sentences to add, or --remove, a file of those to take away")
    add, remove = ([*_sentences(path).values()] if path else [] for path in (options.input, options.remove))
    return task.with_index(add, remove, options.method)


def duplicates(task: SentenceVectors, options: DuplicatesOptions) -> Iterator[str]:
    """Pairs of sentences of a file with the same meaning: score, line numbers and sentences, the surest first."""
    if not options.input:
        raise ConfigError("give --input, a file of sentences")
    lines = _sentences(options.input)
    numbers = [*lines]
    for score, first, second in task.duplicates([*lines.values()], options.threshold):
        one, other = numbers[first], numbers[second]
        yield f"{score:.4f}\t{one}\t{other}\t{lines[one]}\t{lines[other]}"


def _sentences(path: str) -> dict[int, str]:
    """The last column of each line by its number, without empty ones."""
    columns = ((number, line.rsplit("\t", 1)[-1].strip()) for number, line in read_lines(path))
    return {number: text for number, text in columns if text}

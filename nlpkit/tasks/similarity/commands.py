"""Commands that only sentence similarity has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nlpkit.datasets.files import read_lines
from nlpkit.errors import ConfigError

if TYPE_CHECKING:
    from nlpkit.tasks.similarity.config import IndexOptions
    from nlpkit.tasks.similarity.task import SentenceVectors


def index(task: SentenceVectors, options: IndexOptions) -> SentenceVectors:
    """The same model with an index of the sentences of a file; added to those that it has, if it has some."""
    if not options.input and not options.remove:
        raise ConfigError("give --input, a file of sentences to add, or --remove, a file of those to take away")
    return task.with_index(*(_last_column(path) if path else [] for path in (options.input, options.remove)))


def _last_column(path):
    return [line.rsplit("\t", 1)[-1] for _, line in read_lines(path)]

"""Commands of word vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nlpkit.tasks.word2vec.config import ClusterOptions
    from nlpkit.tasks.word2vec.task import WordVectors


def clusters(task: WordVectors, options: ClusterOptions) -> Iterator[str]:
    """Clusters of similar words, one a line, the largest first."""
    for group in task.clusters(options.words, least=options.least):
        yield " ".join(group)

"""Commands that only word vectors have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nlpkit.errors import ConfigError

if TYPE_CHECKING:
    from nlpkit.tasks.word2vec.task import WordVectors


def clusters(task: WordVectors, *, words: int = 20_000, least: float = 0.6) -> Iterator[str]:
    """Groups of words of one kind, by word vectors: a group a line, the largest first.

    Args:
        words: how many of the most frequent words to look at
        least: cosine below which words are not linked
    """
    if words < 2:
        raise ConfigError(f"words = {words}: must be at least 2")
    for group in task.clusters(words, least=least):
        yield " ".join(group)

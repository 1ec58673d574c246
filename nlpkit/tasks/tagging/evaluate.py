"""Metrics of a tagger: of words or of entities."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from nlpkit.metrics import entity_scores, segmentation_scores
from nlpkit.tasks.tagging.decode import TagReader
from nlpkit.tasks.tagging.examples import Example
from nlpkit.text.tag_schemes import read_spans


def scores(
    examples: Sequence[Example], predicted: Sequence[Sequence[str]], reader: TagReader, known_words: Container[str]
) -> dict[str, Any]:
    """Metrics over examples with legal labels: of segmentation or of entities, as the labels say.

    Args:
        examples: texts with the right labels.
        predicted: for each text its predicted labels.
        reader: what the labels mean.
        known_words: those of the training data, for the recall of the others.
    """
    gold = [read_spans(example.labels, reader.scheme) for example in examples]
    spans = [read_spans(labels, reader.scheme) for labels in predicted]
    if not reader.segments:
        return entity_scores(gold, spans)
    gold_words, words = (
        [[example.text[a:b] for a, b, _ in sentence] for example, sentence in zip(examples, sentences)]
        for sentences in (gold, spans)
    )
    return segmentation_scores(gold_words, words, known_words)

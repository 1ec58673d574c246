"""Metrics of a tagger: for words, entities, or labelled tokens."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from nlpkit.metrics import entity_scores, label_scores, segmentation_scores
from nlpkit.tasks.tagging.decode import AnswerDecoder
from nlpkit.tasks.tagging.examples import Example
from nlpkit.text.tag_schemes import read_spans

_OF_WORDS = ("oov_recall", "oov_rate", "words")  # further metrics of labelled words


def scores(
    examples: Sequence[Example], predicted: Sequence[Sequence[str]], reader: AnswerDecoder, known_words: Container[str]
) -> dict[str, Any]:
    """Metrics over examples with legal labels, depending on these: for segmentation, entities, tokens with labels, or
    joint segmentation and labels.

    Args:
        examples: texts with the right labels.
        predicted: predicted labels of each text.
        reader: decoder of the labels.
        known_words: words or tokens of the training data, for the recall of unknown ones.
    """
    if reader.scheme == "plain":
        units = [example.units for example in examples]
        return label_scores(units, [example.labels for example in examples], predicted, known_words)
    gold = [read_spans(example.labels, reader.scheme) for example in examples]
    spans = [read_spans(labels, reader.scheme) for labels in predicted]
    if reader.kind == "entities":
        return entity_scores(gold, spans)
    gold_words, words = (
        [[example.text[a:b] for a, b, _ in sentence] for example, sentence in zip(examples, sentences)]
        for sentences in (gold, spans)
    )
    of_words = segmentation_scores(gold_words, words, known_words)
    if reader.segments:
        return of_words
    labelled = entity_scores(gold, spans)
    del labelled["entities"]
    return {**labelled, "word_f1": of_words.pop("f1"), **{name: of_words[name] for name in _OF_WORDS}}

"""Scores over spans: word segmentation and named entities."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence


def segmentation_scores(
    gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]], known_words: Container[str]
) -> dict:
    """Word precision, recall and F1 by the rules of the SIGHAN bakeoffs, and the recall of unknown words.

    A predicted word is right if the same characters at the same place are a gold word.

    Args:
        gold, predicted: sentences as lists of words, with the same characters.
        known_words: words of the training data, for the recall of all others.

    Returns:
        ``precision``, ``recall``, ``f1``, ``oov_recall``, ``oov_rate``, floats from 0 to 1, and ``words``, int.

    Example:

        >>> segmentation_scores([["我", "爱", "北京"]], [["我爱", "北京"]], {"我", "爱"})["f1"]
        0.4

    References:
        Sproat and Emerson (2003), The First International Chinese Word Segmentation Bakeoff.
    """
    right = found = wanted = unknown = unknown_right = 0
    for gold_words, predicted_words in zip(gold, predicted, strict=True):
        predicted_places = set(_places(predicted_words))
        found += len(predicted_words)
        wanted += len(gold_words)
        for word, place in zip(gold_words, _places(gold_words)):
            is_right = place in predicted_places
            right += is_right
            if word not in known_words:
                unknown += 1
                unknown_right += is_right
    precision, recall, f1 = f1_of(right, found, wanted)
    return {
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "oov_recall": _ratio(unknown_right, unknown),
        "oov_rate": _ratio(unknown, wanted),
        "words": wanted,
    }


def entity_scores(gold: Iterable[Iterable[tuple]], predicted: Iterable[Iterable[tuple]]) -> dict:
    """Strict micro-averaged entity precision, recall and F1: boundaries and type must agree.

    Args:
        gold, predicted: entities of each sentence as ``(start, end, type)``.

    Returns:
        ``f1``, ``precision``, ``recall``, floats from 0 to 1; ``entities``, int; ``types``, these scores by type.

    Example:

        >>> entity_scores([[(0, 2, "PER"), (3, 5, "LOC")]], [[(0, 2, "PER"), (3, 5, "ORG")]])["f1"]
        0.5

    References:
        Tjong Kim Sang and De Meulder (2003), the CoNLL-2003 shared task.
    """
    right, found, wanted = Counter[str](), Counter[str](), Counter[str]()
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        gold_spans, predicted_spans = set(gold_spans), set(predicted_spans)
        right.update(kind for *_, kind in gold_spans & predicted_spans)
        found.update(kind for *_, kind in predicted_spans)
        wanted.update(kind for *_, kind in gold_spans)

    def scores(*counts: int) -> dict[str, float]:
        precision, recall, f1 = f1_of(*counts)
        return {"f1": f1, "precision": precision, "recall": recall, "entities": counts[-1]}

    by_type = {kind: scores(right[kind], found[kind], wanted[kind]) for kind in sorted(wanted | found)}
    return {**scores(right.total(), found.total(), wanted.total()), "types": by_type}


def _places(words: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Starts and ends of words."""
    end = 0
    for word in words:
        yield end, end + len(word)
        end += len(word)


def f1_of(right: int, found: int, wanted: int) -> tuple[float, float, float]:
    """Precision, recall and F1 from the numbers of right, predicted and gold items."""
    precision, recall = _ratio(right, found), _ratio(right, wanted)
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0

"""Training targets of each head, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.tasks.extraction.places import Place

_MULTIPLE = 8  # lists are padded to a multiple of it, so that few shapes occur


def padded_places(places: Sequence[Sequence[Place]], length: int) -> np.ndarray:
    """Triples of each window as rows of three numbers: subject and object as ``first * length + last``, predicate.

    Returns:
        int32 ``(windows, 3 * most)``, padded with -1.

    Example:

        >>> padded_places([[Place((0, 1), (3, 3), 5)]], 8)[0, :6].tolist()
        [1, 27, 5, -1, -1, -1]
    """
    most = _rounded(max((len(own) for own in places), default=0))
    table = np.full((len(places), most, 3), -1, "int32")
    for row, own in enumerate(places):
        for i, (subject, object_, predicate) in enumerate(own):
            table[row, i] = subject[0] * length + subject[1], object_[0] * length + object_[1], predicate
    return table.reshape(len(places), -1)


def pair_targets(
    places: Sequence[Sequence[Place]], length: int, num_predicates: int, settings: Any, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Training targets of the head pairs.

    Returns:
        ``gold_spans``, uint8 ``(windows, 2 * length * length)``, subjects and objects by their first and last steps;
        ``gold_triples``, see `padded_places`.
    """
    spans = np.zeros((len(places), 2, length, length), "uint8")
    for row, own in enumerate(places):
        for subject, object_, _ in own:
            spans[row, 0][subject] = spans[row, 1][object_] = 1
    return {"gold_spans": spans.reshape(len(places), -1), "gold_triples": padded_places(places, length)}


def pointer_targets(
    places: Sequence[Sequence[Place]], length: int, num_predicates: int, settings: Any, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Training targets of the head pointers.

    Returns:
        ``gold_subjects``, uint8 ``(windows, length * 2)``; ``subjects``, int32 ``(n, 3)``, the row, first and last step
        of the subjects whose objects are trained, padded with -1; ``gold_objects``, uint8
        ``(n, length * num_predicates * 2)``.
    """
    boundaries = np.zeros((len(places), length, 2), "uint8")
    subjects, objects = [], []
    for row, own in enumerate(places):
        of_subject: dict[Any, list[Place]] = {}
        for place in own:
            of_subject.setdefault(place.subject, []).append(place)
        for first, last in of_subject:
            boundaries[row, first, 0] = boundaries[row, last, 1] = 1
        chosen = [*of_subject]
        if chosen and not settings.all_subjects:
            chosen = [chosen[rng.integers(len(chosen))]]
        for subject in chosen:
            subjects.append((row, *subject))
            objects.append(of_subject[subject])
    table = np.full((_rounded(len(subjects)), 3), -1, "int32")
    table[: len(subjects)] = np.array(subjects, "int32").reshape(-1, 3)
    object_boundaries = np.zeros((len(table), length, num_predicates, 2), "uint8")
    for i, own in enumerate(objects):
        for _, (first, last), predicate in own:
            object_boundaries[i, first, predicate, 0] = object_boundaries[i, last, predicate, 1] = 1
    return {
        "gold_subjects": boundaries.reshape(len(places), -1),
        "subjects": table,
        "gold_objects": object_boundaries.reshape(len(table), -1),
    }


def _rounded(count: int) -> int:
    return max(_MULTIPLE, -(-count // _MULTIPLE) * _MULTIPLE)


TARGETS = {"pairs": pair_targets, "pointers": pointer_targets}
"""Functions of targets by the name of a head."""

"""What a task shows of a trained model beside its metrics; the report draws it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Map:
    """Points on a plane.

    Attributes:
        title: heading.
        labels: a text for each point, the most important first.
        places: float ``(points, 2)``.
        groups: int ``(points,)``, of one colour each, or None.
    """

    title: str
    labels: Sequence[str]
    places: np.ndarray
    groups: Sequence[int] | None = None


@dataclasses.dataclass(frozen=True)
class Distribution:
    """How often values occur.

    Attributes:
        title: heading.
        values: numbers from 0 to 1, by the name of what they are of.
        mark: a value to mark, such as a threshold.
    """

    title: str
    values: Mapping[str, np.ndarray]
    mark: float


@dataclasses.dataclass(frozen=True)
class Listing:
    """Rows of texts and numbers.

    Attributes:
        title: heading.
        columns: their names.
        rows: a value for each column.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclasses.dataclass(frozen=True)
class Attention:
    """Where in a text something stands for each character of another one.

    Attributes:
        title: heading.
        source: the text that is looked at.
        target: the text that looks.
        weights: float ``(len(target), len(source))``, from 0 to 1.
    """

    title: str
    source: str
    target: str
    weights: np.ndarray


@dataclasses.dataclass(frozen=True)
class Arc:
    """From one part of a text to another.

    Attributes:
        start, end: from which to before which character each goes.
        label: what holds between them.
        kind: ``right``, ``wrong`` or ``missed``; or nothing, where that is not known.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    label: str
    kind: str = ""


@dataclasses.dataclass(frozen=True)
class Arcs:
    """What holds between parts of a text.

    Attributes:
        title: heading.
        text: the text.
        arcs: over it.
    """

    title: str
    text: str
    arcs: Sequence[Arc]


Plot = Arcs | Map | Distribution | Listing | Attention

"""Plots of a trained model that the report draws beside its metrics."""

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
        labels: text of each point, the most important first.
        places: coordinates, float ``(points, 2)``.
        groups: group of each point, which has its own colour, int ``(points,)``, or None.
    """

    title: str
    labels: Sequence[str]
    places: np.ndarray
    groups: Sequence[int] | None = None


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Distributions of values.

    Attributes:
        title: heading.
        values: numbers from 0 to 1, by the name of the distribution.
        mark: value to mark, such as a threshold.
    """

    title: str
    values: Mapping[str, np.ndarray]
    mark: float


@dataclasses.dataclass(frozen=True)
class Listing:
    """Rows of texts and numbers.

    Attributes:
        title: heading.
        columns: names of the columns.
        rows: values of each row, one a column.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclasses.dataclass(frozen=True)
class Attention:
    """Attention weights from the characters of one text to those of another.

    Attributes:
        title: heading.
        source: text attended to.
        target: text that attends.
        weights: attention weights from 0 to 1, float ``(len(target), len(source))``.
    """

    title: str
    source: str
    target: str
    weights: np.ndarray


@dataclasses.dataclass(frozen=True)
class Arc:
    """An arc from one span of a text to another.

    Attributes:
        start, end: both spans, from their first character to before the second number.
        label: relation between the spans.
        kind: ``right``, ``wrong`` or ``missed``; empty if that is unknown.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    label: str
    kind: str = ""


@dataclasses.dataclass(frozen=True)
class Arcs:
    """Relations between spans of a text.

    Attributes:
        title: heading.
        text: the text.
        arcs: arcs over the text.
    """

    title: str
    text: str
    arcs: Sequence[Arc]


Plot = Arcs | Map | Distribution | Listing | Attention

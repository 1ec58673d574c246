"""Scores to triples."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nlpkit.datasets.files import read_lines
from nlpkit.datasets.padding import batches_by_length
from nlpkit.datasets.readers import field_of, parse_object
from nlpkit.decoding.span_boundaries import pair_boundaries
from nlpkit.errors import ConfigError, DataError
from nlpkit.prediction.programs import Program, side_by_side
from nlpkit.tasks.extraction.answers import Extraction, Triple
from nlpkit.tasks.extraction.config import FLOOR
from nlpkit.tasks.extraction.inputs import Texts
from nlpkit.tasks.extraction.places import Ruler

_UNITS_AT_ONCE = 4096  # units in a batch
_SUBJECTS_AT_ONCE = 128


_Decoded = tuple[np.ndarray, np.ndarray, np.ndarray]  # rows of a batch, places in units, probabilities


class Found(NamedTuple):
    """Decoded triples of many texts, in units.

    Attributes:
        places: the text, first and last unit of the subject, of the object, and the predicate's id, int32 ``(n, 6)``.
        probabilities: probabilities of the triples, float32 ``(n,)``.
    """

    places: np.ndarray
    probabilities: np.ndarray


class TripleDecoder:
    """A decoder from texts to triples.

    Args:
        program: function from names to programs of the network.
        head: its head, ``pairs`` or ``pointers``.
        power: exponent of the sigmoid of a label's score in its probability.
        at_once: number of batches computed in parallel.
    """

    def __init__(self, program: Callable[[str], Program], head: str, power: float, at_once: int):
        self._program, self._power, self._at_once = program, power, at_once
        self._of_batch: Callable[[dict[str, np.ndarray], int], _Decoded] = (
            self._pairs if head == "pairs" else self._pointers
        )

    def __call__(self, texts: Texts) -> Found:
        """All triples that are not too improbable; a triple within two windows occurs twice."""
        texts = dataclasses.replace(texts, inputs=texts.inputs.described(self._program))
        by_batch: dict[int, Found] = {}

        def work(number: int, windows: np.ndarray, length: int) -> None:
            rows, places, probabilities = self._of_batch(texts.batch(windows, length), length)
            begins = texts.windows.starts[windows] - texts.inputs.flat.starts[texts.rows[windows]]
            places[:, :4] += begins[rows, None].astype("int32")
            by_batch[number] = Found(
                np.concatenate([texts.rows[windows][rows, None].astype("int32"), places], axis=1), probabilities
            )

        batches = batches_by_length(texts.windows.lengths, _UNITS_AT_ONCE)
        side_by_side(work, ((i, *batch) for i, batch in enumerate(batches)), self._at_once)
        if not by_batch:
            return Found(np.zeros((0, 6), "int32"), np.zeros(0, "float32"))
        return Found(*(np.concatenate(each) for each in zip(*(by_batch[number] for number in sorted(by_batch)))))

    def _probability(self, scores: np.ndarray) -> np.ndarray:
        return (1 / (1 + np.exp(-np.clip(scores.astype("float32"), -80, 80)))) ** self._power

    def _pairs(self, batch: dict[str, np.ndarray], length: int) -> _Decoded:
        subjects, subject_scores, objects, object_scores, scores = self._program("pairs")(batch)
        by_span = [self._probability(each) for each in (subject_scores, object_scores)]
        probabilities = self._probability(scores)  # (batch, subjects, objects, predicates)
        # The probability of the pair has the largest weight, as it depends on the spans as well.
        probabilities *= (by_span[0][:, :, None] * by_span[1][:, None])[..., None] ** 0.25
        rows, m, n, predicates = np.nonzero(probabilities >= FLOOR)
        spans = [subjects[rows, m], objects[rows, n]]
        places = [part for span in spans for part in (span // length, span % length)]
        return rows, np.stack([*places, predicates], axis=1).astype("int32"), probabilities[rows, m, n, predicates]

    def _pointers(self, batch: dict[str, np.ndarray], length: int) -> _Decoded:
        encoded, mask, scores = self._program("subjects")(batch)
        boundaries = self._probability(scores[:, :, 0])  # (batch, time, 2)
        rows, first, last = pair_boundaries(*(boundaries[..., i] >= FLOOR for i in (0, 1)))
        of_subject = boundaries[rows, first, 0] * boundaries[rows, last, 1]
        kept = of_subject >= FLOOR
        subjects = np.stack([rows, first, last], axis=1)[kept].astype("int32")
        of_subject = of_subject[kept]
        parts: list[_Decoded] = [_NONE]
        for begin in range(0, len(subjects), _SUBJECTS_AT_ONCE):
            own = subjects[begin : begin + _SUBJECTS_AT_ONCE]
            scores = self._program("objects")({"encoded": encoded, "mask": mask, "subjects": own})
            parts.append(self._objects(scores, own, of_subject[begin : begin + _SUBJECTS_AT_ONCE]))
        rows, places, probabilities = (np.concatenate(each) for each in zip(*parts))
        return rows, places, probabilities

    def _objects(self, scores: np.ndarray, subjects: np.ndarray, of_subject: np.ndarray) -> _Decoded:
        """Row, place and probability of the triples of some subjects."""
        count, time, predicates, _ = scores.shape
        boundaries = self._probability(scores).transpose(3, 0, 2, 1).reshape(2, count * predicates, time)
        which, first, last = pair_boundaries(*(boundaries >= FLOOR))
        subject, predicate = which // predicates, which % predicates
        probabilities = np.sqrt(boundaries[0, which, first] * boundaries[1, which, last] * of_subject[subject])
        kept = probabilities >= FLOOR
        rows, begin, end = subjects[subject].T
        places = np.stack([begin, end, first, last, predicate], axis=1)[kept].astype("int32")
        return rows[kept], places, probabilities[kept]


_NONE = (np.zeros(0, "int64"), np.zeros((0, 5), "int32"), np.zeros(0, "float32"))


class Choice(NamedTuple):
    """The choice of decoded triples for an answer.

    Attributes:
        threshold: lowest probability.
        predicates: names of the predicates, or None for all.
        schema: allowed pairs of types of subject and object by predicate, or None.
    """

    threshold: float
    predicates: Collection[str] | None = None
    schema: Mapping[str, Sequence[tuple[str, str]]] | None = None


def answers_of(
    texts: Texts, found: Found, choice: Choice, predicates: Sequence[str], types: Mapping[str, Sequence[str]]
) -> list[Extraction]:
    """The answer for each text, with its distinct triples, the most probable first.

    Args:
        texts: the texts.
        found: their triples.
        choice: the choice of triples.
        predicates: the names of the predicates by id.
        types: types of subject and object by predicate, from the training data.
    """
    kept = np.flatnonzero(found.probabilities >= choice.threshold)
    kept = kept[np.lexsort((-found.probabilities[kept], found.places[kept, 0]))]
    triples: list[dict[Any, Triple]] = [{} for _ in texts.sentences]
    rulers: dict[int, Ruler] = {}
    for (row, *units), probability in zip(found.places[kept].tolist(), found.probabilities[kept].tolist()):
        predicate = predicates[units[4]]
        if choice.predicates is not None and predicate not in choice.predicates:
            continue
        text = texts.sentences[row].text
        if row not in rulers:
            rulers[row] = Ruler(texts.sentences[row])
        ruler = rulers[row]
        (a, b), (c, d) = (
            _trimmed(text, *ruler.characters(span)) for span in ((units[0], units[1]), (units[2], units[3]))
        )
        if a == b or c == d:
            continue
        subject_type, object_type = types.get(predicate, (None, None))
        triple = Triple(
            text[a:b], predicate, text[c:d], subject_type, object_type, a, b, c, d, round(float(probability), 6)
        )
        triples[row].setdefault(triple.key, triple)
    answers = []
    for sentence, own in zip(texts.sentences, triples):
        chosen = own.values() if choice.schema is None else _consistent(own.values(), choice.schema)
        answers.append(Extraction(sentence.text, tuple(chosen)))
    return answers


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the white space and control characters at its ends."""
    while start < end and (text[start].isspace() or not text[start].isprintable()):
        start += 1
    while start < end and (text[end - 1].isspace() or not text[end - 1].isprintable()):
        end -= 1
    return start, end


def _consistent(triples: Iterable[Triple], schema: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[Triple]:
    """The triples, given the most probable first, without those that would give a thing a second type."""
    types: dict[str, str] = {}
    for triple in triples:
        for pair in schema.get(triple.predicate, ()):
            given = dict(zip((triple.subject, triple.object), pair))
            if all(types.get(name, kind) == kind for name, kind in given.items()):
                types.update(given)
                yield triple._replace(subject_type=pair[0], object_type=pair[1])
                break


def read_schema(given: Any, predicates: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """Allowed types by predicate, from a file of JSON lines or a list of dictionaries.

    A type may also have the form of DuIE 2.0: a dictionary whose ``@value`` is the type itself.

    Args:
        given: the file or the list.
        predicates: predicates of the model; the schema may have others.

    Raises:
        DataError: if a line of the file is malformed.
        ConfigError: if an item of the list is malformed, or the model knows none of the predicates.
    """
    schema: dict[str, list[tuple[str, str]]] = collections.defaultdict(list)
    if isinstance(given, (list, tuple)):
        for item in given:
            try:
                predicate, *pair = _schema_item(item)
            except ValueError as error:
                raise ConfigError(f"schema: {error}; in {item!r:.60}") from None
            schema[predicate].append((pair[0], pair[1]))
    elif isinstance(given, (str, Path)):
        for number, line in read_lines(given):
            if not line.strip():
                continue
            try:
                predicate, *pair = _schema_item(parse_object(line))
            except ValueError as error:
                raise DataError(str(error), given, number) from None
            schema[predicate].append((pair[0], pair[1]))
    else:
        raise ConfigError(f"schema: expected the name of a file or a list of dictionaries. Received: {given!r:.60}")
    if not schema.keys() & {*predicates}:
        named = f"it has {', '.join([*schema][:3])}" if schema else "it is empty"
        raise ConfigError(f"schema: the model knows none of its predicates; {named}, the model {', '.join(predicates)}")
    return dict(schema)


def _schema_item(item: Any) -> list[str]:
    if not isinstance(item, Mapping):
        raise ValueError(f"expected an object with predicate, subject_type and object_type. Received: {item!r:.60}")
    values = {name: value.get("@value") if isinstance(value, Mapping) else value for name, value in item.items()}
    return [field_of(values, name, str) for name in ("predicate", "subject_type", "object_type")]

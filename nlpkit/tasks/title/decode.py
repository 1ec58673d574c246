"""Inputs and results of the search: distributions over the next character to titles."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.datasets.padding import batches_by_length, gather_padded
from nlpkit.metrics import copied_spans
from nlpkit.prediction.programs import Program, side_by_side
from nlpkit.tasks.shared.seeding import generators
from nlpkit.tasks.title.answers import Title, Titles
from nlpkit.tasks.title.config import TITLE, TitlePrediction
from nlpkit.tasks.title.examples import END, Texts, table_size
from nlpkit.text.characters import code_points
from nlpkit.text.vocabulary import FIRST_ID, UNKNOWN, CharacterVocabulary

_IMPOSSIBLE = -1e9
_BEAMS_AT_ONCE = 160  # each has logits of the whole vocabulary
_CHARACTERS_AT_ONCE = 16_384  # characters of the texts in a batch


def program_of(options: TitlePrediction) -> tuple[str, TitlePrediction]:
    """The name of the search program for some options, and the options that it is compiled for; all others are its
    inputs."""
    kept: dict[str, Any] = {"no_repeat": options.no_repeat}
    if options.temperature > 0:
        kept |= {"top_k": options.top_k, "top_p": 0.5 if options.top_p < 1 else 1.0}  # on or off; the value is an input
    special = [f",{name}={value}" for name, value in kept.items() if value != getattr(TitlePrediction, name)]
    name = "draw" if options.temperature > 0 else "search"
    return f"{name}{''.join(special)}", TitlePrediction(**kept, temperature=float(options.temperature > 0))


@dataclasses.dataclass(frozen=True)
class TitleDecoder:
    """A search or sampler of titles under a user's options.

    Attributes:
        options: the options.
        program: the search, see `nlpkit.tasks.title.search.TitleSearch`.
        max_length: longest title, in characters.
    """

    options: TitlePrediction
    program: Program
    max_length: int

    def noise(self, texts: Sequence[str]) -> np.ndarray | None:
        """Random numbers for sampling titles, float32 ``(n, n_best, max_length)``; None for a search."""
        if not self.options.temperature:
            return None
        shape = (self.options.n_best, self.max_length)
        noise = [each.random(shape, "float32") for each in generators(texts, self.options.seed)]
        return np.stack(noise) if noise else np.zeros((0, *shape), "float32")

    def run(self, texts: Texts, prefixes: Sequence[str], noise: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Titles of texts: ids, int32 ``(n, n_best, max_length)``, and scores, float32 ``(n, n_best)``."""
        options, count = self.options, len(texts)
        ids = np.zeros((count, options.n_best, self.max_length), "int32")
        scores = np.full((count, options.n_best), -np.inf, "float32")
        shared = self._shared(texts.vocabulary)
        width = len(shared["beams"])
        copyable = (texts.ids >= FIRST_ID) & ~np.isin(texts.flat.codes, code_points(options.forbidden_characters))

        def answer(rows: np.ndarray, size: int) -> None:
            starts, lengths = texts.flat.starts[rows], texts.flat.lengths[rows]
            batch = {**texts.padded(rows, size), **gather_padded({"copyable": copyable}, starts, lengths, size)}
            batch["copyable"] = batch["copyable"].astype(bool)
            batch["required"] = np.zeros((len(rows), self.max_length), "int32")
            for place, row in enumerate(rows):
                if prefixes[row]:
                    prefix = texts.encode(row, prefixes[row])
                    batch["required"][place, : len(prefix)] = np.where(prefix == UNKNOWN, 0, prefix)
            if noise is not None:
                batch["noise"] = noise[rows]
            best, score = self.program({**batch, **shared})
            ids[rows], scores[rows] = best[:, : options.n_best], score[:, : options.n_best]

        at_once = max(1, _BEAMS_AT_ONCE // width)
        batches = (
            (rows[begin : begin + at_once], size)
            for rows, size in batches_by_length(texts.flat.lengths, _CHARACTERS_AT_ONCE)
            for begin in range(0, len(rows), at_once)
        )
        side_by_side(answer, batches, TITLE.batches_at_once)
        return ids, scores

    def _shared(self, vocabulary: CharacterVocabulary) -> dict[str, np.ndarray]:
        """Inputs of the program that all texts share."""
        options, size = self.options, len(vocabulary)
        bias = np.zeros(table_size(size), "float32")
        forbidden = vocabulary.encode(options.forbidden_characters.replace(END, ""))
        bias[[*range(FIRST_ID), *range(size, len(bias)), *forbidden]] = _IMPOSSIBLE
        width = options.n_best if options.temperature > 0 else max(options.n_best, options.beam_width)
        numbers = [options.length_penalty, options.min_length, max(options.temperature, 1e-3), options.top_p]
        return {
            "bias": bias,
            "beams": np.zeros(width, "int32"),
            "places": np.zeros(self.max_length, "int32"),
            "numbers": np.array(numbers, "float32"),
        }


def titles_of(texts: Texts, ids: np.ndarray, scores: np.ndarray) -> list[Titles]:
    """The titles of each text, best first; none if no title is possible."""
    return [
        Titles(
            tuple(
                title_of(text, texts.decode(row, chosen), round(float(score), 4))
                for chosen, score in zip(ids[row], scores[row])
                if score > -np.inf
            )
        )
        for row, text in enumerate(texts.strings())
    ]


def title_of(text: str, title: str, score: float | None = None) -> Title:
    """A title with the spans copied from its text."""
    return Title(title, score, tuple(copied_spans(text, title)))

"""Inputs and results of the search: distributions over characters to lower lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from nlpkit.datasets.padding import batches_by_length, gather_padded, scatter_places
from nlpkit.prediction.programs import Program, side_by_side
from nlpkit.tasks.couplet.answers import LowerLine
from nlpkit.tasks.couplet.config import COUPLET, CoupletPrediction, parse_rules
from nlpkit.tasks.couplet.examples import Lines, first_equal
from nlpkit.tasks.shared.seeding import generators
from nlpkit.text.characters import EDGE, FlatTexts, from_code_points, normalize_text
from nlpkit.text.tones import tone_table
from nlpkit.text.vocabulary import FIRST_ID, CharacterVocabulary

STEPS_AT_ONCE = 8192  # characters in a batch: each has scores of the whole vocabulary
_BEAMS_AT_ONCE = 4 * STEPS_AT_ONCE  # characters in a batch times the width of the beam
_NO_SYMBOL = "\0"  # padding and the unknown character; it does not occur in valid lines
_SWITCHES = ("no_copy", "no_share", "repetition")
_IMPOSSIBLE = -float("inf")


@dataclasses.dataclass(frozen=True)
class CoupletDecoder:
    """A search or sampler of lower lines under a user's options.

    Attributes:
        program: the search, see `nlpkit.tasks.couplet.search.CoupletSearch`.
        shared: inputs of the program that all lines share.
        rules: names of the rules of the answers.
        n_best: number of answers to each line.
        prefix: prefix of the answers to lines without a prefix of their own.
        seed: random seed of sampling, or None for a search.
    """

    program: Program
    shared: dict[str, np.ndarray]
    rules: frozenset[str]
    n_best: int
    prefix: str
    seed: int | None

    @classmethod
    def create(cls, program: Program, vocabulary: CharacterVocabulary, options: CoupletPrediction) -> CoupletDecoder:
        """A search, or a sampler if there is a temperature, under a user's options."""
        rules = parse_rules(options.rules)
        forbidden = np.zeros(len(vocabulary), bool)
        forbidden[vocabulary.encode(normalize_text(options.forbidden_characters))] = True
        tones = np.zeros(len(vocabulary), "uint8")
        if "tone" in rules:
            tones[FIRST_ID:] = tone_table(vocabulary.symbols)
        shared = {"forbidden": forbidden, "switches": np.array([name in rules for name in _SWITCHES]), "tones": tones}
        seed = None
        if options.temperature:
            shared["temperature"] = np.array([options.temperature], "float32")
            seed = options.seed
        else:
            shared["beams"] = np.zeros(max(options.n_best, options.beam_width), "int32")
        return cls(program, shared, rules, options.n_best, options.prefix.strip(), seed)

    def add_noise(self, lines: Lines, texts: Sequence[str]) -> None:
        """Add the array ``noise``, the random numbers for sampling answers to texts."""
        if self.seed is not None:
            pairs = zip(generators(texts, self.seed), lines.lengths.tolist())
            noise = [random.random((length, self.n_best), "float32") for random, length in pairs]
            lines.arrays["noise"] = np.concatenate([*noise, np.zeros((0, self.n_best), "float32")])

    def run(self, lines: Lines) -> tuple[np.ndarray, np.ndarray]:
        """Answers to lines: ids, int32 ``(n_best, total)``, and scores, float32 ``(n, n_best)``."""
        ids = np.zeros((self.n_best, len(lines.places)), "int32")
        scores = np.full((len(lines.lengths), self.n_best), _IMPOSSIBLE, "float32")
        width = max(self.n_best, len(self.shared.get("beams", ())))
        at_once = max(1, min(STEPS_AT_ONCE, _BEAMS_AT_ONCE // width))

        def answer(rows: np.ndarray, size: int) -> None:
            batch = gather_padded(lines.arrays, lines.starts[rows], lines.lengths[rows], size)
            batch["tied"] = first_equal(batch.pop("codes"))
            chosen, score = self.program({**batch, **self.shared})
            scores[rows] = score[:, : self.n_best]
            real, places = scatter_places(lines.starts[rows], lines.lengths[rows], size)
            for rank in range(self.n_best):
                ids[rank, places] = chosen[:, rank][real]

        side_by_side(answer, batches_by_length(lines.lengths, at_once, multiple=2), COUPLET.batches_at_once)
        return ids, scores


def lower_lines(
    lines: Lines, ids: np.ndarray, scores: np.ndarray, vocabulary: CharacterVocabulary
) -> list[tuple[LowerLine, ...]]:
    """The answers to each line, best first; none if nothing keeps the rules."""
    symbols = vocabulary.codes.copy()
    symbols[:FIRST_ID] = ord(_NO_SYMBOL)
    columns: list[Sequence[str]] = []
    for rank_ids in ids:
        codes = lines.flat.codes.copy()
        codes[lines.places] = symbols[rank_ids]
        columns.append(_texts(lines.flat, codes))
    return [
        tuple(
            LowerLine(lower, round(score, 3))
            for lower, score in zip(lowers, row)
            if lower and score > _IMPOSSIBLE and _NO_SYMBOL not in lower
        )
        for lowers, row in zip(zip(*columns), scores.tolist())
    ]


def _texts(flat: FlatTexts, codes: np.ndarray) -> list[str]:
    """Strings of the texts from code points in the shape of `flat`."""
    text = from_code_points(np.where(flat.codes == EDGE, 0, codes))
    return [text[start : start + length] for start, length in zip(flat.starts.tolist(), flat.lengths.tolist())]

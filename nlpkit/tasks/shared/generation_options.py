"""The options that tasks share which learn from files of pairs, a pair a line, and answer by a search."""

from __future__ import annotations

import math

from nlpkit.options import option, options
from nlpkit.tasks.declaration import PredictionOptions, ReadingOptions

_LEAST_TEMPERATURE = 0.05


@options
class PairReading(ReadingOptions):
    """How files of pairs are read."""

    on_error: str = option("at a bad line: skip it and report it, or stop", default="skip", choices=("skip", "stop"))


@options
class GenerationOptions(PredictionOptions):
    """How answers are searched for, or drawn."""

    n_best: int = option("answers to each record, best first, or as they are drawn", default=1, least=1)
    beam_width: int = option(
        "beam of the search, at least as wide as there are answers; 1 is the fastest", default=5, least=1
    )
    forbidden: str | tuple[str, ...] = option(
        "characters that no answer may hold, but in a prefix", default="", metavar="CHARACTERS"
    )
    prefix: str = option("how every answer begins; a record may have a prefix of its own", default="", metavar="TEXT")
    temperature: float = option(
        "above 0 the answers are drawn at random, independent of each other; the lower, the more often the likeliest "
        "characters (probabilities to the power of 1 / temperature); 0 searches for the best",
        default=0.0,
        least=0,
    )
    seed: int = option("of the draw, which beside it depends on nothing but the record", default=0, least=0)

    @property
    def forbidden_characters(self) -> str:
        """Those of `forbidden`, which Python may give one by one."""
        return "".join(self.forbidden)

    def validate(self) -> None:
        accepted = f"0, for no draw, or at least {_LEAST_TEMPERATURE}"
        self.require("temperature", not self.temperature or _LEAST_TEMPERATURE <= self.temperature < math.inf, accepted)

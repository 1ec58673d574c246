"""The shared options of tasks that learn from files of pairs, a pair a line, and generate answers."""

from __future__ import annotations

import math

from nlpkit.options import option, options
from nlpkit.tasks.declaration import PredictionOptions, ReadingOptions

_LEAST_TEMPERATURE = 0.05


@options
class PairReading(ReadingOptions):
    """Reading options of files of pairs."""

    on_error: str = option(
        "action at a bad line: skip it and report it, or stop", default="skip", choices=("skip", "stop")
    )


@options
class GenerationOptions(PredictionOptions):
    """Options of beam search and sampling."""

    n_best: int = option(
        "number of answers to each record, best first; samples in the order of sampling", default=1, least=1
    )
    beam_width: int = option("width of the beam, at least the number of answers; 1 is the fastest", default=5, least=1)
    forbidden: str | tuple[str, ...] = option(
        "characters that must not occur in an answer after its prefix", default="", metavar="CHARACTERS"
    )
    prefix: str = option("beginning of every answer; a record's own prefix wins", default="", metavar="TEXT")
    temperature: float = option(
        "temperature of sampling: probabilities are raised to the power of 1 / temperature, so that low values "
        "prefer the likeliest characters; 0 searches for the best answers instead",
        default=0.0,
        least=0,
    )
    seed: int = option("random seed of sampling; the same record and seed give the same answers", default=0, least=0)

    @property
    def forbidden_characters(self) -> str:
        """The characters of `forbidden` as one string; from Python they may come one by one."""
        return "".join(self.forbidden)

    def validate(self) -> None:
        accepted = f"0, for no sampling, or at least {_LEAST_TEMPERATURE}"
        self.require("temperature", not self.temperature or _LEAST_TEMPERATURE <= self.temperature < math.inf, accepted)

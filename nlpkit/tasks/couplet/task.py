"""The couplet task: what its files do, bound together. The only file of this folder that others import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nlpkit.prediction.answers import Problem
from nlpkit.prediction.predictor import answer_parsed
from nlpkit.tasks.couplet.answers import Couplet, LowerLine
from nlpkit.tasks.couplet.config import COUPLET, RULES, CoupletPrediction, CoupletSettings
from nlpkit.tasks.couplet.decode import CoupletDecoder, lower_lines
from nlpkit.tasks.couplet.evaluate import likelihood, quality
from nlpkit.tasks.couplet.examples import (
    CoupletExample,
    Lines,
    UpperLine,
    encode_uppers,
    make_vocabulary,
    parse_upper,
    read_couplets,
    training_batches,
)
from nlpkit.tasks.shared.generation_options import PairReading
from nlpkit.tasks.task import Data, Part, Task
from nlpkit.text.vocabulary import CharacterVocabulary

if TYPE_CHECKING:
    from nlpkit.tasks.couplet.model import CoupletNetwork


class Encoded(NamedTuple):
    """Upper lines on their way through the network."""

    records: Sequence[UpperLine]
    lines: Lines  # of which those that can't be answered are empty
    decoder: CoupletDecoder


class CoupletWriter(Task[Couplet]):
    """A model that answers the upper line of a couplet with a lower one: a trained one, or one about to be."""

    declaration = COUPLET
    part_files = (Part("vocab.txt", "vocabulary", CharacterVocabulary),)
    settings: CoupletSettings
    network: CoupletNetwork

    @property
    def vocabulary(self) -> CharacterVocabulary:
        """The characters that it reads and writes."""
        return self.parts["vocabulary"]

    @classmethod
    def read(cls, path: str | Path, options: PairReading, metadata: Mapping[str, Any] | None = None) -> Data:
        couplets, notes, bad = read_couplets(path, options.on_error)
        return Data(couplets, {}, notes, {"bad_lines": bad} if bad else {})

    @classmethod
    def build(cls, settings: CoupletSettings, data: Data) -> CoupletWriter:
        return cls(settings, vocabulary=make_vocabulary(data.examples, settings.char_min_count))

    def build_network(self) -> CoupletNetwork:
        from nlpkit.tasks.couplet.model import CoupletNetwork

        return CoupletNetwork(self.settings, len(self.vocabulary))

    @property
    def loss(self) -> Any:
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def batches(self, examples: Sequence[CoupletExample], seed: int) -> Any:
        return training_batches(examples, self.vocabulary, self.settings, seed)

    @classmethod
    def parse(cls, item: Any) -> UpperLine:
        return parse_upper(item)

    def prepare(self, options: CoupletPrediction) -> CoupletDecoder:
        program = self.runtime.program("draw" if options.temperature > 0 else "search")
        return CoupletDecoder.create(program, self.vocabulary, options)

    def encode(self, records: Sequence[UpperLine], prepared: CoupletDecoder) -> tuple[Encoded, list[Problem]]:
        records = [each if each.prefix or not each.text else each._replace(prefix=prepared.prefix) for each in records]
        lines, problems = encode_uppers(records, self.vocabulary, prepared.rules)
        prepared.add_noise(lines, [record.text for record in records])
        return Encoded(records, lines, prepared), problems

    def run(self, encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
        return encoded.decoder.run(encoded.lines)

    def answers(self, encoded: Encoded, outputs: tuple[np.ndarray, np.ndarray]) -> list[Couplet]:
        rows = lower_lines(encoded.lines, *outputs, self.vocabulary)
        return [Couplet(record.text, row) for record, row in zip(encoded.records, rows)]

    def measure(self, examples: Sequence[CoupletExample]) -> dict[str, Any]:
        """Metrics over couplets, see `nlpkit.tasks.couplet.evaluate`.

        Those of the likelihood are given the upper line and the right characters before each one; in the table `by
        position` also without these. Those of written lines stand at the top for answers under the default rules; in
        the table `answers` also for answers under `punctuation` only.
        """
        by_position = {"reading on": likelihood(self.network, examples, self.vocabulary)}
        if self.network.reads_lower:
            by_position["independent"] = likelihood(self.network, examples, self.vocabulary, hide=True)
        uppers = [UpperLine(example.upper) for example in examples]
        answers = {
            name: quality(
                examples, [answer.lower for answer in answer_parsed(self, uppers, **options)], self.vocabulary
            )
            for name, options in (("with rules", {}), ("without", {"rules": "punctuation"}))
        }
        top = {key: value for key, value in answers["with rules"].items() if key not in RULES}
        return {**by_position["reading on"], **top, "by position": by_position, "answers": answers}

    def expected(self, examples: Sequence[CoupletExample], count: int) -> list[tuple[Any, Any]]:
        chosen = examples[:: max(1, len(examples) // count)][:count]
        return [(UpperLine(each.upper), Couplet(each.upper, (LowerLine(each.lower),))) for each in chosen]

"""The title task: what its files do, bound together. The only file of this folder that others import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nlpkit.metrics import mean_length
from nlpkit.prediction.answers import Problem
from nlpkit.tasks.shared.generation_options import PairReading
from nlpkit.tasks.shared.plots import Plot
from nlpkit.tasks.task import Data, Part, Task
from nlpkit.tasks.title.answers import Titles
from nlpkit.tasks.title.config import TITLE, TitlePrediction, TitleSettings
from nlpkit.tasks.title.decode import TitleDecoder, program_of, title_of, titles_of
from nlpkit.tasks.title.evaluate import cross_entropy, quality
from nlpkit.tasks.title.examples import (
    Texts,
    TitleExample,
    TitleRecord,
    TrainingBatches,
    clean_prefix,
    make_vocabulary,
    num_features,
    parse_record,
    problems_of,
    read_titles,
)
from nlpkit.text.vocabulary import CharacterVocabulary

if TYPE_CHECKING:
    from nlpkit.tasks.title.model import TitleNetwork


class Encoded(NamedTuple):
    """Texts on their way through the network."""

    texts: Texts  # of which those that can't be answered are empty
    prefixes: Sequence[str]
    noise: np.ndarray | None
    decoder: TitleDecoder


class TitleWriter(Task[Titles]):
    """A model that writes a title for a text: a trained one, or one about to be."""

    declaration = TITLE
    part_files = (Part("vocab.txt", "vocabulary", CharacterVocabulary),)
    settings: TitleSettings
    network: TitleNetwork
    _attention: Any = None

    @property
    def vocabulary(self) -> CharacterVocabulary:
        """The characters that it reads and writes."""
        return self.parts["vocabulary"]

    @classmethod
    def read(cls, path: str | Path, options: PairReading, metadata: Mapping[str, Any] | None = None) -> Data:
        examples, notes, bad = read_titles(path, options.on_error)
        return Data(examples, {}, notes, {"bad_lines": bad} if bad else {})

    @classmethod
    def build(cls, settings: TitleSettings, data: Data) -> TitleWriter:
        return cls(settings, _metadata(data), vocabulary=make_vocabulary(data.examples, settings))

    def build_network(self) -> TitleNetwork:
        from nlpkit.tasks.title.model import TitleNetwork

        return TitleNetwork(self.settings, len(self.vocabulary), num_features(self.settings))

    @property
    def loss(self) -> Any:
        from nlpkit.losses import SequenceLikelihood

        return SequenceLikelihood(self.settings.label_smoothing)

    def batches(self, examples: Sequence[TitleExample], seed: int) -> Any:
        return TrainingBatches(examples, self.vocabulary, self.settings, seed)

    @classmethod
    def parse(cls, item: Any) -> TitleRecord:
        return parse_record(item)

    def prepare(self, options: TitlePrediction) -> TitleDecoder:
        longest = options.max_length or self.settings.max_title
        options.require("min_length", options.min_length <= longest, f"at most what a title may have, {longest}")
        fits = len(clean_prefix(options.prefix)) <= longest
        options.require("prefix", fits, f"no longer than a title may be, {longest}")
        name, needed = program_of(options)
        return TitleDecoder(options, self.runtime.program(name, lambda: self.network.graph_under(needed)), longest)

    def encode(self, records: Sequence[TitleRecord], prepared: TitleDecoder) -> tuple[Encoded, list[Problem]]:
        prefix = clean_prefix(prepared.options.prefix)
        texts, prefixes, problems = self.read_records(records, prefix, prepared.max_length)
        return Encoded(texts, prefixes, prepared.noise([record.text for record in records]), prepared), problems

    def read_records(
        self, records: Sequence[TitleRecord], prefix: str, max_length: int
    ) -> tuple[Texts, list[str], list[Problem]]:
        """Records to arrays: the texts, how each title must begin, and what is wrong with some."""
        records = [record if record.prefix is not None else record._replace(prefix=prefix) for record in records]
        fitting = [record if len(record.prefix or "") <= max_length else TitleRecord("") for record in records]
        prefixes = [record.prefix or "" for record in fitting]
        texts = Texts([record.text for record in fitting], self.vocabulary, self.settings, prefixes)
        return texts, prefixes, problems_of(records, texts, self.settings.max_text, max_length)

    def run(self, encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
        return encoded.decoder.run(encoded.texts, encoded.prefixes, encoded.noise)

    def answers(self, encoded: Encoded, outputs: tuple[np.ndarray, np.ndarray]) -> list[Titles]:
        return titles_of(encoded.texts, *outputs)

    def measure(self, examples: Sequence[TitleExample]) -> dict[str, Any]:
        """Metrics over texts with titles: of titles written by default options, see `nlpkit.tasks.title.evaluate`, and
        ``cross_entropy`` of the right ones."""
        encoded, _ = self.encode([TitleRecord(each.text) for each in examples], self.prepare(TitlePrediction()))
        written = [answer.title for answer in self.answers(encoded, self.run(encoded))]
        right = [example.title for example in examples]
        entropy = cross_entropy(self.network.gold_scores, encoded.texts, right, self.settings)
        return {"cross_entropy": entropy, **quality(examples, written, self.metadata["mean_title"])}

    def expected(self, examples: Sequence[TitleExample], count: int) -> list[tuple[Any, Any]]:
        chosen = examples[:: max(1, len(examples) // count)][:count]
        return [(TitleRecord(each.text), Titles((title_of(each.text, each.title),))) for each in chosen]

    def plots(self, examples: Sequence[TitleExample]) -> list[Plot]:
        from nlpkit.tasks.title.plots import attention_maps

        return attention_maps(self, examples)

    def plot(self, record: TitleRecord, answer: Titles) -> Plot | None:
        """Map of the attention, which Keras computes."""
        if not answer.title or not record.text.strip():
            return None
        if self._attention is None:
            from nlpkit.tasks.title.plots import AttentionMaps

            self._attention = AttentionMaps(self)
        return self._attention.of(record.text, answer.title)[0]


def _metadata(data):
    return {"mean_title": mean_length([example.title for example in data.examples])}

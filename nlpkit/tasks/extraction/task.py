"""The extraction task: what its files do, bound together. The only file of this folder that others import."""

from __future__ import annotations

import collections
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nlpkit.errors import ConfigError, DataError, unknown_name
from nlpkit.prediction.answers import Problem
from nlpkit.tasks.extraction.answers import Extraction
from nlpkit.tasks.extraction.config import (
    EXTRACTION,
    FLOOR,
    ExtractionPrediction,
    ExtractionReading,
    ExtractionSettings,
)
from nlpkit.tasks.extraction.decode import Choice, Found, TripleDecoder, answers_of, read_schema
from nlpkit.tasks.extraction.evaluate import best_threshold, quality
from nlpkit.tasks.extraction.examples import Example, read_triples, types_of, unit_of
from nlpkit.tasks.extraction.inputs import Texts, read_texts, training_batches
from nlpkit.tasks.extraction.places import BY_SENTENCE, places_of, share_within_sentences
from nlpkit.tasks.extraction.plots import answer_arcs, triple_plots
from nlpkit.tasks.extraction.prior import KnownTriples
from nlpkit.tasks.shared.plots import Plot
from nlpkit.tasks.shared.reader import make_reader, reader_of
from nlpkit.tasks.shared.records import SEGMENTERS, Segmenter, TextRecord, parse_record, sentences_of
from nlpkit.tasks.task import Data, Part, Task
from nlpkit.terminal import say
from nlpkit.text.lexicon import Lexicon
from nlpkit.text.vocabulary import BigramVocabulary, CharacterVocabulary, Vocabulary

if TYPE_CHECKING:
    from nlpkit.tasks.extraction.model import ExtractionNetwork


class Prepared(NamedTuple):
    """Values that the texts of one prediction share."""

    choice: Choice
    segmenter: Segmenter


class Encoded(NamedTuple):
    """Texts on their way through the network."""

    texts: Texts
    choice: Choice


class Extractor(Task[Extraction]):
    """A model that extracts triples: a trained one, or one about to be."""

    declaration = EXTRACTION
    part_files = (
        Part("predicates.txt", "predicate_vocabulary", Vocabulary),
        Part("vocab.txt", "character_vocabulary", CharacterVocabulary),
        Part("bigrams.txt", "bigram_vocabulary", BigramVocabulary),
        Part("lexicon.txt.gz", "lexicon", Lexicon),
        Part("words.txt", "word_vocabulary", Vocabulary),
        Part("tokens.txt", "token_vocabulary", Vocabulary),
        Part("known-triples.tsv.gz", "known_triples", KnownTriples),
    )
    settings: ExtractionSettings
    network: ExtractionNetwork

    def __init__(self, settings: ExtractionSettings, metadata: Mapping[str, Any], **parts: Any):
        super().__init__(settings, metadata, **parts)
        self.reader = reader_of(settings, self.metadata, parts)
        if self.metadata["predicates"] != self.predicates:
            raise ValueError("its predicates are not those of its metadata")

    @property
    def predicates(self) -> list[str]:
        """The predicates that it knows, in the order of their ids."""
        return self.parts["predicate_vocabulary"].symbols

    @classmethod
    def read(cls, path: str | Path, options: ExtractionReading, metadata: Mapping[str, Any] | None = None) -> Data:
        known = (metadata or {}).get("predicates")
        read = read_triples(path, options.on_error, known, options.aliases)
        names = sorted({triple.predicate for example in read.examples for triple in example.triples})
        return Data(read.examples, {"predicates": names}, read.notes, read.counts)

    @classmethod
    def build(cls, settings: ExtractionSettings, data: Data) -> Extractor:
        examples: Sequence[Example] = data.examples
        names = data.metadata["predicates"]
        if not names:
            raise DataError("the training data hold no triple")
        unit = unit_of(example.text for example in examples) if settings.unit == "auto" else settings.unit
        sentences, _ = sentences_of(
            [TextRecord(example.text) for example in examples], unit, (), SEGMENTERS[settings.segmenter]
        )
        names_in = collections.Counter(
            name for example in examples for triple in example.triples for name in {triple.subject, triple.object}
        )
        reader, given = make_reader(sentences, settings, unit, (), names_in)
        known = None
        if settings.prior:
            known = KnownTriples.of([[triple.key for triple in example.triples] for example in examples])
        places, split = places_of(sentences, [example.triples for example in examples], names)
        if split:
            say(f"{split:,} triples are not learnt, since their names don't begin and end with tokens")
        context = settings.context
        if context == "auto":
            context = "sentence" if share_within_sentences(sentences, places) >= BY_SENTENCE else "text"
        metadata = {"predicates": names, "unit": unit, "types": types_of(examples), "context": context}
        task = cls(settings, metadata, predicate_vocabulary=Vocabulary(names), known_triples=known, **reader.parts())
        task.network = task.build_network()
        task.network.units.set_vectors(reader, given, settings.freeze_vectors)
        return task

    @classmethod
    def continued(cls, start: Extractor, settings: ExtractionSettings, data: Data) -> Extractor:
        """Predicates are those of the start, and behind them the new ones."""
        from nlpkit.tasks.shared.warm_start import merged_parts, transfer_weights

        built = cls.build(settings, data)
        old, new = start.metadata["unit"], built.metadata["unit"]
        if old != new:
            raise ConfigError(f"the model to go on from has unit = {old!r}, these data have {new!r}")
        parts = merged_parts(start, built)
        types = {**start.metadata["types"], **built.metadata["types"]}
        metadata = {**built.metadata, "predicates": parts["predicate_vocabulary"].symbols, "types": types}
        task = cls(settings, metadata, **parts)
        task.network = task.build_network()
        transfer_weights(task, start)
        return task

    def build_network(self) -> ExtractionNetwork:
        from nlpkit.tasks.extraction.model import ExtractionNetwork

        return ExtractionNetwork(self.settings, self.reader, len(self.predicates))

    @property
    def loss(self) -> Any:
        from nlpkit.tasks.extraction.model import own_loss

        return own_loss

    def batches(self, examples: Sequence[Example], seed: int) -> Any:
        triples = [example.triples for example in examples]
        sentences = self._sentences([TextRecord(example.text) for example in examples], self._segmenter)[0]
        places, _ = places_of(sentences, triples, self.predicates)
        own = [[triple.key for triple in each] for each in triples]
        texts = self._texts(sentences, own)
        return training_batches(texts, places, self.settings, len(self.predicates), seed)

    @property
    def _segmenter(self):
        return SEGMENTERS[self.settings.segmenter]

    def _sentences(self, records, segmenter):
        return sentences_of(records, self.reader.unit, (), segmenter)

    def _texts(self, sentences, own=None):
        known = self.parts["known_triples"]
        found = None if known is None else known.find(sentences, self.predicates, own)
        by_sentence = self.metadata.get("context") == "sentence"
        return read_texts(sentences, self.reader, self.settings, found, by_sentence)

    @classmethod
    def parse(cls, item: Any) -> TextRecord:
        return parse_record(item)

    def prepare(self, options: ExtractionPrediction) -> Prepared:
        for name in options.predicates:
            if name not in self.predicates:
                raise ConfigError(unknown_name("predicate", name, self.predicates))
        threshold = self.metadata.get("threshold", FLOOR) if options.threshold is None else options.threshold
        schema = None if options.schema is None else read_schema(options.schema, self.predicates)
        return Prepared(Choice(threshold, options.predicates or None, schema), self._segmenter)

    def encode(self, records: Sequence[TextRecord], prepared: Prepared) -> tuple[Encoded, list[Problem]]:
        sentences, problems = self._sentences(records, prepared.segmenter)
        texts = self._texts(sentences)
        return Encoded(texts, prepared.choice), problems

    def run(self, encoded: Encoded) -> Found:
        return self._decoder(encoded.texts)

    @functools.cached_property
    def _decoder(self):
        settings = self.settings
        return TripleDecoder(
            self.runtime.program, settings.head, settings.label_power, self.declaration.batches_at_once
        )

    def answers(self, encoded: Encoded, outputs: Found) -> list[Extraction]:
        return answers_of(encoded.texts, outputs, encoded.choice, self.predicates, self.metadata.get("types", {}))

    def _answered(self, examples, threshold):
        options = ExtractionPrediction(threshold=threshold)
        encoded, _ = self.encode([TextRecord(example.text) for example in examples], self.prepare(options))
        return self.answers(encoded, self.run(encoded))

    def calibrate(self, examples: Sequence[Example]) -> None:
        """Choose the threshold."""
        self.metadata["threshold"] = best_threshold(examples, self._answered(examples, FLOOR))

    def measure(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Metrics over examples; before `calibrate`, while it is trained, by the threshold that is best for them."""
        answers = self._answered(examples, FLOOR)
        threshold = self.metadata.get("threshold") or best_threshold(examples, answers)
        kept = [
            Extraction(each.text, tuple(t for t in each if t.probability is not None and t.probability >= threshold))
            for each in answers
        ]
        scores = quality(examples, kept, self.predicates, getattr(examples, "aliases", {}), self.parts["known_triples"])
        return {**scores, "threshold": float(threshold)}

    def expected(self, examples: Sequence[Example], count: int) -> list[tuple[Any, Any]]:
        chosen = examples[:: max(1, len(examples) // count)][:count]
        return [(TextRecord(each.text), Extraction(each.text, each.triples)) for each in chosen]

    def plots(self, examples: Sequence[Example]) -> list[Plot]:
        return triple_plots(examples, self._answered(examples, None))

    def plot(self, record: Any, answer: Extraction) -> Plot | None:
        return answer_arcs(answer) if answer.triples else None

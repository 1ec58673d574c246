"""The tagging task: what its files do, bound together. The only file of this folder that others import."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nlpkit.datasets.windows import Windows, cut_windows
from nlpkit.errors import ConfigError, DataError
from nlpkit.prediction.answers import Problem
from nlpkit.tasks.shared.reader import Inputs, make_reader, reader_of
from nlpkit.tasks.shared.records import (
    Segmenter,
    Sentence,
    TextRecord,
    by_model,
    joined,
    parse_record,
    segmenter_of,
    sentences_of,
)
from nlpkit.tasks.tagging.answers import Entities, Segmentation, Tokens
from nlpkit.tasks.tagging.config import TAGGING, TaggingPrediction, TaggingReading, TaggingSettings
from nlpkit.tasks.tagging.decode import AnswerDecoder, is_segmentation
from nlpkit.tasks.tagging.evaluate import scores
from nlpkit.tasks.tagging.examples import Example, count_words, read_labelled
from nlpkit.tasks.tagging.inputs import TaggedTexts
from nlpkit.tasks.tagging.tag_decoder import TagDecoder
from nlpkit.tasks.tagging.user_dictionary import UserDictionary
from nlpkit.tasks.task import Data, Part, Task
from nlpkit.text import latin_runs, tag_schemes
from nlpkit.text.graphemes import continues_character
from nlpkit.text.lexicon import Lexicon
from nlpkit.text.simplified import simplified_table
from nlpkit.text.vocabulary import BigramVocabulary, CharacterVocabulary, Vocabulary
from nlpkit.training.metric import Metric

if TYPE_CHECKING:
    from nlpkit.tasks.tagging.model import TaggingNetwork


_LOOKED_AT = 300  # sentences, by which new labels are likened to known ones


class Prepared(NamedTuple):
    """Values that the texts of one prediction share."""

    user_dictionary: UserDictionary | None
    table: np.ndarray | None
    runs: frozenset[str]
    segmenter: Segmenter
    confidence: bool


class Outputs(NamedTuple):
    """Output of the network for flat texts."""

    tags: np.ndarray  # ids, int16 (total,); -1 at the edges of texts
    logs: np.ndarray | None  # see `nlpkit.decoding.path_posteriors`, float32 (total, 3)


class Encoded(NamedTuple):
    """Texts on their way through the network."""

    sentences: Sequence[Sentence]
    inputs: Inputs
    windows: Windows
    together: np.ndarray | None  # whether a character belongs to one word with the next
    joins: np.ndarray | None  # whether a code point is one character with the one before it
    confidence: bool


class Tagger(Task[Segmentation | Entities | Tokens]):
    """A tagger of characters or tokens: a trained one, or one about to be."""

    declaration = TAGGING
    part_files = (
        Part("labels.txt", "label_vocabulary", Vocabulary),
        Part("vocab.txt", "character_vocabulary", CharacterVocabulary),
        Part("bigrams.txt", "bigram_vocabulary", BigramVocabulary),
        Part("lexicon.txt.gz", "lexicon", Lexicon),
        Part("words.txt", "word_vocabulary", Vocabulary),
        Part("known-words.txt", "known_word_vocabulary", Vocabulary),
        Part("tokens.txt", "token_vocabulary", Vocabulary),
        Part("columns.txt", "column_vocabulary", Vocabulary),
    )
    settings: TaggingSettings
    network: TaggingNetwork

    def __init__(self, settings: TaggingSettings, metadata: Mapping[str, Any], **parts: Any):
        super().__init__(settings, metadata, **parts)
        tag_schemes.scheme_roles(self.metadata["scheme"])
        self.reader = reader_of(settings, self.metadata, parts)
        self.decoder = AnswerDecoder(
            self._labels, self.metadata["scheme"], settings.window, self.metadata.get("blanks", False)
        )
        self._tag_decoder = TagDecoder(self.runtime.program, self._labels, self.metadata["scheme"], settings.width)

    @property
    def _labels(self) -> list[str]:
        return self.parts["label_vocabulary"].symbols

    @classmethod
    def read(cls, path: str | Path, options: TaggingReading, metadata: Mapping[str, Any] | None = None) -> Data:
        known = metadata or {}
        columns = options.columns or known.get("columns", ())
        unit = known.get("unit", options.unit)
        options.require("unit", options.unit in ("auto", unit), f"auto or {unit}, which the model reads")
        examples, unit, scheme, repaired = read_labelled(path, options.repair, unit, known.get("scheme"), columns)
        notes = [f"{path}: {len(repaired)} illegal label sequence(s) repaired"] if repaired else []
        data = {"scheme": scheme, "unit": unit, **({"columns": [*columns]} if columns else {})}
        return Data(examples, data, notes, {"repaired": len(repaired)} if repaired else {})

    @classmethod
    def build(cls, settings: TaggingSettings, data: Data) -> Tagger:
        examples, scheme, unit = data.examples, data.metadata["scheme"], data.metadata.get("unit", "character")
        seen = {label for example in examples for label in example.labels}
        is_words = is_segmentation(seen, scheme)
        labels = tag_schemes.segmentation_labels() if is_words and "S" in seen else sorted(seen)
        words = count_words(examples, scheme) if scheme in ("BMES", "plain") or settings.lexicon == "train" else {}
        reader, given = make_reader(examples, settings, unit, data.metadata.get("columns", ()), words)
        known = Vocabulary(sorted(words)) if scheme in ("BMES", "plain") else None
        blanks = is_words and any(word.split() != [word] for word in words)
        parts = {"label_vocabulary": Vocabulary(labels), "known_word_vocabulary": known, **reader.parts()}
        tagger = cls(settings, {**data.metadata, "blanks": blanks}, **parts)
        if tagger.decoder.segments:
            texts = TaggedTexts(examples, reader, labels, scheme)
            tagger.metadata["splits"] = latin_runs.types_split_in(texts.flat, tagger.decoder.word_ends(texts.tags))
        tagger.network = tagger.build_network()
        tagger.network.units.set_vectors(reader, given, settings.freeze_vectors)
        return tagger

    @classmethod
    def continued(cls, start: Tagger, settings: TaggingSettings, data: Data) -> Tagger:
        """Labels are those of the start if it knows all of the new data, else the new ones: of these the scores of a
        known one are kept, and those of another one begin as those of all known labels at the same place of a span, see
        `nlpkit.tasks.tagging.relabelling.relabelled`.
        """
        from nlpkit.tasks.shared.warm_start import merged_parts, transfer_weights

        built = cls.build(settings, data)
        for name in ("unit", "columns"):
            old, new = (task.metadata.get(name) or "none" for task in (start, built))
            if old != new:
                raise ConfigError(f"the model to go on from has {name} = {old!r}, these data have {new!r}")
        parts, metadata, replaced = merged_parts(start, built), built.metadata, None
        if {*built._labels} <= {*start._labels}:
            parts["label_vocabulary"], metadata = (
                start.parts["label_vocabulary"],
                {**metadata, "scheme": start.metadata["scheme"]},
            )
        else:
            from nlpkit.tasks.tagging.relabelling import relabelled

            parts["label_vocabulary"] = built.parts["label_vocabulary"]
            records = [record for record, _ in built.expected(data.examples, _LOOKED_AT)]
            replaced = relabelled(start, built._labels, records)
        task = cls(settings, metadata, **parts)
        task.network = task.build_network()
        transfer_weights(task, start, replaced)
        return task

    def build_network(self) -> TaggingNetwork:
        from nlpkit.tasks.tagging.model import TaggingNetwork

        return TaggingNetwork(self.settings, self._labels, self.decoder.scheme, self.reader)

    @property
    def loss(self) -> Any:
        from nlpkit.tasks.tagging.model import loss_for

        return loss_for(self.settings.head)

    @property
    def metric(self) -> Metric:
        return Metric("accuracy") if self.decoder.scheme == "plain" else self.declaration.metric

    def batches(self, examples: Sequence[Example], seed: int) -> Any:
        texts = TaggedTexts(examples, self.reader, self._labels, self.decoder.scheme)
        return texts.batches(self.settings.window, self.settings.batch_size, seed)

    @classmethod
    def parse(cls, item: Any) -> TextRecord:
        return parse_record(item)

    def prepare(self, options: TaggingPrediction) -> Prepared:
        is_token = self.reader.unit == "token"
        other = "user_dictionary" if is_token else "segmenter"
        options.require(other, getattr(options, other) is None, f"left out, for the model reads {self.reader.unit}s")
        user_dictionary = None
        if options.user_dictionary is not None:
            user_dictionary = UserDictionary.open(options.user_dictionary, options.user_bonus, self._labels)
        kept = (
            {*latin_runs.KINDS} - {*self.metadata.get("splits", ())}
            if self.decoder.segments and options.keep_runs
            else ()
        )
        table = self._simplified if options.simplify and not is_token else None
        segmenter = segmenter_of(options.segmenter or self.settings.segmenter, self.sub_models)
        return Prepared(user_dictionary, table, frozenset(kept), segmenter, options.confidence)

    def attach(self, models: Mapping[str, Task]) -> None:
        for model in models.values():
            by_model(model)
        segmenter_of(self.settings.segmenter, models)
        super().attach(models)

    @functools.cached_property
    def _simplified(self) -> np.ndarray:
        return simplified_table(self.parts["character_vocabulary"])

    def encode(self, records: Sequence[TextRecord], prepared: Prepared) -> tuple[Encoded, list[Problem]]:
        sentences, problems = sentences_of(records, self.reader.unit, self.reader.columns, prepared.segmenter)
        inputs, together, joins = self.reader.read_sentences(sentences, prepared.table), None, None
        if self.reader.unit == "character":
            if prepared.user_dictionary is not None:
                inputs.arrays["bonus"] = prepared.user_dictionary.scores(inputs.flat, self._labels, self.decoder.scheme)
            joins = continues_character(inputs.flat.codes)
            joins = joins if joins.any() else None
            if self.decoder.segments:
                together = latin_runs.kept_together(inputs.flat, prepared.runs) if prepared.runs else None
                together = together if joins is None else np.roll(joins, -1) | (False if together is None else together)
        windows = cut_windows(inputs.flat, self.settings.window)
        return Encoded(sentences, inputs, windows, together, joins, prepared.confidence), problems

    def run(self, encoded: Encoded) -> Outputs:
        tags = self._tag_decoder.tags_of(encoded.inputs, encoded.windows)
        if encoded.together is not None and encoded.together.any():
            tags = self.decoder.join(encoded.inputs.flat, tags, encoded.together)
        logs = self._tag_decoder.posteriors_of(encoded.inputs, encoded.windows, tags) if encoded.confidence else None
        return Outputs(tags, logs)

    def answers(self, encoded: Encoded, outputs: Outputs) -> list[Segmentation | Entities | Tokens]:
        return self.decoder.answers(encoded.sentences, encoded.inputs.flat, outputs.tags, encoded.joins, outputs.logs)

    def write(self, encoded: Encoded, outputs: Outputs, file_format: str) -> str | bytes:
        if file_format == "text" and self.decoder.segments:
            return self.decoder.spaced(encoded.inputs.flat, outputs.tags)
        if file_format == "text" and self.decoder.scheme == "plain" and self.reader.unit == "token":
            return self.decoder.labelled(encoded.sentences, encoded.inputs.flat, outputs.tags)
        return super().write(encoded, outputs, file_format)

    def between_parts(self, file_format: str) -> str | None:
        return {"conll": "", "text": None if self.decoder.kind == "entities" else " "}.get(file_format)

    def measure(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Metrics over examples with legal labels, of the kind that these spell."""
        records = [TextRecord(each.text, each.tokens, each.columns) for each in examples]
        encoded, problems = self.encode(records, self.prepare(TaggingPrediction()))
        for problem in problems:
            if problem.is_error:
                raise DataError(f"line {examples[problem.row].line}: {problem.reason}")
        known, given = {*self._labels}, {label for each in examples for label in each.labels}
        if not known & given:
            raise DataError(f"none of the labels of the data, {sorted(given)[:5]}, is one of the model's")
        predicted = self.decoder.label_sequences(encoded.inputs.flat, self.run(encoded).tags, encoded.joins)
        return scores(examples, predicted, self.decoder, self.parts["known_word_vocabulary"] or ())

    def expected(self, examples: Sequence[Example], count: int) -> list[tuple[Any, Any]]:
        chosen = examples[:: max(1, len(examples) // count)][:count]
        sentences = [
            Sentence(each.text) if each.tokens is None else joined(each.tokens, each.columns) for each in chosen
        ]
        records = [TextRecord(each.text, each.tokens, each.columns) for each in sentences]
        return [
            (record, self.decoder.answer(sentence, each.labels))
            for record, sentence, each in zip(records, sentences, chosen)
        ]

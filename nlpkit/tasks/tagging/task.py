"""The tagging task: what its files do, bound together. The only file of this folder that others import."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nlpkit.datasets.lexicon_files import read_lexicon
from nlpkit.datasets.windows import Windows, cut_windows
from nlpkit.tasks.character_features import make_features, read_symbol_vectors, set_vectors, vocabulary_sizes
from nlpkit.tasks.tagging.answers import Entities, Segmentation
from nlpkit.tasks.tagging.config import TAGGING, TaggingPrediction, TaggingReading, TaggingSettings
from nlpkit.tasks.tagging.decode import TagReader, is_segmentation
from nlpkit.tasks.tagging.evaluate import scores
from nlpkit.tasks.tagging.examples import (
    Example,
    TaggedTexts,
    check_labels,
    count_words,
    read_examples,
)
from nlpkit.tasks.tagging.model import TaggingNetwork, loss_for
from nlpkit.tasks.tagging.steering import UserDictionary
from nlpkit.tasks.task import Data, Part, Problem, Task
from nlpkit.text import runs, tag_schemes
from nlpkit.text.characters import FlatTexts
from nlpkit.text.features import TextFeatures
from nlpkit.text.lexicon import Lexicon
from nlpkit.text.simplified import simplified_table
from nlpkit.text.vocabulary import BigramVocabulary, CharacterVocabulary, Vocabulary


class Prepared(NamedTuple):
    """What the texts of one prediction share."""

    steering: UserDictionary | None
    table: np.ndarray | None
    runs: frozenset[str]


class Encoded(NamedTuple):
    """Texts on their way through the network."""

    texts: Sequence[str]
    flat: FlatTexts
    arrays: dict[str, np.ndarray]
    windows: Windows
    together: np.ndarray | None


class Tagger(Task):
    """A character tagger: a trained one, or one about to be."""

    declaration = TAGGING
    parts = (
        Part("labels.txt", "labels", Vocabulary),
        Part("vocab.txt", "characters", CharacterVocabulary),
        Part("bigrams.txt", "bigrams", BigramVocabulary),
        Part("lexicon.txt.gz", "lexicon", Lexicon),
        Part("known-words.txt", "known_words", Vocabulary),
    )
    settings: TaggingSettings
    network: TaggingNetwork
    labels: Vocabulary
    known_words: Vocabulary | None

    def __init__(self, settings: TaggingSettings, metadata: Mapping[str, Any], **parts: Any):
        super().__init__(settings, metadata, **parts)
        self.features = TextFeatures(parts["characters"], parts.get("bigrams"), parts.get("lexicon"))
        self.reader = TagReader(
            self.labels.symbols, self.metadata["scheme"], settings.window, self.metadata.get("blanks", False)
        )

    @classmethod
    def read(cls, path: str | Path, options: TaggingReading, metadata: Mapping[str, Any] | None = None) -> Data:
        scheme = metadata["scheme"] if metadata else None
        scheme, examples, repaired = check_labels(read_examples(path), path, options.repair, scheme)
        notes = [f"{path}: {repaired} illegal label sequence(s) repaired"] if repaired else []
        return Data(examples, {"scheme": scheme}, notes, {"repaired": repaired} if repaired else {})

    @classmethod
    def build(cls, settings: TaggingSettings, data: Data) -> Tagger:
        examples, scheme = data.examples, data.metadata["scheme"]
        seen = {label for example in examples for label in example.labels}
        is_words = is_segmentation(seen, scheme)
        labels = tag_schemes.segmentation_labels() if is_words and "S" in seen else sorted(seen)
        vectors = read_symbol_vectors(settings.vectors)
        words = count_words(examples, scheme) if is_words or settings.lexicon == "train" else {}
        lexicon = read_lexicon(settings.lexicon, words) if settings.lexicon else None
        features = make_features((example.text for example in examples), settings, vectors, lexicon)
        parts = {
            "labels": Vocabulary(labels), "characters": features.characters, "bigrams": features.bigrams,
            "lexicon": features.lexicon, "known_words": Vocabulary(sorted(words)) if is_words else None,
        }  # fmt: skip
        blanks = any(word.split() != [word] for word in words)
        tagger = cls(settings, {**data.metadata, "blanks": blanks}, **parts)
        if tagger.reader.segments:
            texts = TaggedTexts(examples, features, labels, scheme)
            tagger.metadata["splits"] = runs.kinds_split_in(texts.flat, tagger.reader.word_ends(texts.tags))
        tagger.network = tagger.build_network()
        if vectors:
            set_vectors(tagger.network, features, vectors, settings.freeze_vectors)
        return tagger

    def build_network(self) -> TaggingNetwork:
        sizes = vocabulary_sizes(self.features)
        return TaggingNetwork(self.settings, self.labels.symbols, self.reader.scheme, *sizes)

    @property
    def loss(self) -> Any:
        return loss_for(self.settings.head)

    def batches(self, examples: Sequence[Example], seed: int) -> Any:
        texts = TaggedTexts(examples, self.features, self.labels.symbols, self.reader.scheme)
        return texts.batches(self.settings.window, self.settings.batch_size, seed)

    def prepare(self, options: TaggingPrediction) -> Prepared:
        steering = None
        if options.user_dictionary is not None:
            steering = UserDictionary.open(options.user_dictionary, options.user_bonus, self.labels.symbols)
        kept = {*runs.KINDS} - {*self.metadata.get("splits", ())} if self.reader.segments and options.keep_runs else ()
        return Prepared(steering, self._simplified if options.simplify else None, frozenset(kept))

    @functools.cached_property
    def _simplified(self):
        return simplified_table(self.features.characters)

    def encode(self, records: Sequence[str], prepared: Prepared) -> tuple[Encoded, list[Problem]]:
        flat = FlatTexts(records, prepared.table)
        arrays = self.features.encode(flat)
        if prepared.steering is not None:
            arrays["bonus"] = prepared.steering.scores(flat, self.labels.symbols, self.reader.scheme)
        together = runs.kept_together(flat, prepared.runs) if prepared.runs else None
        return Encoded(records, flat, arrays, cut_windows(flat, self.settings.window), together), []

    def run(self, encoded: Encoded) -> np.ndarray:
        """Tag ids, int16 ``(total,)``, of flat texts; -1 at their edges."""
        tags = self.network.tags_of(encoded.arrays, encoded.windows)
        if encoded.together is not None and encoded.together.any():
            tags = self.reader.join(encoded.flat, tags, encoded.together)
        return tags

    def answers(self, encoded: Encoded, outputs: np.ndarray) -> list[Segmentation | Entities]:
        return self.reader.answers(encoded.texts, encoded.flat, outputs)

    def write(self, encoded: Encoded, outputs: np.ndarray, file_format: str) -> str | bytes:
        if file_format == "text" and self.reader.segments:
            return self.reader.spaced(encoded.flat, outputs)
        return super().write(encoded, outputs, file_format)

    def evaluate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Metrics over examples with legal labels: of segmentation or of entities, as the scheme says."""
        encoded, _ = self.encode([example.text for example in examples], self.prepare(TaggingPrediction()))
        predicted = self.reader.label_sequences(encoded.flat, self.run(encoded))
        return scores(examples, predicted, self.reader, self.known_words or ())

    def expected(self, examples: Sequence[Example], count: int) -> list[tuple[Any, Any]]:
        chosen = examples[:: max(1, len(examples) // count)][:count]
        return [(example.text, self.reader.answer(example.text, example.labels)) for example in chosen]

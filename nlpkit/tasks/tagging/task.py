"""The tagging task: what its files do, bound together. The only file of this folder that others import."""

import collections
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import keras
import numpy as np

from nlpkit.datasets.batches import BucketedBatches
from nlpkit.datasets.padding import batches_by_length
from nlpkit.errors import ConfigError
from nlpkit.layers import ViterbiDecoder
from nlpkit.metrics import entity_scores, segmentation_scores
from nlpkit.tasks.tagging import decode
from nlpkit.tasks.tagging.config import TaggingConfig
from nlpkit.tasks.tagging.examples import (
    Encoder,
    Example,
    Windows,
    check_labels,
    cut_windows,
    read_examples,
    repair_labels,
)
from nlpkit.tasks.tagging.model import build_model, loss_for
from nlpkit.tasks.tagging.steering import BONUS, UserDictionary, steered
from nlpkit.tasks.tagging.vectors import read_vectors, set_vectors
from nlpkit.tasks.task import Data, Task
from nlpkit.text import tag_schemes
from nlpkit.text.characters import EDGE, FlatTexts
from nlpkit.text.vocabulary import Vocabulary
from nlpkit.training.forward import Forward


class Encoded(NamedTuple):
    """Texts on their way through the network."""

    texts: Sequence[str]
    flat: FlatTexts
    arrays: dict[str, np.ndarray]
    windows: Windows


class Tagger(Task):
    """A character tagger: a trained one, or one about to be."""

    name = "tagging"
    Config = TaggingConfig
    metric = "f1"
    formats = ("text", "jsonl", "conll")
    own_files = ("bigrams.txt", "known-words.txt", "labels.txt", "lexicon.txt.gz", "vocab.txt")
    reading = MappingProxyType({"repair": True})
    answering = ("user_dictionary", "user_bonus")

    def __init__(self, config: TaggingConfig, labels: Sequence[str], scheme: str, encoder: Encoder, known_words=()):
        self.config, self.labels, self.scheme, self.encoder = config, list(labels), scheme, encoder
        self.known_words = frozenset(known_words)
        self._label_array = np.array(self.labels, object)
        self._segments = decode.is_segmentation(self.labels, scheme)
        self._begins = np.array([label[:1] in "BS" for label in self.labels])
        self._ends = np.array([label[:1] in "ES" for label in self.labels])
        self._tag = self._tag_steered = None

    # Training.

    @classmethod
    def read(cls, path, facts=None, repair=False) -> Data:
        examples = read_examples(path)
        scheme, examples, repaired = check_labels(examples, path, repair, facts and facts["scheme"])
        notes = [f"{path}: {repaired} illegal label sequence(s) repaired"] if repaired else []
        return Data(examples, {"scheme": scheme}, notes, {"repaired": repaired} if repaired else {})

    @classmethod
    def from_examples(cls, config: TaggingConfig, examples: Sequence[Example], facts: dict):
        scheme = facts["scheme"]
        seen = {label for example in examples for label in example.labels}
        is_words = decode.is_segmentation(seen, scheme)
        labels = tag_schemes.segmentation_labels() if is_words and "S" in seen else sorted(seen)
        vectors = read_vectors(config.vectors) if config.vectors else {}
        words = collections.Counter()
        if is_words or config.lexicon == "train":
            words.update(e.text[a:b] for e in examples for a, b, _ in tag_schemes.read_spans(e.labels, scheme))
        encoder = Encoder.from_texts((e.text for e in examples), config, vectors, words)
        tagger = cls(config, labels, scheme, encoder, words if is_words else ())
        model = build_model(
            config, tagger.labels, scheme, len(encoder.characters), len(encoder.bigrams) if encoder.bigrams else 0
        )
        if vectors:
            set_vectors(model, encoder, vectors, config.freeze_vectors)
        tagger.attach(model)
        return tagger

    @property
    def loss(self):
        """The loss to train `model` with."""
        return loss_for(self.config)

    def batches(self, examples: Sequence[Example], seed: int) -> BucketedBatches:
        """Training batches ``(arrays, tag ids, weights)``."""
        texts = FlatTexts([example.text for example in examples])
        arrays = self.encoder.encode(texts)
        ids = {label: i for i, label in enumerate(self.labels)}
        tags = np.zeros(len(texts.codes), "int32")
        for start, example in zip(texts.starts, examples):
            tags[start : start + len(example.text)] = [ids[label] for label in example.labels]
        # Long texts are cut between spans. Where a span is longer than the window its pieces become spans of their own.
        can_cut = np.array([tag_schemes.opens_or_outside(label, self.scheme) for label in self.labels])[tags]
        can_cut[texts.codes == EDGE] = True
        windows = cut_windows(texts, self.config.window, np.flatnonzero(can_cut))
        for start, end in zip(windows.keep_from, windows.keep_to):
            if not (can_cut[start] and can_cut[end]):
                legal = self._legal([self.labels[tag] for tag in tags[start:end]])
                tags[start:end] = [ids.get(label, ids.get("O", 0)) for label in legal]
        arrays["tags"] = tags

        def collate(rows, length):
            batch = windows.gather(arrays, rows, length)
            # A row's loss is a sum over its characters: with this weight the batch's is a mean over them.
            weight = len(rows) / windows.lengths[rows].sum()
            return batch, batch.pop("tags"), np.full(len(rows), weight, "float32")

        return BucketedBatches(windows.lengths, collate, self.config.batch_size, seed, self._buckets())

    def _legal(self, labels):
        prefixes = {tag_schemes.split_label(label)[0] for label in self.labels}
        return repair_labels(labels, self.scheme, prefixes)

    def _buckets(self):
        steps = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]
        return [length for length in steps if length < self.config.window] + [self.config.window]

    def attach(self, model: keras.Model):
        """Give the tagger its network, which maps an `Encoder`'s arrays to potentials."""
        self.model, self._tag_steered = model, None
        self._tag = Forward(keras.Model(model.input, ViterbiDecoder()(model.output)))

    # Answers.

    def prepare(self, user_dictionary=None, user_bonus: float | None = None) -> dict:
        """Options of a user to those of `encode`.

        Args:
            user_dictionary: words that the decoding is steered to: a file, a list, or a dictionary of word to type.
            user_bonus: added to the score of each tag that a match would have.
        """
        if user_dictionary is None:
            if user_bonus is not None:
                raise ConfigError("user_bonus is the weight of a user dictionary; give that as well")
            return {}
        steering = UserDictionary.open(user_dictionary, BONUS if user_bonus is None else user_bonus)
        steering.check_types({tag_schemes.split_label(label)[1] for label in self.labels if label != "O"})
        return {"steering": steering}

    def encode(self, texts: Sequence[str], steering: UserDictionary | None = None) -> Encoded:
        """The first third of an answer: texts to the arrays that the network reads."""
        flat = FlatTexts(texts)
        arrays = self.encoder.encode(flat)
        if steering is not None:
            arrays["bonus"] = steering.scores(flat, self.labels, self.scheme)
        return Encoded(texts, flat, arrays, cut_windows(flat, self.config.window))

    def run(self, encoded: Encoded) -> np.ndarray:
        """The second third: tag ids, int16 ``(total,)``, of flat texts; -1 at their edges."""
        forward = self._tag
        if "bonus" in encoded.arrays:
            self._tag_steered = forward = self._tag_steered or Forward(steered(self.model))
        tags = np.full(len(encoded.flat.codes), -1, "int16")
        for rows, length in batches_by_length(encoded.windows.lengths):
            batch = forward(encoded.windows.gather(encoded.arrays, rows, length))
            kept, places = encoded.windows.kept(rows, length)
            tags[places] = batch[kept]
        return tags

    def write(self, encoded: Encoded, tags: np.ndarray, file_format: str) -> str:
        """The last third: the output for lines of input; in the formats `text` and `jsonl` a line for each."""
        flat = encoded.flat
        if file_format == "text" and self._segments:
            codes = np.where(flat.codes == 10, 32, flat.codes)[1:]
            codes[flat.starts + flat.lengths - 1] = 10
            ends = self._ends[tags] | np.roll(self._begins[tags], -1)
            return decode.spaced_words(codes, ends[1:])
        found = self._labels(flat, tags)
        if file_format == "conll":
            # Where a long text was cut without a stop, two labels may meet that never do in one piece.
            prefixes = {tag_schemes.split_label(label)[0] for label in self.labels}
            found = [repair_labels(labels, self.scheme, prefixes) for labels in found]
        return "".join(
            decode.answer_line(text, labels, self.scheme, self._segments, file_format) + "\n"
            for text, labels in zip(encoded.texts, found)
        )

    def _labels(self, flat, tags):
        labels = self._label_array[tags]
        return [labels[a : a + n].tolist() for a, n in zip(flat.starts, flat.lengths)]

    def label_sequences(self, texts: Sequence[str], **options) -> list[list[str]]:
        """Labels of each text, a list as long as the text."""
        encoded = self.encode(texts, **options)
        return self._labels(encoded.flat, self.run(encoded))

    def predict(self, texts: Iterable[str], **options) -> list[list[dict]]:
        """Words or entities of each text, each with ``text``, ``start``, ``end`` and, for entities, ``type``.

        The words of a text put together are the text. `options` come from `prepare`.
        """
        texts = list(texts)
        sequences = self.label_sequences(texts, **options)
        return [decode.spans_of(text, labels, self.scheme, self._segments) for text, labels in zip(texts, sequences)]

    # Evaluation.

    def evaluate(self, examples: Sequence[Example]) -> dict:
        """Metrics over examples with legal labels: of segmentation or of entities, as the scheme says."""
        predicted = self.label_sequences([example.text for example in examples])
        pairs = [
            [tag_schemes.read_spans(labels, self.scheme) for labels in sequences]
            for sequences in ((e.labels for e in examples), predicted)
        ]
        if not self._segments:
            return entity_scores(*pairs)
        gold, found = (
            [[e.text[a:b] for a, b, _ in spans] for e, spans in zip(examples, sentences)] for sentences in pairs
        )
        return segmentation_scores(gold, found, self.known_words)

    def samples(self, examples: Sequence[Example], count: int = 12) -> list[dict]:
        """Rows for the report: what was expected, what came, whether they agree."""
        examples = examples[:: max(1, len(examples) // count)][:count]
        predicted = self.label_sequences([e.text for e in examples])
        rows = []
        for example, labels in zip(examples, predicted):
            shown = [
                self._show(decode.spans_of(example.text, x, self.scheme, self._segments), example.text)
                for x in (example.labels, labels)
            ]
            rows.append({"expected": shown[0], "predicted": shown[1], "right": shown[0] == shown[1]})
        return rows

    def _show(self, spans, text):
        if self._segments:
            return " ".join(span["text"] for span in spans)
        found = ", ".join(f"{span['text']} [{span['type'] or 'span'}]" for span in spans)
        return f"{text} → {found or 'none'}"

    # The folder.

    def files(self) -> list[str]:
        """Names of the files that `save` writes; prediction needs all but the known words."""
        parts = {"vocab.txt": True, "bigrams.txt": self.encoder.bigrams, "lexicon.txt.gz": self.encoder.lexicon}
        parts["known-words.txt"] = self.known_words or None
        return ["labels.txt", *(name for name, part in parts.items() if part is not None)]

    def save(self, folder: Path):
        """Write all files but the model and `task.json`."""
        self.encoder.save(folder)
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in self.labels), "utf-8", newline="\n")
        if self.known_words:
            Vocabulary(sorted(self.known_words)).save(folder / "known-words.txt")

    @classmethod
    def load(cls, folder: Path, config: TaggingConfig, facts: dict):
        """Read what `save` wrote; `facts` are those of `facts()`."""
        labels = (folder / "labels.txt").read_text("utf-8").split("\n")[:-1]
        words = Vocabulary.load(folder / "known-words.txt").symbols if facts["known_words"] else ()
        return cls(config, labels, facts["scheme"], Encoder.load(folder, config), words)

    def facts(self) -> dict:
        """What `load` needs beside the files."""
        return {"scheme": self.scheme, "known_words": bool(self.known_words)}

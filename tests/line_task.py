"""A task of one file: which class does a line belong to? It is known to nlpkit by an entry point, or by its class."""

import dataclasses

import keras
import numpy as np

from nlpkit.datasets import BucketedBatches, batches_by_length, gather_padded, read_tsv
from nlpkit.options import option, options
from nlpkit.tasks import Answer, Data, Declaration, Metric, Part, Problem, Task, TrainingSettings
from nlpkit.text.characters import FlatTexts
from nlpkit.text.vocabulary import FIRST_ID, CharacterVocabulary, Vocabulary
from nlpkit.training.forward import Forward


@dataclasses.dataclass(frozen=True)
class Line(Answer):
    text: str
    label: str


@options
class LineSettings(TrainingSettings):
    group = "line classes"
    width: int = option("size of the vectors", default=16, least=1)


class LineNetwork:
    def __init__(self, width, num_characters, num_labels):
        characters = keras.Input((None,), dtype="int32", name="characters")
        x = keras.layers.GlobalMaxPooling1D()(keras.layers.Embedding(num_characters, width)(characters))
        self.model = keras.Model({"characters": characters}, keras.layers.Dense(num_labels)(x))
        self.forward = Forward(self.model)


class LineClassifier(Task):
    declaration = Declaration("lines", "classes of lines", LineSettings, Metric("accuracy"))
    part_files = (Part("vocab.txt", "characters", CharacterVocabulary), Part("labels.txt", "classes", Vocabulary))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @classmethod
    def read(cls, path, options, metadata=None):
        return Data([Line(*row.fields) for row in read_tsv(path, "a line", "a label")])

    @classmethod
    def build(cls, settings, data):
        characters = CharacterVocabulary(sorted({c for line in data.examples for c in line.text}))
        return cls(settings, characters=characters, classes=Vocabulary(sorted({x.label for x in data.examples})))

    def build_network(self):
        return LineNetwork(self.settings.width, len(self.parts["characters"]), len(self.parts["classes"].symbols))

    def batches(self, examples, seed):
        flat = FlatTexts([line.text for line in examples])
        arrays = {"characters": self.parts["characters"].encode_codes(flat.codes)}
        labels = self.parts["classes"].encode([line.label for line in examples]) - FIRST_ID

        def collate(rows, length, rng):
            return gather_padded(arrays, flat.starts[rows], flat.lengths[rows], length), labels[rows]

        return BucketedBatches(flat.lengths, collate, self.settings.batch_size, seed)

    def encode(self, records, prepared):
        problems = [Problem(i, "is empty", True) for i, text in enumerate(records) if not text]
        return (records, FlatTexts(records)), problems

    def run(self, encoded):
        arrays = {"characters": self.parts["characters"].encode_codes((flat := encoded[1]).codes)}
        ids = np.full(len(flat), -FIRST_ID)
        for rows, size in batches_by_length(flat.lengths):
            batch = gather_padded(arrays, flat.starts[rows], flat.lengths[rows], size)
            ids[rows] = self.network.forward(batch).argmax(axis=-1)
        return ids

    def answers(self, encoded, outputs):
        return [Line(text, label) for text, label in zip(encoded[0], self.parts["classes"].decode(outputs + FIRST_ID))]

    def measure(self, examples):
        answers = self.predict([line.text for line in examples])
        return {"accuracy": float(np.mean([a == b for a, b in zip(answers, examples)]))}

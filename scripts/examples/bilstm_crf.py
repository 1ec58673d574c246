"""A BiLSTM-CRF for named entities from zero: Keras and two names of nlpkit, no task and no folder.

python scripts/examples/bilstm_crf.py
"""

from pathlib import Path

import keras
import numpy as np

from nlpkit.datasets import read_conll
from nlpkit.layers import CRF, ViterbiDecoder
from nlpkit.losses import CRFLoss
from nlpkit.metrics import SpanF1

DATA = Path(__file__).parents[2] / "data" / "tagging"


def arrays(sentences, characters, labels):
    """Ids, 0 where there is none, and tags, -100 where there is none: both (sentences, longest)."""
    longest = max(len(each.tokens) for each in sentences)
    ids, tags = np.zeros((len(sentences), longest), "int32"), np.full((len(sentences), longest), -100)
    for row, each in enumerate(sentences):
        ids[row, : len(each.tokens)] = [characters.get(token, 1) for token in each.tokens]
        tags[row, : len(each.tokens)] = [labels.index(label) for label in each.labels]
    return ids, tags


train, test = ([*read_conll(DATA / f"entities-{part}.conll")] for part in ("train", "test"))
characters = {c: i for i, c in enumerate(sorted({c for each in train for c in each.tokens}), 2)}
labels = sorted({label for each in train for label in each.labels})

tokens = keras.Input((None,), dtype="int32")
x = keras.layers.Embedding(len(characters) + 2, 64, mask_zero=True)(tokens)
x = keras.layers.Bidirectional(keras.layers.LSTM(64, return_sequences=True))(keras.layers.Dropout(0.3)(x))
potentials = CRF.from_labels(labels)(keras.layers.Dense(len(labels))(x))
model = keras.Model(tokens, potentials)
model.compile(keras.optimizers.Adam(0.01), CRFLoss(), metrics=[SpanF1(labels)])
model.fit(*arrays(train, characters, labels), epochs=12, batch_size=16, verbose=2)
print(model.evaluate(*arrays(test, characters, labels), verbose=0, return_dict=True))

tagger = keras.Model(tokens, ViterbiDecoder()(potentials))
ids, _ = arrays(test[:1], characters, labels)
print(*(f"{c}/{labels[tag]}" for c, tag in zip(test[0].tokens, tagger.predict(ids, verbose=0)[0])))

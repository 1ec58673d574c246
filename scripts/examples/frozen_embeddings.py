"""A CRF over vectors that another library has made, and which stay as they are.

    python scripts/examples/frozen_embeddings.py [VECTORS.txt]

Without a file, the vectors of the characters are random, in the place of those of, say, a transformer: all that
matters here is that they come from outside as an array (sentences, time, size), beside a mask.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from nlpkit.datasets import read_conll
from nlpkit.datasets.vector_files import read_vectors
from nlpkit.layers import CRF, ViterbiDecoder
from nlpkit.losses import CRFLoss

DATA = Path(__file__).parents[2] / "data" / "tagging"
SIZE = 64
sentences = [*read_conll(DATA / "entities-train.conll")]
labels = sorted({label for each in sentences for label in each.labels})

if len(sys.argv) > 1:
    table = dict(zip(*read_vectors(sys.argv[1])))
else:
    rng = np.random.default_rng(0)
    table = {c: rng.normal(size=SIZE) for c in sorted({c for each in sentences for c in each.tokens})}
size = len(next(iter(table.values())))

longest = max(len(each.tokens) for each in sentences)
vectors = np.zeros((len(sentences), longest, size), "float32")
tags = np.full((len(sentences), longest), -100)
for row, each in enumerate(sentences):
    for step, (token, label) in enumerate(zip(each.tokens, each.labels)):
        vectors[row, step] = table.get(token, 0)
        tags[row, step] = labels.index(label)
mask = tags >= 0

given, real = keras.Input((None, size)), keras.Input((None,), dtype="bool")
x = keras.layers.Bidirectional(keras.layers.GRU(48, return_sequences=True))(given, mask=real)
potentials = CRF.from_labels(labels)(keras.layers.Dense(len(labels))(x), mask=real)
model = keras.Model([given, real], potentials)
model.compile(keras.optimizers.Adam(0.01), CRFLoss())
model.fit([vectors, mask], tags, epochs=8, batch_size=16, verbose=2)

found = keras.Model([given, real], ViterbiDecoder()(potentials)).predict([vectors, mask], verbose=0)
print(f"{(found == tags)[mask].mean():.1%} of the training tags are found")

"""Pretrained vectors of characters and bigrams to start from."""

import numpy as np

from nlpkit.datasets.files import read_lines
from nlpkit.errors import DataError
from nlpkit.text.characters import normalize_text

_SCALE = 0.3  # root mean square of the vectors as the network gets them


def read_vectors(path) -> dict[str, np.ndarray]:
    """Vectors of a text file in word2vec's format, by normalised symbol; only those of one or two characters.

    Characters and bigrams may have different sizes, so each line holds a symbol and its numbers; a first line with
    two numbers alone is passed over.
    """
    vectors, sizes = {}, {}
    for number, line in read_lines(path):
        symbol, *values = line.rstrip(" ").split(" ")
        if number == 1 and len(values) == 1:
            continue
        if len(symbol) not in (1, 2):
            continue
        try:
            vector = np.array(values, "float32")
        except ValueError:
            vector = np.zeros(0, "float32")
        size = sizes.setdefault(len(symbol), len(vector))
        if len(vector) != size or not size:
            raise DataError(f"expected a symbol and {size or 'some'} numbers. Received: {line[:40]!r}", path, number)
        vectors.setdefault(normalize_text(symbol), vector)
    if not vectors:
        raise DataError("holds no vector of a character or a pair of characters", path)
    return vectors


def set_vectors(model, encoder, vectors, frozen: bool):
    """Put vectors into the embeddings of a tagger's network, `frozen` if training leaves them as they are.

    Symbols without one keep their random start, or have zeros if they could never learn.
    """
    for vocabulary, name in ((encoder.characters, "character_vectors"), (encoder.bigrams, "bigram_vectors")):
        if vocabulary is None:
            continue
        layer = model.get_layer(name)
        (table,) = layer.get_weights()
        rows = [(i, vectors[symbol]) for i, symbol in enumerate(vocabulary.symbols, 2) if symbol in vectors]
        if not rows:
            continue
        places, found = map(np.array, zip(*rows))
        if found.shape[1] != table.shape[1]:
            raise DataError(f"the vectors for {name} have {found.shape[1]} numbers, the network {table.shape[1]}")
        if frozen:
            layer.trainable, table[2:] = False, 0
        table[places] = found * (_SCALE / np.sqrt(np.mean(found**2)))
        layer.set_weights([table])

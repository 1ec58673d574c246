"""Word vectors: the fast way makes the updates of the plain one, on every backend."""

import keras
import numpy as np
import pytest

from nlpkit.losses import negative_sampling, sampled_softmax
from nlpkit.ops.windows import sum_blocks, to_blocks, window_weights
from nlpkit.tasks.word2vec.config import Word2VecConfig
from nlpkit.tasks.word2vec.model import Word2Vec

from .backend import gradients

SMALL = {"vector_size": 6, "window": 2, "block": 4, "batch_size": 12, "shared_negatives": 3, "num_negatives": 5}
WORDS = 9


def model_of(**settings):
    keras.utils.set_random_seed(0)
    model = Word2Vec(Word2VecConfig.create({**SMALL, **settings}), WORDS)
    rng = np.random.default_rng(0)
    for table in (model.vectors, model.contexts):
        values = rng.normal(size=(WORDS, 6)).astype("float32")
        values[0] = 0
        table.set_weights([values])
    return model


def step(chunks, seed=1):
    """A step of training data: three lines, and padding at the end."""
    rng = np.random.default_rng(seed)
    total = 12 * chunks + 4
    words = rng.integers(2, WORDS, total).astype("int32")
    lines = np.sort(rng.integers(0, 3, total)).astype("int32")
    words[:2] = words[-5:] = 0
    lines[:2] = lines[-5:] = -1
    return {"words": words, "lines": lines, "negatives": rng.integers(2, WORDS, (chunks, 3, 3)).astype("int32")}


def fit(model, data):
    """One step by `fit`."""
    return model.fit((x for x in [(data,)]), steps_per_epoch=1, verbose=0, shuffle=False)


def tables_of(model):
    return [np.array(keras.ops.convert_to_numpy(x.embeddings.value)) for x in (model.vectors, model.contexts)]


def expected_update(model, data, rate):
    """Pair by pair, by loops."""
    config, (vectors, contexts) = model.config, tables_of(model)
    words, lines, drawn = data["words"], data["lines"], data["negatives"][0]
    new_vectors, new_contexts = vectors.copy(), contexts.copy()
    window, loss, pairs = config.window, 0.0, 0.0
    for i in range(window, len(words) - window):
        near = [j for j in range(i - window, i + window + 1) if j != i and lines[j] == lines[i] and words[i]]
        weights = {j: (window - abs(i - j) + 1) / window for j in near}
        if not near:
            continue
        if config.architecture == "skipgram":
            state, answers = vectors[words[i]], [(words[j], weights[j]) for j in near]
        else:
            state = sum(weights[j] * vectors[words[j]] for j in near) / sum(weights.values())
            answers = [(words[i], 1.0)]
        change = np.zeros(6)
        shared = drawn[(i - window) // config.block]
        share = config.num_negatives / config.shared_negatives
        for word, weight in answers:
            others = [n for n in shared if n != word]
            if config.loss == "negative_sampling":
                slopes = [(word, weight * (1 / (1 + np.exp(-state @ contexts[word])) - 1))]
                loss += weight * np.log1p(np.exp(-state @ contexts[word]))
                for n in others:
                    slopes.append((n, weight * share / (1 + np.exp(-state @ contexts[n]))))
                    loss += weight * share * np.log1p(np.exp(state @ contexts[n]))
            else:
                every = np.exp(state @ contexts[word]) + sum(share * np.exp(state @ contexts[n]) for n in others)
                slopes = [(word, weight * (np.exp(state @ contexts[word]) / every - 1))]
                slopes += [(n, weight * share * np.exp(state @ contexts[n]) / every) for n in others]
                loss += weight * (np.log(every) - state @ contexts[word])
            pairs += weight
            for target, slope in slopes:
                change -= rate * slope * contexts[target]
                new_contexts[target] -= rate * slope * state
        if config.architecture == "skipgram":
            new_vectors[words[i]] += change
        else:
            for j in near:
                new_vectors[words[j]] += weights[j] * change
    return new_vectors, new_contexts, loss, pairs


WAYS = [("skipgram", "negative_sampling"), ("cbow", "negative_sampling"), ("cbow", "sampled_softmax")]


@pytest.mark.parametrize(("architecture", "loss"), WAYS)
@pytest.mark.parametrize("autodiff", [False, True])
def test_both_ways_are_the_sum_over_pairs(architecture, loss, autodiff):
    model, data = model_of(architecture=architecture, loss=loss, autodiff=autodiff), step(1)
    *expected, total, pairs = expected_update(model, data, 0.1)
    model.compile(keras.optimizers.SGD(0.1))
    history = fit(model, data)
    for found, wanted in zip(tables_of(model), expected):
        np.testing.assert_allclose(found, wanted, atol=2e-5)
    np.testing.assert_allclose(history.history["loss"][0], total if autodiff else total / pairs, rtol=1e-4)


def test_skipgram_with_sampled_softmax_both_ways():
    # Which answers a drawn word is left out of is averaged over the answers of a word, so there is no sum over pairs.
    found = []
    for autodiff in (False, True):
        model = model_of(loss="sampled_softmax", autodiff=autodiff)
        model.compile(keras.optimizers.SGD(0.1))
        fit(model, step(1))
        found.append(tables_of(model))
    for fast, plain in zip(*found):
        np.testing.assert_allclose(fast, plain, atol=2e-5)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize("autodiff", [False, True])
def test_words_of_pieces_are_means_of_rows(architecture, autodiff):
    rows = [[], [], [9, 10], [10], [], [9, 11], [11], [9, 10], []]
    pieces = np.array([row + [0] * (2 - len(row)) for row in rows], "int32")
    config = Word2VecConfig.create({**SMALL, "architecture": architecture, "autodiff": autodiff})
    model, data = Word2Vec(config, WORDS, pieces, 3), step(1)
    rng = np.random.default_rng(0)
    table = rng.normal(size=(WORDS + 3, 6)).astype("float32")
    model.vectors.set_weights([table])
    model.contexts.set_weights([rng.normal(size=(WORDS, 6)).astype("float32")])
    parts = [[word, *row] if word else [] for word, row in enumerate(rows)]
    means = np.array([table[part].mean(axis=0) if part else np.zeros(6) for part in parts])
    # The same words with one row each: what their rows change by goes to each of the parts.
    simple = Word2Vec(config, WORDS)
    simple.vectors.set_weights([means])
    simple.contexts.set_weights(model.contexts.get_weights())
    changed, contexts, *_ = expected_update(simple, data, 0.1)
    expected = table.copy()
    for word, part in enumerate(parts):
        for row in part:
            expected[row] += changed[word] - means[word]
    model.compile(keras.optimizers.SGD(0.1))
    fit(model, data)
    for found, wanted in zip(tables_of(model), (expected, contexts)):
        np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_chunks_follow_each_other():
    whole, parts = model_of(), model_of()
    data = step(3)
    for model in (whole, parts):
        model.compile(keras.optimizers.SGD(0.1))
    fit(whole, data)
    for i in range(3):
        some = slice(12 * i, 12 * i + 16)
        part = {"words": data["words"][some], "lines": data["lines"][some], "negatives": data["negatives"][i : i + 1]}
        fit(parts, part)
    for found, wanted in zip(tables_of(whole), tables_of(parts)):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_padding_learns_nothing():
    model = model_of()
    before = tables_of(model)
    data = step(2)
    data["words"][:], data["lines"][:] = 0, -1
    model.compile(keras.optimizers.SGD(0.1))
    fit(model, data)
    for found, wanted in zip(tables_of(model), before):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("loss", [negative_sampling, sampled_softmax])
def test_derivatives_are_those_of_the_loss(loss):
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 5))
    weights = rng.random((2, 3, 4)), rng.random((2, 3, 5))
    arrays = [x.astype("float32") for x in (positive, negative, *weights)]
    tensors = list(map(keras.ops.convert_to_tensor, arrays))
    _, *slopes = loss(*tensors)
    _, expected = gradients(lambda *scores: loss(*scores, *tensors[2:])[0](), *arrays[:2])
    for slope, wanted in zip(slopes, expected):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(slope), wanted, atol=1e-5)


def test_blocks_and_their_transpose():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 3)).astype("float32"), rng.normal(size=(3, 8, 3)).astype("float32")
    blocks = keras.ops.convert_to_numpy(to_blocks(x, 4, 2))
    assert blocks.shape == (3, 8, 3)
    back = keras.ops.convert_to_numpy(sum_blocks(keras.ops.convert_to_tensor(y), 4, 2))
    np.testing.assert_allclose((blocks * y).sum(), (x * back).sum(), rtol=1e-5)


def test_window_weights_are_the_expected_windows():
    rng = np.random.default_rng(0)
    distance = np.abs(np.arange(4)[:, None] - (np.arange(10) - 3))
    reach = rng.integers(1, 4, 20000)[:, None, None]
    drawn = ((distance > 0) & (distance <= reach)).mean(axis=0)
    np.testing.assert_allclose(window_weights(4, 3), drawn, atol=0.02)

"""Word vectors: the fast way makes the updates of the plain one, on every backend."""

import keras
import numpy as np
import pytest

from nlpkit.losses import negative_sampling, sampled_softmax
from nlpkit.ops.windows import window_table
from nlpkit.tasks.word2vec.config import Word2VecSettings
from nlpkit.tasks.word2vec.model import Word2Vec

from .backend import gradients

SMALL = {"vector_size": 6, "window": 2, "block": 4, "batch_size": 16, "num_negatives": 5}
WORDS = 9


def model_of(**settings):
    keras.utils.set_random_seed(0)
    model = Word2Vec(Word2VecSettings.create({**SMALL, **settings}), WORDS)
    rng = np.random.default_rng(0)
    for table in (model.vectors, model.contexts):
        values = rng.normal(size=(WORDS, 6)).astype("float32")
        values[0] = 0
        table.set_weights([values])
    return model


def step(chunks, seed=1, rows=WORDS):
    """A step of training data: blocks of any words, and padding at the end."""
    rng = np.random.default_rng(seed)
    words = rng.integers(2, WORDS, (chunks, 4, 8)).astype("int32")
    reach = rng.integers(0, 3, (2, chunks, 4, 4))
    words[-1, -1, -5:], reach[:, -1, -1, -3:] = 0, 0
    windows = (3 * reach[0] + reach[1]).astype("int32")
    negatives = rng.integers(2, WORDS, (chunks, 4, 4)).astype("int32")
    weights, scale = rng.random((chunks, 4, 4), "float32"), rng.random((1, rows), "float32")
    return {
        "words": words,
        "windows": windows,
        "negatives": negatives,
        "negative_weights": weights,
        "update_scale": scale,
    }


def fit(model, data):
    """One step by `fit`."""
    return model.fit((x for x in [(data,)]), steps_per_epoch=1, verbose=0, shuffle=False)


def tables_of(model):
    return [np.array(keras.ops.convert_to_numpy(x.embeddings.value)) for x in (model.vectors, model.contexts)]


def expected_update(model, data, rate):
    """Pair by pair, by loops."""
    settings, (vectors, contexts) = model.settings, tables_of(model)
    new_vectors, new_contexts, shares = vectors.copy(), contexts.copy(), data["update_scale"][0]
    loss, pairs = 0.0, 0
    for block, i in np.ndindex(4, 4):
        words, drawn = (
            data["words"][0, block],
            list(zip(data["negatives"][0, block], data["negative_weights"][0, block])),
        )
        before, after = divmod(data["windows"][0, block, i], 3)
        i += 2
        near = [j for j in range(i - before, i + after + 1) if j != i]
        if not near:
            continue
        if settings.architecture == "skipgram":
            state, answers = vectors[words[i]], [words[j] for j in near]
        else:
            state, answers = sum(vectors[words[j]] for j in near) / len(near), [words[i]]
        change = np.zeros(6)
        for word in answers:
            others = [(n, share) for n, share in drawn if n != word]
            if settings.loss == "negative_sampling":
                slopes = [(word, 1 / (1 + np.exp(-state @ contexts[word])) - 1)]
                loss += np.log1p(np.exp(-state @ contexts[word]))
                for n, share in others:
                    slopes.append((n, share / (1 + np.exp(-state @ contexts[n]))))
                    loss += share * np.log1p(np.exp(state @ contexts[n]))
            else:
                every = np.exp(state @ contexts[word]) + sum(share * np.exp(state @ contexts[n]) for n, share in others)
                slopes = [(word, np.exp(state @ contexts[word]) / every - 1)]
                slopes += [(n, share * np.exp(state @ contexts[n]) / every) for n, share in others]
                loss += np.log(every) - state @ contexts[word]
            pairs += 1
            for target, slope in slopes:
                change -= rate * slope * contexts[target]
                new_contexts[target] -= rate * slope * state * shares[target]
        if settings.architecture == "skipgram":
            new_vectors[words[i]] += change * shares[words[i]]
        else:
            for j in near:
                new_vectors[words[j]] += change * shares[words[j]]
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
    config = Word2VecSettings.create({**SMALL, "architecture": architecture, "autodiff": autodiff})
    model, data = Word2Vec(config, WORDS, pieces, 3), step(1, rows=WORDS + 3)
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
    shares = data["update_scale"][0]
    whole = {**data, "update_scale": np.ones((1, WORDS), "float32")}
    changed, *_ = expected_update(simple, whole, 0.1)
    _, contexts, *_ = expected_update(simple, data, 0.1)
    expected = table.copy()
    for word, part in enumerate(parts):
        for row in part:
            expected[row] += (changed[word] - means[word]) * shares[row]
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
        fit(parts, {name: x if name == "update_scale" else x[i : i + 1] for name, x in data.items()})
    for found, wanted in zip(tables_of(whole), tables_of(parts)):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_step_is_the_same_bits_each_time():
    # With more than a thousand rows at once TensorFlow adds in any order, unless it is kept from it.
    rng = np.random.default_rng(0)
    data = {
        "words": rng.integers(2, WORDS, (2, 128, 20)).astype("int32"),
        "windows": np.full((2, 128, 16), 8, "int32"),
        "negatives": rng.integers(2, WORDS, (2, 128, 16)).astype("int32"),
        "negative_weights": np.full((2, 128, 16), 0.3, "float32"),
        "update_scale": np.ones((1, WORDS), "float32"),
    }
    found = []
    for _ in range(3):
        model = model_of(batch_size=2048, block=16)
        model.compile(keras.optimizers.SGD(0.001))
        fit(model, data)
        found.append(tables_of(model))
    for again in found[1:]:
        np.testing.assert_array_equal(again, found[0])


def test_padding_learns_nothing():
    model = model_of()
    before = tables_of(model)
    data = step(2)
    data["words"][:], data["windows"][:] = 0, 0
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


def test_windows_by_their_numbers():
    table = window_table(3, 2)
    assert table.shape == (3, 9, 7)
    for i, before, after in np.ndindex(3, 3, 3):
        inside = [j for j in range(i + 2 - before, i + 2 + after + 1) if j != i + 2]
        np.testing.assert_array_equal(np.flatnonzero(table[i, 3 * before + after]), inside)

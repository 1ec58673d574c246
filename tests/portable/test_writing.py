"""What text-to-text models are made of: recurrent layers, attention, copying, and a view inside of layers."""

import json

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from nlpkit.layers import (
    ConditionalLayerNorm,
    CopyAttention,
    CopySwitch,
    GatedConv,
    MaskedGRU,
    SourcePrior,
    TiedEmbedding,
    VisibleAttention,
)
from nlpkit.layers.copying import likeliest
from nlpkit.layers.inside import inside, names_inside
from nlpkit.losses import SequenceLikelihood
from nlpkit.ops.copying import last_of, last_symbols, matches, source_symbols

from .backend import array, gradients, in_graph

RNG = np.random.default_rng(0)
MASK = np.array([[1, 1, 1, 1, 1, 0, 0], [1] * 7, [0, 1, 1, 0, 1, 1, 0], [0] * 7], bool)


def randomized(layer, *inputs, seed=0, **kwargs):
    """A layer that was built on inputs, with random weights."""
    layer(*inputs, **kwargs)
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape).astype("float32") * 0.5)
    return layer


# The recurrent layer.


def keras_twin(layer, features):
    """`keras.layers.GRU` with the same weights, whose gates stand in another order."""

    def in_order(x):
        reset, update, candidate = np.split(x, 3, axis=-1)
        return np.concatenate([update, reset, candidate], axis=-1)

    twin = keras.layers.GRU(layer.units, return_sequences=True)
    if layer.bidirectional:
        twin = keras.layers.Bidirectional(twin)
    twin(np.zeros((1, 2, features), "float32"))
    weights = [in_order(array(weight.value)) for weight in layer.weights]
    directions = [weights[i : i + 4] for i in range(0, len(weights), 4)]
    twin.set_weights([x for k, b, r, rb in directions for x in (k, r, np.stack([b, rb]))])
    return twin


@pytest.mark.parametrize("both", [False, True])
def test_the_recurrent_layer_is_that_of_keras_with_its_derivatives(both):
    x = RNG.normal(size=(4, 7, 3)).astype("float32")
    layer = randomized(MaskedGRU(5, bidirectional=both), x)
    twin, mask = keras_twin(layer, 3), ops.convert_to_tensor(MASK)
    factors = ops.convert_to_tensor((RNG.normal(size=(4, 7, 10 if both else 5)) * MASK[..., None]).astype("float32"))
    found = [
        gradients(lambda x, each=each: ops.sum(ops.sin(each(x, mask=mask)) * factors), x) for each in (layer, twin)
    ]
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    np.testing.assert_allclose(found[0][1][0], found[1][1][0], rtol=1e-4, atol=1e-5)


def test_a_step_of_training_changes_the_weights_as_keras_does():
    x, targets = RNG.normal(size=(4, 7, 3)).astype("float32"), RNG.normal(size=(4, 7, 4)).astype("float32")
    layer = randomized(MaskedGRU(4), x)
    layers = [layer, keras_twin(layer, 3)]
    for each in layers:
        tokens = keras.Input((7, 3))
        model = keras.Model(tokens, each(tokens))
        model.compile(keras.optimizers.SGD(0.5), "mse")
        model.fit(x, targets, verbose=0, batch_size=4)
    for own, other in zip(keras_twin(layer, 3).get_weights(), layers[1].get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-5)


def test_padding_does_not_matter_wherever_it_stands():
    x = RNG.normal(size=(4, 7, 3)).astype("float32")
    layer = randomized(MaskedGRU(5, bidirectional=True), x)
    together = array(layer(x, mask=MASK))
    for row, real in enumerate(MASK):
        assert (together[row, ~real] == 0).all()
        if real.any():
            np.testing.assert_allclose(array(layer(x[row : row + 1, real]))[0], together[row, real], atol=1e-5)
    other = np.where(MASK[..., None], x, 1e4).astype("float32")
    np.testing.assert_array_equal(array(layer(other, mask=MASK)), together)


def test_an_initial_state_and_single_steps():
    x, start = RNG.normal(size=(2, 5, 3)).astype("float32"), RNG.normal(size=(2, 4)).astype("float32")
    layer = randomized(MaskedGRU(4), x)
    whole, state = array(layer(x, initial_state=start)), ops.convert_to_tensor(start)
    for t in range(5):
        state = layer.step(ops.convert_to_tensor(x[:, t]), state)
        np.testing.assert_allclose(array(state), whole[:, t], rtol=1e-4, atol=1e-5)
    _, (found,) = gradients(lambda s: ops.sum(layer(x, initial_state=s)), start)
    near = start.copy()
    near[1, 2] += 1e-2
    difference = (array(layer(x, initial_state=near)).sum() - whole.sum()) / 1e-2
    np.testing.assert_allclose(found[1, 2], difference, rtol=0.05, atol=1e-2)
    with pytest.raises(ValueError, match="takes no initial_state"):
        MaskedGRU(4, bidirectional=True)(x, initial_state=start)


# Attention, normalisation, prior, embedding.


def test_attention_against_plain_loops_and_masked_against_cut():
    queries, memory = RNG.normal(size=(2, 3, 4)).astype("float32"), RNG.normal(size=(2, 5, 6)).astype("float32")
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)
    layer = randomized(VisibleAttention(2, 3), queries, memory)
    read, weights = map(array, layer(queries, memory, memory_mask=mask))
    cut, cut_weights = map(array, layer(queries[:1], memory[:1, :3]))
    np.testing.assert_allclose(read[:1], cut, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(weights[:1, ..., :3], cut_weights, rtol=1e-5)
    assert (weights[0, ..., 3:] == 0).all()
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    inputs = ((layer.query, queries[1]), (layer.key, memory[1]), (layer.value, memory[1]))
    for head in range(2):
        q, k, v = (x @ array(p.kernel)[:, head] + array(p.bias).reshape(2, 3)[head] for p, x in inputs)
        scores = np.exp(q @ k.T / np.sqrt(3))
        np.testing.assert_allclose(weights[1, head], scores / scores.sum(-1, keepdims=True), rtol=1e-4)
        np.testing.assert_allclose(read[1, :, 3 * head : 3 * head + 3], weights[1, head] @ v, rtol=1e-4, atol=1e-5)


def test_a_conditional_norm_begins_as_a_plain_one():
    x, condition = RNG.normal(size=(2, 3, 4)).astype("float32"), RNG.normal(size=(2, 5)).astype("float32")
    layer = ConditionalLayerNorm()
    plain = array(layer(x, condition))
    np.testing.assert_allclose(plain, array(keras.layers.LayerNormalization()(x)), rtol=1e-5)
    layer.scale.kernel.assign(RNG.normal(size=(5, 4)).astype("float32"))
    layer.shift.kernel.assign(RNG.normal(size=(5, 4)).astype("float32"))
    scale, shift = condition @ array(layer.scale.kernel), condition @ array(layer.shift.kernel)
    expected = plain * (1 + scale[:, None]) + shift[:, None]
    np.testing.assert_allclose(array(layer(x, condition)), expected, rtol=1e-4, atol=1e-5)


def test_the_prior_gives_a_bonus_to_each_symbol_of_the_source_once():
    ids = np.array([[3, 5, 3, 1, 0], [2, 2, 2, 2, 2]], "int32")
    layer = randomized(SourcePrior(7, first_id=2), ids)
    scale, shift = np.exp(array(layer.log_scale)), array(layer.shift)
    occurs = np.array([[0, 0, 0, 1, 0, 1, 0], [0, 0, 1, 0, 0, 0, 0]])
    np.testing.assert_allclose(array(layer(ids)), occurs * scale + shift, rtol=1e-5)
    np.testing.assert_allclose(array(in_graph(layer, ids)), occurs * scale + shift, rtol=1e-5)


def test_a_tied_embedding_reads_and_writes_with_one_table():
    layer = TiedEmbedding(5, 3)
    vectors = array(layer(np.array([[4, 1]])))
    layer.bias.assign(np.arange(5, dtype="float32"))
    table = array(layer.embeddings)
    np.testing.assert_array_equal(vectors[0], table[[4, 1]])
    np.testing.assert_allclose(array(layer(vectors, reverse=True)), vectors @ table.T + np.arange(5), rtol=1e-5)
    assert len(layer.weights) == 2


# Copying.

SYMBOLS = st.lists(st.integers(0, 5), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(SYMBOLS, SYMBOLS)
def test_matches_are_those_of_a_plain_loop(source, written):
    previous = np.array([[0, *written[:-1]]])
    found = [array(each)[0] for each in matches(np.array([source]), last_symbols(previous, 3))]
    history = np.array([[[*written, 0, 0]]])
    for t in range(len(written)):
        at_step = [array(x)[0, 0] for x in matches(np.array([source]), last_of(ops.convert_to_tensor(history), t, 3))]
        for n in (1, 2, 3):
            last = written[max(t - n, 0) : t]
            expected = [
                len(last) == n and j + 1 >= n and source[j + 1 - n : j + 1] == last and min(last) >= 2
                for j in range(len(source))
            ]
            assert found[n - 1][t].tolist() == expected == at_step[n - 1].tolist(), (n, t)


def copying_layers(source, previous, steps=3, time=6, size=7):
    rng = np.random.default_rng(1)
    queries, memory = rng.normal(size=(2, steps, 4)), rng.normal(size=(2, time, 5))
    arrays = {"queries": queries, "memory": memory, "logits": rng.normal(size=(2, steps, size)) * 2}
    return {name: each.astype("float32") for name, each in arrays.items()}


def test_copying_step_by_step_is_copying_at_once():
    source = np.array([[2, 3, 4, 2, 3, 5], [6, 6, 2, 3, 0, 0]], "int32")
    gold = np.array([[3, 4, 2], [6, 2, 3]], "int32")
    previous = np.pad(gold[:, :-1], [[0, 0], [1, 0]])
    given, mask = copying_layers(source, previous), source != 0
    layer = randomized(CopyAttention(4), given["queries"], given["memory"], source, previous)
    whole = array(layer(given["queries"], given["memory"], source, previous, memory_mask=mask))
    np.testing.assert_allclose(np.exp(whole).sum(-1), 1, rtol=1e-5)
    assert (np.exp(whole)[1, :, 4:] == 0).all()
    history, keys = ops.convert_to_tensor(gold[:, None]), layer.keys(given["memory"])
    copied = [ops.zeros((2, 1, 6), dtype="bool")] * layer.coverage
    for t in range(3):
        found = matches(source, last_of(history, t, layer.reach))
        copied = [before | now for before, now in zip(copied, found)]
        step = ops.log_softmax(layer.score(given["queries"][:, t : t + 1], keys, found, copied, mask))
        np.testing.assert_allclose(array(step)[:, 0], whole[:, t], rtol=1e-4, atol=1e-4)


def test_a_fresh_layer_goes_on_with_a_copy():
    source, zeros = np.array([[2, 3, 4, 9, 3, 5]], "int32"), np.zeros((1, 3, 4), "float32")
    layer = CopyAttention(4)
    log_weights = array(layer(zeros, np.zeros((1, 6, 4), "float32"), source, np.array([[0, 9, 3]], "int32")))
    assert log_weights.argmax(-1).tolist() == [[0, 4, 5]]  # after 9 3 comes 5, not the 4 of 2 3 4


def mixture(logits, log_weights, source, gate, extra):
    """Probabilities of a pointer-generator by plain loops."""
    batch, steps, size = logits.shape
    p = np.zeros((batch, steps, size + extra))
    exponentials = np.exp(logits)
    p[..., :size] = exponentials / exponentials.sum(-1, keepdims=True) * (1 - gate)
    for b, t in np.ndindex(batch, steps):
        for j, symbol in enumerate(source[b]):
            p[b, t, symbol] += gate[b, t, 0] * np.exp(log_weights[b, t, j])
    return p


@pytest.mark.parametrize("with_bonus", [False, True])
@pytest.mark.parametrize("graph", [False, True])
def test_the_switch_mixes_writing_and_copying(graph, with_bonus):
    source = np.array([[2, 3, 8, 2, 3, 7], [6, 6, 2, 3, 0, 0]], "int32")
    given = copying_layers(source, None)
    weights = RNG.normal(size=(2, 3, 6))
    log_weights = (weights - np.log(np.exp(weights).sum(-1, keepdims=True))).astype("float32")
    layer = randomized(CopySwitch(2), given["logits"], log_weights, source, given["queries"])
    gate = 1 / (1 + np.exp(-(given["queries"] @ array(layer.gate.kernel) + array(layer.gate.bias))))
    expected = mixture(given["logits"], log_weights, source, gate, 2)
    call = in_graph if graph else lambda function, *arrays: function(*map(ops.convert_to_tensor, arrays))
    p = array(call(layer, given["logits"], log_weights, source, given["queries"]))
    np.testing.assert_allclose(p, expected, rtol=1e-4, atol=1e-6)
    for gold in (source[:, :3], np.array([[1, 4, 8], [8, 5, 6]], "int32")):
        own = array(call(layer, given["logits"], log_weights, source, given["queries"], gold))
        right = np.take_along_axis(expected, gold[..., None], -1)[..., 0]
        possible = right > 0
        np.testing.assert_allclose(np.exp(own[possible]), right[possible], rtol=1e-4)
        assert (own[~possible] < -1e8).all()
    # The likeliest, each once, as a search wants them.
    padded = np.pad(given["logits"], [[0, 0], [0, 0], [0, 2]], constant_values=-1e9)
    allowed = np.array([[1, 1, 1, 1, 0, 1], [1] * 4 + [0] * 2], bool)

    bonus = np.where(source < 7, [[0.5], [1.5]], 0).astype("float32")

    def candidates(logits, log_weights, source, states, allowed, bonus):
        own = ops.take_along_axis(logits, ops.repeat(source[:, None], 3, axis=1), axis=2)
        symbols = source_symbols(source, allowed, 9)
        own = own + ops.where(symbols.is_first, bonus if with_bonus else 0.0, -1e9)[:, None]
        return layer.candidates(logits, own, ops.exp(log_weights), symbols, states, 4, bonus if with_bonus else None)

    arrays = (padded, log_weights, source, given["queries"], allowed, bonus)
    scores, ids, rest = map(array, call(candidates, *arrays))
    if with_bonus:
        occurs = (source[:, :, None] == np.arange(7)).any(1)
        given["logits"] = given["logits"] + np.where(occurs, [[0.5], [1.5]], 0)[:, None]
    hidden = np.where(allowed[:, None], log_weights, -1e9)
    expected = mixture(given["logits"], hidden, source, gate, 2)
    for b, t in np.ndindex(2, 3):
        found = {i: np.exp(s) for i, s in zip(ids[b, t], scores[b, t]) if s > -np.inf}
        assert (scores[b, t] > -np.inf).sum() == len(found)
        for i in {*np.argsort(-expected[b, t])[:4].tolist()}:
            np.testing.assert_allclose(found[i], expected[b, t, i], rtol=1e-4)
        for i in {*range(2, 7)} - {*source[b].tolist()}:
            np.testing.assert_allclose(np.exp(padded[b, t, i] + rest[b, t, 0]), expected[b, t, i], rtol=1e-4)


def test_the_likeliest_are_those_of_a_log_softmax():
    logits = RNG.normal(size=(2, 3, 700)).astype("float32") * 3
    scores, ids, total = map(array, likeliest(ops.convert_to_tensor(logits), 5))
    expected = logits - np.log(np.exp(logits.astype("float64")).sum(-1, keepdims=True))
    np.testing.assert_array_equal(ids, np.argsort(-logits, axis=-1)[..., :5])
    np.testing.assert_allclose(scores, np.take_along_axis(expected, ids, -1), rtol=1e-4)
    np.testing.assert_allclose(total, logits[..., :1] - expected[..., :1], rtol=1e-4)


def test_the_loss_of_sequences_smooths_labels():
    y_pred = np.log(np.array([[[0.5, 0.2], [0.1, 0.3]]], "float32"))
    weights = np.array([[1.0, 0.0]], "float32")
    found = SequenceLikelihood(0.1)(np.zeros((1, 2)), y_pred, weights)
    np.testing.assert_allclose(float(found), -(0.9 * np.log(0.5) + 0.1 * np.log(0.2)) / 2, rtol=1e-5)
    loss = SequenceLikelihood.from_config(SequenceLikelihood(0.1).get_config())
    assert json.dumps(loss.get_config()) == json.dumps(SequenceLikelihood(0.1).get_config())


# A view inside.


def test_any_tensor_inside_a_built_model_can_be_seen():
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(9, 4, mask_zero=True, name="embedding")(tokens)
    block, attention = GatedConv(name="block"), VisibleAttention(2, 3, name="attention")
    read, _ = attention(block(x), x)
    model = keras.Model(tokens, keras.layers.Dense(2, name="query")(read))  # a name that the attention has inside
    names = names_inside(model)
    assert read._keras_mask is not None  # that of the queries
    assert names["attention/softmax"] == (None, 2, None, None) and names["block/sigmoid"] == (None, None, 4)
    ids = np.array([[3, 4, 5, 0], [1, 2, 0, 0]], "int32")
    shown = inside(model, "attention/softmax", "attention/query", "query", "block", "attention/1")(ids)
    embedded = model.get_layer("embedding")(ids)
    mask = ids != 0
    _, weights = attention(block(embedded, mask=mask), embedded, memory_mask=mask)
    np.testing.assert_allclose(array(shown["attention/softmax"]), array(weights), rtol=1e-5)
    np.testing.assert_allclose(array(shown["attention/1"]), array(weights), rtol=1e-5)
    assert (array(shown["attention/softmax"])[1, ..., 2:] == 0).all()
    np.testing.assert_allclose(array(shown["query"]), array(model(ids)), rtol=1e-5, atol=1e-6)
    # After training it shows the new weights.
    attention.query.kernel.assign(array(attention.query.kernel) * 2)
    _, weights = attention(block(embedded, mask=mask), embedded, memory_mask=mask)
    again = inside(model, "attention/softmax")(ids)["attention/softmax"]
    np.testing.assert_allclose(array(again), array(weights), rtol=1e-5)


def test_what_cannot_be_seen_is_said():
    x = keras.Input((4, 3))
    model = keras.Model(x, MaskedGRU(2, name="gru")(keras.layers.Dense(3, name="dense")(x)))
    with pytest.raises(ValueError, match="unknown tensor 'dense/matmull', did you mean 'dense/matmul'"):
        inside(model, "dense/matmull")
    with pytest.raises(ValueError, match="gru can't be looked into: MaskedGRU is a model or a wrapper, or computes"):
        inside(model, "gru/sigmoid")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MaskedGRU(0), "units must be an integer from 1. Received: 0"),
        (lambda: VisibleAttention(2, 0), "key_dim must be an integer from 1"),
        (lambda: CopyAttention(4, coverage=-1), "coverage must be an integer from 0"),
        (lambda: CopySwitch(-1), "num_extra must be an integer from 0"),
        (lambda: SourcePrior(0), "size must be an integer from 1"),
        (lambda: MaskedGRU(3)(np.ones((2, 3))), r"inputs must have the shape \(batch, time, features\)"),
        (lambda: ConditionalLayerNorm()(np.ones((1, 2, 3)), np.ones((1, 2, 3))), "their condition"),
        (lambda: TiedEmbedding(3, 0.5), "dim must be an integer from 1. Received: 0.5"),
    ],
)
def test_errors_say_what_is_accepted(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""One contract that every layer passes, and what each does beyond it."""

import itertools
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from nlpkit.layers import CRF, MEMM, GatedConv, TagSoftmax, TokenDropout, ViterbiDecoder
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.ops import linear_chain, potentials

from .backend import array

LABELS = ["O", "B-A", "I-A"]
HEADS = [(CRF, CRFLoss), (MEMM, PathLoss), (TagSoftmax, PathLoss)]
LAYERS = {
    "CRF": (lambda: CRF.from_labels(LABELS, learning_rate_multiplier=10), (2, 5, 3), (2, 10, 4), True),
    "MEMM": (lambda: MEMM.from_labels(LABELS), (2, 5, 3), (2, 10, 4), True),
    "TagSoftmax": (lambda: TagSoftmax.from_labels(LABELS), (2, 5, 3), (2, 10, 4), False),
    "ViterbiDecoder": (ViterbiDecoder, (2, 10, 4), (2, 5), False),
    "GatedConv": (lambda: GatedConv(dilation=2, dropout=0.1), (2, 5, 4), (2, 5, 4), True),
    "GatedConv, causal": (lambda: GatedConv(dilation=2, dropout=0.1, causal=True), (2, 5, 4), (2, 5, 4), True),
    "TokenDropout": (lambda: TokenDropout(0.3), (2, 5), (2, 5), False),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_contract(name, tmp_path):
    make, shape, output_shape, has_gradient = LAYERS[name]
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=shape).astype("float32")
    if name == "TokenDropout":
        inputs = rng.integers(0, 9, shape).astype("int32")
    layer = make()
    assert layer(inputs).shape == output_shape
    assert tuple(layer.compute_output_shape(shape)) == output_shape

    copy = type(layer).from_config(layer.get_config())
    assert json.dumps(copy.get_config()) == json.dumps(layer.get_config())

    symbolic = keras.Input(shape[1:], dtype=str(inputs.dtype))
    model = keras.Model(symbolic, layer(symbolic))
    assert model.output.shape == (None, *output_shape[1:])
    expected = model.predict(inputs, verbose=0)
    np.testing.assert_allclose(expected, array(layer(inputs)), rtol=1e-5, atol=1e-5)
    model.save(tmp_path / "layer.keras")
    np.testing.assert_array_equal(
        keras.saving.load_model(tmp_path / "layer.keras").predict(inputs, verbose=0), expected
    )

    for jit in (False, True) if has_gradient and keras.backend.backend() == "tensorflow" else (False,):
        if has_gradient:
            model.compile("sgd", lambda y, x: ops.mean(x[..., :3] ** 2), jit_compile=jit)
            model.fit(inputs, inputs, epochs=1, verbose=0)


@pytest.mark.parametrize(("head", "loss"), HEADS)
@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("jit", [False, True])
def test_head_trains_saves_and_loads(head, loss, policy, jit, tmp_path):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch.compile needs a C++ toolchain")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model, inputs, tags = small_tagger(head, loss, jit)
        history = model.fit(inputs, tags, epochs=4, verbose=0, batch_size=8).history["loss"]
        assert np.isfinite(history).all()
        assert history[-1] < history[0]
        assert str(model.output.dtype) == "float32"
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_array_equal(again.predict(inputs, verbose=0), model.predict(inputs, verbose=0))
    again.fit(inputs, tags, verbose=0)
    tagger = keras.Model(model.input, ViterbiDecoder()(model.output))
    found = tagger.predict(inputs, verbose=0)
    assert found.dtype == np.int32
    allowed = head.from_labels(LABELS).allowed
    for row, real in zip(found, inputs != 0):
        path = [3, *row[real], 3]
        assert all(allowed[a, b] for a, b in itertools.pairwise(path))


def small_tagger(head, loss, jit=False):
    rng = np.random.default_rng(1)
    inputs = rng.integers(1, 20, (16, 6))
    inputs[:, 4:] *= rng.integers(0, 2, (16, 1))
    tags = np.where(inputs % 5 == 0, 1, 0)
    tags[:, 1:] = np.where((tags[:, :-1] == 1) & (tags[:, 1:] == 0), 2, tags[:, 1:])
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(20, 8, mask_zero=True)(tokens)
    x = keras.layers.Dense(3)(x)
    model = keras.Model(tokens, head.from_labels(LABELS)(x))
    model.compile(keras.optimizers.Adam(0.05), loss(), jit_compile=jit)
    return model, inputs, tags


def test_saved_model_answers_the_same_in_a_fresh_process(tmp_path):
    model, inputs, tags = small_tagger(CRF, CRFLoss)
    model.fit(inputs, tags, verbose=0)
    tagger = keras.Model(model.input, ViterbiDecoder()(model.output))
    tagger.save(tmp_path / "tagger.keras")
    np.save(tmp_path / "inputs.npy", inputs)
    program = (
        "import sys, numpy, keras, nlpkit.layers\n"
        "model = keras.saving.load_model(sys.argv[1] + '/tagger.keras')\n"
        "out = model.predict(numpy.load(sys.argv[1] + '/inputs.npy'), verbose=0)\n"
        "numpy.save(sys.argv[1] + '/out.npy', out)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), tagger.predict(inputs, verbose=0))


def test_loss_by_layer_is_the_likelihood_and_mean_over_rows():
    layer = CRF(3)
    emissions = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    mask = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [0] * 5, [1, 0, 1, 0, 1]], bool)
    tags = np.random.default_rng(1).integers(0, 3, (4, 5))
    layer.build(emissions.shape)
    layer.transition_table.assign(np.random.default_rng(2).normal(size=(4, 4)))
    transitions, start, end = layer.chain_scores()
    expected = -array(linear_chain.log_likelihood(emissions, tags, transitions, start, end, mask))
    np.testing.assert_allclose(
        float(ops.stop_gradient(CRFLoss()(tags, layer(emissions, mask=mask)))), expected.mean(), rtol=1e-5
    )
    assert expected[2] == 0


def test_memm_is_the_mean_of_both_directions():
    def log_softmax(x):
        return x - np.log(np.exp(x).sum())

    rng = np.random.default_rng(0)
    layer = MEMM(3)
    emissions = rng.normal(size=(3, 4, 3)).astype("float32")
    mask = np.array([[1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 0, 0]], bool)
    layer.build(emissions.shape)
    layer.transition_table.assign(rng.normal(size=(4, 4)))
    transitions, start, end = map(array, layer.chain_scores())
    parts = potentials.unpack(layer(emissions, mask=mask))
    for row, real in enumerate(mask):
        x = emissions[row][real]
        for path in itertools.product(range(3), repeat=len(x)):
            right = log_softmax(x[0] + start)[path[0]]
            right += sum(log_softmax(x[t] + transitions[path[t - 1]])[path[t]] for t in range(1, len(x)))
            left = log_softmax(x[-1] + end)[path[-1]]
            left += sum(log_softmax(x[t] + transitions[:, path[t + 1]])[path[t]] for t in range(len(x) - 1))
            tags = np.zeros((3, 4), int)
            tags[row][real] = path
            found = array(linear_chain.path_score(tags=tags, **parts._asdict()))[row]
            np.testing.assert_allclose(found, (right + left) / 2, atol=1e-4)


def test_learning_rate_multiplier_speeds_up_the_transitions_alone():
    moved = {}
    for rate in (1.0, 10.0):
        layer = CRF(2, learning_rate_multiplier=rate)
        tokens = keras.Input((3, 2))
        model = keras.Model(tokens, layer(tokens))
        model.compile(keras.optimizers.Adam(1e-3), CRFLoss())
        model.fit(np.zeros((2, 3, 2)), np.array([[0, 0, 0], [0, 0, 1]]), verbose=0)
        moved[rate] = float(array(layer.chain_scores()[0])[0, 0])
    np.testing.assert_allclose(moved[10.0], 10 * moved[1.0], rtol=1e-3)


def test_gated_conv_ignores_padding_and_batch_mates():
    layer = GatedConv(dilation=3)
    x = np.random.default_rng(0).normal(size=(2, 9, 4)).astype("float32")
    mask = np.arange(9) < np.array([[5], [9]])
    together = array(layer(x, mask=mask))
    np.testing.assert_allclose(array(layer(x[:1, :5]))[0], together[0, :5], rtol=1e-5, atol=1e-6)
    assert (together[0, 5:] == 0).all()


def test_causal_conv_step_by_step_is_the_same_and_sees_no_future():
    layer = GatedConv(dilation=2, causal=True)
    x = np.random.default_rng(0).normal(size=(2, 9, 4)).astype("float32")
    whole = array(layer(x))
    past, steps = ops.zeros((2, 4, 4)), []
    for t in range(9):
        out, past = layer.step(ops.convert_to_tensor(x[:, t]), past)
        steps.append(array(out))
    np.testing.assert_allclose(np.stack(steps, 1), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(array(layer(x[:, :6])), whole[:, :6], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CRF(0), "num_tags must be a positive integer"),
        (lambda: CRF(3, learning_rate_multiplier=0), "learning_rate_multiplier must be positive"),
        (lambda: CRF(3, allowed=np.ones((3, 3))), r"shape \(num_tags \+ 1, num_tags \+ 1\) = \(4, 4\)"),
        (lambda: CRF(3)(np.zeros((1, 2, 5), "float32")), r"put keras.layers.Dense\(3\) before it"),
        (lambda: CRF(3)(np.zeros((1, 2, 3), "float32"), mask=np.ones(2)), "mask must have the shape"),
        (lambda: GatedConv(0), "dilation must be an integer from 1"),
        (lambda: TokenDropout(1.0), "rate must be from 0 to below 1"),
        (lambda: CRFLoss()(np.zeros((1, 9)), CRF(3)(np.zeros((1, 2, 3), "float32"))), "with 2 steps"),
        (lambda: CRFLoss()(np.zeros((1, 2)), np.zeros((1, 2), "float32")), "expected the output of a tagging head"),
    ],
)
def test_errors_say_what_is_accepted(call, message):
    with pytest.raises(ValueError, match=message):
        call()

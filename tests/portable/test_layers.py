"""One contract that every layer passes, and what each does beyond it."""

import itertools
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from nlpkit.layers import (
    CRF,
    MEMM,
    CentreLoss,
    CharacterCNN,
    ClassCosines,
    ConditionalLayerNorm,
    CopyAttention,
    CopySwitch,
    GatedConv,
    GlobalPointer,
    GoldScores,
    HalfPointers,
    KnownRelations,
    MaskedGRU,
    MixedEmbedding,
    RowEmbedding,
    SourcePrior,
    SpanCandidates,
    SpanCondition,
    SpanPairs,
    TagSoftmax,
    TiedEmbedding,
    TokenDropout,
    VisibleAttention,
    ViterbiDecoder,
)
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.ops import linear_chain, potentials

from .backend import array, in_graph, jit_compile

LABELS = ["O", "B-A", "I-A"]
LAYERS = {
    "CRF": (lambda: CRF.from_labels(LABELS, learning_rate_multiplier=10), (2, 5, 3), (2, 10, 4), True),
    "MEMM": (lambda: MEMM.from_labels(LABELS), (2, 5, 3), (2, 10, 4), True),
    "TagSoftmax": (lambda: TagSoftmax.from_labels(LABELS), (2, 5, 3), (2, 10, 4), False),
    "ViterbiDecoder": (ViterbiDecoder, (2, 10, 4), (2, 5), False),
    "GatedConv": (lambda: GatedConv(dilation=2, dropout=0.1), (2, 5, 4), (2, 5, 4), True),
    "GatedConv, causal": (lambda: GatedConv(dilation=2, dropout=0.1, causal=True), (2, 5, 4), (2, 5, 4), True),
    "CharacterCNN": (lambda: CharacterCNN(6, dim=3, filters=2), (2, 5), (2, 4), True),
    "CentreLoss": (lambda: CentreLoss(4), ((2, 5), (2,)), (2, 5), False),
    "ClassCosines": (lambda: ClassCosines(6), (2, 5), (2, 6), True),
    "GoldScores": (GoldScores, ((2, 5, 4), (2, 5)), (2, 5, 2), False),
    "RowEmbedding": (lambda: RowEmbedding(4, 3), (2, 5), (2, 5, 3), False),
    "TokenDropout": (lambda: TokenDropout(0.3), (2, 5), (2, 5), False),
    "MaskedGRU": (lambda: MaskedGRU(3), (2, 5, 4), (2, 5, 3), True),
    "MaskedGRU, both ways": (lambda: MaskedGRU(3, bidirectional=True), (2, 5, 4), (2, 5, 6), True),
    "VisibleAttention": (lambda: VisibleAttention(2, 4), ((2, 3, 4), (2, 5, 6)), ((2, 3, 8), (2, 2, 3, 5)), True),
    "ConditionalLayerNorm": (ConditionalLayerNorm, ((2, 5, 4), (2, 3)), (2, 5, 4), True),
    "SourcePrior": (lambda: SourcePrior(6, first_id=2), (2, 5), (2, 6), True),
    "CopyAttention": (lambda: CopyAttention(4), ((2, 3, 4), (2, 5, 6), (2, 5), (2, 3)), (2, 3, 5), True),
    "CopySwitch": (lambda: CopySwitch(2), ((2, 3, 6), (2, 3, 5), (2, 5), (2, 3, 4)), (2, 3, 8), True),
    "TiedEmbedding": (lambda: TiedEmbedding(6, 3), (2, 5), (2, 5, 3), False),
    "GlobalPointer": (lambda: GlobalPointer(2, 4), (2, 5, 3), (2, 2, 5, 5), True),
    "HalfPointers": (lambda: HalfPointers(3, 4), ((2, 5, 4), (2, 6)), (2, 5, 3, 2), True),
    "KnownRelations": (lambda: KnownRelations(3), ((2, 2, 3, 3), (2, 2), (2, 3), (2, 6)), (2, 2, 3, 3), True),
    "SpanCandidates": (lambda: SpanCandidates([2]), (2, 1, 3, 3), ((2, 2), (2, 2)), False),
    "MixedEmbedding": (lambda: MixedEmbedding(6, 7, 4, 3, num_positions=4), ((2, 5), (2, 5)), (2, 5, 4), True),
    "SpanCondition": (lambda: SpanCondition(3, 2), ((2, 5, 4), (2,), (2,)), ((2, 5, 4), (2, 4)), True),
    "SpanPairs": (lambda: SpanPairs(3, 4), ((2, 5, 4), (2, 2), (2, 3)), (2, 2, 3, 3), True),
}
# Layer: which of its inputs are ids.
IDS = {
    "TokenDropout": [0], "RowEmbedding": [0], "SourcePrior": [0], "TiedEmbedding": [0], "GoldScores": [1],
    "CentreLoss": [1], "CharacterCNN": [0], "CopyAttention": [2, 3], "CopySwitch": [2],
    "MixedEmbedding": [0, 1], "SpanCondition": [1, 2], "SpanPairs": [1, 2], "KnownRelations": [1, 2, 3],
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layer_contract(name, tmp_path):
    make, shapes, output_shape, has_gradient = LAYERS[name]
    shapes = shapes if isinstance(shapes[0], tuple) else (shapes,)
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape).astype("float32") for shape in shapes]
    for i in IDS.get(name, []):
        inputs[i] = rng.integers(0, 4, shapes[i]).astype("int32")
    if name == "ViterbiDecoder":
        inputs[0][:, -1, -1] = potentials.MARKER
    layer = make()
    has_several = isinstance(output_shape[0], tuple)
    assert shapes_of(layer(*inputs)) == (output_shape if has_several else (output_shape,))
    spec = layer.compute_output_spec(*[keras.KerasTensor(x.shape, dtype=str(x.dtype)) for x in inputs])
    assert shapes_of(spec) == (output_shape if has_several else (output_shape,))

    copy = type(layer).from_config(layer.get_config())
    assert json.dumps(copy.get_config()) == json.dumps(layer.get_config())

    symbolic = [keras.Input(x.shape[1:], dtype=str(x.dtype)) for x in inputs]
    model = keras.Model(symbolic, layer(*symbolic))
    assert [shape[0] for shape in shapes_of(model.outputs)] == [None] * len(model.outputs)
    expected = keras.tree.flatten(model.predict(inputs, verbose=0))
    for found, wanted in zip(keras.tree.flatten(layer(*inputs)), expected):
        np.testing.assert_allclose(array(found), wanted, rtol=1e-5, atol=1e-5)
    model.save(tmp_path / "layer.keras")
    again = keras.saving.load_model(tmp_path / "layer.keras").predict(inputs, verbose=0)
    for found, wanted in zip(keras.tree.flatten(again), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)

    if has_gradient:
        model = keras.Model(symbolic, model.outputs[0])
        model.compile("sgd", lambda y, x: ops.mean(x[..., :3] ** 2), jit_compile=jit_compile(True))
        model.fit(inputs, inputs[0], epochs=1, verbose=0)


def shapes_of(outputs):
    return tuple(tuple(x.shape) for x in keras.tree.flatten(outputs))


@pytest.mark.parametrize(
    ("head", "loss", "policy", "jit"),
    [
        (CRF, CRFLoss, "mixed_float16", True),
        (CRF, CRFLoss, "mixed_bfloat16", False),
        (MEMM, PathLoss, "float32", False),
        (TagSoftmax, PathLoss, "mixed_bfloat16", True),
    ],
)
def test_head_trains_saves_and_loads(head, loss, policy, jit, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model, inputs, tags = small_tagger(head, loss, jit_compile(jit))
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


def test_character_cnn_against_plain_loops():
    layer = CharacterCNN(9, dim=3, filters=4, kernel_sizes=(1, 2, 3))
    tokens = [[3, 4, 5, 6], [7], [8, 3], []]
    ids = np.array([token + [0] * (4 - len(token)) for token in tokens])
    found = array(layer(ids))
    embeddings, *weights = layer.get_weights()
    for token, row in zip(tokens, found):
        parts = []
        for i, size in enumerate((1, 2, 3)):
            kernel, bias = weights[i], weights[3 + i]
            edge = [np.zeros(3)] * (size - 1)
            spelt = [*edge, *embeddings[token], *edge]
            windows = [np.concatenate(spelt[j : j + size]) for j in range(len(token) and len(spelt) - size + 1)]
            parts.append(np.max([np.maximum(w @ kernel + bias, 0) for w in windows] or [np.zeros(4)], axis=0))
        np.testing.assert_allclose(row, np.concatenate(parts), rtol=1e-5, atol=1e-6)
    padded = np.pad(ids, [[0, 0], [0, 5]])
    np.testing.assert_allclose(array(layer(padded)), found, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="filters must be integers from 1"):
        CharacterCNN(9, filters=0)


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


def random_head(head, shape, mask=None, seed=0):
    """Potentials of a head with random weights and emissions."""
    rng = np.random.default_rng(seed)
    layer = head(shape[-1])
    layer.build(shape)
    if layer.transition_table.trainable:
        layer.transition_table.assign(rng.normal(size=(shape[-1] + 1,) * 2))
    return ops.stop_gradient(layer(rng.normal(size=shape).astype("float32"), mask=mask))


def test_unlabelled_and_weighted_steps_of_a_softmax():
    packed = random_head(TagSoftmax, (3, 4, 3), np.array([[1, 1, 1, 0], [0, 1, 1, 1], [1, 1, 1, 1]], bool))
    parts = [array(part) for part in potentials.unpack(packed)]
    log_p, mask = parts[0], parts[4]
    tags = np.array([[0, -100, 1, 99], [-100, 2, 1, -100], [-100] * 4])
    weights = np.array([[0.5, 1, 2, 1], [1, 0, 3, 1], [1, 1, 1, 1]], "float32")
    by_step = np.where(mask & (tags >= 0), -np.take_along_axis(log_p, np.clip(tags, 0, 2)[..., None], 2)[..., 0], 0)
    loss = PathLoss(reduction=None)
    np.testing.assert_allclose(array(loss(tags, packed)), by_step.sum(1), rtol=1e-5)
    np.testing.assert_allclose(array(loss(tags, packed, weights)), (by_step * weights).sum(1), rtol=1e-5)
    np.testing.assert_allclose(array(loss(tags, packed, weights[..., None])), (by_step * weights).sum(1), rtol=1e-5)
    by_row = np.array([1.0, 2.0, 3.0])
    for given in (by_row, by_row[:, None]):
        np.testing.assert_allclose(array(loss(tags, packed, given)).ravel(), by_step.sum(1) * by_row, rtol=1e-5)
    np.testing.assert_allclose(array(PathLoss()(tags, packed, weights)), (by_step * weights).sum(1).mean(), rtol=1e-5)


def test_forbidden_transitions_around_unlabelled_steps_do_not_count():
    layer = TagSoftmax.from_labels(LABELS)
    packed = ops.stop_gradient(layer(np.zeros((1, 3, 3), "float32")))
    found = PathLoss()(np.array([[0, -100, 2]]), packed)  # O, unknown, I-A
    np.testing.assert_allclose(float(found), 2 * np.log(3), rtol=1e-5)


def test_a_weight_of_0_leaves_a_step_of_a_crf_unlabelled():
    packed = random_head(CRF, (3, 4, 3), np.array([[1, 1, 1, 0], [0, 1, 1, 1], [1, 1, 1, 1]], bool))
    tags = np.array([[0, 1, 2, 0], [7, 2, 1, 0], [1, 7, 1, 2]])
    weights = np.array([[1, 0, 1, 5], [0.5, 1, 1, 0], [1, 0, 1, 1]], "float32")  # some at masked steps
    loss = CRFLoss(reduction=None)
    expected = array(loss(np.where(weights == 0, -100, tags), packed))
    np.testing.assert_array_equal(array(loss(tags, packed, weights)), expected)
    rows = np.array([1.0, 0.5, 2.0])
    np.testing.assert_allclose(array(loss(tags % 3, packed, rows)), array(loss(tags % 3, packed)) * rows, rtol=1e-6)


@pytest.mark.parametrize("trained", [False, True])
def test_a_memm_needs_all_tags_once(trained):
    packed = random_head(MEMM, (2, 3, 3)) if trained else ops.stop_gradient(MEMM(3)(np.ones((2, 3, 3), "float32")))
    tags = np.array([[0, 1, 2], [0, 1, 2]])
    ones = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(array(PathLoss()(tags, packed, ones)), array(PathLoss()(tags, packed)))
    ones[1, 2] = 0.5
    with pytest.raises(ValueError, match=r"a MEMM's path.*Received: 0.5 at row 1, step 2"):
        PathLoss()(tags, packed, ones)
    tags[1, 0] = -100
    with pytest.raises(ValueError, match=r"a MEMM's path.*Received: -100 at row 1, step 0"):
        PathLoss()(tags, packed)


def test_the_path_loss_refuses_a_crf():
    packed, tags = random_head(CRF, (2, 3, 3)), np.array([[0, 1, 2], [0, 1, 2]])
    with pytest.raises(ValueError, match=r"Received: the output of a CRF.*train it with CRFLoss"):
        PathLoss()(tags, packed)
    if keras.backend.backend() != "torch":
        assert np.isnan(array(in_graph(lambda packed, tags: PathLoss()(tags, packed), packed, tags)))


# Head, loss, a tag and a weight at a step, and whether fit trains with them; else an error, in a graph a loss of NaN.
# Compiled by XLA where the name says so.
FITS = {
    "CRF, unlabelled, XLA": (CRF, CRFLoss, -100, None, True),
    "CRF, weights 0 and 1": (CRF, CRFLoss, None, 0.0, True),
    "CRF, weight 2, XLA": (CRF, CRFLoss, None, 2.0, False),
    "CRF, wrong tag": (CRF, CRFLoss, 3, None, False),
    "TagSoftmax, weight 2": (TagSoftmax, PathLoss, None, 2.0, True),
    "TagSoftmax, wrong tag, XLA": (TagSoftmax, PathLoss, -1, None, False),
    "MEMM, weight 0": (MEMM, PathLoss, None, 0.0, False),
    "MEMM, unlabelled": (MEMM, PathLoss, -100, None, False),
}


@pytest.mark.parametrize("name", FITS)
def test_fit_with_unlabelled_steps_and_weights_per_step(name):
    jit = "XLA" in name
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch.compile needs a C++ toolchain")
    head, loss, tag, weight, trains = FITS[name]
    model, inputs, tags = small_tagger(head, loss, jit)
    weights = None if weight is None else np.ones(tags.shape, "float32")
    if weight is not None:
        weights[3, 1] = weight
    if tag is not None:
        tags[3, 1] = tag
    tags[inputs == 0] = 77

    def fit():
        return model.fit(inputs, tags, sample_weight=weights, epochs=3, verbose=0, shuffle=False).history["loss"]

    if trains:
        history = fit()
        assert history[-1] < history[0]
    elif keras.backend.backend() != "tensorflow" and not jit:
        with pytest.raises(ValueError, match="at row 3, step 1"):
            fit()
    else:
        assert np.isnan(fit()).all()


def test_a_model_without_a_head_is_told_so():
    tokens = keras.Input((6,), dtype="int32")
    model = keras.Model(tokens, keras.layers.Embedding(9, 3)(tokens))
    model.compile("sgd", CRFLoss())
    # PyTorch sees the values first, the others the shapes
    with pytest.raises(ValueError, match=r"6 steps.*with 2 steps and 2 tags.*put a tagging head|Put a head after"):
        model.fit(np.ones((4, 6)), np.zeros((4, 6)), verbose=0)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tokens = keras.Input((None,), dtype="int32")
        model = keras.Model(tokens, keras.layers.Embedding(9, 3)(tokens))
        model.compile("sgd", CRFLoss())
        signature = tf.TensorSpec((None, None), "int32"), tf.TensorSpec((None, None), "int32")
        rows = [(np.ones((4, 6)), np.zeros((4, 2)))]
        with pytest.raises(Exception, match="expected the output of a tagging head"):
            model.fit(
                tf.data.Dataset.from_generator(lambda: rows, output_signature=signature), shuffle=False, verbose=0
            )


def test_packed_potentials_are_marked():
    packed = random_head(CRF, (2, 5, 3))
    assert tuple(packed.shape) == (2, 10, 4)
    assert keras.backend.standardize_dtype(packed.dtype) == "float32"
    assert array(potentials.is_marked(packed)).all()
    assert array(potentials.is_marked(ops.cast(ops.cast(packed, "bfloat16"), "float32"))).all()
    for head, normalization in [(CRF, 0), (MEMM, 1), (TagSoftmax, 2)]:
        assert array(potentials.normalization_of(random_head(head, (2, 5, 3)))).tolist() == [normalization] * 2


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
        (lambda: CRF(3)(np.zeros((1, 2, 3), "float32"), mask=np.ones((1, 4))), r"\(1, 2\). Received: \(1, 4\)"),
        (
            lambda: CRFLoss()(np.zeros((1, 9)), CRF(3)(np.zeros((1, 2, 3), "float32"))),
            "tags with 9 steps.*potentials with 2 steps and 3 tags",
        ),
        (
            lambda: CRFLoss()(np.zeros((1, 2)), CRF(3)(np.zeros((1, 2, 3), "float32")), np.ones((1, 9))),
            "sample weights per step with 9 steps.*potentials with 2 steps",
        ),
        (
            lambda: CRFLoss()(np.zeros((1, 2)), CRF(3)(np.zeros((1, 2, 3), "float32")), np.full((1, 2), 0.3)),
            "not a sum over steps.*Received: 0.3 at row 0, step 0",
        ),
        (lambda: CRFLoss()(np.zeros((1, 2)), np.zeros((1, 2), "float32")), "expected the output of a tagging head"),
        (lambda: CRFLoss()(np.zeros((1, 2)), np.zeros((1, 2, 5), "float32")), "expected the output of a tagging head"),
        (lambda: CRFLoss()(np.zeros((1, 2)), np.ones((1, 6, 3), "float32")), "expected the output of a tagging head"),
        (lambda: ViterbiDecoder()(np.ones((1, 6, 3), "float32")), "expected the output of a tagging head"),
        (lambda: ViterbiDecoder()(keras.Input((2, 5))), "expected the output of a tagging head"),
    ],
)
def test_errors_say_what_is_accepted(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""The Keras metrics against the functions over spans that they stand for."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from nlpkit.layers import CRF, MEMM, TagSoftmax
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.metrics import SpanF1, TagAccuracy, entity_scores
from nlpkit.ops import potentials
from nlpkit.text.tag_schemes import read_spans

from .backend import jit_compile

SCHEMES = {
    "BIO": ["O", "B-A", "I-A", "B-B", "I-B"],
    "BIOES": ["O", "B-A", "M-A", "E-A", "S-A", "I-B", "E-B"],
    "BMES": ["B", "M", "E", "S"],
    "plain": ["NOUN", "VERB", "X"],
}
ROWS, STEPS = 4, 6


def packed(tags, mask, num_tags):
    """Potentials that decode to these tags, legal or not."""
    zeros = np.zeros((num_tags,), "float32")
    emissions = np.eye(num_tags, dtype="float32")[tags]
    parts = (emissions, np.zeros((num_tags, num_tags), "float32"), zeros, zeros)
    return potentials.pack(*(ops.convert_to_tensor(x) for x in parts), ops.convert_to_tensor(mask))


def spans(tags, mask, labels, scheme):
    return [read_spans([labels[tag] for tag in row[real]], scheme) for row, real in zip(tags, mask)]


def random_case(data, scheme):
    labels = SCHEMES[scheme]
    seed, right_padding = data.draw(st.tuples(st.integers(0, 2**32 - 1), st.booleans()))
    rng = np.random.default_rng(seed)
    true, found = rng.integers(0, len(labels), (2, ROWS, STEPS))
    found = np.where(rng.random(true.shape) < 0.6, true, found)  # else hardly a span would be right
    mask = rng.random((ROWS, STEPS)) < 0.8
    if right_padding:
        mask = np.arange(STEPS) < rng.integers(0, STEPS + 1, (ROWS, 1))
    return labels, true, found, mask


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_span_f1_is_that_of_conlleval(scheme, data):
    metric = SpanF1(SCHEMES[scheme])
    true_spans, found_spans = [], []
    for _ in range(2):
        labels, true, found, mask = random_case(data, scheme)
        metric.update_state(np.where(mask, true, 55), packed(found, mask, len(labels)))
        true_spans += spans(true, mask, labels, scheme)
        found_spans += spans(found, mask, labels, scheme)
    expected = entity_scores(true_spans, found_spans)["f1"]
    np.testing.assert_allclose(float(metric.result()), expected, rtol=1e-6)


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_tag_accuracy_counts_labelled_real_steps(data):
    labels, true, found, mask = random_case(data, "BIO")
    labelled = np.random.default_rng(0).random(true.shape) < 0.7
    weights = np.random.default_rng(1).random(true.shape).astype("float32")
    counted = mask & labelled
    tags = np.where(labelled, true, -100).astype("float32")
    y_pred = packed(found, mask, len(labels))
    right = (true == found) & counted
    np.testing.assert_allclose(float(TagAccuracy()(tags, y_pred)), right.sum() / max(counted.sum(), 1), rtol=1e-6)
    for given_weights in (weights, weights[:, 0], weights[:, :1]):
        by_step = given_weights if given_weights.shape == true.shape else weights[:, :1]
        expected = (right * by_step).sum() / max((counted * by_step).sum(), 1e-9)
        np.testing.assert_allclose(float(TagAccuracy()(tags, y_pred, given_weights)), expected, rtol=1e-5)


def test_rows_that_are_not_fully_labelled_are_left_out_of_span_f1():
    labels = SCHEMES["BIO"]
    mask = np.ones((2, 3), bool)
    found = np.array([[1, 2, 0], [1, 2, 0]])
    true = np.array([[1, 2, 0], [0, -100, 1]])
    assert float(SpanF1(labels)(true, packed(found, mask, 5))) == 1
    weights = np.array([1.0, 3.0], "float32")
    true[1] = 0
    assert float(SpanF1(labels)(true, packed(found, mask, 5), weights)) == pytest.approx(2 / (1 + 4))


@pytest.mark.parametrize(
    ("head", "loss", "jit"), [(CRF, CRFLoss, False), (MEMM, PathLoss, False), (TagSoftmax, PathLoss, True)]
)
def test_in_fit_evaluate_and_a_saved_model(head, loss, jit, tmp_path):
    labels = ["O", "B-A", "I-A"]
    rng = np.random.default_rng(0)
    inputs = rng.integers(1, 4, (16, 5))
    inputs[:8, 3:] = 0
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(4, 8, mask_zero=True)(tokens)
    model = keras.Model(tokens, head(3)(keras.layers.Dense(3)(x)))
    metrics = [TagAccuracy(), SpanF1(labels, dtype="float32")]
    model.compile(keras.optimizers.Adam(0.1), loss(), metrics=metrics, weighted_metrics=[TagAccuracy(name="w")],
                  jit_compile=jit_compile(jit))  # fmt: skip
    tags = np.where(inputs > 0, inputs - 1, 9)  # the tags are to be copied
    history = model.fit(inputs, tags, epochs=12, verbose=0, validation_data=(inputs, tags)).history
    assert history["val_tag_accuracy"][-1] == history["val_span_f1"][-1] == 1
    assert history["span_f1"][0] < 1
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.evaluate(inputs, tags, verbose=0, return_dict=True)["span_f1"] == 1


def test_wrong_tags_show():
    mask = np.ones((1, 2), bool)
    y_pred = packed(np.array([[1, 2]]), mask, 5)
    for make in (TagAccuracy, lambda: SpanF1(SCHEMES["BIO"])):
        with pytest.raises(ValueError, match=r"from 0 to 4, or -100.*Received: 5 at row 0, step 1"):
            make()(np.array([[0, 5]]), y_pred)
    if keras.backend.backend() == "jax":
        import jax

        metric = TagAccuracy()
        state = jax.jit(metric.stateless_update_state)([v.value for v in metric.variables], np.array([[0, 5]]), y_pred)
        assert np.isnan(metric.stateless_result(state))


def test_config_and_errors():
    metric = SpanF1(SCHEMES["BMES"], name="word_f1")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert copy.get_config() == metric.get_config() == {
        "name": "word_f1", "dtype": "float32", "labels": ["B", "M", "E", "S"], "scheme": "BMES",
    }  # fmt: skip
    with pytest.raises(ValueError, match="unknown tag scheme"):
        SpanF1(["X-A"])
    with pytest.raises(ValueError, match="does not fit the tag scheme"):
        SpanF1(["O", "E-A"], scheme="BIO")
    mask = np.ones((1, 2), bool)
    y_pred = packed(np.array([[1, 2]]), mask, 5)
    with pytest.raises(ValueError, match="SpanF1 was made for 4 labels"):
        metric.update_state(np.zeros((1, 2)), y_pred)
    with pytest.raises(ValueError, match=r"sample weights of the shape \(batch,\)"):
        SpanF1(SCHEMES["BIO"])(np.zeros((1, 2)), y_pred, np.ones((1, 2)))
    with pytest.raises(ValueError, match="expected the output of a tagging head"):
        TagAccuracy()(np.zeros((1, 2)), np.zeros((1, 2, 5), "float32"))


def test_metrics_are_imported_without_keras():
    program = (
        "import sys, nlpkit.metrics\n"
        "assert not {'keras', 'tensorflow', 'jax', 'torch'} & sys.modules.keys()\n"
        "assert not hasattr(nlpkit.metrics, 'nothing')\n"
        "assert nlpkit.metrics.SpanF1.__name__ == 'SpanF1' and 'keras' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

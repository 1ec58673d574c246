"""Networks as ONNX: the same answers without a framework."""

import subprocess
import sys
from unittest import mock

import keras
import numpy as np
import onnx
import pytest

import nlpkit
from nlpkit.artefacts.saving import save_folder
from nlpkit.errors import ArtefactError, ConfigError, MissingPackageError, TrainingError
from nlpkit.export import onnx_programs as exports
from nlpkit.export.onnx_fusions import share_rows
from nlpkit.prediction.programs import Graph, OnnxProgram
from nlpkit.tasks.task import read_labelled

from .conftest import DATA, SAMPLES, SMALL, with_programs

MODELS = {
    "words_model": ("tagging/words-test.txt", {"confidence": True}),
    "tokens_model": ("tagging/pos-test.conll", {"confidence": True}),
    "extraction_model": ("extraction/triples-test.jsonl", {"threshold": 0.05}),
    "similarity_model": ("similarity/questions-test.tsv", {}),
    "word2vec_model": ("word2vec/text.txt", {}),
    "couplet_model": ("couplet/couplets-test.tsv", {"n_best": 3, "rules": "no_copy,repetition,tone"}),
    "title_model": ("title/articles-test.jsonl", {"n_best": 3, "prefix": "今"}),
}
LIKELIHOODS = ("couplet_model", "title_model")
"""Those whose evaluation asks for the probabilities of right answers, which Keras computes."""
NASTY = ["今天天气真好，我们去公园。", "", "a", "👍🏽龘\u200b", "长" * 900, "春 风\t吹", "３．１４ VS 3.14"]
"""Beside the samples; of a model of tokens these are cut at spaces."""


@pytest.fixture(scope="module", params=MODELS)
def exported(request):
    """A folder with ONNX files, the labelled data of its task, and prediction options."""
    data, options = MODELS[request.param]
    folder = request.getfixturevalue(request.param)
    out = with_programs(folder, lambda model: read_labelled(model, DATA / data).examples)
    return out, DATA / data, options, request.param not in LIKELIHOODS


@pytest.mark.filterwarnings("ignore::nlpkit.errors.DataWarning")
def test_onnxruntime_answers_as_keras_does(exported):
    folder, data, options, measures = exported
    keras, onnx = (nlpkit.load(folder, runtime=runtime) for runtime in ("keras", "onnx"))
    assert onnx.runtime.name == "onnx" and keras.runtime.name == "keras" and "onnxruntime" in repr(onnx)
    for right, found in zip(keras.predict(NASTY, **options), onnx.predict(NASTY, **options), strict=True):
        assert exports.is_same(right.to_dict(), found.to_dict())
    if not measures:
        with pytest.raises(ConfigError, match="onnxruntime can't compute all of this; take the runtime auto or keras"):
            onnx.evaluate(data)
        onnx = nlpkit.load(folder)
    expected, found = (model.evaluate(data) for model in (keras, onnx))
    assert exports.is_same(expected, found)


def test_nothing_of_a_framework_is_imported(exported):
    folder, data, _, measures = exported
    program = (
        "import sys, nlpkit\n"
        f"model = nlpkit.load({str(folder)!r})\n"
        "model.predict('今天天气真好。')\n"
        + (f"model.evaluate({str(data)!r})\n" if measures else "")
        + "print([name for name in ('keras', 'tensorflow', 'torch', 'jax') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore::nlpkit.errors.DataWarning")
def test_what_has_no_program_is_computed_by_keras(exported, capsys):
    folder, data, _, _ = exported
    if data.parent.name != "title":
        return  # all that the others can be asked for has one
    options = {"no_repeat": 2, "temperature": 1.0, "top_k": 3}
    onnx, keras = (nlpkit.load(folder, runtime=runtime) for runtime in ("auto", "keras"))
    assert onnx.predict(NASTY, **options) == keras.predict(NASTY, **options)
    assert "Keras computes this, which takes some seconds to start" in capsys.readouterr().err


def test_what_is_wrong_is_told(words_model, tmp_path):
    with pytest.raises(ConfigError, match=r"has no ONNX files; train it with --set onnx=on"):
        nlpkit.load(words_model, runtime="onnx")
    with pytest.raises(ConfigError, match="unknown runtime 'onxn', did you mean 'onnx'"):
        nlpkit.load(words_model, runtime="onxn")
    model = nlpkit.load(words_model)
    model.runtime.onnx_files = {"potentials": b"nonsense"}
    save_folder(model, tmp_path / "model", {}, force=False)
    with pytest.raises(ArtefactError, match=r"potentials.onnx: is no network that onnxruntime .* reads"):
        nlpkit.load(tmp_path / "model")
    with (
        mock.patch.dict(sys.modules, onnxruntime=None),
        pytest.raises(MissingPackageError, match="pip install onnxruntime"),
    ):
        nlpkit.load(tmp_path / "model", runtime="onnx")
    (tmp_path / "model" / "potentials.onnx").write_bytes(b"other")
    with pytest.raises(ArtefactError, match=r"potentials.onnx: is damaged or was changed"):
        nlpkit.load(tmp_path / "model")


def test_training_writes_them_or_says_why_not(tmp_path, capsys, with_onnx):
    data, settings = SAMPLES / "words-test.txt", {**SMALL, "epochs": 1}
    with mock.patch.object(exports, "missing_package", lambda: "tf2onnx"):
        nlpkit.train("tagging", data, data, out=tmp_path / "a", settings={**settings, "onnx": "auto"})
        assert "no ONNX files are written, and Keras answers; pip install tf2onnx" in capsys.readouterr().err
        with pytest.raises(MissingPackageError, match="tf2onnx is not installed"):
            nlpkit.train("tagging", data, data, out=tmp_path / "b", settings={**settings, "onnx": "on"})
    with mock.patch.object(exports, "export_programs", side_effect=ValueError("answers otherwise")):
        nlpkit.train("tagging", data, data, out=tmp_path / "c", settings={**settings, "onnx": "auto"})
        assert "no ONNX files are written, and Keras answers: answers otherwise" in capsys.readouterr().err
        with pytest.raises(TrainingError, match="can't be written as ONNX: answers otherwise"):
            nlpkit.train("tagging", data, data, out=tmp_path / "d", settings={**settings, "onnx": "on"})
    with mock.patch.object(exports, "export_programs", lambda *_: {"potentials": b"x"}):
        nlpkit.train("tagging", data, data, out=tmp_path / "e", settings={**settings, "onnx": "on"})
    assert (tmp_path / "e" / "potentials.onnx").read_bytes() == b"x"


def test_an_answer_that_differs_is_seen():
    one = {"words": [{"text": "今天", "probability": 0.91}], "score": 1}
    assert exports.is_same(one, {"words": [{"text": "今天", "probability": 0.9104}], "score": 1})
    assert not exports.is_same(one, {"words": [{"text": "今天", "probability": 0.92}], "score": 1})
    assert not exports.is_same(one, {"words": [{"text": "今", "probability": 0.91}], "score": 1})
    assert not exports.is_same(one, {"words": [], "score": 1})


def test_fewer_operations_compute_the_same():
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.Embedding(9, 6)(ids)
    x = keras.layers.LayerNormalization(gamma_initializer="random_normal", beta_initializer="random_normal")(x)
    graph = Graph(keras.Model({"ids": ids}, keras.layers.Dense(5, bias_initializer="random_normal")(x)))
    with mock.patch.object(exports, "fuse"):
        spelt = exports.converted(graph)
    fused = exports.converted(graph)
    given = {"ids": np.array([[0, 3, 8], [-1, -9, 5]])}
    np.testing.assert_allclose(OnnxProgram(fused)(given), OnnxProgram(spelt)(given), atol=1e-6)
    before, after = ({node.op_type for node in onnx.load_from_string(each).graph.node} for each in (spelt, fused))
    assert {"Sqrt", "ReduceMean", "MatMul", "Where"} <= before - after
    assert {"LayerNormalization", "Gemm"} <= after - before


def test_tables_within_tables_are_stored_once():
    onnxruntime = pytest.importorskip("onnxruntime")
    table = np.random.default_rng(0).random((700, 64)).astype("float32")
    sizes = {"a": 300, "b": 420, "c": 700}  # c is made of b, and b of a
    outputs = [onnx.helper.make_tensor_value_info(f"of {name}", onnx.TensorProto.FLOAT, None) for name in sizes]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Gather", [name, "ids"], [f"of {name}"]) for name in sizes], "tables",
        [onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, [None])], outputs,
        [onnx.numpy_helper.from_array(table[:size], name) for name, size in sizes.items()],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    before = len(model.SerializeToString())
    share_rows(model)
    assert len(model.SerializeToString()) < before / 2
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for rows in session.run(None, {"ids": np.array([1, 299])}):
        np.testing.assert_array_equal(rows, table[[1, 299]])

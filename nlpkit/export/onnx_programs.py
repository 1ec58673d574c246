"""The programs of a network as ONNX, so that prediction needs no framework.

Keras' graphs are converted from TensorFlow, in a process of its own: whatever the backend was that trained the model,
and without what the conversion prints and leaves in memory. What comes out must answer as Keras does before it is kept.

    python -m nlpkit.export.onnx_programs DIR RECORDS OUT
"""

from __future__ import annotations

import importlib.util
import math
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.load import load_artefact
from nlpkit.artefacts.saving import save_folder
from nlpkit.errors import MissingPackageError
from nlpkit.export.onnx_fusions import fuse, share_rows

if TYPE_CHECKING:
    from nlpkit.prediction.programs import Graph
    from nlpkit.tasks.task import Task

PACKAGES = ("onnxruntime", "tf2onnx")
_COMPARED = 200  # records
_OPSET = 18
_DRAWN_OTHERWISE = 0.05
"""Share of drawn answers that may differ: where a number falls between two of thousands of characters, the last bit of
a probability decides, and what follows is another text."""
_LARGE = 1024  # numbers of a weight
_TOLERANCE = 1e-3  # of the numbers in an answer, which are rounded to four digits


def missing_package() -> str | None:
    """A package that is needed and not installed."""
    return next((name for name in PACKAGES if importlib.util.find_spec(name) is None), None)


def check_packages(wanted: str) -> None:
    """Raise a `MissingPackageError` if the setting ``onnx`` is on, and a package is missing."""
    missing = missing_package()
    if wanted == "on" and missing is not None:
        raise MissingPackageError(missing)


def export_programs(task: Task[Any], examples: Any) -> dict[str, bytes]:
    """The programs of a trained task as ONNX files, by name.

    Args:
        task: the task, with its network.
        examples: labelled examples as it reads them; some are answered for comparison.

    Raises:
        ValueError: if the network can't be converted, or answers otherwise then.
    """
    records = [record for record, _ in task.expected(examples, _COMPARED)]
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        model, sample, out = (Path(folder, name) for name in ("model", "records", "onnx"))
        save_folder(task, model, {}, force=False)
        sample.write_bytes(pickle.dumps(records))
        out.mkdir()
        run_on_tensorflow("nlpkit.export.onnx_programs", model, sample, out)
        return {path.stem: path.read_bytes() for path in sorted(out.iterdir())}


def run_on_tensorflow(module: str, *arguments: str | Path) -> None:
    """Run a module as a program of its own, with Keras on TensorFlow; a `ValueError` has the last line of what it says
    if it fails."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise ValueError(done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}")


def _main(model, records, out):
    from nlpkit.prediction.predictor import answer_parsed
    from nlpkit.prediction.programs import OnnxProgram

    task = load_artefact(Folder.open(model), runtime="keras")
    contents = {name: converted(graph) for name, graph in task.network.graphs.items()}
    asked = pickle.loads(Path(records).read_bytes())
    options_compared = task.declaration.compared_under
    expected = [answer_parsed(task, asked, **options) for options in options_compared]
    programs = {name: OnnxProgram(content) for name, content in contents.items()}
    for options, answers in zip(options_compared, expected):
        with task.runtime.replaced(programs):
            found = answer_parsed(task, asked, **options)
        others = [i for i, pair in enumerate(zip(answers, found, strict=True)) if not is_same(*map(_plain, pair))]
        if len(others) > (_DRAWN_OTHERWISE * len(asked) if options.get("temperature") else 0):
            raise SystemExit(f"onnxruntime answers otherwise than Keras: {asked[others[0]]!r:.80}")
    for name, content in contents.items():
        Path(out, f"{name}.onnx").write_bytes(content)


def _plain(answer):
    return answer.to_dict()


def converted(graph: Graph) -> bytes:
    """A program as an ONNX file."""
    import tensorflow as tf
    import tf2onnx

    inputs = graph.model.input
    signature = [tf.TensorSpec(x.shape, x.dtype, name=name) for name, x in inputs.items()]
    function = tf.function(
        lambda *arrays: graph.model(dict(zip(inputs, arrays)), training=False), input_signature=signature
    )
    handlers: dict[str, Any] = {"SelectV2": (_select, [])}
    model, _ = tf2onnx.convert.from_function(function, signature, opset=_OPSET, custom_op_handlers=handlers)
    fuse(model)
    return _halved(model)


def _select(graph: Any, node: Any, name: str, arguments: Any) -> None:
    """Converter of a choice between two tensors. By itself tf2onnx writes a sum of two products for it, which is no
    number where the one that is not chosen is infinite."""
    node.type = "Where"


def _halved(model: Any) -> bytes:
    """An ONNX model as a file in which large weights stand in half precision where that loses nothing, which is so of
    weights that were rounded for saving; onnxruntime makes them float32 again when it loads them."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for weight in [*graph.initializer]:
        if weight.data_type != TensorProto.FLOAT or math.prod(weight.dims) < _LARGE:
            continue
        values = numpy_helper.to_array(weight)
        half = values.astype("float16")
        if np.array_equal(half.astype("float32"), values):
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(half, f"{name}/half"))
            graph.node.insert(0, helper.make_node("Cast", [f"{name}/half"], [name], to=TensorProto.FLOAT))
    share_rows(model)
    return model.SerializeToString()


def is_same(a: Any, b: Any) -> bool:
    """Whether two plain values are equal, but for a little in their numbers."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(is_same(a[key], b[key]) for key in a)
    if isinstance(a, Sequence) and isinstance(b, Sequence) and not isinstance(a, str):
        return len(a) == len(b) and all(map(is_same, a, b))
    return bool(a == b)


if __name__ == "__main__":
    _main(*sys.argv[1:])

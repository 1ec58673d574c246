"""A trained network as files for programs without nlpkit: ONNX, TensorFlow's SavedModel, LiteRT.

ONNX files that the folder has are copied. Otherwise the work is done in a process of its own, on TensorFlow, see
`nlpkit.export.onnx_programs`:

    python -m nlpkit.export.packages DIR OUT FORMAT
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.load import load_artefact
from nlpkit.artefacts.manifest import read_object
from nlpkit.datasets.files import PARTIAL, check_name
from nlpkit.errors import ArtefactError, ConfigError, DataError, MissingPackageError, unknown_name
from nlpkit.export.onnx_programs import converted, run_on_tensorflow
from nlpkit.prediction.predictor import answer_parsed

if TYPE_CHECKING:
    from nlpkit.prediction.programs import Graph
    from nlpkit.tasks.task import Task

FORMATS = {
    "onnx": ("tensorflow", "tf2onnx", "onnxruntime"),
    "saved_model": ("tensorflow",),
    "litert": ("ai_edge_litert", "tensorflow"),
}
"""What a network can be written as, and the packages that this needs."""
_INTERFACE = "interface.json"
_KIND = "nlpkit-export"
_TEMPLATES = Path(__file__).parent / "templates"
_TOLERANCE = 1e-3


def export_model(folder: str | Path | Folder, out: str | Path, format: str = "onnx", force: bool = False) -> None:
    """Write a trained network for programs without nlpkit, with all that they need to use it.

    The new folder holds the network's programs, the vocabularies and labels, ``interface.json``, which lists them,
    ``network.py``, which loads a program, ``sample.npz``, arrays that go into the programs and come out of them, and
    ``example.py``, which uses them. What the new files compute has been compared with what the model computes here.

    Args:
        folder: the trained folder, or the name of a model.
        out: the new folder.
        format: one of `FORMATS`.
        force: replace an earlier export.

    Raises:
        ConfigError: if the format is unknown, or the network can't be written in it.
        MissingPackageError: if a package is not installed.
        ArtefactError: if something else is in the place of the new folder, or `folder` holds no model.
    """
    if format not in FORMATS:
        raise ConfigError(unknown_name("format", format, FORMATS))
    out = Path(out)
    check_name(out, ArtefactError)
    folder = Folder.open(folder)
    _check_place(out, force)
    is_copied = format == "onnx" and bool(folder.programs)
    for package in ("onnxruntime",) if is_copied else FORMATS[format]:
        if importlib.util.find_spec(package) is None:
            raise MissingPackageError(package.replace("_", "-"), "litert" if package == "ai_edge_litert" else None)
    if not out.absolute().parent.is_dir():
        raise DataError(f"can't be written: the folder {out.parent} does not exist", out)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}", suffix=PARTIAL, dir=out.absolute().parent))
    try:
        try:
            if is_copied:
                _write_copies(folder, partial)
            else:
                run_on_tensorflow("nlpkit.export.packages", folder.path, partial, format)
        except ValueError as error:
            raise ConfigError(f"{folder}: can't be written as {format}: {error}") from None
        os.chmod(partial, 0o755)
        _check_place(out, force)  # someone may have been there meanwhile
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_place(out, force):
    """Raise an `ArtefactError` if something is there that may not be replaced."""
    if out.is_symlink():
        raise ArtefactError(f"{out}: is a link; choose another folder")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        is_own = out.is_dir() and read_object(out / _INTERFACE)["format"] == _KIND
    except (OSError, ValueError, KeyError, RecursionError):
        is_own = False
    if not is_own:
        raise ArtefactError(f"{out}: holds something else; choose another folder")
    if not force:
        raise ArtefactError(f"{out}: holds an export already; replace it with --force")


class _Recording:
    """A program that remembers what first went in, and what came out."""

    def __init__(self, program):
        self._program = program
        self.inputs: dict[str, np.ndarray] = {}
        self.outputs: list[np.ndarray] = []

    def __call__(self, arrays):
        outputs = self._program(arrays)
        if not self.outputs:
            self.inputs = dict(arrays)
            self.outputs = [np.asarray(x) for x in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
        return outputs


def _main(folder, out, format):
    folder, out = Folder.open(folder), Path(out)
    task = load_artefact(folder, runtime="keras")
    graphs = getattr(task.network, "graphs", None)
    if not graphs:
        raise SystemExit(f"the network of the task {task.declaration.name} has no programs")
    programs = {name: task.runtime.program(name) for name in graphs}
    try:
        _write(task, programs, folder, out, format, lambda name: _WRITERS[format](graphs[name], out, name))
    except ValueError as error:
        raise SystemExit(str(error)) from None


def _write_copies(folder, out):
    """An export of the ONNX files that a folder has."""
    task = load_artefact(folder, runtime="onnx")
    files = task.runtime.onnx_files
    programs = {name: task.runtime.program(name) for name in files}
    _write(task, programs, folder, out, "onnx", lambda name: (out / f"{name}.onnx").write_bytes(files[name]))


def _write(task, programs, folder, out, format, write_program):
    """An export: its programs by `write_program`, which takes their names, and what stands beside them."""
    recordings = {name: _Recording(program) for name, program in programs.items()}
    with task.runtime.replaced(recordings):
        for options in task.declaration.compared_under:
            answer_parsed(task, [task.parse(item) for item in task.samples()], **options)
    recordings = {name: each for name, each in recordings.items() if each.outputs}  # answers need no others
    for name in recordings:
        write_program(name)
    _write_files(task, folder, out, format, recordings)
    _compare(out, recordings)


def _write_onnx(graph: Graph, out: Path, name: str) -> None:
    (out / f"{name}.onnx").write_bytes(converted(graph))


def _module_of(graph):
    """A module of TensorFlow with one function, and that function; its outputs have names in their order."""
    import tensorflow as tf

    inputs = graph.model.input
    signature = [tf.TensorSpec(x.shape, x.dtype, name=name) for name, x in inputs.items()]

    def call(*arrays):
        outputs = graph.model(dict(zip(inputs, arrays)), training=False)
        return {f"output_{i}": x for i, x in enumerate(tf.nest.flatten(outputs))}

    module = tf.Module()
    module.model, module.call = graph.model, tf.function(call, input_signature=signature)
    return module, module.call.get_concrete_function()


def _write_saved_model(graph: Graph, out: Path, name: str) -> None:
    import tensorflow as tf

    module, function = _module_of(graph)
    tf.saved_model.save(module, str(out / name), signatures=function)


def _write_litert(graph: Graph, out: Path, name: str) -> None:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    # As the converter leaves weights that are variables uninitialised, they become constants first.
    frozen = convert_variables_to_constants_v2(_module_of(graph)[1])
    try:
        (out / f"{name}.tflite").write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())
    except Exception as error:  # a class that is not public
        lacking = re.search(r"TF Select ops: (.+)", str(error))
        what = lacking[1] if lacking else "the loops of recurrent layers and searches"
        raise ValueError(f"LiteRT does not have {what}; take the format onnx") from None


_WRITERS = {"onnx": _write_onnx, "saved_model": _write_saved_model, "litert": _write_litert}


def _write_files(task: Task[Any], folder: Folder, out: Path, format: str, recordings: dict[str, _Recording]) -> None:
    """Write the files beside the programs: parts, a sample, the interface and the example."""
    parts = [part.file for part in task.part_files if part.file in folder.files]
    for name in parts:
        shutil.copyfile(folder.file(name), out / name)
    arrays: dict[str, np.ndarray] = {}
    for name, each in recordings.items():
        arrays |= {f"{name}/input/{key}": value for key, value in each.inputs.items()}
        arrays |= {f"{name}/output/{i}": value for i, value in enumerate(each.outputs)}
    np.savez_compressed(out / "sample.npz", **arrays)  # type: ignore[arg-type]
    programs = {
        name: {"inputs": {key: _described(x) for key, x in each.inputs.items()},
               "outputs": [_described(x) for x in each.outputs]}
        for name, each in recordings.items()
    }  # fmt: skip
    interface = {
        "format": _KIND, "task": task.declaration.name, "written as": format, "programs": programs, "files": parts,
        "metadata": task.metadata, "settings": task.settings.to_dict(),
    }  # fmt: skip
    (out / _INTERFACE).write_text(json.dumps(interface, ensure_ascii=False, indent=1), "utf-8")
    shutil.copyfile(_TEMPLATES / f"{format}_network.py", out / "network.py")
    example, inputs = task.declaration.packaged_example
    is_fit = all(set(each.inputs) <= {*inputs} for each in recordings.values())
    shutil.copyfile(_TEMPLATES / (example if is_fit else "example.py"), out / "example.py")


def _described(x):
    return {"dtype": str(x.dtype), "sample shape": [*x.shape]}


def _compare(out, recordings):
    """Raise a `ValueError` unless the new files compute what the model computes."""
    load = runpy.run_path(str(out / "network.py"))["load"]
    for name, each in recordings.items():
        for right, found in zip(each.outputs, load(out, name)(each.inputs), strict=True):
            if right.shape != found.shape:
                raise ValueError(f"{name} computes something else than the model does")
            is_same = np.isclose(right, found, rtol=_TOLERANCE, atol=_TOLERANCE) | ~np.isfinite(right)
            others = (~is_same).reshape(len(right), -1).any(axis=1).sum()
            # Of drawn texts some differ: see `nlpkit.export.onnx_programs`.
            if others > (len(right) // 2 if "noise" in each.inputs else 0):
                raise ValueError(f"{name} computes something else than the model does")


if __name__ == "__main__":
    _main(*sys.argv[1:])

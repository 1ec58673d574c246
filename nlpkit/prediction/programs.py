"""Parts of a network as functions of arrays: what prediction computes, whatever computes it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np

from nlpkit.errors import ArtefactError, MissingPackageError


class Program(Protocol):
    """Takes arrays by name, all but the shared ones with a common batch axis; gives an array, or a list of them."""

    def __call__(self, arrays: dict[str, np.ndarray]) -> Any: ...


class Graph(NamedTuple):
    """The computation of a program, as a Keras model.

    Attributes:
        model: its inputs are a dictionary of tensors.
        shared: names of inputs without a batch axis, which are the same for all rows.
    """

    model: Any
    shared: Sequence[str] = ()


def cores() -> int:
    """Number of cores that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(work: Callable[..., None], batches: Iterable[tuple], at_once: int) -> None:
    """Call ``work(*batch)`` for each batch, some at once in threads: alone, the operations of a small batch leave cores
    idle. Where several threads call it at once, these share the cores."""
    batches = list(batches)
    with _callers as calling:
        at_once = max(1, min(at_once, cores()) // calling)
        if len(batches) == 1 or at_once == 1:
            for batch in batches:  # a thread would take longer to start than a short text to be answered
                work(*batch)
            return
        with ThreadPoolExecutor(at_once) as pool:
            for done in [pool.submit(work, *batch) for batch in batches]:
                done.result()


class _Callers:
    """Counts who is within it, the one that enters among them."""

    def __init__(self):
        self._count, self._lock = 0, threading.Lock()

    def __enter__(self):
        with self._lock:
            self._count += 1
            return self._count

    def __exit__(self, *error):
        with self._lock:
            self._count -= 1


_callers = _Callers()


class OnnxProgram:
    """A program that onnxruntime computes.

    Args:
        content: the ONNX file.
        threads: that one call may use.

    Raises:
        MissingPackageError: without onnxruntime.
        ValueError: if the content is something else.
        ArtefactError: in a call, if it does not compute with these arrays.
    """

    def __init__(self, content: bytes, threads: int = 1):
        try:
            import onnxruntime
        except ImportError:
            raise MissingPackageError("onnxruntime") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # what is wrong comes as an error as well
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
            self._dtypes = {each.name: _DTYPES[each.type] for each in self._session.get_inputs()}
        except Exception as error:  # onnxruntime has a class for each of its codes, with no base of their own
            raise ValueError(
                f"is no network that onnxruntime {onnxruntime.__version__} reads: {error!s:.200}"
            ) from None

    def __call__(self, arrays: dict[str, np.ndarray]) -> Any:
        try:
            given = {name: np.ascontiguousarray(arrays[name], dtype) for name, dtype in self._dtypes.items()}
            outputs = self._session.run(None, given)
        except Exception as error:
            raise ArtefactError(f"onnxruntime can't compute what this model is asked: {error!s:.200}") from None
        return outputs[0] if len(outputs) == 1 else outputs


_DTYPES = {
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(float)": "float32",
    "tensor(bool)": "bool",
}

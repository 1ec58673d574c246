"""The programs of a network by onnxruntime: pip install onnxruntime numpy"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

try:
    import onnxruntime
except ImportError:
    raise SystemExit("this needs: pip install onnxruntime") from None

_DTYPES = {"tensor(int32)": "int32", "tensor(uint8)": "uint8", "tensor(float)": "float32", "tensor(bool)": "bool"}


def load(folder: str | Path, name: str) -> Callable[[dict[str, Any]], list[Any]]:
    """Load a program as a function from arrays by name to a list of arrays."""
    session = onnxruntime.InferenceSession(Path(folder, f"{name}.onnx").read_bytes())
    dtypes = {each.name: _DTYPES[each.type] for each in session.get_inputs()}
    return lambda arrays: session.run(None, {key: np.asarray(arrays[key], dtype) for key, dtype in dtypes.items()})

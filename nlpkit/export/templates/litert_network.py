"""The programs of a network by LiteRT: pip install ai-edge-litert numpy"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    raise SystemExit("this needs: pip install ai-edge-litert") from None


def load(folder: str | Path, name: str) -> Callable[[dict[str, Any]], list[Any]]:
    """Load a program as a function from arrays by name to a list of arrays."""
    interpreter = Interpreter(str(Path(folder, f"{name}.tflite")))
    inputs = {each["name"]: each for each in interpreter.get_input_details()}
    outputs = sorted(interpreter.get_output_details(), key=lambda each: each["name"])

    def run(arrays: dict[str, Any]) -> list[Any]:
        for key, each in inputs.items():
            interpreter.resize_tensor_input(each["index"], np.shape(arrays[key]))
        interpreter.allocate_tensors()
        for key, each in inputs.items():
            interpreter.set_tensor(each["index"], np.asarray(arrays[key], each["dtype"]))
        interpreter.invoke()
        return [interpreter.get_tensor(each["index"]) for each in outputs]

    return run

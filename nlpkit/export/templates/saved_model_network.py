"""The programs of a network by TensorFlow: pip install tensorflow"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import tensorflow as tf
except ImportError:
    raise SystemExit("this needs: pip install tensorflow") from None


def load(folder: str | Path, name: str) -> Callable[[dict[str, Any]], list[Any]]:
    """Load a program as a function from arrays by name to a list of arrays."""
    call = tf.saved_model.load(str(Path(folder, name))).signatures["serving_default"]
    dtypes = {key: spec.dtype for key, spec in call.structured_input_signature[1].items()}

    def run(arrays: dict[str, Any]) -> list[Any]:
        outputs = call(**{key: tf.constant(arrays[key], dtype) for key, dtype in dtypes.items()})
        return [outputs[key].numpy() for key in sorted(outputs)]

    return run

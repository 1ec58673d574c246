"""Run each program on the arrays of a sample, and compare its outputs with those of the model.

python example.py

`interface.json` lists the programs with their inputs and outputs, and the files beside them.
"""

import json
from pathlib import Path

import numpy as np
from network import load

FOLDER = Path(__file__).parent
interface = json.loads((FOLDER / "interface.json").read_text("utf-8"))
sample = np.load(FOLDER / "sample.npz")
for name, program in interface["programs"].items():
    inputs = {key: sample[f"{name}/input/{key}"] for key in program["inputs"]}
    outputs = load(FOLDER, name)(inputs)
    print(name, {key: x.shape for key, x in inputs.items()})
    for i, output in enumerate(outputs):
        right = sample[f"{name}/output/{i}"]
        difference = np.abs(np.where(np.isfinite(right), output - right.astype("float32"), 0)).max()
        print(f"  output {i}: shape {output.shape}, at most {difference:.1e} from the output of the model")

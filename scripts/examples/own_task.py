"""The training loop and the metric of a task of one's own: a tagger that is trained on half as much text in each epoch.

    python scripts/examples/own_task.py

A task is a class; what it does not say is as in the class that it extends. `nlpkit.train` takes the class instead of a
name, and everything else, the folder, resuming, the report, goes with it. A task that extends none of nlpkit's is
`tests/line_task.py`.
"""

import tempfile
from pathlib import Path

import numpy as np

import nlpkit

DATA = Path(__file__).parents[2] / "data" / "tagging"


class HalfTagger(nlpkit.Tagger):
    """Sees a half of its training texts, drawn by the seed; its metrics say how many there were."""

    def batches(self, examples, seed):
        chosen = np.random.default_rng(seed).permutation(len(examples))[: len(examples) // 2]
        self.metadata["seen"] = len(chosen)
        return super().batches([examples[i] for i in chosen], seed)

    def measure(self, examples):
        return {**super().measure(examples), "seen": self.metadata.get("seen", 0)}


with tempfile.TemporaryDirectory() as folder:
    out = Path(folder, "model")
    settings = {"epochs": 4, "batch_size": 16, "width": 32, "char_dim": 32, "warmup_steps": 10, "ema_momentum": 0.9}
    files = DATA / "words-train.txt", DATA / "words-test.txt"
    trained = nlpkit.train(HalfTagger, *files, out=out, settings=settings)
    print({name: trained.metrics["valid"][name] for name in ("f1", "seen")})
    print(nlpkit.load(out, HalfTagger).predict("今天天气真好").to_text())

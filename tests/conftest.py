"""Fixtures: a small trained tagger of each kind, made once."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[1] / "data" / "tagging"
SMALL = {
    "epochs": 3, "batch_size": 16, "width": 16, "char_dim": 16, "bigram_dim": 8, "dilations": [1, 2],
    "learning_rate": 0.01, "warmup_steps": 5, "ema_momentum": 0.9, "window": 64, "dropout": 0.1,
}  # fmt: skip


@pytest.fixture(scope="session")
def words_model(tmp_path_factory):
    """Folder of a segmenter with a lexicon."""
    return _train(tmp_path_factory, "words-{}.txt", {**SMALL, "lexicon": "train"})


@pytest.fixture(scope="session")
def entities_model(tmp_path_factory):
    """Folder of an entity tagger."""
    return _train(tmp_path_factory, "entities-{}.conll", {**SMALL, "epochs": 8})


def _train(tmp_path_factory, name, settings):
    import nlpkit

    out = tmp_path_factory.mktemp("models") / "model"
    nlpkit.train("tagging", SAMPLES / name.format("train"), SAMPLES / name.format("test"), out=out, settings=settings)
    return out

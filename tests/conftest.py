"""Fixtures: a small trained model of each kind, made once."""

import os
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
SAMPLES = DATA / "tagging"
COUPLETS = DATA / "couplet"
TEXT = DATA / "word2vec" / "text.txt"
SMALL = {
    "epochs": 3, "batch_size": 16, "width": 16, "char_dim": 16, "bigram_dim": 8, "dilations": [1, 2],
    "learning_rate": 0.01, "warmup_steps": 5, "ema_momentum": 0.9, "window": 64, "dropout": 0.1,
}  # fmt: skip


SMALL_COUPLET = {
    "epochs": 3, "batch_size": 16, "width": 16, "dilations": [1, 2], "warmup_steps": 5, "ema_momentum": 0.9,
    "learning_rate": 0.01, "candidates": 8, "beam_width": 3, "dropout": 0.1,
}  # fmt: skip


SMALL_WORD2VEC = {"epochs": 3, "vector_size": 16, "min_count": 3, "batch_size": 256}


@pytest.fixture(scope="session")
def words_model(tmp_path_factory):
    """Folder of a segmenter with a lexicon."""
    files = [SAMPLES / f"words-{part}.txt" for part in ("train", "test")]
    return _train(tmp_path_factory, "tagging", *files, {**SMALL, "lexicon": "train"})


@pytest.fixture(scope="session")
def entities_model(tmp_path_factory):
    """Folder of an entity tagger."""
    files = [SAMPLES / f"entities-{part}.conll" for part in ("train", "test")]
    return _train(tmp_path_factory, "tagging", *files, {**SMALL, "epochs": 8})


@pytest.fixture(scope="session")
def couplet_model(tmp_path_factory):
    """Folder of a writer of couplets."""
    files = [COUPLETS / f"couplets-{part}.tsv" for part in ("train", "test")]
    return _train(tmp_path_factory, "couplet", *files, SMALL_COUPLET)


@pytest.fixture(scope="session")
def word2vec_model(tmp_path_factory, cache):
    """Folder of word vectors."""
    return _train(tmp_path_factory, "word2vec", TEXT, TEXT, SMALL_WORD2VEC)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """The tests leave nothing in the user's cache."""
    os.environ["NLPKIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def _train(tmp_path_factory, task, train, test, settings):
    import nlpkit

    out = tmp_path_factory.mktemp("models") / "model"
    nlpkit.train(task, train, test, out=out, settings=settings)
    return out

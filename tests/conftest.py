"""Fixtures: a small trained model of each kind, made once for all test processes."""

import os
import time
from pathlib import Path
from unittest import mock

import pytest

from nlpkit.runs.train import _exported as _EXPORTED

DATA = Path(__file__).parents[1] / "data"
SAMPLES = DATA / "tagging"
COUPLETS = DATA / "couplet"
QUESTIONS = DATA / "similarity"
ARTICLES = DATA / "title"
SENTENCES = DATA / "extraction"
TEXT = DATA / "word2vec" / "text.txt"
SMALL = {
    "onnx": "off", "epochs": 3, "batch_size": 16, "width": 16, "char_dim": 16, "bigram_dim": 8, "dilations": [1, 2],
    "learning_rate": 0.01, "warmup_steps": 5, "ema_momentum": 0.9, "window": 64, "dropout": 0.1,
}  # fmt: skip


SMALL_COUPLET = {
    "epochs": 3, "batch_size": 16, "width": 16, "dilations": [1, 2], "warmup_steps": 5, "ema_momentum": 0.9,
    "learning_rate": 0.01, "candidates": 8, "dropout": 0.1,
}  # fmt: skip


SMALL_WORD2VEC = {"epochs": 3, "vector_size": 16, "min_count": 3, "batch_size": 256}


@pytest.fixture(scope="session")
def words_model(shared_folder):
    """Folder of a segmenter with a lexicon."""
    files = [SAMPLES / f"words-{part}.txt" for part in ("train", "test")]
    return _trained(shared_folder / "words", "tagging", *files, {**SMALL, "lexicon": "train"})


@pytest.fixture(scope="session")
def entities_model(shared_folder):
    """Folder of an entity tagger."""
    files = [SAMPLES / f"entities-{part}.conll" for part in ("train", "test")]
    return _trained(shared_folder / "entities", "tagging", *files, {**SMALL, "epochs": 8})


@pytest.fixture(scope="session")
def tokens_model(shared_folder):
    """Folder of a tagger of parts of speech."""
    files = [SAMPLES / f"pos-{part}.conll" for part in ("train", "test")]
    settings = {**SMALL, "epochs": 8, "token_dim": 16, "spelling_width": 16, "affix_dim": 4, "num_affixes": 256}
    return _trained(shared_folder / "tokens", "tagging", *files, settings)


SMALL_EXTRACTION = {
    "epochs": 12, "batch_size": 8, "width": 32, "char_dim": 32, "layers": 1, "head_dim": 16, "pair_width": 32,
    "learning_rate": 0.01, "warmup_steps": 5, "ema_momentum": 0.9, "window": 64, "overlap": 32, "dropout": 0.1,
    "num_subjects": 8, "num_objects": 12,
}  # fmt: skip


@pytest.fixture(scope="session")
def extraction_model(shared_folder):
    """Folder of an extractor of triples."""
    files = [SENTENCES / f"triples-{part}.jsonl" for part in ("train", "test")]
    return _trained(shared_folder / "triples", "extraction", *files, SMALL_EXTRACTION)


@pytest.fixture(scope="session")
def couplet_model(shared_folder):
    """Folder of a writer of couplets."""
    files = [COUPLETS / f"couplets-{part}.tsv" for part in ("train", "test")]
    return _trained(shared_folder / "couplets", "couplet", *files, SMALL_COUPLET)


SMALL_SIMILARITY = {
    "epochs": 6, "batch_size": 32, "width": 16, "char_dim": 16, "bigram_dim": 16, "vector_size": 16, "warmup_steps": 5,
    "learning_rate": 0.01, "ema_momentum": 0.9, "dropout": 0.1,
}  # fmt: skip


@pytest.fixture(scope="session")
def similarity_model(shared_folder):
    """Folder of sentence vectors."""
    files = [QUESTIONS / f"questions-{part}.tsv" for part in ("train", "test")]
    return _trained(shared_folder / "similarity", "similarity", *files, SMALL_SIMILARITY)


SMALL_TITLE = {
    "epochs": 3, "batch_size": 16, "width": 16, "decoder_width": 16, "char_dim": 16, "heads": 2, "layers": 1,
    "learning_rate": 0.01, "warmup_steps": 5, "ema_momentum": 0.9, "dropout": 0.1, "max_text": 64, "max_title": 24,
}  # fmt: skip


@pytest.fixture(scope="session")
def title_model(shared_folder):
    """Folder of a writer of titles."""
    files = [ARTICLES / f"articles-{part}.jsonl" for part in ("train", "test")]
    return _trained(shared_folder / "titles", "title", *files, SMALL_TITLE)


@pytest.fixture(scope="session")
def word2vec_model(shared_folder, cache):
    """Folder of word vectors."""
    return _trained(shared_folder / "words2vec", "word2vec", TEXT, TEXT, SMALL_WORD2VEC)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all test processes of one run share."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    (folder / "shared").mkdir(exist_ok=True)
    return folder / "shared"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """The tests leave nothing in the user's cache."""
    os.environ["NLPKIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session", autouse=True)
def without_onnx():
    """Trainings write no ONNX files, which takes seconds, unless a test asks for `with_onnx`."""
    with mock.patch("nlpkit.runs.train._exported", lambda *_: {}):
        yield


@pytest.fixture
def with_onnx(without_onnx):
    with mock.patch("nlpkit.runs.train._exported", _EXPORTED):
        yield


def _trained(out, task, train, valid, settings):
    """A model's folder."""
    import nlpkit

    return _made_once(out, lambda: nlpkit.train(task, train, valid, out=out, settings=settings))


def with_programs(folder, examples):
    """A copy of a model's folder with ONNX files beside it, which onnxruntime computes.

    Args:
        folder: that of the model.
        examples: gives labelled examples of its task, from the model.
    """
    import nlpkit
    from nlpkit.artefacts.saving import save_folder
    from nlpkit.export.onnx_programs import export_programs

    out = folder.with_name(f"{folder.name}-onnx")

    def make():
        model = nlpkit.load(folder)
        model.runtime.onnx_files = export_programs(model, examples(model))
        save_folder(model, out, {}, force=False)

    return _made_once(out, make)


def _made_once(out, make):
    """A folder that whichever process comes first makes, while the others wait."""
    lock = out.with_name(f"{out.name}.lock")
    try:
        lock.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + 300
        while not (out / "task.json").exists():
            assert time.monotonic() < deadline, f"{out} was not made"
            time.sleep(0.1)
        return out
    make()
    return out

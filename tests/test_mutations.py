"""Whatever is damaged, nothing but documented errors comes out."""

import contextlib
import random

import pytest

import nlpkit
from nlpkit.errors import NlpkitError
from nlpkit.tasks import get_declaration, get_task

from .conftest import ARTICLES, COUPLETS, QUESTIONS, SAMPLES, SENTENCES
from .mutations import mutate_folder, mutated_bytes

FILES = {
    "tagging": [SAMPLES / "words-test.txt", SAMPLES / "entities-test.conll", SAMPLES / "pos-test.conll"],
    "couplet": [COUPLETS / "couplets-test.tsv"],
    "similarity": [QUESTIONS / "questions-test.tsv"],
    "title": [ARTICLES / "articles-test.jsonl"],
    "extraction": [SENTENCES / "triples-test.jsonl", SENTENCES / "english-test.jsonl"],
}


@pytest.mark.parametrize("path", [path for paths in FILES.values() for path in paths], ids=lambda path: path.name)
def test_readers_of_data(path, tmp_path):
    (name,) = (name for name, paths in FILES.items() if path in paths)
    rng = random.Random(path.name)
    content = b"".join(path.read_bytes().splitlines(keepends=True)[:40])
    options = get_declaration(name).reading()
    target = tmp_path / path.name
    for _ in range(200):
        target.write_bytes(mutated_bytes(content, rng))
        with contextlib.suppress(NlpkitError):
            get_task(name).read(target, options)


@pytest.mark.parametrize(("model", "count"), [("words_model", 40), ("extraction_model", 10)])
def test_trained_folders(model, count, tmp_path, request):
    folder = request.getfixturevalue(model)
    rng = random.Random(model)
    for number in range(count):
        name = mutate_folder(folder, tmp_path / "model", rng)
        try:
            with contextlib.suppress(NlpkitError):
                nlpkit.load(tmp_path / "model").predict(["《长风渡》由陈可执导。"])
        except Exception as error:
            raise AssertionError(f"case {number}, {name}: {error!r}") from error

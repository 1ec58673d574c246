"""Whatever is damaged, nothing but documented errors comes out."""

import pytest

from .mutations import Mutations

COUNTS = {
    "data files": 600, "other files": 800, "folders": 200, "weights": 25, "programs": 400, "records": 400, "tags": 1000,
    "lines": 100, "options": 300, "command lines": 200,
}  # fmt: skip


@pytest.fixture(scope="module")
def mutations(
    words_model, entities_model, tokens_model, extraction_model, couplet_model, similarity_model, title_model,
    word2vec_model, tmp_path_factory,
):  # fmt: skip
    models = {
        "words": words_model, "entities": entities_model, "tokens": tokens_model, "triples": extraction_model,
        "couplets": couplet_model, "similarity": similarity_model, "titles": title_model, "word2vec": word2vec_model,
    }  # fmt: skip
    return Mutations(models, tmp_path_factory.mktemp("mutations"))


@pytest.mark.parametrize("kind", COUNTS)
def test_only_documented_errors(kind, mutations):
    assert {*COUNTS} == {*mutations.kinds}
    for seed in range(COUNTS[kind]):
        mutations.run(kind, seed)

"""Sentence similarity: reading, batches, heads, answers, metrics, thresholds."""

import itertools
import json
import sys

import numpy as np
import pytest

import nlpkit
from nlpkit.cli.main import main
from nlpkit.datasets.files import written_atomically
from nlpkit.decoding import nearest_rows
from nlpkit.errors import ConfigError, DataError, MissingPackageError
from nlpkit.metrics import auc, best_threshold, retrieval_ranks
from nlpkit.tasks.shared.characters import make_features
from nlpkit.tasks.similarity.batches import sample_groups, training_batches
from nlpkit.tasks.similarity.config import SimilarityReading, SimilaritySettings
from nlpkit.tasks.similarity.examples import Pair, Sentence, group_numbers, hold_out, read_examples, texts_of
from nlpkit.tasks.similarity.scoring.calibrate import fitted_score
from nlpkit.tasks.similarity.scoring.overlap import FEATURES, Overlap
from nlpkit.tasks.similarity.scoring.score import CANDIDATES
from nlpkit.tasks.similarity.scoring.symbols import SymbolWeights
from nlpkit.tasks.similarity.scoring.training_pairs import training_pairs
from nlpkit.tasks.similarity.task import SentenceVectors
from nlpkit.tasks.task import Data, untrained
from nlpkit.text.characters import normalize_text
from nlpkit.text.features import TextFeatures
from nlpkit.text.vocabulary import BigramVocabulary, CharacterVocabulary
from nlpkit.training.checkpoint import load_state

from .conftest import QUESTIONS, SMALL_SIMILARITY

TRAIN, TEST = (QUESTIONS / f"questions-{part}.tsv" for part in ("train", "test"))


def test_it_learns(similarity_model):
    metrics = json.loads((similarity_model / "metrics.json").read_text())["valid"]
    assert metrics["top1"] > 0.3 and metrics["top10"] > 0.6 and metrics["mrr"] > metrics["top1"]


def test_vectors_have_length_1_and_the_empty_sentence_is_no_nan(similarity_model):
    task = nlpkit.load(similarity_model)
    vectors = task.encode_texts(["怎么退货", "", "退货怎么操作", "怎么退货"])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1, 1], atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[3], atol=1e-6)
    assert task.similarity("怎么退货", "怎么退货") == 1
    assert task.similarity("怎么退货", "") == 0


def test_one_sentence_gives_its_vector_and_two_an_answer(similarity_model, tmp_path):
    predictor = nlpkit.load(similarity_model)
    records = ["怎么退货", ("怎么退货", "怎么退货"), {"first": "怎么退货", "second": "车票怎么改签"}, {"text": "好"}]
    vector, equal, other, good = predictor.predict(records)
    assert len(vector.vector) == SMALL_SIMILARITY["vector_size"] and good.text == "好"
    assert equal.same and equal.score == 1 and equal.cosine == pytest.approx(1, abs=1e-4)
    assert other.same == (other.score >= 0.5) and equal.to_text() == "1.0000\tyes"
    (tmp_path / "in.txt").write_text("怎么退货\t怎么退货\n\n怎么退货\n一\t\n一\t二\t三\n", "utf-8")
    lines, bad, *_ = predictor.predict_file(tmp_path / "in.txt", tmp_path / "out.txt")
    out = (tmp_path / "out.txt").read_text("utf-8").split("\n")
    assert (lines, bad) == (5, 3) and out[0] == equal.to_text() and out[1] == out[3] == out[4] == ""
    assert len(out[2].split()) == SMALL_SIMILARITY["vector_size"]
    reasons = [
        json.loads(line)["reason"] for line in (tmp_path / "out.txt.errors.jsonl").read_text("utf-8").splitlines()
    ]
    assert reasons[:2] == ["is empty", "a sentence is empty"] and "3 columns" in reasons[2]


@pytest.mark.parametrize("loss", ["softmax", "simpler", "arcface", "contrastive"])
def test_every_loss_for_groups_trains(loss, tmp_path):
    settings = {**SMALL_SIMILARITY, "loss": loss, "epochs": 2}
    nlpkit.train("similarity", TRAIN, TEST, out=tmp_path / "m", settings=settings)
    losses = [float(row.split(",")[1]) for row in (tmp_path / "m" / "history.csv").read_text().splitlines()[1:]]
    assert losses[1] < losses[0]


@pytest.mark.parametrize("pooling", ["max", "mean", "attention", "last"])
@pytest.mark.parametrize("encoder", ["gated_conv", "gru"])
def test_every_weight_gets_a_gradient_whatever_the_pooling(pooling, encoder):
    import tensorflow as tf

    examples = read_examples(TRAIN)[0][:60]
    values = {**SMALL_SIMILARITY, "pooling": pooling, "encoder": encoder, "dilations": [1, 2]}
    task = untrained(SentenceVectors, SimilaritySettings.create(values), Data(examples))
    arrays, targets = next(task.batches(examples, 0).epoch(0))
    model = task.network.training_model
    with tf.GradientTape() as tape:
        loss = task.loss(targets, model({k: tf.constant(v) for k, v in arrays.items()}, training=True))
    for variable, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables)):
        assert gradient is not None and np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


@pytest.mark.parametrize("preset", [None, "pairs"])
def test_pairs_train_and_scores_too(preset, tmp_path):
    settings = {"epochs": 2} if preset else {**SMALL_SIMILARITY, "loss": "cosent", "scale": 20.0}
    model = nlpkit.train("similarity", QUESTIONS / "pairs.tsv", out=tmp_path / "m", preset=preset, settings=settings)
    assert {"spearman", "accuracy", "auc", "score"} <= model.metrics["valid"].keys()
    (tmp_path / "scores.tsv").write_text("一样\t一样\t5\n一样\t不同\t0.5\n相近\t近似\t3\n" * 4, "utf-8")
    metrics = model.evaluate(tmp_path / "scores.tsv")
    assert "spearman" in metrics and "accuracy" not in metrics


def test_class_weights_begin_as_means_and_are_not_in_the_model(similarity_model):
    examples = read_examples(TRAIN)[0][:80]
    task = untrained(SentenceVectors, SimilaritySettings.create(SMALL_SIMILARITY), Data(examples))
    groups = group_numbers(examples)
    (weights,) = task.network.training_model.get_layer("classes").get_weights()
    vectors = task.encode_texts(texts_of(examples))
    for group in range(groups.max() + 1):
        mean = vectors[groups == group].mean(axis=0)
        np.testing.assert_allclose(weights[group], mean / np.linalg.norm(mean), atol=1e-4)
    loaded = nlpkit.load(similarity_model).network.model
    assert not any("classes" in weight.path for weight in loaded.weights)


def test_it_starts_from_vectors(tmp_path):
    (tmp_path / "v.txt").write_text("3 4\n退 1 2 3 4\n退货 4 3 2 1\n龘 1 1 1 1\n", "utf-8")
    examples = read_examples(TRAIN)[0][:60]
    values = {**SMALL_SIMILARITY, "vectors": str(tmp_path / "v.txt"), "char_dim": 4, "bigram_dim": 4}
    task = untrained(SentenceVectors, SimilaritySettings.create({**values, "freeze_vectors": True}), Data(examples))
    for name, symbol, right in (("character", "退", [1, 2, 3, 4]), ("bigram", "退货", [4, 3, 2, 1])):
        layer, vocabulary = task.network.model.get_layer(f"{name}_vectors"), getattr(task.features, f"{name}s")
        row = layer.get_weights()[0][vocabulary.encode([symbol])[0]]
        np.testing.assert_allclose(row / row.sum(), np.array(right) / 10, rtol=1e-5)
        assert not layer.trainable
    assert "龘" in task.features.characters
    with pytest.raises(DataError, match="set bigram_dim=4"):
        untrained(SentenceVectors, SimilaritySettings.create({**values, "bigram_dim": 8}), Data(examples))


def test_of_many_groups_some_are_compared_with(tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(20):
        groups = rng.integers(0, 50, 12)
        compared, places = sample_groups(groups, 50, 20, rng)
        assert len(compared) == len(set(compared)) == 20 and (compared[places] == groups).all()
    assert set(sample_groups(np.arange(12), 50, 5, rng)[0]) == set(range(12))
    settings = {**SMALL_SIMILARITY, "sampled_groups": 40, "epochs": 3}
    out = tmp_path / "m"
    nlpkit.train("similarity", TRAIN, TEST, out=out, settings=settings)
    losses = [float(row.split(",")[1]) for row in (out / "history.csv").read_text().splitlines()[1:]]
    assert losses[2] < losses[0]
    # The weights of the groups are saved to go on from, but are not among those that are kept.
    kept, state = (load_state(out / "resume" / f"{name}.npz")[0] for name in ("best", "state"))
    groups = len({each.group for each in read_examples(TRAIN)[0]})
    assert any(len(each) == groups for each in state["model"])
    assert not any(len(each) == groups for part in (kept["weights"], state["average"]) for each in part)


def test_hard_negatives_belong_to_their_groups(tmp_path):
    negatives = QUESTIONS / "questions-negatives.tsv"
    assert SentenceVectors.read(TEST, SimilarityReading(negatives=(str(negatives),))) == SentenceVectors.read(
        TEST, SimilarityReading()
    )
    data = SentenceVectors.read(TRAIN, SimilarityReading(negatives=(str(negatives),)))
    groups = {each.group for each in data.examples} - {None}
    hard = [each for each in data.examples if each.group is None]
    assert hard and {each.unlike for each in hard} <= groups
    kept, held_out = hold_out(data.examples, TRAIN)
    held = {each.group for each in held_out} - {None}
    assert {each.unlike for each in kept if each.unlike} & held == set()
    settings = SimilaritySettings.create({"loss": "contrastive", "batch_size": 16})
    features = make_features(texts_of(data.examples), settings)
    numbers = group_numbers(data.examples)
    texts = {tuple(features.characters.encode(normalize_text(each.text))): each for each in hard}
    seen = set()
    for arrays, targets in training_batches(data.examples, features, settings, 0).epoch(0):
        for row in arrays["characters"][targets == -1]:
            negative = texts[tuple(row[row != 0])]
            seen.add(negative)
            assert numbers[[each.group for each in data.examples].index(negative.unlike)] in targets
    assert seen
    for loss in ("contrastive", "am_softmax"):
        values = {**SMALL_SIMILARITY, "loss": loss, "epochs": 2}
        model = nlpkit.train("similarity", TRAIN, TEST, out=tmp_path / loss, settings=values, negatives=[negatives])
        assert model.metrics["valid"]["mrr"] > 0
    easy, hard = (nlpkit.evaluate(tmp_path / "am_softmax", TRAIN, negatives=files) for files in ([], [negatives]))
    assert hard["mrr"] < easy["mrr"]


def test_overlap_against_a_loop():
    rng = np.random.default_rng(0)
    overlap = Overlap(TextFeatures(CharacterVocabulary("的一是在有")), 64)
    rarity = {c: np.log(i) for i, c in enumerate("的一是在有", 2)}
    texts = ["".join(rng.choice([*"的一是在有龙凤"], rng.integers(1, 9))) for _ in range(60)]
    found = overlap.of_pairs(texts[:30], texts[30:])
    np.testing.assert_allclose(found, overlap.of_pairs(texts[30:], texts[:30]), rtol=1e-6)
    for first, second, numbers in zip(texts[:30], texts[30:], found, strict=True):
        missing = []
        for one, other in ((first, second), (second, first)):
            weights = [rarity.get(c, np.log(7)) for c in one]
            lost = [w for c, w in zip(one, weights) if c not in other] or [0]
            missing.append([sum(lost) / sum(weights), sum(lost), max(lost), np.mean(lost)])
        expected = [f(numbers) for numbers in zip(*missing) for f in (sum, max)]
        ends = [0, 0]
        for i, (a, b) in enumerate(((first, second), (first[::-1], second[::-1]))):
            while ends[i] < min(len(a), len(b)) and a[ends[i]] == b[ends[i]]:
                ends[i] += 1
        np.testing.assert_allclose(numbers, [*expected, *ends, len(first) + len(second), 0], rtol=1e-5)
    assert len(FEATURES) == found.shape[1]


def test_symbols_of_pairs_and_their_weights_against_a_loop():
    rng = np.random.default_rng(0)
    letters = [*"的一是在有龙"]
    first, second = (["".join(rng.choice(letters, rng.integers(0, 7))) for _ in range(50)] for _ in range(2))
    settings = SimilaritySettings.create({"char_min_count": 1, "bigram_min_count": 2})
    features = make_features([text.replace("龙", "") for text in first], settings)
    edge, size = BigramVocabulary.EDGE_SYMBOL, len(features.characters) + len(features.bigrams)
    weights = SymbolWeights(rng.normal(size=2 * size).astype("float32"))
    found = weights.logits(features, 64, first, second)
    np.testing.assert_allclose(found, weights.logits(features, 64, second, first))

    def known(text):
        pairs = map("".join, itertools.pairwise(text + edge))
        ids = {*features.characters.encode(text), *(len(features.characters) + features.bigrams.encode([*pairs]))}
        return ids - {1, len(features.characters) + 1}

    for a, b, logit in zip(first, second, found, strict=True):
        a, b = known(a), known(b)
        shared = sum(weights.weights[i] for i in a & b)
        assert logit == pytest.approx(shared + sum(weights.weights[size + i] for i in a ^ b), abs=1e-4)


def test_weights_of_symbols_find_what_tells_pairs_apart(tmp_path):
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice([*"的一是在有"], 6)) for _ in range(400)]
    first, second = texts, [text + "不" if rng.random() < 0.5 else text[::-1] for text in texts]
    targets = np.array(["不" not in text for text in second], float)
    features = make_features([*first, *second], SimilaritySettings.create({}))
    weights = SymbolWeights.fit(features, 64, first, second, targets)
    assert auc(targets == 1, weights.logits(features, 64, first, second)) > 0.95
    with written_atomically(tmp_path / "symbols.npy") as file:
        weights.write(file)
    np.testing.assert_array_equal(SymbolWeights.load(tmp_path / "symbols.npy").weights, weights.weights)


def test_pairs_to_train_on():
    examples = [Sentence(text, group, 0) for text, group in (("甲乙", "1"), ("甲丙", "1"), ("甲丁", "2"), ("戊", "3"))]
    examples.append(Sentence("乙甲", None, 0, unlike="1"))
    vectors = dict(zip(["甲乙", "甲丙", "甲丁", "戊"], np.array([[1, 0], [0.9, 0.4], [0.8, 0.6], [0, 1]], "float32")))
    first, second, targets = training_pairs(examples, lambda texts: np.stack([vectors[text] for text in texts]))
    pairs = {frozenset(pair): target for *pair, target in zip(first, second, targets, strict=True)}
    assert pairs.pop(frozenset(["甲乙", "甲丙"])) == 1 and not any(pairs.values())
    assert frozenset(["乙甲", "甲乙"]) in pairs and frozenset(["甲丁", "戊"]) in pairs
    scored = [Pair("甲", second, label, 0) for second, label in (("乙", 5), ("丙", 0), ("丁", 1))]
    first, second, targets = training_pairs(scored, len)
    assert first == ["甲"] * 3 and second == [*"乙丙丁"] and targets.tolist() == [1, 0, 0.2]


@pytest.mark.parametrize("shape", [(300, 5), (400,)])
def test_a_score_finds_out_whether_overlap_helps(shape):
    rng = np.random.default_rng(0)
    overlap = Overlap(TextFeatures(CharacterVocabulary("甲乙丙丁")), 64)
    count = int(np.prod(shape))
    first = ["".join(rng.choice([*"甲乙丙丁"], 5)) for _ in range(count)]
    second = ["".join(rng.choice([*"甲乙丙丁"], 5)) for _ in range(count)]
    cosines = rng.normal(size=count)
    beginning = overlap.of_pairs(first, second)[:, FEATURES.index("common beginning")]
    for weight in (0, 3):
        truth = 2 * cosines + weight * beginning + rng.gumbel(size=count)
        if len(shape) == 2:
            truth = truth.reshape(shape)
            right = truth == truth.max(axis=1, keepdims=True)
        else:
            right = truth > np.median(truth)
        score = fitted_score(overlap, first, second, cosines.reshape(shape), right.astype(float))
        assert score.has_overlap == bool(weight) and 1 < score.cosine_weight < 3
        if weight:
            assert score.overlap_weights[FEATURES.index("common beginning")] > 1


def test_partners_are_of_the_same_group_and_another_sentence():
    examples = read_examples(TRAIN)[0]
    settings = SimilaritySettings.create({"loss": "contrastive", "batch_size": 16})
    batches = training_batches(examples, make_features(texts_of(examples), settings), settings, 0)
    pairs = [{}, {}]
    for epoch in (0, 1):
        for arrays, groups in batches.epoch(epoch):
            half = len(groups) // 2
            np.testing.assert_array_equal(groups[:half], groups[half:])
            rows = [tuple(row[row != 0]) for row in arrays["characters"]]
            assert all(a != b for a, b in zip(rows[:half], rows[half:]))
            pairs[epoch] |= dict(zip(rows[:half], rows[half:]))
    assert pairs[0].keys() == pairs[1].keys() and pairs[0] != pairs[1]


def test_plain_text_is_a_group_for_each_sentence(tmp_path):
    (tmp_path / "text.txt").write_text("今天天气好\n我要退货\n怎么开户\n" * 5, "utf-8")
    with pytest.raises(ConfigError, match="set loss=contrastive"):
        nlpkit.train("similarity", tmp_path / "text.txt", TEST, out=tmp_path / "m", settings=SMALL_SIMILARITY)
    settings = {**SMALL_SIMILARITY, "loss": "contrastive", "epochs": 1}
    model = nlpkit.train("similarity", tmp_path / "text.txt", TEST, out=tmp_path / "m", settings=settings)
    assert model.metrics["valid"]["mrr"] > 0


def test_whole_groups_are_held_out_and_look_among_the_others():
    kept, held_out = hold_out(read_examples(TRAIN)[0], TRAIN)
    queries = [each for each in held_out if each.group is not None]
    assert not {each.group for each in kept} & {each.group for each in queries}
    assert len(kept) + len(queries) == len(read_examples(TRAIN)[0]) and len(held_out) == len(kept) + len(queries)


def test_candidates_are_looked_among_and_never_right(similarity_model, tmp_path):
    plain = nlpkit.evaluate(similarity_model, TEST)
    harder = nlpkit.evaluate(similarity_model, TEST, candidates=[TRAIN, QUESTIONS / "questions-negatives.tsv"])
    assert harder["top1"] < plain["top1"]
    (tmp_path / "same.txt").write_text("".join(f"{each.text}\n" for each in read_examples(TEST)[0]), "utf-8")
    assert nlpkit.evaluate(similarity_model, TEST, candidates=[tmp_path / "same.txt"])["top1"] < 0.05
    with pytest.raises(ConfigError, match="candidates: are for nlpkit evaluate"):
        nlpkit.train("similarity", TRAIN, TEST, out=tmp_path / "m", candidates=[TRAIN])


@pytest.fixture
def command(monkeypatch):
    """The command line within this process."""
    monkeypatch.setattr("nlpkit.cli.main._keep_libraries_quiet", lambda: None)
    return main


def test_an_index_finds_what_a_loop_finds(similarity_model, tmp_path, command):
    texts = texts_of(read_examples(TRAIN)[0])
    folder, model = tmp_path / "index", nlpkit.load(similarity_model)
    assert command(["index", str(similarity_model), "--input", str(TRAIN), "--out", str(folder)]) == 0
    index = nlpkit.load(folder)
    queries = texts_of(read_examples(TEST)[0])[:20]
    cosines = model.encode_texts(queries) @ model.encode_texts(texts).T
    for answer, row in zip(index.predict(queries, n_best=4), cosines, strict=True):
        assert all(abs(row[texts.index(each.text)] - each.cosine) < 1e-5 for each in answer)
        found = sorted(np.argsort(-row)[:CANDIDATES], key=lambda i: -model.similarity(answer.text, texts[i]))
        assert [each.text for each in answer] == [texts[i] for i in found[:4]]
    assert index.search(texts[:1], 1)[0].nearest[0].text == index.search(texts[0], 1).nearest[0].text == texts[0]
    np.testing.assert_allclose(index.encode_texts(texts[0]), index.encode_texts(texts[:1])[0])
    with pytest.raises(TypeError, match=r"a list of texts\. Received: the text '怎么退货'"):
        index.with_index("怎么退货")
    # Two sentences are compared as before, and the empty one finds nothing.
    with pytest.warns(match="is empty"):
        pair, nothing, found = index.predict([(texts[0], texts[0]), "", texts[5]])
    assert pair.same and not nothing.nearest and found.nearest[0].text == texts[5]
    (tmp_path / "q.txt").write_text(f"{texts[3]}\n\n{texts[4]}\n", "utf-8")
    out = tmp_path / "out.txt"
    assert (
        command(["search", str(folder), "--query", str(tmp_path / "q.txt"), "--output", str(out), "--n-best", "2"]) == 0
    )
    lines = [line.split("\t") for line in out.read_text("utf-8").splitlines()]
    assert [lines[0][0], lines[1], lines[2][0]] == [texts[3], [""], texts[4]] and len(lines[0]) == 4


def test_sentences_are_added_to_an_index_and_taken_away(similarity_model, tmp_path, capsys, command):
    model = nlpkit.load(similarity_model)
    index = model.with_index(["怎么退货", "怎么退货", "", "怎么换货"])
    assert index.index.sentences == ["怎么退货", "怎么换货"] and model.index is None
    changed = index.with_index(["车票改签"], ["怎么退货"])
    assert changed.index.sentences == ["怎么换货", "车票改签"]
    np.testing.assert_allclose(
        changed.parts["vector_table"].vectors, model.encode_texts(changed.index.sentences), atol=1e-6
    )
    with pytest.raises(DataError, match="does not hold '没有的'"):
        index.with_index([], ["没有的"])
    with pytest.raises(DataError, match="one sentence at least"):
        index.with_index([], ["怎么退货", "怎么换货"])
    with pytest.raises(ConfigError, match="this model has no index"):
        model.search(["怎么退货"])
    for arguments, message in (
        (["index", str(similarity_model), "--out", str(tmp_path / "x")], "give --input"),
        (["index", str(similarity_model), "--input", str(TEST), "--out", str(similarity_model)], "holds a model"),
        (["index", str(similarity_model), "--input", "no.txt", "--out", str(tmp_path / "x")], "no such file"),
        (["search", str(tmp_path / "nothing"), "--query", "-", "--output", "-"], "no such folder"),
    ):
        assert command(arguments) == 2
        assert message in capsys.readouterr().err


def test_cells_find_what_an_exact_search_finds(similarity_model, tmp_path, command, monkeypatch):
    pytest.importorskip("faiss")
    folder = tmp_path / "index"
    index = ["index", str(similarity_model), "--input", str(TRAIN), "--out", str(folder), "--method", "cells"]
    assert command(index) == 0 and (folder / "cells.faiss").exists()
    exact = nlpkit.load(similarity_model).with_index(texts_of(read_examples(TRAIN)[0]))
    cells = nlpkit.load(folder)
    assert cells.parts["cell_index"] is not None and exact.parts["cell_index"] is None
    queries = texts_of(read_examples(TEST)[0])
    right, found = ([{each.text for each in answer} for answer in task.search(queries, 10)] for task in (exact, cells))
    assert np.mean([len(a & b) / 10 for a, b in zip(right, found, strict=True)]) > 0.95
    assert len(cells.search(queries[:1], 10_000)[0].nearest) == len(cells.index.sentences)
    smaller = cells.with_index([], [cells.index.sentences[0]], "cells")
    assert len(smaller.search(queries[:1], 10_000)[0].nearest) == len(cells.index.sentences) - 1
    # Without faiss the same folder is searched exactly, and cells can't be made.
    monkeypatch.setitem(sys.modules, "faiss", None)
    plain = nlpkit.load(folder)
    assert plain.parts["cell_index"] is None and plain.search(queries[:5]) == exact.search(queries[:5])
    with pytest.raises(MissingPackageError, match=r"nlpkit\[search\]"):
        exact.with_index([], method="cells")


def test_duplicates_of_a_file_against_a_loop(similarity_model, tmp_path, command, capsys):
    # So few that each is compared with all others.
    texts = [*texts_of(read_examples(TEST)[0])[:20], "怎么退货", "怎么退货", "怎么退货"]
    (tmp_path / "in.tsv").write_text("\n".join(f"g\t{text}" for text in texts[:20]) + "\n\n", "utf-8")
    task = nlpkit.load(similarity_model)
    right = {(i, j) for i in range(20) for j in range(i + 1, 20) if task.similarity(texts[i], texts[j]) >= 0.3}
    right |= {(20, 21), (20, 22)}
    right |= {(i, 20) for i in range(20) if task.similarity(texts[i], texts[20]) >= 0.3}
    found = task.duplicates(texts, 0.3)
    assert {tuple(pair) for _, *pair in found} == right
    assert [each[0] for each in found] == sorted((each[0] for each in found), reverse=True)
    out = tmp_path / "out.txt"
    folder = str(similarity_model)
    assert command(["duplicates", folder, "--input", str(tmp_path / "in.tsv"), "--output", str(out)]) == 0
    for line in out.read_text("utf-8").splitlines():
        score, first, second, *pair = line.split("\t")
        assert pair == [texts[int(first) - 1], texts[int(second) - 1]] and float(score) >= 0.5
    assert command(["duplicates", folder, "--output", "-"]) == 2
    assert "give --input" in capsys.readouterr().err


def test_vectors_as_an_array(similarity_model, tmp_path, command, capsys):
    texts = texts_of(read_examples(TEST)[0])
    (tmp_path / "in.txt").write_text("\n".join([*texts, "", "好"]) + "\n", "utf-8")
    out = tmp_path / "out.npy"
    arguments = ["predict", str(similarity_model), "--input", str(tmp_path / "in.txt"), "--output"]
    assert command([*arguments, str(out)]) == 0
    vectors = np.load(out)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, nlpkit.load(similarity_model).encode_texts([*texts, "", "好"]))
    assert command([*arguments, str(tmp_path / "out.jsonl")]) == 0
    first = json.loads((tmp_path / "out.jsonl").read_text("utf-8").splitlines()[0])
    np.testing.assert_allclose(first["vector"], vectors[0], atol=1e-6)
    for output, more in (("-", ["--format", "npy"]), (str(tmp_path / "x.npy.gz"), [])):
        assert command([*arguments, output, *more]) == 2
        assert "npy needs a file that is not compressed" in capsys.readouterr().err
    (tmp_path / "in.txt").write_text("一\t二\n", "utf-8")
    assert command([*arguments, str(tmp_path / "y.npy")]) == 2
    assert "a line has two sentences" in capsys.readouterr().err and not (tmp_path / "y.npy").exists()


@pytest.mark.parametrize(("rows", "count"), [(5, 3), (5, 9), (40_000, 7)])
def test_nearest_rows_against_sorting_all(rows, count):
    rng = np.random.default_rng(0)
    table, queries = rng.normal(size=(rows, 4)).astype("float32"), rng.normal(size=(300, 4)).astype("float32")
    scores, places = nearest_rows(table, queries, count)
    every = queries @ table.T
    np.testing.assert_allclose(scores, -np.sort(-every, axis=1)[:, :count], rtol=1e-4)
    np.testing.assert_allclose(np.take_along_axis(every, places, 1), scores, rtol=1e-4)
    assert nearest_rows(table, queries[:0], count)[0].shape == (0, min(count, rows))


def test_the_report_shows_groups_wrong_neighbours_and_scores(similarity_model, tmp_path):
    page = (similarity_model / "report.html").read_text("utf-8")
    assert "groups, by t-SNE" in page and "whose nearest sentence is of another group" in page
    task = nlpkit.load(similarity_model)
    examples = read_examples(TEST)[0]
    groups, wrong, spread = task.plots(examples)
    assert len(groups.labels) == len(groups.places) == len(groups.groups) and len(set(groups.groups)) == 30
    metrics = task.measure(examples)
    count = len(examples)
    assert f"{round((1 - metrics['top1']) * count)} of {count}" in wrong.title
    by_text = {each.text: each.group for each in examples}
    for question, near, score, own, own_score in wrong.rows:
        assert by_text[question] != by_text[near] and (not own or by_text[own] == by_text[question])
        assert not own or float(score) >= float(own_score)
    assert all(((values >= 0) & (values <= 1)).all() for values in spread.values.values())
    assert len(task.plots(read_examples(QUESTIONS / "pairs.tsv")[0])) == 1
    # A group of one sentence alone has nothing to show.
    assert [type(each).__name__ for each in task.plots(examples[:1])] == ["Listing", "Distribution"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\t怎么退货\na\t\n", "line 2: a sentence is empty"),
        ("a\t怎么退货\n怎么退货\n", r"line 2: expected a group, a tab and a sentence. Received 1 column"),
        ("一\t二\t是\n", "line 1: expected a number as label. Received: '是'"),
        ("一\t二\tnan\n", "line 1: expected a number as label"),
        ("一\t二\t三\t四\n", "Received: 4 columns"),
        ("\n\n", "holds no sentence"),
    ],
)
def test_bad_files(content, message, tmp_path):
    (tmp_path / "x.tsv").write_text(content, "utf-8")
    with pytest.raises(DataError, match=message):
        read_examples(tmp_path / "x.tsv")


def test_odd_files_are_told(tmp_path):
    (tmp_path / "x.tsv").write_text("a\t怎么退货\na\t如何退货\nb\t怎么换货\nc\t怎么退货\nc\t好\n", "utf-8")
    _, notes = read_examples(tmp_path / "x.tsv")
    assert notes[0].endswith("1 group(s) of one sentence, lines 3")
    assert notes[1].endswith("1 sentence(s) stand in two groups, lines 1 and 4")


@pytest.mark.parametrize(
    ("data", "loss", "message"),
    [
        ("pairs.tsv", "am_softmax", "the training data are pairs: take --preset pairs"),
        ("questions-train.tsv", "cosent", "is for pairs of sentences with labels"),
    ],
)
def test_a_loss_that_does_not_fit_the_data(data, loss, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        nlpkit.train("similarity", QUESTIONS / data, out=tmp_path / "m", settings={**SMALL_SIMILARITY, "loss": loss})


def test_ranks_against_a_loop():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = rng.integers(-1, 12, 40)
    expected = []
    for i in np.flatnonzero(groups >= 0):
        scores = vectors @ vectors[i]
        own = [scores[j] for j in range(40) if j != i and groups[j] == groups[i]]
        if own:
            expected.append(sum(scores[j] > max(own) for j in range(40) if groups[j] != groups[i]))
    assert retrieval_ranks(vectors, groups).tolist() == expected
    assert retrieval_ranks(vectors, np.arange(40)).tolist() == []


def test_auc_and_threshold_against_a_loop():
    rng = np.random.default_rng(0)
    for _ in range(20):
        same, scores = rng.integers(0, 2, 30).astype(bool), rng.integers(0, 9, 30) / 10
        pairs = [(p > n) + (p == n) / 2 for p in scores[same] for n in scores[~same]]
        assert auc(same, scores) == pytest.approx(np.mean(pairs))
        best = max(np.mean((scores >= t) == same) for t in np.arange(-0.05, 1.1, 0.05))
        assert np.mean((scores >= best_threshold(same, scores)) == same) == pytest.approx(best)
    assert np.isnan(auc(np.ones(3, bool), np.arange(3)))

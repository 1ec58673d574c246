"""Extraction of triples: reading, places, networks, answers, metrics."""

import json
import re

import keras
import numpy as np
import pytest

import nlpkit
from nlpkit.datasets.files import written_atomically
from nlpkit.errors import ConfigError, DataError
from nlpkit.metrics import (
    alias_triple_scores,
    partial_triple_scores,
    scores_by_count,
    scores_by_overlap,
    scores_by_predicate,
    triple_scores,
)
from nlpkit.prediction.predictor import answer_parsed
from nlpkit.tasks.extraction.answers import Extraction, Triple
from nlpkit.tasks.extraction.check import check
from nlpkit.tasks.extraction.config import ExtractionSettings
from nlpkit.tasks.extraction.decode import TripleDecoder, _trimmed
from nlpkit.tasks.extraction.evaluate import best_threshold
from nlpkit.tasks.extraction.examples import Example, read_triples, types_of, unit_of
from nlpkit.tasks.extraction.inputs import read_texts
from nlpkit.tasks.extraction.places import Place, Ruler, places_of
from nlpkit.tasks.extraction.prior import KnownTriples
from nlpkit.tasks.extraction.targets import TARGETS
from nlpkit.tasks.extraction.task import Extractor
from nlpkit.tasks.shared.records import Sentence, by_rules
from nlpkit.tasks.task import Data, untrained
from nlpkit.text.sentences import sentence_ends
from nlpkit.training.loop import train_model
from nlpkit.training.metric import Metric

from .conftest import SAMPLES as _SAMPLES

SAMPLES = _SAMPLES.parent / "extraction"


# Reading.


def write(path, *records):
    lines = (record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def spo(subject, predicate, object_, **more):
    return {"subject": subject, "predicate": predicate, "object": object_, **more}


def test_reading_reports_and_goes_on(tmp_path):
    path = write(
        tmp_path / "data.jsonl",
        {"text": "甲书的作者是乙", "spo_list": [spo("甲书", "作者", "乙"), spo("甲书", "作者", "乙")]},
        {"text": "甲书的作者是乙", "spo_list": [spo("丙书", "作者", "乙"), spo("甲书", "译者", "乙")]},
        {"text": "今天好", "spo_list": []},
        {"text": "今天好"},
        "这不是 JSON",
        {"text": "甲", "spo_list": [{"subject": "甲"}]},
        {"text": "甲书的作者是乙", "spo_list": [spo("甲书", "作者", "乙", subject_start=1)]},
        {"text": "甲书的作者是乙", "spo_list": [spo("甲书", "作者", {"@value": "乙"}, object_start=6)]},
    )
    read = read_triples(path, predicates=["作者"])
    assert [example.line for example in read.examples] == [1, 2, 3, 6, 7, 8]
    assert read.counts == {
        "bad_lines": 2, "malformed": 2, "not_in_text": 1, "unknown_predicate": 1, "repeated": 1, "without_triples": 3
    }  # fmt: skip
    told = "\n".join(read.notes)
    assert "line 2: (丙书, 作者, 乙): the subject '丙书' is not in the text" in told
    assert "line 2: (甲书, 译者, 乙): the model does not know this predicate" in told
    assert "line 1: (甲书, 作者, 乙) is listed twice" in told
    assert 'line 4: expected a list in the field "spo_list"' in told
    assert 'line 6: a triple is left out: expected a str in the field "predicate"' in told
    assert "line 7: a triple is left out: the text does not hold the subject '甲书' at subject_start = 1" in told
    assert read.examples[5].triples[0].places == (None, "作者", (6, 7)) or read.examples[5].triples[0].object_end == 7
    with pytest.raises(DataError, match="line 4"):
        read_triples(path, on_error="stop")
    with pytest.raises(DataError, match=r"line 1: the text does not hold"):
        row = {"text": "甲书的作者是乙", "spo_list": [spo("甲书", "作者", "乙", subject_start=1)]}
        read_triples(write(tmp_path / "wrong.jsonl", row), on_error="stop")
    write(tmp_path / "aliases.tsv", "乙\t乙先生\t乙氏")
    assert read_triples(path, aliases=str(tmp_path / "aliases.tsv")).examples.aliases == {"乙": ["乙先生", "乙氏"]}
    write(tmp_path / "aliases.tsv", "乙")
    with pytest.raises(DataError, match=r"aliases.tsv, line 1: expected two or more names"):
        read_triples(path, aliases=str(tmp_path / "aliases.tsv"))


def test_units_and_types_are_told_by_the_data():
    chinese, english = (read_triples(SAMPLES / f"{name}-train.jsonl").examples for name in ("triples", "english"))
    assert unit_of(e.text for e in chinese) == "character" and unit_of(e.text for e in english) == "token"
    assert types_of(chinese)["作者"] == ["图书作品", "人物"] and types_of(english) == {}


def test_check_says_what_is_in_files(tmp_path):
    report, other = check([SAMPLES / "triples-train.jsonl", SAMPLES / "triples-test.jsonl"], {})
    assert report["sentences"] >= 200 and report["predicates"] >= 12 and report["units"] == "characters"
    assert report["triples whose subject or object is not in the text"] == 0
    assert other[f"texts that are also in {SAMPLES / 'triples-train.jsonl'}"].startswith("0 ")
    (english,) = check([SAMPLES / "english-train.jsonl"], {})
    assert english["units"] == "tokens"


# Places.


def test_places_by_enumeration():
    rng = np.random.default_rng(0)
    for _ in range(50):
        text = "".join(rng.choice([*"ab c"], 12))
        name = "".join(rng.choice([*"ab"], int(rng.integers(1, 3))))
        ruler = Ruler(Sentence(text))
        wanted = [(i, i + len(name) - 1) for i in range(len(text)) if text[i : i + len(name)] == name][:8]
        assert [*ruler.find(name)] == wanted
        tokens = next(iter(by_rules([text])))
        words, starts = zip(*tokens) if tokens else ((), ())
        ruler = Ruler(Sentence(text, words, starts))
        for first, last in ruler.find(name):
            a, b = ruler.characters((first, last))
            assert text[a:b] == name and a in starts


def test_the_nearest_places_are_taken():
    sentence = Sentence("甲是谁？乙说：甲的丈夫是乙。")
    placed, _ = places_of([sentence], [[Triple("甲", "丈夫", "乙"), Triple("甲", "妻子", "乙")]], ["丈夫"])
    assert placed == [[Place((7, 7), (12, 12), 0)]] or placed == [[Place((7, 7), (4, 4), 0)]]
    given = Triple("甲", "丈夫", "乙", subject_start=0, subject_end=1, object_start=4, object_end=5)
    assert places_of([sentence], [[given]], ["丈夫"])[0] == [[Place((0, 0), (4, 4), 0)]]
    nested = Triple("北京大学", "城市", "北京")
    assert places_of([Sentence("北京大学位于北京")], [[nested]], ["城市"])[0] == [[Place((0, 3), (6, 7), 0)]]
    tokens = Sentence("New Yorkers", ("New", "Yorkers"), (0, 4))
    assert places_of([tokens], [[Triple("New", "of", "York")]], ["of"]) == ([[]], 1)


def test_known_triples_leave_out_what_only_the_text_itself_says(tmp_path):
    once, twice = ("甲书", "作者", "乙"), ("丙书", "作者", "Bob")
    known = KnownTriples.of([[once, once], [twice], [twice]])
    with written_atomically(tmp_path / "known.gz") as file:
        known.write(file)
    known = KnownTriples.load(tmp_path / "known.gz")
    assert len(known) == 2 and ("丙书", "作者", "bob") in known and once in known
    texts = [Sentence("甲书和丙书的作者是乙和BOB"), Sentence("丙书")]
    found = known.find(texts, ["作者"])
    assert sorted(found[0]) == [Place((0, 1), (9, 9), 0), Place((3, 4), (11, 13), 0)] and found[1] == []
    assert known.find(texts, ["作者"], [[once, twice], []])[0] == [Place((3, 4), (11, 13), 0)]
    assert known.find(texts, []) == [[], []]


# Metrics.


def test_metrics_by_enumeration():
    rng = np.random.default_rng(0)

    def draw():
        return [tuple(rng.choice([*"甲乙"], 3)) for _ in range(rng.integers(0, 5))]

    gold, found = [draw() for _ in range(40)], [draw() for _ in range(40)]
    right = sum(len(set(g) & set(f)) for g, f in zip(gold, found))
    sizes = [sum(len(set(each)) for each in both) for both in (gold, found)]
    assert triple_scores(gold, found)["f1"] == pytest.approx(2 * right / sum(sizes))
    for rows in (scores_by_count(gold, found), scores_by_predicate(gold, found)):
        assert sum(row["triples"] for row in rows.values()) == sizes[0]
    assert triple_scores(gold, gold)["f1"] == partial_triple_scores(gold, gold)["f1"] == 1
    assert sum(row["sentences"] for row in scores_by_count(gold, found).values()) == 40
    assert partial_triple_scores(gold, found)["recall"] >= triple_scores(gold, found)["recall"]
    assert alias_triple_scores(gold, found, {}) == pytest.approx(triple_scores(gold, found))


def test_classes_of_overlap():
    rows = {
        "normal": [("a", "r", "b"), ("c", "r", "d")],
        "entity pair": [("a", "r", "b"), ("b", "q", "a")],
        "single entity": [("a", "r", "b"), ("c", "r", "b")],
    }
    for name, triples in rows.items():
        assert [*scores_by_overlap([triples], [[]])] == [name]
    both = [*rows["entity pair"], ("a", "r", "c")]
    assert [*scores_by_overlap([both], [both])] == ["entity pair", "single entity"]


def test_aliases_make_names_the_same():
    gold, found = [[("《甲》", "作者", "乙")]], [[("甲", "作者", "乙氏"), ("甲", "译者", "乙")]]
    scores = alias_triple_scores(gold, found, {"乙": ["乙氏"]})
    assert (scores["precision"], scores["recall"]) == (0.5, 1.0)
    assert triple_scores(gold, found)["f1"] == 0


def test_the_best_threshold_is_found_by_trying_all():
    rng = np.random.default_rng(0)
    examples, answers = [], []
    for i in range(30):
        triples = [Triple(str(i), "r", str(j), probability=float(rng.random())) for j in range(6)]
        wanted = [t._replace(probability=None) for t in triples if rng.random() < t.probability]
        examples.append(Example("x", tuple(wanted), i))
        answers.append(Extraction("x", tuple(triples)))

    def f1(threshold):
        kept = [[t.key for t in each if t.probability >= threshold] for each in answers]
        return triple_scores([[t.key for t in each.triples] for each in examples], kept)["f1"]

    assert f1(best_threshold(examples, answers)) == pytest.approx(max(f1(t) for t in np.arange(0.1, 0.91, 0.02)))


# Networks.

SENTENCES = [
    ("甲书的作者是乙", [("甲书", "作者", "乙")]),
    ("丙执导并主演了丁剧，丁剧改编自甲书", [("丁剧", "导演", "丙"), ("丁剧", "主演", "丙"), ("丁剧", "原作", "甲书")]),
    ("没有", []),
    ("乙和丙合写了戊书", [("戊书", "作者", "乙"), ("戊书", "作者", "丙")]),
]
SMALL = {
    "width": 16, "char_dim": 16, "layers": 1, "lexicon": "", "head_dim": 8, "pair_width": 16, "num_subjects": 4,
    "num_objects": 9, "char_min_count": 1, "batch_size": 3, "window": 32, "overlap": 8, "warmup_steps": 0,
    "learning_rate": 0.02, "dropout": 0.0, "char_dropout": 0.0, "ema_momentum": 0.0, "epochs": 60,
}  # fmt: skip


def make_extractor(**settings):
    keras.utils.set_random_seed(0)
    examples = [Example(text, tuple(Triple(*each) for each in triples), 1) for text, triples in SENTENCES]
    names = sorted({name for _, triples in SENTENCES for _, name, _ in triples})
    task = untrained(Extractor, ExtractionSettings.create({**SMALL, **settings}), Data(examples, {"predicates": names}))
    return task, examples


@pytest.mark.parametrize(
    "settings",
    [
        {"prior": True, "adversarial": 0.5, "loss": "sigmoid_power"},
        {"head": "pointers", "all_subjects": False},
    ],
    ids=lambda settings: " ".join(f"{key}={value}" for key, value in settings.items()) or "default",
)
def test_a_network_learns_and_batch_mates_change_nothing(settings, tmp_path):
    task, examples = make_extractor(**settings)
    events = train_model(
        task.network.training_model, task.loss, task.batches(examples, 0), lambda: {"f1": 0.0}, Metric("f1"),
        task.settings, tmp_path, {}, kept=task.network.model, keep_last=True,
    )  # fmt: skip
    *_, done = events
    assert done.history[-1]["loss"] < 0.7 * done.history[0]["loss"]
    task._decoder = TripleDecoder(task.runtime.program, task.settings.head, task.settings.label_power, 1)
    together = answer_parsed(task, [task.parse(text) for text, _ in SENTENCES], threshold=0.05)
    assert any(answer.triples for answer in together) and task.measure(examples)["f1"] > 0.3
    for (text, _), answer in zip(SENTENCES, together):
        alone = answer_parsed(task, [task.parse(text)], threshold=0.05)[0]
        probabilities = {triple[:9]: triple.probability for triple in answer}
        assert {triple[:9] for triple in alone} == {*probabilities}
        for triple in alone:
            assert triple.probability == pytest.approx(probabilities[triple[:9]], abs=1e-4)
            assert text[triple.subject_start : triple.subject_end] == triple.subject
            assert text[triple.object_start : triple.object_end] == triple.object


@pytest.mark.parametrize("head", ["pairs", "pointers"])
def test_padding_and_batch_mates_leave_the_loss_as_it_is(head):
    task, examples = make_extractor(head=head, batch_size=4)
    texts = read_texts([Sentence(each.text) for each in examples], task.reader, task.settings)
    places, _ = places_of(texts.sentences, [each.triples for each in examples], task.predicates)

    def losses(rows, length):
        own = [texts.within(row, places) for row in rows]
        targets = TARGETS[head](own, length, len(task.predicates), task.settings, np.random.default_rng(0))
        batch = {**texts.batch(np.array(rows), length), **targets}
        return np.array(keras.ops.convert_to_numpy(task.network.training_model(batch)))

    together = losses([0, 1, 2, 3], 24)
    np.testing.assert_allclose(losses([0, 1, 2, 3], 40), together, rtol=1e-4)
    alone = [losses([row], 24)[0] for row in range(4)]
    assert np.mean(alone) == pytest.approx(np.mean(together), rel=1e-4)


# A trained model.


@pytest.fixture(scope="module")
def model(extraction_model):
    return nlpkit.load(extraction_model)


def test_long_texts_are_read_in_windows_that_overlap(model):
    settings = model.settings
    sentence = "《长风渡》由陈可执导。"
    (whole,) = model.predict([sentence], threshold=0.05)
    assert whole.triples
    filler = "这一天没有什么事情发生，大家都在家里读书。" * (settings.window // 20)
    (answer,) = model.predict([filler + sentence + filler], threshold=0.05)
    texts = read_texts([Sentence(filler + sentence + filler)], model.reader, settings)
    assert len(texts.rows) > 2
    places = [Place((len(filler) + 1, len(filler) + 3), (len(filler) + 6, len(filler) + 7), 0)]
    inside = [texts.within(window, [places]) for window in range(len(texts.rows))]
    assert any(inside) and all(len(own) <= 1 for own in inside)
    for triple in answer:
        assert answer.text[triple.subject_start : triple.subject_end] == triple.subject


def test_sentences_are_read_one_by_one_where_the_data_say_so(model):
    """Each is answered as if it stood alone, whatever stands beside it."""
    assert model.metadata["context"] == "sentence"
    texts = ["《长风渡》由陈可执导。", "《雪落》由李墨演唱！", "没有"]
    alone = [{triple[:3] for triple in answer} for answer in model.predict(texts, threshold=0.05)]
    (together,) = model.predict(["".join(texts)], threshold=0.05)
    assert {triple[:3] for triple in together} == set().union(*alone) and together.triples
    for triple in together:
        assert together.text[triple.subject_start : triple.subject_end] == triple.subject
    across = [Example("甲书好。作者是乙。", (Triple("甲书", "作者", "乙"),), 1)] * 9
    whole = untrained(Extractor, ExtractionSettings.create(SMALL), Data(across, {"predicates": ["作者"]}))
    assert whole.metadata["context"] == "text"


def test_sentences_end_where_they_end():
    for text, ends in (
        ("", []),
        ("好", [1]),
        ("好。\n\n坏？”了", [4, 7, 8]),
        ("《你好！李焕英》上映。", [11]),
        ("a.b costs 3.5 . Yes.", [16, 20]),
        ("。。", [2]),
    ):
        assert sentence_ends(text) == ends
    tokens = Sentence("It is . It was .", ("It", "is", ".", "It", "was", "."), (0, 3, 6, 8, 11, 15))
    assert Ruler(tokens).sentence_ends() == [3, 6]


def test_names_have_no_white_space_at_their_ends():
    assert _trimmed("由\t陈可 ", 1, 5) == (2, 4) and _trimmed("  ", 0, 2) == (2, 2) and _trimmed("甲\0", 0, 2) == (0, 1)


def test_options_choose_among_triples(model, tmp_path):
    text = "《长风渡》由陈可执导，李墨主演，主题曲《雪落》由陈可演唱，收录于专辑《远山》。"
    (every,) = model.predict([text], threshold=0.05)
    assert [t.probability for t in every] == sorted((t.probability for t in every), reverse=True)
    names = {triple.predicate for triple in every}
    assert len(names) > 1
    name = sorted(names)[0]
    (only,) = model.predict([text], threshold=0.05, predicates=[name])
    assert [*only] == [triple for triple in every if triple.predicate == name]
    (few,) = model.predict([text], threshold=0.3)
    assert [*few] == [triple for triple in every if triple.probability >= 0.3]
    types = [{"predicate": each, "subject_type": "A", "object_type": "B"} for each in names]
    (consistent,) = model.predict([text], threshold=0.05, schema=types)
    assert not {t.subject for t in consistent} & {t.object for t in consistent}
    schema = write(tmp_path / "schema.jsonl", {"predicate": name, "subject_type": "A", "object_type": "B"})
    (by_file,) = model.predict([text], threshold=0.05, schema=str(schema))
    assert {t.predicate for t in by_file} <= {name} and all(t.subject_type == "A" for t in by_file)
    with pytest.raises(ConfigError, match=re.escape("unknown predicate")):
        model.predict([text], predicates=["没有"])
    with pytest.raises(ConfigError, match=r"threshold = 0.01: must be from 0.05"):
        model.predict([text], threshold=0.01)
    with pytest.raises(ConfigError, match="schema: expected a str in the field"):
        model.predict([text], schema=[{"predicate": "作者"}])
    with pytest.raises(ConfigError, match="the model knows none of its predicates; it has 没有, the model"):
        model.predict([text], schema=[{"predicate": "没有", "subject_type": "A", "object_type": "B"}])
    for wrong in ({"predicate": "作者"}, 3, iter(())):
        with pytest.raises(ConfigError, match="schema: expected the name of a file or a list"):
            model.predict([text], schema=wrong)
    with pytest.raises(ConfigError, match="schema: expected an object with predicate"):
        model.predict([text], schema=[3])
    with pytest.raises(DataError, match=r"schema.jsonl, line 1"):
        model.predict([text], schema=str(write(tmp_path / "schema.jsonl", {"predicate": "作者"})))


def test_answers_have_the_form_of_the_training_data(model, tmp_path):
    text = "《长风渡》由陈可执导。"
    (answer,) = model.predict([text], threshold=0.05)
    path = write(tmp_path / "again.jsonl", answer.to_dict())
    (example,) = read_triples(path).examples
    assert [triple.key for triple in example.triples] == [triple.key for triple in answer]
    assert [triple.places for triple in example.triples] == [triple.places for triple in answer]
    rows = answer.to_text().splitlines()
    assert rows[0].split("\t")[:3] == [*answer[0].key] and len(rows) == len(answer)
    assert model.measure([example])["protocols"]["exact, with offsets"]["triples"] == len(answer.triples)


def test_a_model_of_tokens_answers_with_offsets(tmp_path):
    settings = {**SMALL, "epochs": 12, "token_dim": 16, "spelling_width": 8, "affix_dim": 4, "num_affixes": 64}
    train, valid = SAMPLES / "english-train.jsonl", SAMPLES / "english-test.jsonl"
    model = nlpkit.train("extraction", train, valid, out=tmp_path / "model", settings=settings)
    assert model.reader.unit == "token"
    text = "Copper Sky is the second feature of director Lucan Osterhaus."
    (answer,) = nlpkit.load(tmp_path / "model").predict([text], threshold=0.05)
    assert answer.triples
    for triple in answer:
        assert text[triple.subject_start : triple.subject_end] == triple.subject
        assert text[triple.object_start : triple.object_end] == triple.object


def test_characters_read_the_vectors_of_their_words(tmp_path):
    (tmp_path / "vectors.txt").write_text("3 2\n作者 3 4\n甲书 1 0\n天气 0 1\n", "utf-8")
    task, _ = make_extractor(word_vectors=str(tmp_path / "vectors.txt"), word_dim=2, max_words=2)
    assert {*task.reader.features.words.symbols} == {"甲书", "作者"}
    (table,) = task.network.units.word_vectors.get_weights()
    (row,) = table[task.reader.features.words.encode(["作者"])]
    assert row[1] / row[0] == pytest.approx(4 / 3) and not task.network.units.word_vectors.trainable
    ids = task.reader.read_sentences([Sentence("作者")]).arrays["words"]
    assert ids[1] == ids[2] >= 2 and ids[0] == ids[3] == 0
    with pytest.raises(DataError, match="the vectors have 2 numbers, word_dim is 3; set word_dim=2"):
        make_extractor(word_vectors=str(tmp_path / "vectors.txt"), word_dim=3)

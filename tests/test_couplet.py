"""What is the couplet task's own, beside the contract of all tasks."""

import itertools
import json
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nlpkit
from nlpkit.errors import ConfigError, DataError, MissingPackageError
from nlpkit.prediction.predictor import answer_parsed
from nlpkit.tasks.couplet.check import check
from nlpkit.tasks.couplet.config import RULES, CoupletPrediction, CoupletSettings
from nlpkit.tasks.couplet.examples import CoupletExample, UpperLine, first_equal, read_couplets, read_pairs
from nlpkit.tasks.couplet.rules import is_kept, tone_demands
from nlpkit.tasks.couplet.task import CoupletWriter
from nlpkit.tasks.shared.generation_options import PairReading
from nlpkit.tasks.task import Data, untrained
from nlpkit.text import tones
from nlpkit.text.character_types import MARK, character_types
from nlpkit.text.characters import code_points
from nlpkit.text.tones import LEVEL, OBLIQUE

from .conftest import COUPLETS, SMALL_COUPLET
from .test_tasks import check_gradients

ALL = frozenset(RULES) - {"tone"}
# Readings for tests without pypinyin.
TONES = {"天": LEVEL, "地": OBLIQUE, "春": LEVEL, "雨": OBLIQUE, "长": LEVEL | OBLIQUE, "风": LEVEL, "月": OBLIQUE}


@pytest.fixture(scope="module")
def predictor(couplet_model):
    return nlpkit.load(couplet_model)


@pytest.fixture
def made_up_tones(monkeypatch):
    def tones_of(character):
        return TONES.get(character, 1 + ord(character) % 3)

    for place in ("nlpkit.tasks.couplet.rules.tones_of", "nlpkit.text.tones.tones_of"):
        monkeypatch.setattr(place, tones_of)


@pytest.mark.parametrize("encoder", ["gated_conv", "lstm"])
@pytest.mark.parametrize("lower", [[1, 2], []])
def test_every_weight_gets_a_gradient(encoder, lower):
    examples = read_couplets(COUPLETS / "couplets-train.tsv")[0][:60]
    config = CoupletSettings.create({**SMALL_COUPLET, "encoder": encoder, "lower_dilations": lower})
    check_gradients(untrained(CoupletWriter, config, Data(examples)), examples)


# Rules.


@pytest.mark.parametrize(
    ("rule", "upper", "kept", "broken"),
    [
        ("no_copy", "春风，来", "风春，去", "春雨，去"),
        ("no_share", "春风来", "夏雨去", "夏雨春"),
        ("repetition", "山山水", "日日月", "日月星"),
        ("repetition", "山花水", "日月星", "日月日"),
        ("punctuation", "春风，来", "夏雨，去", "夏雨。去"),
        ("tone", "春雨地", "天风天", "天雨天"),
        ("tone", "天地，长雨", "天风，长天", "天风，长地"),
    ],
)
def test_rules(rule, upper, kept, broken, made_up_tones):
    assert is_kept(rule, upper, kept)
    assert not is_kept(rule, upper, broken)


def test_tone_demands_are_at_even_places_and_clause_ends(made_up_tones):
    assert list(tone_demands("天地天地天")) == [(1, LEVEL), (3, LEVEL), (4, LEVEL)]
    assert list(tone_demands("天天天，地地地")) == [(1, OBLIQUE), (2, OBLIQUE), (5, LEVEL), (6, LEVEL)]
    assert list(tone_demands("长长")) == [(1, LEVEL)]  # a character of both kinds demands nothing


CHARACTERS = st.sampled_from("春风来夏雨去山山水水日月年天地人心一二三，、？龘𠮷〇")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(CHARACTERS, min_size=1, max_size=14), min_size=1, max_size=5))
def test_answers_keep_all_rules_whatever_the_line(predictor, texts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of marks alone, and of characters never seen
        found = predictor.predict(texts, n_best=2)
    for text, answers in zip(texts, found, strict=True):
        kinds = character_types(code_points(text))
        if (kinds == MARK).all():
            assert not answers.answers
            continue
        assert answers.answers
        for answer in answers:
            assert len(answer.lower) == len(text)
            for rule in ALL:
                assert is_kept(rule, text, answer.lower), (rule, text, answer)


NASTY = st.text(
    st.one_of(st.sampled_from("春，A1 \t　\0\x01\x85\u2028😀👨‍👩‍👧𠮷"), st.characters(codec="utf-8")), max_size=40
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NASTY, max_size=4))
def test_no_line_stops_the_others(predictor, texts):
    task = predictor
    _, problems = task.encode([task.parse(text) for text in texts], task.prepare(CoupletPrediction()))
    errors = {problem.row for problem in problems if problem.is_error}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = predictor.predict([*texts, "春风送暖"])[:-1]
    for row, answers in enumerate(found):
        upper = texts[row].partition("\t")[0].strip()
        assert bool(answers.answers) != (row in errors)
        assert all(len(answer.lower) == len(upper) for answer in answers)
        assert all(is_kept("punctuation", upper, answer.lower) for answer in answers)


def test_each_rule_is_a_switch(predictor, made_up_tones):
    lines = [couplet.upper for couplet in read_couplets(COUPLETS / "couplets-train.tsv")[0]]
    free = [row.lower for row in predictor.predict(lines, rules="none")]
    for rule in ("no_copy", "no_share", "repetition", "tone"):
        assert not all(is_kept(rule, a, b) for a, b in zip(lines, free)), rule
        held = [row.lower for row in predictor.predict(lines, rules=rule)]
        broken = [(a, b) for a, b in zip(lines, held) if not is_kept(rule, a, b)]
        assert not broken, rule
    assert all(len(a) == len(b) for a, b in zip(lines, free))


def test_without_the_rule_marks_are_answered_like_characters(predictor):
    answer = predictor.predict(["春风，送暖"], rules="no_share")[0].lower
    assert len(answer) == 5 and "，" not in answer


def test_rules_together_where_they_pull_apart(predictor, made_up_tones):
    """A repeated character whose places make different demands, or demand where another place does not."""
    for upper in ("天春天地天", "春月雨月，风月", "月月月月月", "风月风雨风", "春"):
        for answer in predictor.predict([upper], rules="no_share,repetition,tone", n_best=3)[0].answers[:1]:
            demands = {}
            for place, tone in tone_demands(upper):
                demands[upper[place]] = demands.get(upper[place], 0) | tone
            assert is_kept("repetition", upper, answer.lower) and is_kept("no_share", upper, answer.lower)
            # Tones that exclude each other are met by a character with readings of both kinds.
            assert is_kept("tone", upper, answer.lower), (upper, answer)


def test_an_untrained_model_answers_too():
    """Its vectors are all alike, so that even padding and what fills up the vocabulary get among the candidates."""
    examples = read_couplets(COUPLETS / "couplets-train.tsv")[0]
    config = CoupletSettings.create({**SMALL_COUPLET, "char_min_count": 1})
    task = untrained(CoupletWriter, config, Data(examples))
    assert len(task.vocabulary) > 1000
    for example, answers in zip(
        examples[:50], answer_parsed(task, [UpperLine(e.upper) for e in examples[:50]], beam_width=8)
    ):
        assert all(is_kept(rule, example.upper, answers.lower) for rule in ALL)


def test_more_answers_than_characters(predictor):
    answers = predictor.predict(["春", "山高水长"], n_best=60)
    assert 1 < len(answers[0].answers) <= 60 and len(answers[1].answers) == 60
    assert all(len(answer.lower) == 4 for answer in answers[1])
    assert all("\0" not in answer.lower for row in answers for answer in row)


def test_draws_do_not_depend_on_batch_mates(predictor):
    lines = ["春风送暖入千家", "山高水长", "一二三"]
    together = predictor.predict(lines, temperature=1.0, seed=5)
    assert predictor.predict(lines[:1], temperature=1.0, seed=5)[0] == together[0]
    assert predictor.predict(lines[:2], temperature=1.0, seed=5) == together[:2]


def test_required_and_forbidden_characters(predictor):
    first = predictor.predict(["春风送暖入千家"])[0].lower
    assert predictor.predict(["春风送暖入千家\t月明"])[0].lower.startswith("月明")
    answer = predictor.predict(["春风送暖入千家"], forbidden=first)[0].lower
    assert not set(answer) & set(first)
    # A required character is the user's own wish and stands against the other rules.
    assert predictor.predict(["春风送暖入千家\t春"])[0].lower.startswith("春")
    assert predictor.predict(["山山水\t春花"])[0].lower.startswith("春花")
    assert predictor.predict({"upper": "山山水", "prefix": "春花"}) == predictor.predict("山山水", prefix="春花")
    assert predictor.predict("山水\t月", prefix="春").lower.startswith("月")
    listed = predictor.predict("春风送暖入千家", forbidden=[*first], rules=["no_share", "repetition"])
    assert listed == predictor.predict("春风送暖入千家", forbidden=first, rules="no_share,repetition")
    assert len(listed) == 1 and listed[0].lower == listed.lower


def test_n_best_are_different_and_in_order(predictor):
    answers = predictor.predict(["春风送暖入千家"], n_best=6)[0]
    assert len({answer.lower for answer in answers}) == 6
    scores = [answer.score for answer in answers]
    assert scores == sorted(scores, reverse=True)
    # Where only one character is allowed there are no other answers to give.
    assert len(predictor.predict(["春\t月"], n_best=3)[0].answers) == 1


def test_drawn_answers_vary_with_the_seed_and_keep_the_rules(predictor):
    lines = ["春风送暖入千家", "山山水水"] * 3
    draws = [predictor.predict(lines, temperature=1.5, seed=seed, n_best=3) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert len({answer.lower for answer in draws[0][0]}) > 1
    for line, answers in zip(lines, draws[2]):
        assert all(is_kept(rule, line, answer.lower) for answer in answers for rule in ALL)


def test_the_search_without_repetition_finds_the_best_line(predictor):
    """A beam as wide as all sequences of two characters, against enumeration with the network itself."""

    def log_softmax(x):
        return x - np.log(np.exp(x).sum())

    task = predictor
    for upper in ("春风", "千山"):
        options = CoupletPrediction.create({"rules": "none", "n_best": 64})
        encoded, _ = task.encode([UpperLine(upper)], task.prepare(options))
        found_ids, found_scores = task.run(encoded)
        ids = encoded.lines.arrays["characters"][None]

        def logits(before, ids=ids):
            return task.network.model({"characters": ids, "before": np.array([before], "int32")}).numpy()[0]

        hidden = logits([0, 1])
        hidden[:, :2] = -np.inf
        first, second = (np.argsort(-row)[: task.settings.candidates] for row in hidden)
        alone = [log_softmax(row[of]) for row, of in zip(hidden, (first, second))]
        expected = {}
        for (i, a), (j, b) in itertools.product(enumerate(first), enumerate(second)):
            scores = logits([0, a])
            expected[int(a), int(b)] = log_softmax(scores[0][first])[i] + log_softmax(scores[1][second])[j]
            expected[int(a), int(b)] += task.settings.independent_weight * (alone[0][i] + alone[1][j])
        best = sorted(expected, key=expected.get, reverse=True)
        np.testing.assert_allclose(found_scores[0][:10], [expected[pair] for pair in best[:10]], rtol=1e-3, atol=1e-3)
        assert tuple(found_ids[0].tolist()) == best[0]


def test_a_plain_tagger_answers_each_position_by_itself(tmp_path):
    files = [COUPLETS / f"couplets-{part}.tsv" for part in ("train", "test")]
    settings = {**SMALL_COUPLET, "epochs": 1, "lower_dilations": []}
    task = nlpkit.train("couplet", *files, out=tmp_path / "m", settings=settings)
    line = "春风送暖入千家"
    ids = task.vocabulary.encode(line)[None]
    scores = task.network.model({"characters": ids}).numpy()[0]
    scores[:, :2] = -np.inf
    expected = "".join(task.vocabulary.decode(scores.argmax(axis=-1)))
    assert answer_parsed(task, [UpperLine(line)], rules="none")[0].lower == expected
    assert "independent" not in task.measure(read_couplets(files[1])[0])["by position"]


# Data and errors.


def test_bad_lines_are_named_and_passed_over_or_stop(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("春风\t夏雨\textra\n\n春风\t夏\n春A\t夏雨\n只有上联\n，，\t。。\n山\t水\n", "utf-8")
    couplets, notes, bad = read_couplets(path)
    assert [(c.upper, c.lower, c.line) for c in couplets] == [("春风", "夏雨", 1), ("山", "水", 7)]
    assert bad == 5 and len(notes) == 5
    expected = [
        "line 2: is empty",
        "has 2 characters, the lower 1",
        "'A', which is not Chinese",
        "a tab and a lower line",
    ]
    for note, text in zip(notes, [*expected, "no Chinese character"]):
        assert text in note
    with pytest.raises(DataError, match="line 2: is empty"):
        read_couplets(path, "stop")
    with pytest.raises(ConfigError, match="unknown on_error 'ignore'; accepted: skip, stop"):
        PairReading.create({"on_error": "ignore"})
    path.write_text("a\tb\n" * 9)
    with pytest.raises(DataError, match=r"holds no couplet; .* line 1: holds 'a'"):
        read_couplets(path)
    path.write_text("春风\t夏雨\n" + "a\tb\n" * 9, "utf-8")
    assert read_couplets(path)[1][-1].endswith("4 more bad lines, passed over")


def test_files_with_bad_lines(predictor, tmp_path):
    lines = ["春风送暖", "", "hello", "龘龘龘龘", "山高水长\t日月星辰风", "春风", "春\0风", "春" * 200, "山水"]
    (tmp_path / "in.txt").write_text("\n".join(lines), "utf-8")
    assert predictor.predict_file(tmp_path / "in.txt", tmp_path / "out.txt")[:2] == (9, 6)
    found = (tmp_path / "out.txt").read_text("utf-8").splitlines()
    assert [len(line) for line in found] == [4, 0, 0, 4, 0, 2, 0, 0, 2]
    errors = [json.loads(line) for line in (tmp_path / "out.txt.errors.jsonl").read_text("utf-8").splitlines()]
    reasons = {error["line"]: error["reason"] for error in errors}
    assert [error["severity"] == "error" for error in errors] == [line != 4 for line in reasons]
    assert reasons[2] == "is empty" and "'hello', which is not Chinese" in reasons[3]
    assert "never saw 龘" in reasons[4] and "answered all the same" in reasons[4]
    assert "the prefix 日月星辰风 has 5 characters, the line 4" in reasons[5]
    assert "'\\x00'" in reasons[7] and "has 200 characters; lines up to 128 are answered" in reasons[8]
    with pytest.raises(DataError, match=r"in.txt, line 2: is empty"):
        predictor.predict_file(tmp_path / "in.txt", tmp_path / "stopped.txt", on_error="stop")
    assert not (tmp_path / "stopped.txt").exists()
    predictor.predict_file(tmp_path / "in.txt", tmp_path / "many.txt", n_best=3)
    assert (tmp_path / "many.txt").read_text("utf-8").splitlines()[0].count("\t") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": "no_shar"}, "unknown rule 'no_shar', did you mean 'no_share'"),
        ({"n_best": 0}, "n_best = 0: must be at least 1"),
        ({"temperature": -1.0}, "temperature = -1.0: must be at least 0"),
        ({"temperature": 0.01}, "temperature = 0.01: must be 0, for no sampling, or at least 0.05"),
        ({"temperature": float("nan")}, "temperature = nan"),
    ],
)
def test_wrong_options(predictor, options, message):
    with pytest.raises(ConfigError, match=message):
        predictor.predict(["春风"], **options)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"hide": 1.0}, "from 0 to below 1"), ({"max_length": 1}, "at least 2")],
)
def test_bad_settings(values, message):
    with pytest.raises(ConfigError, match=message):
        CoupletSettings.create(values)


def test_a_vocabulary_of_nothing():
    with pytest.raises(ConfigError, match="char_min_count = 2: no character of the data is that frequent"):
        untrained(CoupletWriter, CoupletSettings(), Data([CoupletExample("山", "水", 1)]))


def test_evaluation_names_bad_lines(couplet_model, tmp_path, capsys):
    (tmp_path / "pairs.tsv").write_text("春风\t夏雨\n山\t\n", "utf-8")
    assert nlpkit.load(couplet_model).evaluate(tmp_path / "pairs.tsv")["bad_lines"] == 1
    assert "line 2: expected an upper line" in capsys.readouterr().err
    with pytest.raises(DataError, match="line 2"):
        nlpkit.load(couplet_model).evaluate(tmp_path / "pairs.tsv", on_error="stop")


def test_pairs_leave_out_marks_of_either_line():
    examples = [CoupletExample("春，风", "夏雨，", 1), CoupletExample("山", "水", 2)]
    task = untrained(CoupletWriter, CoupletSettings.create({**SMALL_COUPLET, "char_min_count": 1}), Data(examples))
    lines = read_pairs(examples, task.vocabulary)
    assert lines.lengths.tolist() == [1, 1]
    assert "".join(task.vocabulary.decode(lines.arrays["lower"])) == "夏水"


def test_first_equal_by_a_loop():
    codes = np.random.default_rng(0).integers(0, 4, (20, 7))
    for row, found in zip(codes, first_equal(codes)):
        assert [row.tolist().index(c) if c else i for i, c in enumerate(row)] == found.tolist()


def test_check_finds_what_is_wrong(tmp_path, made_up_tones):
    (tmp_path / "a").write_text("春风\t夏雨\n春风\t夏雨\n山山\t水\n一一\t二三\n", "utf-8")
    (tmp_path / "b").write_text("春风\t秋月\n龘\t鱻\n", "utf-8")
    first, second = check([tmp_path / "a", tmp_path / "b"], {"char_min_count": 1})
    assert first["bad lines (passed over)"] == 1 and "the lower 1" in first["bad line 1"]
    assert first["repeated couplets"].startswith("1 ")
    assert first["keep the rule repetition"].startswith("2 (66.67%)")
    assert second[f"upper lines that are also in {tmp_path / 'a'}"].startswith("1 (50.00%)")
    assert second[f"upper lines with characters that {tmp_path / 'a'} hardly has"].startswith("1 ")


def test_without_pypinyin_the_error_names_the_extra(couplet_model, monkeypatch):
    def missing(_):
        raise MissingPackageError("pypinyin", "tone")

    monkeypatch.setattr("nlpkit.text.tones.tones_of", missing)
    with pytest.raises(MissingPackageError, match=r'pip install "nlpkit\[tone\]"'):
        nlpkit.load(couplet_model).predict(["春风"], rules="tone")


def test_tones_of_pypinyin():
    pytest.importorskip("pypinyin")
    assert [tones.tones_of(c) for c in "天地长龘"] == [LEVEL, OBLIQUE, LEVEL | OBLIQUE, LEVEL]
    couplets = read_couplets(COUPLETS / "couplets-train.tsv")[0]
    assert all(tones.tones_of(c.lower[-1]) & LEVEL and tones.tones_of(c.upper[-1]) & OBLIQUE for c in couplets)


def test_the_samples_are_couplets():
    couplets = list(itertools.chain(*(read_couplets(COUPLETS / f"couplets-{p}.tsv")[0] for p in ("train", "test"))))
    assert len(couplets) >= 300 and len({c.upper for c in couplets}) == len(couplets)
    for couplet, rule in itertools.product(couplets, sorted(ALL)):
        assert is_kept(rule, couplet.upper, couplet.lower), (rule, couplet)
    uppers = (COUPLETS / "upper-lines.txt").read_text("utf-8").splitlines()
    assert len(uppers) == 20 and not set(uppers) & {c.upper for c in couplets}

"""Word vectors from text to answers; the updates themselves are tested with the portable rooms."""

import json
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import nlpkit
from nlpkit.datasets.vector_files import read_vectors
from nlpkit.decoding import communities
from nlpkit.errors import ArtefactError, ConfigError, DataError, MissingPackageError, NlpkitError
from nlpkit.export.convert import convert
from nlpkit.metrics import analogy_hits, spearman
from nlpkit.ops.tsne import tsne
from nlpkit.tasks.task import Data, untrained
from nlpkit.tasks.word2vec import corpus as corpus_module
from nlpkit.tasks.word2vec.check import check
from nlpkit.tasks.word2vec.config import Word2VecSettings
from nlpkit.tasks.word2vec.corpus import EDGE, read_corpus
from nlpkit.tasks.word2vec.examples import Steps
from nlpkit.tasks.word2vec.model import Word2Vec
from nlpkit.tasks.word2vec.questions import read_questions, spelling_like
from nlpkit.tasks.word2vec.subwords import Subwords
from nlpkit.tasks.word2vec.task import WordVectors
from nlpkit.text.parallel_cut import cut_in_parallel
from nlpkit.text.vocabulary import Vocabulary

from .conftest import SMALL_WORD2VEC, TEXT


@pytest.fixture
def write(tmp_path):
    """A function that writes a text file."""

    def write(content, name="text.txt"):
        (tmp_path / name).write_text(content, "utf-8")
        return tmp_path / name

    return write


def words_of(corpus):
    lines, line = [], []
    for i in corpus.ids.tolist():
        if i == EDGE:
            lines.append(line)
            line = []
        else:
            line.append(corpus.words[i])
    return lines


def test_a_corpus_is_its_words_line_by_line(write):
    path = write("北京 是 首都\n\n上海 也 是 ＣＩＴＹ\n是\n")
    corpus, notes = read_corpus(path)
    assert words_of(corpus) == [["北京", "是", "首都"], [], ["上海", "也", "是", "city"], ["是"]]
    assert dict(zip(corpus.words, corpus.counts.tolist()))["是"] == 3 and len(corpus) == 8
    assert notes == [f"{path}: words separated by spaces"]
    part, rest = corpus.split(0.2, path)
    assert words_of(part) + words_of(rest) == words_of(corpus) and len(part) + len(rest) == 8
    assert part.digest() != corpus.digest() == read_corpus(path)[0].digest()


def test_blocks_and_the_cache_change_nothing(write, monkeypatch):
    path = write("".join(f"第 {i} 行 有 {i % 7} 个 词\n" for i in range(500)))
    whole = read_corpus(path)[0]
    monkeypatch.setattr(corpus_module, "_BLOCK", 100)
    monkeypatch.setattr(corpus_module, "_write_cache", None)  # it is in the cache
    assert words_of(read_corpus(path)[0]) == words_of(whole)
    monkeypatch.undo()
    monkeypatch.setattr(corpus_module, "_BLOCK", 100)
    monkeypatch.setenv("NLPKIT_CACHE", str(path.parent / "other"))
    assert words_of(read_corpus(path)[0]) == words_of(whole)


def test_running_text_is_cut(write):
    lines = ["我们在北京学习自然语言处理，今天天气很好。", "他们坐火车去上海旅行！"] * 30
    corpus, notes = read_corpus(write("\n".join(lines)))
    assert "cut by jieba" in notes[0]
    assert words_of(corpus)[0][:3] == ["我们", "在", "北京"] and "，" not in corpus.words
    blocks = ["\n".join(lines[:10]), lines[1], "\n".join(lines[:3])]
    assert "\n".join(cut_in_parallel(blocks, 2)) == "\n".join(cut_in_parallel(["\n".join(blocks)], 1))


def test_a_killed_worker_is_told(monkeypatch):
    started, popen = [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **more: started.append(popen(*args, **more)) or started[-1])
    cut = cut_in_parallel(["我们在北京。"] * 20, 1)
    assert next(cut).split() == ["我们", "在", "北京"]
    started[0].kill()
    with pytest.raises(NlpkitError, match="a process that cuts words has died"):
        list(cut)
    assert started[0].returncode is not None


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", DataError, "is empty"),
        ("\n\n", DataError, "no line holds two words"),
        ("一\n二\n三\n", DataError, "no line holds two words"),
        ("甲 乙\n丙 丁\n", ConfigError, "min_count = 5: no word is that frequent; the most frequent of the text, '甲'"),
        ("甲 乙", DataError, "holds one line, of which none can be held out"),
        (": 组\n甲 乙 丙 丁\n", DataError, "holds questions about words; training and validation data are text"),
    ],
)
def test_bad_training_text(write, tmp_path, content, error, message):
    with pytest.raises(error, match=message):
        nlpkit.train("word2vec", write(content), out=tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_words_without_end_are_left_out_and_told(write):
    path = write("甲 乙 丙\n甲 " + "长" * 10000 + " 乙\n")
    corpus, notes = read_corpus(path, "spaces")
    assert words_of(corpus) == [["甲", "乙", "丙"], ["甲", "乙"]]
    assert notes[1].startswith(f"{path}, line 2: a word of 10,000 characters; words of more than 64 are left out, 1 in")


def test_steps_hold_each_word_once(write):
    path = write("".join(f"a{i % 9} b{i % 5} 的 c{i % 7}\n" for i in range(3000)))
    corpus = read_corpus(path, "spaces")[0]
    config = Word2VecSettings.create({"batch_size": 64, "block": 16, "subsample": 0, "min_count": 1})
    numbers = np.arange(2, len(corpus.words) + 2)
    steps = Steps(corpus, numbers, np.append([0, 0], corpus.counts), config, seed=0)
    seen, looks = np.zeros(len(corpus.words) + 2, "int64"), 0
    for (step,) in steps.epoch(0):
        words, windows = step["words"], step["windows"]
        assert words.shape[1:] == (4, 26) and windows.shape[1:] == (4, 16) and len(words) == len(windows)
        assert step["negatives"].shape == step["negative_weights"].shape == windows.shape
        own = words[..., 5:21]
        seen += np.bincount(own[own != 0], minlength=len(seen))
        # A window ends where a line does: whatever a word sees stands in a line with it.
        for place in zip(*np.nonzero(windows)):
            before, after = divmod(int(windows[place]), 6)
            line = words[place[:2]][place[2] + 5 - before : place[2] + 5 + after + 1]
            kinds = [corpus.words[word - 2][0] for word in line]
            assert "".join(kinds) in "ab的c" and before + after < 4
            looks += before + after
    assert (seen[2:] == corpus.counts).all()
    # Reaches are drawn, so that nearer neighbours are seen more often: of the 12 pairs of a line 6 are at distance 1.
    assert looks / (3000 * (6 * 1 + 4 * 0.8 + 2 * 0.6)) == pytest.approx(1, abs=0.06)
    # Any position can be gone to, and epochs differ.
    again = list(steps.epoch(0, start=3))
    assert all((a["words"] == b["words"]).all() for (a,), (b,) in zip(list(steps.epoch(0))[3:], again))
    assert any(a["words"].shape != b["words"].shape or (a["words"] != b["words"]).any()
               for (a,), (b,) in zip(steps.epoch(0), steps.epoch(1)))  # fmt: skip


def test_frequent_words_are_thinned_by_the_rule(write):
    corpus = read_corpus(write("".join(f"的 的 的 w{i % 50}\n" for i in range(20000))), "spaces")[0]
    config = Word2VecSettings.create({"batch_size": 256, "subsample": 0.01, "min_count": 1})
    counts = np.append([0, 0], corpus.counts)
    steps = Steps(corpus, np.arange(2, len(counts)), counts, config, seed=0)
    own = (step["words"][..., 5:21].ravel() for (step,) in steps.epoch(0))
    seen = sum(np.bincount(words, minlength=len(counts)) for words in own)[2:]
    share = corpus.counts / corpus.counts.sum()
    expected = corpus.counts * np.minimum(1, np.sqrt(0.01 / share) + 0.01 / share)
    np.testing.assert_allclose(seen, expected, rtol=0.15)


def test_wrong_answers_weigh_as_much_as_draws_would(write):
    corpus = read_corpus(write("".join(f"甲 乙 w{i % 5} x{i % 12} 丙\n" for i in range(9000))), "spaces")[0]
    config = Word2VecSettings.create({"batch_size": 256, "subsample": 0.1, "min_count": 1, "num_negatives": 3})
    counts = np.append([0, 0], corpus.counts)
    steps = Steps(corpus, np.arange(2, len(counts)), counts, config, seed=0)
    weight, blocks = np.zeros(len(counts)), 0
    for (step,) in steps.epoch(0):
        words, negatives, noise = step["words"][..., 5:21], step["negatives"], step["negative_weights"]
        every = (np.sort(x.reshape(len(x), -1)) for x in (words, negatives))
        np.testing.assert_array_equal(*every)
        weight += np.bincount(negatives.ravel(), noise.ravel(), len(counts))
        blocks += (negatives[..., -1] != 0).sum()
    wanted = corpus.counts**0.75 / (corpus.counts**0.75).sum()
    np.testing.assert_allclose(weight[2:] / blocks, 3 * wanted, rtol=0.1)


def test_rows_of_frequent_words_get_a_share_of_their_updates(write):
    corpus = read_corpus(write("".join(f"甲 甲{i % 50} w{i} 乙 甲丙\n" for i in range(900))), "spaces")[0]
    config = Word2VecSettings.create({"batch_size": 256, "subsample": 0, "min_count": 1, "learning_rate": 0.1})
    counts, pieces = np.append([0, 0], corpus.counts), np.zeros((len(corpus.words) + 2, 1), "int32")
    # All words that begin with one character share a piece.
    pieces[2:, 0] = [len(pieces) * (word[0] == "甲") for word in corpus.words]
    steps = Steps(corpus, np.arange(2, len(counts)), counts, config, 0, pieces, 1)
    first, other = corpus.words.index("甲") + 2, corpus.words.index("w1") + 2
    for (step,) in steps.epoch(0):
        words = step["words"][..., 5:21].ravel()
        shares = step["update_scale"][0]
        assert len(shares) == len(counts) + 1
        # Pairs of a chunk, six of each time the word is read; more than four of them at a rate of 0.1 are too many.
        pairs = 6 * (words == first).sum() / len(step["words"])
        assert shares[first] == pytest.approx(4 / pairs, rel=1e-5) and pairs > 100
        pairs = 6 * (pieces[words] == len(pieces)).sum() / len(step["words"])
        assert shares[-1] == pytest.approx(4 / pairs, rel=1e-5)
        assert shares[-1] < shares[first] / 2 and shares[other] == 1


@pytest.mark.parametrize("settings", [{"learning_rate": 0.1}, {"architecture": "cbow", "learning_rate": 0.2}])
def test_pages_that_repeat_their_words_stay_in_bounds(write, settings):
    # Without shares of updates these rates end in numbers that are none.
    rng, lines = np.random.default_rng(0), []
    for _ in range(200):
        own = rng.integers(0, 2000, 6)
        for _ in range(10):
            words = np.where(rng.random(20) < 0.5, rng.choice(own, 20), rng.integers(0, 2000, 20))
            lines.append(" ".join(f"w{word}" for word in words) + "\n")
    corpus = read_corpus(write("".join(lines)), "spaces")[0]
    config = Word2VecSettings.create({"min_count": 1, "vector_size": 16, "epochs": 6, **settings})
    words = untrained(WordVectors, config, Data(corpus))
    steps = words.batches(corpus, 0)
    words.network.model.compile(keras.optimizers.SGD(config.learning_rate))
    for epoch in range(config.epochs):
        words.network.model.fit(steps.epoch(epoch), steps_per_epoch=len(steps), shuffle=False, verbose=0)
    assert 0.1 < np.abs(words.vectors).mean() < 3 and np.abs(words.vectors).max() < 20


def test_vectors_are_a_layer_for_other_models(word2vec_model):
    words = nlpkit.load(word2vec_model)
    layer = words.embedding()
    ids = words.vocabulary.encode([words.vocabulary.symbols[3], "没有这词"])
    found = np.asarray(layer(ids))
    np.testing.assert_array_equal(found[0], words.vectors[3])
    assert not found[1].any() and not layer.trainable_variables
    assert words.embedding(trainable=True).trainable


def test_metrics_of_vectors():
    assert spearman([1, 2, 3], [2, 4, 9]) == pytest.approx(1)
    assert spearman([1, 2, 2, 3], [9, 5, 5, 1]) == pytest.approx(-1)
    assert np.isnan(spearman([1, 1], [1, 2])) and np.isnan(spearman([], []))
    unit = np.eye(5, dtype="float32")
    unit[3] = (unit[1] - unit[0] + unit[2]) / np.sqrt(3)
    assert analogy_hits(unit, np.array([[0, 1, 2, 3], [0, 1, 2, 4]])).tolist() == [True, False]


def test_files_of_questions(write):
    pairs = read_questions(write("老虎 狮子 8.5\n\n老虎\t桌子\t1\n"))
    assert [(p.words, p.score, p.line) for p in pairs] == [(("老虎", "狮子"), 8.5, 1), (("老虎", "桌子"), 1.0, 3)]
    analogies = read_questions(write(": 首都\n中国 北京 法国 巴黎\n: 家\n男 女 爷爷 奶奶\n"))
    assert [(a.section, a.words[3]) for a in analogies] == [("首都", "巴黎"), ("家", "奶奶")]
    assert read_questions(write("今天 天气 很 好\n")) is None
    with pytest.raises(DataError, match=r"text.txt, line 22: expected two words and a score"):
        read_questions(write("甲 乙 1\n" * 21 + "甲 乙 丙 丁\n"))


def test_unknown_words_are_told_with_a_spelling(word2vec_model, tmp_path):
    predictor = nlpkit.load(word2vec_model)
    known = predictor.vocabulary.symbols
    (tmp_path / "in.txt").write_text(f"{known[0]}\n没有这词\n\n{known[1]} {known[2]}\n", "utf-8")
    assert predictor.predict_file(tmp_path / "in.txt", tmp_path / "out.txt", n_best=4)[:2] == (4, 2)
    lines = (tmp_path / "out.txt").read_text("utf-8").split("\n")
    assert [len(line.split()) for line in lines] == [4, 0, 0, 1, 0]
    errors = (tmp_path / "out.txt.errors.jsonl").read_text("utf-8").splitlines()
    assert "unknown word '没有这词'" in json.loads(errors[0])["reason"] and "is empty" in errors[1]
    assert spelling_like("北京是", ["北京", "北京市", "南方", "京"])[0] in ("北京", "北京市")


def test_answers_are_the_nearest(word2vec_model):
    task = nlpkit.load(word2vec_model)
    words, unit = task.vocabulary.symbols, task.table.unit
    cosines = unit @ unit[3]
    cosines[3] = -2
    expected = [words[i] for i in np.argsort(-cosines)[:5]]
    assert [word for word, _ in task.most_similar(words[3], topn=5)] == expected
    assert task.similarity(words[0], words[1]) == pytest.approx(float(unit[0] @ unit[1]), abs=1e-4)
    scores = unit @ (unit[1] - unit[0] + unit[2])
    scores[:3] = -9
    assert task.most_similar(words[1:3], words[:1])[0][0] == words[scores.argmax()]
    assert task.doesnt_match(words[:4]) in words[:4]
    with pytest.raises(DataError, match="unknown word '没有这词'"):
        task.most_similar("没有这词")
    with pytest.raises(DataError, match=f"expected one word. Received: '{words[0]} {words[1]}'"):
        task.most_similar(f"{words[0]} {words[1]}")
    with pytest.raises(DataError, match="unknown word '没有这词'"):
        task.doesnt_match([*words[:3], "没有这词"])
    with pytest.raises(ConfigError, match="n_best = 0: must be at least 1"):
        task.most_similar(words[0], topn=0)


def test_measured_on_pairs_and_analogies(word2vec_model, write):
    predictor = nlpkit.load(word2vec_model)
    a, b, c, d = predictor.vocabulary.symbols[:4]
    pairs = predictor.evaluate(write(f"{a} {b} 1\n{a} {c} 2\n{b} {d} 4\n没有 这词 1\n"))
    assert set(pairs) == {"spearman", "coverage"} and pairs["coverage"] == 0.75
    found = predictor.evaluate(write(f": 一\n{a} {b} {c} {d}\n: 二\n{a} {b} {c} 没有这词\n"))
    assert found["coverage"] == 0.5 and set(found["sections"]) == {"一"}
    assert predictor.evaluate(write("没有 这词 1\n")) == {"coverage": 0.0}


def test_check_tells_what_is_in_files(write):
    pairs = write("水果 苹果 9\n", "pairs.txt")
    text, questions = check([TEXT, pairs], {})
    assert "cut by jieba" in text["read as"] and questions["read as"] == "pairs of words with scores"
    assert any("that" in key for key in questions)


@pytest.mark.parametrize("kill_after", [8])
def test_a_killed_training_ends_with_the_same_vectors(tmp_path, kill_after):
    settings = [f"{key}={value}" for key, value in {**SMALL_WORD2VEC, "save_every": 3}.items()]
    command = [sys.executable, "-m", "nlpkit", "train", "word2vec", "--train", TEXT, "--set", *settings, "--out"]
    subprocess.run([*command, tmp_path / "whole"], check=True, capture_output=True)
    program = (
        "import os, signal, sys, keras\n"
        "from nlpkit.training import loop\n"
        "old, steps = loop._Run.epoch, iter(range(1, 1000))\n"
        "def epoch(self):\n"
        "    for _ in old(self):\n"
        f"        next(steps) == {kill_after} and os.kill(os.getpid(), signal.SIGKILL)\n"
        "        yield\n"
        "loop._Run.epoch = epoch\n"
        "from nlpkit.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, *command[3:], tmp_path / "parts"], capture_output=True)
    assert killed.returncode == -9
    subprocess.run([*command, tmp_path / "parts", "--resume"], check=True, capture_output=True)
    whole, parts = (nlpkit.load(tmp_path / name).vectors for name in ("whole", "parts"))
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("name", ["v.txt", "v.vec.gz", "v.bin"])
def test_vectors_go_to_a_file_and_back(word2vec_model, tmp_path, name):
    task = nlpkit.load(word2vec_model)
    convert(word2vec_model, tmp_path / name)
    words, vectors = read_vectors(tmp_path / name)
    assert words == task.vocabulary.symbols
    np.testing.assert_allclose(vectors, task.vectors, rtol=1e-5)
    with pytest.raises(ArtefactError, match="already exists; replace it with --force"):
        convert(word2vec_model, tmp_path / name)
    convert(tmp_path / name, tmp_path / "back")
    back = nlpkit.load(tmp_path / "back")
    np.testing.assert_allclose(back.vectors, task.vectors, rtol=1e-3, atol=1e-4)  # stored in half precision
    assert [word for word, _ in back.most_similar(words[0], topn=3)] == [
        word for word, _ in task.most_similar(words[0], topn=3)
    ]


def test_gensim_reads_what_is_written(word2vec_model, tmp_path):
    models = pytest.importorskip("gensim.models")
    task = nlpkit.load(word2vec_model)
    for name, binary in (("v.txt", False), ("v.bin", True)):
        task.export(tmp_path / name)
        found = models.KeyedVectors.load_word2vec_format(tmp_path / name, binary=binary)
        assert found.index_to_key == task.vocabulary.symbols
        np.testing.assert_allclose(found.vectors, task.vectors, rtol=1e-5)
    found.save_word2vec_format(tmp_path / "theirs.bin", binary=True)
    assert read_vectors(tmp_path / "theirs.bin")[0] == task.vocabulary.symbols


def test_files_for_the_projector(word2vec_model, tmp_path):
    task = nlpkit.load(word2vec_model)
    task.export(tmp_path / "v.tsv")
    rows = [line.split("\t") for line in (tmp_path / "v.tsv").read_text().splitlines()]
    np.testing.assert_allclose(np.array(rows, "float32"), task.vectors, rtol=1e-4)
    assert (tmp_path / "v-words.tsv").read_text("utf-8").splitlines() == task.vocabulary.symbols


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello\n", "line 1: expected the number of words and of dimensions in the first line"),
        (b"2 3\na 1 2 3\n", "2 vectors of 3 numbers were promised, and 8 bytes follow; is it cut short"),
        (b"2 3\na 1.25 2.25 3.25\n", "2 vectors of 3 numbers were promised, 1 read; is it cut short"),
        (b"1 3\na 1 2 3\nb 1 2 3\n", "1 vectors of 3 numbers were promised, and there is more"),
        (b"2 3\na 1 2 3\nb 1 2   \n", "line 3: expected a word and 3 numbers. Received: 'b 1 2   '"),
        (b"2 3\na 1 2 3\nb 1 x 3\n", "line 3: expected a word and 3 numbers. Received: 'b 1 x 3'"),
        (b"2 3\na 1 2 3\nb 1 nan 3\n", "line 3: the vector of 'b' holds numbers that are not finite"),
        (b"1 3\na \x00\x00\x80?", "1 vectors of 3 numbers were promised, and 6 bytes follow"),
        (b"1 3\na " + bytes(8) + b"\0\0\xc0\x7f", "vector 1: the vector of 'a' holds numbers that are not finite"),
        (b"9999999999999999999999999 100\na 1\n", "expected the number of words and of dimensions in the first line"),
    ],
)
def test_bad_files_of_vectors(tmp_path, content, message):
    (tmp_path / "v.bin").write_bytes(content)
    with pytest.raises(DataError, match=message):
        convert(tmp_path / "v.bin", tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_names_that_are_not_utf8(tmp_path):
    source, target = (tmp_path / os.fsdecode(name) for name in (b"v\xff.txt", b"m\xff"))
    source.write_text("2 2\n北 1 2\n京 2 1\n", "utf-8")
    convert(source, target)
    assert nlpkit.load(target).vocabulary.symbols == ["北", "京"]
    assert json.loads((target / "task.json").read_text("utf-8"))["source"] == source.name


def test_what_can_not_be_converted(words_model, word2vec_model, tmp_path):
    with pytest.raises(ConfigError, match="is of the task tagging, which has no files for other programs"):
        convert(words_model, tmp_path / "v.txt")
    with pytest.raises(ConfigError, match=r"v.npy: the name must end in .txt .text., .vec"):
        convert(word2vec_model, tmp_path / "v.npy")


def test_the_report_has_a_map_and_neighbours(word2vec_model):
    page = (word2vec_model / "report.html").read_text("utf-8")
    task = nlpkit.load(word2vec_model)
    assert "most frequent words, by t-SNE" in page and f">{task.vocabulary.symbols[0]}</text>" in page
    nearest = task.most_similar(task.vocabulary.symbols[0], topn=6)
    assert " · ".join(f"{word} {score:.3f}" for word, score in nearest) in re.sub("<[^>]*>", "", page)


def test_a_map_keeps_groups_together():
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(3, 20))
    plane = tsne(np.repeat(groups, 15, axis=0) + 0.1 * rng.normal(size=(45, 20)), perplexity=8)
    centres = plane.reshape(3, 15, 2).mean(axis=1)
    nearest = ((plane[:, None] - centres) ** 2).sum(axis=-1).argmin(axis=1)
    assert (nearest == np.repeat(np.arange(3), 15)).all()
    assert np.isfinite(tsne(np.zeros((9, 3)))).all() and tsne(np.eye(2)).shape == (2, 2)


def test_words_never_seen_have_vectors_by_their_subwords(write, tmp_path):
    settings = {**SMALL_WORD2VEC, "subwords": [1, 2]}
    nlpkit.train("word2vec", TEXT, TEXT, out=tmp_path / "m", settings=settings)
    predictor = nlpkit.load(tmp_path / "m")
    task = predictor
    assert "苹果汁水" not in task.vocabulary
    with pytest.warns(match="record 1: unknown word '龘'"):
        answers = predictor.predict(["苹果汁水", "龘", "苹果"], n_best=5)
    assert [len(row.answers) for row in answers] == [5, 0, 5]
    assert task.similarity("苹果汁水", "苹果") > task.similarity("苹果汁水", "火车")
    pairs = predictor.evaluate(write("苹果汁水 苹果 5\n苹果汁水 火车 1\n龘 苹果 1\n", "pairs.txt"))
    assert pairs == {"spearman": pytest.approx(1), "coverage": pytest.approx(2 / 3)}
    assert nlpkit.evaluate(tmp_path / "m", TEXT) == json.loads((tmp_path / "m" / "metrics.json").read_text())["valid"]
    assert task.vectors.shape == (len(task.vocabulary.symbols), 16)


def test_features_are_part_of_a_word(write, tmp_path):
    rng = np.random.default_rng(0)
    lines = [" ".join(f"w{i}|{'nv'[i % 2]}" for i in rng.integers(0, 30, 8)) for _ in range(600)]
    settings = {**SMALL_WORD2VEC, "feature_separator": "|"}
    task = nlpkit.train("word2vec", write("\n".join(lines)), out=tmp_path / "m", settings=settings)
    assert set(task.subwords.cut("w3|v")) == {"w3|", "|v"} and "|n" in task.subwords.vocabulary
    assert (
        task.most_similar("w3|v", topn=3) and task.most_similar("w3|n", topn=3) and task.most_similar("w3", topn=3)
    )  # the last two are not in it


def test_subwords_of_words():
    pieces = Subwords.of_words({"北京": 3, "北方": 2, "a": 1}, 3, (1, 2), "")
    assert pieces.vocabulary.symbols == ["<北", "北", "京", "京>", "北京"]
    assert pieces.rows(["北方", "", "b"], 10).tolist() == [[11, 10], [0, 0], [0, 0]]


def test_clusters_are_what_hangs_together():
    pytest.importorskip("infomap")
    rng = np.random.default_rng(0)
    table = np.zeros((32, 16), "float32")
    table[2:] = np.repeat(np.eye(3, 16), 10, axis=0) + 0.05 * rng.normal(size=(30, 16))
    words = [f"{'abc'[i // 10]}{i % 10}" for i in range(30)]
    task = WordVectors(Word2VecSettings.create({"vector_size": 16}), vocabulary=Vocabulary(words))
    task.network = task.build_network()
    task.network.model.vectors.set_weights([table])
    assert sorted(task.clusters()) == [words[:10], words[10:20], words[20:]]
    assert sorted(task.clusters(count=12, neighbours=4)) == [words[:10], words[10:12]]
    assert task.clusters(least=1.0) == []


def test_without_infomap_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "infomap", None)
    with pytest.raises(MissingPackageError, match=r'pip install "nlpkit\[clusters\]"'):
        communities([(0, 1, 1.0)])


def test_converting_replaces_only_what_is_whole(word2vec_model, words_model, tmp_path, monkeypatch):
    target = tmp_path / "v.txt"
    target.write_text("precious")
    from nlpkit.tasks.word2vec.task import WordVectors

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WordVectors, "vectors", property(stop))
        with pytest.raises(KeyboardInterrupt):
            convert(word2vec_model, target, force=True)
    assert target.read_text() == "precious"
    convert(word2vec_model, target, force=True)
    assert read_vectors(target)[0]
    import shutil

    shutil.copytree(words_model, tmp_path / "m")
    before = (tmp_path / "m" / "task.json").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("nlpkit.artefacts.saving.save_artefact", stop)
        with pytest.raises(KeyboardInterrupt):
            convert(target, tmp_path / "m", force=True)
    assert (tmp_path / "m" / "task.json").read_bytes() == before and nlpkit.load(tmp_path / "m")
    convert(target, tmp_path / "m", force=True)
    assert nlpkit.load(tmp_path / "m").declaration.name == "word2vec"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "v.txt"]


def test_pairs_as_validation_data(write, tmp_path):
    pairs = write("苹果 水果 5\n苹果 火车 1\n学校 老师 4\n", "pairs.txt")
    with pytest.raises(
        DataError, match=r"pairs.txt: holds questions about words; training and validation data are text"
    ):
        nlpkit.train("word2vec", TEXT, pairs, out=tmp_path / "m", settings=SMALL_WORD2VEC)
    assert not (tmp_path / "m").exists()


def test_loaded_vectors_train_on(word2vec_model):
    task = nlpkit.load(word2vec_model)
    corpus = read_corpus(TEXT)[0]
    before, batches = task.vectors.copy(), task.batches(corpus, seed=1)
    task.network.model.compile(keras.optimizers.SGD(0.05))
    task.network.model.fit(batches.epoch(0), steps_per_epoch=len(batches), verbose=0, shuffle=False)
    assert np.abs(task.vectors - before).max() > 0.01


def test_a_model_of_ones_own_is_trained(tmp_path):
    class Doubled(Word2Vec):
        def chunk_loss(self, *arguments):
            return 2 * super().chunk_loss(*arguments)

    class MyVectors(WordVectors):
        model_class = Doubled

    settings = {**SMALL_WORD2VEC, "epochs": 1, "autodiff": True}
    losses = []
    for task in (WordVectors, MyVectors):
        nlpkit.train(task, TEXT, TEXT, out=tmp_path / task.__name__, settings=settings)
        row = (tmp_path / task.__name__ / "history.csv").read_text().splitlines()[1]
        losses.append(float(row.split(",")[1]))
    assert losses[1] > 1.5 * losses[0]
    with pytest.raises(ConfigError, match="Doubled has a chunk_loss of its own; set autodiff=true"):
        nlpkit.train(MyVectors, TEXT, TEXT, out=tmp_path / "fast", settings={**settings, "autodiff": False})
    assert nlpkit.load(tmp_path / "MyVectors", MyVectors).model_class is Doubled

"""Characters, vocabularies, lexicon, tag schemes: properties over nasty strings."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nlpkit.datasets.files import written_atomically
from nlpkit.text import tag_schemes
from nlpkit.text.characters import EDGE, FlatTexts, code_points, from_code_points, normalize_text
from nlpkit.text.graphemes import graphemes
from nlpkit.text.lexicon import Lexicon, jieba_words
from nlpkit.text.ngrams import KeyFilter, NgramTable
from nlpkit.text.repetition import repetitions
from nlpkit.text.tokens import FlatTokens, TokenFeatures
from nlpkit.text.vocabulary import PADDING, UNKNOWN, BigramVocabulary, CharacterVocabulary, Vocabulary
from nlpkit.text.words import WordTokenizer, word_bounds

NASTY = st.text(
    st.one_of(
        st.sampled_from("的一是 \t\n\r\0\x01　ＡｂＣ１，。“😀👨‍👩‍👧é𠮷\u2028\x85\ufeff\\aZİß"),
        st.characters(codec=None),
    ),
    max_size=30,
)


@given(NASTY)
def test_code_points_round_trip(text):
    assert from_code_points(code_points(text)) == text


@given(NASTY)
def test_normalization_keeps_every_offset(text):
    normal = normalize_text(text)
    assert len(normal) == len(text)
    assert normalize_text(normal) == normal
    for before, after in zip(text, normal):
        assert after == normalize_text(before)


def test_normalization_folds_width_and_case():
    assert normalize_text("ＡＢＣ　１２３！ｘＹ") == "abc 123!xy"
    assert normalize_text("中文，。") == "中文,。"


@given(st.lists(NASTY, max_size=6))
def test_flat_texts_keep_their_texts_apart(texts):
    flat = FlatTexts(texts)
    for text, start, length in zip(texts, flat.starts, flat.lengths):
        assert from_code_points(flat.codes[start : start + length]) == text
        assert flat.codes[start - 1] == flat.codes[start + length] == EDGE


@given(st.lists(NASTY.filter(bool), unique=True, max_size=20))
def test_vocabulary_file_round_trip(tmp_path_factory, symbols):
    symbols = [s for s in symbols if s.encode("utf-8", "ignore").decode() == s]
    path = tmp_path_factory.mktemp("vocabulary") / "v.txt"
    vocabulary = Vocabulary(symbols)
    with written_atomically(path) as file:
        vocabulary.write(file)
    assert Vocabulary.load(path).symbols == symbols
    assert vocabulary.decode(vocabulary.encode(symbols)) == symbols


def test_vocabulary_counts_and_duplicates():
    vocabulary = Vocabulary.from_counts({"a": 3, "b": 1, "c": 3, "d": 2}, min_count=2, max_size=2)
    assert vocabulary.symbols == ["a", "c"]
    assert len(vocabulary) == 4
    assert vocabulary.encode(["a", "b"]).tolist() == [2, UNKNOWN]
    with pytest.raises(ValueError, match="'a' more than once"):
        Vocabulary(["a", "a"])


@given(st.lists(NASTY, max_size=4))
def test_table_look_up_is_the_dictionary_look_up(texts):
    characters = CharacterVocabulary(sorted(set("的一是aéZ😀𠮷")))
    bigrams = BigramVocabulary(["的一", "一是", "\0的", "是\0", "😀𠮷", "aa"])
    flat = FlatTexts(texts)
    ids, pairs = characters.encode_codes(flat.normal), bigrams.encode_codes(flat.normal)
    for text, start in zip(map(normalize_text, texts), flat.starts):
        assert ids[start : start + len(text)].tolist() == characters.encode(text).tolist()
        # A NUL in a text is a character, not an edge.
        shown = ["\0", *("\1" if c == "\0" else c for c in text), "\0"]
        expected = bigrams.encode(["".join(pair) for pair in itertools.pairwise(shown)]).tolist()
        assert pairs[start - 1 : start + len(text)].tolist() == expected
    assert ids[0] == PADDING


@given(st.lists(st.integers(0, 2**63), unique=True, max_size=300), st.lists(st.integers(0, 2**63), max_size=50))
def test_ngram_table_is_a_dictionary(keys, others):
    table = NgramTable(np.array(keys, "uint64"))
    places = {key: i for i, key in enumerate(keys)}
    wanted = np.array(keys + others, "uint64")
    assert table.find(wanted).tolist() == [places.get(key, -1) for key in wanted.tolist()]
    assert KeyFilter(np.array(keys, "uint64")).may_have(wanted)[: len(keys)].all()


def test_a_filter_lets_few_others_through():
    keys = np.random.default_rng(0).integers(0, 2**63, 4_000).astype("uint64")
    assert KeyFilter(keys[:1_000]).may_have(keys[1_000:]).mean() < 0.125


@settings(max_examples=30)
@given(st.lists(st.text("北京大学生活", max_size=12), max_size=5))
def test_lexicon_features_against_a_loop(texts):
    words = {"北京": 100, "大学": None, "大学生": 5, "北京大学": 7, "生活": 0, "北京大学生活": 3, "北京大学生活北": 9}
    lexicon = Lexicon(words)
    assert len(lexicon) == 6  # the longest is too long
    flat = FlatTexts(texts)
    found = lexicon.features(flat)
    expected = np.zeros_like(found)
    for text, start in zip(texts, flat.starts):
        for i, j in itertools.combinations(range(len(text) + 1), 2):
            word = text[i:j]
            if word in words and j - i <= 6:
                level = 10 if words[word] is None else round(3 + 3 * np.log10(1 + words[word]))
                for place in range(i, j):
                    column = 3 * min(j - i - 2, 3) + (0 if place == i else 2 if place == j - 1 else 1)
                    expected[start + place, column] = max(expected[start + place, column], level)
    np.testing.assert_array_equal(found, expected)


def test_lexicon_file_round_trip_and_jieba(tmp_path):
    lexicon = Lexicon(dict(itertools.islice(jieba_words().items(), 2000)))
    with written_atomically(tmp_path / "lexicon.gz") as file:
        lexicon.write(file)
    again = Lexicon.load(tmp_path / "lexicon.gz")
    flat = FlatTexts(["今天天气真好，我们在北京大学学习自然语言处理。"])
    np.testing.assert_array_equal(again.features(flat), lexicon.features(flat))
    assert again.words == lexicon.words
    with written_atomically(tmp_path / "again.gz") as file:
        again.write(file)
    assert (tmp_path / "again.gz").read_bytes() == (tmp_path / "lexicon.gz").read_bytes()


@pytest.mark.parametrize(
    ("labels", "scheme"),
    [
        (["O", "B-PER", "I-PER"], "BIO"),
        (["O", "B-A", "M-A", "E-A", "S-A"], "BIOES"),
        (["O", "B-A", "I-A", "E-A", "S-A"], "BIOES"),
        (["B", "M", "E", "S"], "BMES"),
        (["NOUN", "X", "-LRB-", "PRP$"], "plain"),
    ],
)
def test_scheme_detection(labels, scheme):
    assert tag_schemes.detect_scheme(labels) == scheme


def test_unknown_scheme_is_named():
    with pytest.raises(ValueError, match="unknown tag scheme: X-PER fit none of BIO"):
        tag_schemes.detect_scheme(["O", "X-PER"])
    with pytest.raises(ValueError, match="unknown tag scheme 'IOB9'; accepted: BIO, BIOES, BMES"):
        tag_schemes.read_spans(["O"], "IOB9")


SCHEMES = {
    "BIO": ["O", "B-X", "I-X", "B-Y", "I-Y"],
    "BIOES": ["O", *(f"{p}-{k}" for k in "XY" for p in "BIES")],
    "BMES": ["B", "M", "E", "S"],
    "plain": ["NOUN", "VERB"],
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_short_sequence(scheme):
    """The table of allowed transitions, the search for illegal labels, and reading and writing of spans agree."""
    labels = SCHEMES[scheme]
    prefixes = {tag_schemes.split_label(label)[0] for label in labels}
    allowed = tag_schemes.allowed_transitions(labels, scheme)
    edge = len(labels)
    for length in range(4):
        for sequence in itertools.product(range(len(labels)), repeat=length):
            spelt = [labels[i] for i in sequence]
            by_table = all(allowed[a, b] for a, b in itertools.pairwise([edge, *sequence, edge]))
            assert by_table == (tag_schemes.find_illegal(spelt, scheme, scheme != "BIO") is None)
            spans = tag_schemes.read_spans(spelt, scheme)
            again = tag_schemes.write_spans(spans, length, scheme, prefixes)
            assert tag_schemes.read_spans(again, scheme) == spans
            if by_table:
                assert again == spelt
            else:
                assert tag_schemes.find_illegal(again, scheme, scheme != "BIO") is None


def test_conlleval_reading_of_illegal_sequences():
    read = tag_schemes.read_spans
    assert read(["O", "I-X", "I-X"], "BIO") == [(1, 3, "X")]
    assert read(["B-X", "I-Y"], "BIO") == [(0, 1, "X"), (1, 2, "Y")]
    assert read(["B-X", "M-X", "O"], "BIOES") == [(0, 2, "X")]
    assert read(["M-X", "E-X", "E-X"], "BIOES") == [(0, 2, "X"), (2, 3, "X")]


@settings(max_examples=50, deadline=None)
@given(NASTY)
def test_jieba_words_keep_every_character(text):
    words = _tokenizer().words(text)
    assert "".join(word for word, _ in words) == text
    assert all(text[start : start + len(word)] == word for word, start in words)


@functools.cache
def _tokenizer():
    return WordTokenizer()


@given(st.lists(st.text("春风Ａa \x00", max_size=12), max_size=5), st.integers(1, 4))
@example(["a"], 4)
def test_repetitions_against_plain_loops(texts, longest):
    flat = FlatTexts(texts)
    found = repetitions(flat, longest)
    assert found.shape == (len(flat.codes), longest) and not found[flat.codes == EDGE].any()
    for text, start in zip(map(normalize_text, texts), flat.starts):
        for n in range(1, longest + 1):
            grams = [text[i : i + n] for i in range(len(text) - n + 1)]
            for place in range(len(text)):
                around = grams[max(0, place - n + 1) : place + 1]
                assert found[start + place, n - 1] == max(map(grams.count, around), default=1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(NASTY, st.text("我爱北京天安门a1 。", max_size=20)), max_size=4))
def test_word_bounds_are_those_of_the_words(texts):
    flat, cut = FlatTexts(texts), WordTokenizer()
    bounds = word_bounds(flat)
    assert bounds.shape == (len(flat.codes), 2) and not bounds[flat.codes == EDGE].any()
    for text, start, length in zip(texts, flat.starts, flat.lengths):
        begins, ends = bounds[start : start + length].T
        words = cut.words(text)
        assert np.flatnonzero(begins).tolist() == [place for _, place in words]
        assert np.flatnonzero(ends).tolist() == [place + len(word) - 1 for word, place in words]


# Characters of several code points, and tokens.


@given(
    st.lists(st.sampled_from(["好", "e\u0301", "👍🏽", "👨\u200d👩\u200d👧", "🇨🇳", "각", "1\ufe0f\u20e3", "A", " "]))
)
def test_graphemes_are_found_wherever_they_stand(characters):
    assert graphemes("".join(characters)) == characters


@given(st.text())
def test_graphemes_put_together_are_the_text(text):
    found = graphemes(text)
    assert "".join(found) == text and all(found)


TOKENS = st.lists(st.lists(st.text(st.sampled_from("aAb北京1.é𠮷"), min_size=1, max_size=20), max_size=5), max_size=4)


@given(TOKENS)
@example([])
@example([[], ["a"], []])
def test_flat_tokens_are_the_tokens(sequences):
    flat = FlatTokens(sequences)
    for tokens, start, length in zip(sequences, flat.starts, flat.lengths, strict=True):
        places = flat.places[start : start + length]
        assert [flat.distinct[place - 1] for place in places] == tokens
        assert flat.places[start - 1] == flat.places[start + length] == 0
        expected = [ord(token) if len(token) == 1 else EDGE + 1 for token in tokens]
        assert flat.codes[start : start + length].tolist() == expected
    assert len({*flat.distinct}) == len(flat.distinct)


@given(st.lists(st.text(st.sampled_from("aAb北京1.é𠮷"), min_size=1, max_size=20), max_size=6))
def test_what_is_known_of_tokens_against_plain_loops(tokens):
    characters, words = CharacterVocabulary("aAb北京1"), Vocabulary(["a", "ab", "北京"])
    tables = TokenFeatures(words, characters, num_affixes=50, has_shapes=True).describe(tokens)
    assert all(len(table) == len(tokens) + 1 and not table[0].any() for table in tables.values())
    for row, token in enumerate(tokens, 1):
        lower = normalize_text(token)
        wanted = token if token in words else lower
        assert tables["words"][row] == words.encode([wanted])[0]
        read = token if len(token) <= 16 else token[:8] + token[-8:]
        assert tables["spelling"][row][tables["spelling"][row] > 0].tolist() == characters.encode(read).tolist()
        assert (tables["affixes"][row] > 1).tolist() == [len(token) >= count for count in (1, 2, 3, 1, 2, 3)]
        kinds = [
            [getattr(c, kind)() for c in token] for kind in ("isdigit", "isalpha", "isupper", "islower", "isascii")
        ]
        shape = [*map(all, kinds), *map(any, kinds), token[0].isupper()]
        length = [
            len(token) <= 1,
            len(token) == 2,
            len(token) == 3,
            len(token) == 4,
            5 <= len(token) < 7,
            len(token) >= 7,
        ]
        assert tables["shapes"][row].tolist() == [*map(int, shape), *map(int, length)]
    # The same ends have the same hashes, whatever stands between them.
    both = TokenFeatures(words, num_affixes=1 << 20).describe(["abxyzcde", "ABqcde", "zab"])["affixes"]
    assert (both[1][[0, 1, 3, 4, 5]] == both[2][[0, 1, 3, 4, 5]]).all() and both[1][2] != both[2][2]
    assert both[1][0] != both[3][0] and len({*both[1:].ravel()}) == both[1:].size - 5

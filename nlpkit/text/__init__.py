"""Characters, words and labels as arrays: vocabularies, lexicons, features, tag schemes. Imports no framework."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.text import character_types, graphemes, latin_runs, tag_schemes
    from nlpkit.text.character_types import CHINESE, FOREIGN, MARK, separates_words
    from nlpkit.text.characters import CODE_BITS, EDGE, FlatTexts, code_points, from_code_points, normalize_text
    from nlpkit.text.counts import Counts
    from nlpkit.text.features import TextFeatures, count_symbols
    from nlpkit.text.graphemes import continues_character
    from nlpkit.text.lexicon import NUM_FEATURES, Lexicon, jieba_words
    from nlpkit.text.matcher import WordMatcher
    from nlpkit.text.packed import read_packed
    from nlpkit.text.parallel_cut import cut_in_parallel
    from nlpkit.text.repetition import repetitions
    from nlpkit.text.sentences import sentence_ends
    from nlpkit.text.simplified import simplified_table
    from nlpkit.text.tag_schemes import allowed_transitions, like_labels, read_spans, scheme_roles, split_label
    from nlpkit.text.tokens import NUM_AFFIXES, NUM_SHAPES, FlatTokens, TokenFeatures
    from nlpkit.text.tones import LEVEL, OBLIQUE, tone_table, tones_of
    from nlpkit.text.vocabulary import FIRST_ID, PADDING, UNKNOWN, BigramVocabulary, CharacterVocabulary, Vocabulary
    from nlpkit.text.words import WordTokenizer, word_bounds

__all__ = [
    "BigramVocabulary",
    "CHINESE",
    "CODE_BITS",
    "CharacterVocabulary",
    "Counts",
    "EDGE",
    "FIRST_ID",
    "FOREIGN",
    "FlatTexts",
    "FlatTokens",
    "LEVEL",
    "Lexicon",
    "MARK",
    "NUM_AFFIXES",
    "NUM_FEATURES",
    "NUM_SHAPES",
    "OBLIQUE",
    "PADDING",
    "TextFeatures",
    "TokenFeatures",
    "UNKNOWN",
    "Vocabulary",
    "WordMatcher",
    "WordTokenizer",
    "allowed_transitions",
    "character_types",
    "code_points",
    "continues_character",
    "count_symbols",
    "cut_in_parallel",
    "from_code_points",
    "graphemes",
    "jieba_words",
    "latin_runs",
    "like_labels",
    "normalize_text",
    "read_packed",
    "read_spans",
    "repetitions",
    "scheme_roles",
    "sentence_ends",
    "separates_words",
    "simplified_table",
    "split_label",
    "tag_schemes",
    "tone_table",
    "tones_of",
    "word_bounds",
]

__getattr__ = on_demand(__name__)

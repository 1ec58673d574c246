"""Input arrays of networks from texts: characters, pairs of characters, words of a lexicon."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable

import numpy as np

from nlpkit.text.characters import FlatTexts, normalize_text
from nlpkit.text.lexicon import Lexicon
from nlpkit.text.vocabulary import BigramVocabulary, CharacterVocabulary, Vocabulary
from nlpkit.text.words import words_of_characters


class TextFeatures:
    """Encoder of the characters of texts, shared by training and prediction.

    Args:
        characters: vocabulary of characters.
        bigrams: vocabulary of pairs of characters, or None to leave them out.
        lexicon: words to match the texts against, or None.
        words: vocabulary of jieba's words, or None to leave them out.

    Example:

        >>> features = TextFeatures(CharacterVocabulary("今天"))
        >>> features.encode(FlatTexts(["今天好"]))["characters"].tolist()
        [0, 2, 3, 1, 0]
    """

    def __init__(
        self,
        characters: CharacterVocabulary,
        bigrams: BigramVocabulary | None = None,
        lexicon: Lexicon | None = None,
        words: Vocabulary | None = None,
    ):
        self.characters, self.bigrams, self.lexicon, self.words = characters, bigrams, lexicon, words

    def encode(self, texts: FlatTexts) -> dict[str, np.ndarray]:
        """Arrays by input name, with the first axis of the flat texts.

        Returns:
            ``characters``, int32 ``(total,)``; with bigrams ``bigrams``, int32 ``(total, 2)``, the pairs of each
            character with the one before and the one after it; with a lexicon ``lexicon``, uint8
            ``(total, NUM_FEATURES)``; with words ``words``, int32 ``(total,)``, the word that contains each character.
        """
        arrays = {"characters": self.characters.encode_codes(texts.normal)}
        if self.bigrams is not None:
            with_next = self.bigrams.encode_codes(texts.normal)
            arrays["bigrams"] = np.stack([np.roll(with_next, 1), with_next], axis=-1)
        if self.lexicon is not None:
            arrays["lexicon"] = self.lexicon.features(texts)
        if self.words is not None:
            arrays["words"] = words_of_characters(texts, self.words)
        return arrays


def count_symbols(texts: Iterable[str]) -> tuple[collections.Counter[str], collections.Counter[str]]:
    """Frequencies of the characters and of the pairs of characters of texts, normalised.

    Pairs include the edges of a text, as `BigramVocabulary.EDGE_SYMBOL`.

    Example:

        >>> characters, bigrams = count_symbols(["天天"])
        >>> characters["天"], bigrams["天天"], bigrams["天" + BigramVocabulary.EDGE_SYMBOL]
        (2, 1, 1)
    """
    characters: collections.Counter[str] = collections.Counter()
    bigrams: collections.Counter[str] = collections.Counter()
    edge = BigramVocabulary.EDGE_SYMBOL
    for text in map(normalize_text, texts):
        characters.update(text)
        text = edge + text.replace(edge, " ") + edge
        bigrams.update(map("".join, itertools.pairwise(text)))
    return characters, bigrams

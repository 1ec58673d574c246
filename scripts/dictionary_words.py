"""Words as a dictionary has them, with parts of speech: what `zh-words` learns from, see `train_models.py`.

The treebank parts prefixes and suffixes from their words (望远 镜, 联合 国), and its 4,000 sentences hold few of the
ways in which short words stand side by side. The dictionary of jieba has 349,046 words with a part of speech each. Two
rules bring both together; neither looks at anything that a model is measured on.
"""

import functools
import itertools

import jieba
import jieba.posseg

NAMES = ("nr", "ns", "nt", "nz", "nrt", "nrfg")
LABELS = {
    "n": "NOUN", "f": "NOUN", "s": "NOUN", "t": "NOUN", "q": "NOUN", "v": "VERB", "a": "ADJ", "b": "ADJ", "z": "ADJ",
    "d": "ADV", "o": "ADV", "p": "ADP", "c": "CCONJ", "r": "PRON", "m": "NUM", "u": "PART", "y": "PART", "e": "PART",
}  # fmt: skip
"""Universal parts of speech by the first letter of those of jieba."""
COUNTED = ("NUM", "DET")
"""What begins a number with its measure word, which stay two words."""
OPEN = ("PROPN", "NOUN", "NUM", "X", "SYM", "PUNCT")
"""Of which kinds there are always words that no dictionary has."""


def with_dictionary(tokens, labels, parts=False):
    """Words and labels after the rules.

    1. Words of which one is a single character, and which together are a word where the dictionary cuts the text, are
       that word: 望远 镜 is 望远镜, but 人口 普查 stays two.
    2. With `parts`, for what a model has labelled: a word that is not in the dictionary, and of a kind that has few new
       words, is cut as the dictionary does: 别买 is 别 and 买.

    Args:
        tokens, labels: of a sentence.
        parts: whether the second rule holds.

    Returns:
        Pairs of a word and its label.
    """
    text = "".join(tokens)
    starts, ends = _places(tokens), _places(jieba.cut(text, HMM=False))
    index = {place: number for number, place in enumerate(starts)}
    next_end, known = dict(itertools.pairwise(ends)), jieba.dt.FREQ
    found, i = [], 0
    while i < len(tokens):
        begin, last = starts[i], index.get(next_end.get(starts[i], -1), 0)
        word, own = text[begin : starts[last]], labels[i:last]
        is_word = last > i + 1 and known.get(word) and min(map(len, tokens[i:last])) == 1
        if is_word and own[0] not in COUNTED and "PUNCT" not in own:
            found.append((word, _label(word, own[-1] if own[-1] != "PART" else own[-2])))
            i = last
            continue
        pieces = [tokens[i]]
        if parts and labels[i] not in OPEN and tokens[i] not in known and not tokens[i].isascii():
            cuts = [place for place in ends if begin <= place <= starts[i + 1]]
            if cuts[0] == begin and cuts[-1] == starts[i + 1]:
                pieces = [text[a:b] for a, b in itertools.pairwise(cuts)]
        found += (
            [(tokens[i], labels[i])] if len(pieces) == 1 else [(piece, _label(piece, labels[i])) for piece in pieces]
        )
        i += 1
    return found


@functools.cache
def _kinds():
    jieba.posseg.initialize()
    return jieba.posseg.dt.word_tag_tab


def _places(words):
    places = [0]
    for word in words:
        places.append(places[-1] + len(word))
    return places


def _label(word, otherwise):
    """The part of speech that the dictionary gives a word."""
    kind = _kinds().get(word, "")
    return "PROPN" if kind in NAMES else LABELS.get(kind[:1], otherwise)

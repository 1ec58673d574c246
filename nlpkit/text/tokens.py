"""Tokens of any length to the arrays that networks read: themselves, their characters, affixes and shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nlpkit.text.characters import EDGE, code_points, normalize, normalize_text
from nlpkit.text.vocabulary import FIRST_ID, UNKNOWN, CharacterVocabulary, Vocabulary

NUM_AFFIXES = 6
"""The first one, two and three characters of a token, and the last."""
_LONG = EDGE + 1  # stands for a token of several characters
_SPELT = 16  # characters of a token that are read: of longer ones the first and the last half
_LENGTHS = np.array([2, 3, 4, 5, 7])  # where classes of lengths begin
_KINDS = (str.isdigit, str.isalpha, str.isupper, str.islower, str.isascii)
NUM_SHAPES = 2 * len(_KINDS) + 1 + len(_LENGTHS) + 1


class FlatTokens:
    """Many sequences of tokens in one array, with an edge before, between and after them.

    Args:
        sequences: the tokens of each text, none of them empty.

    Attributes:
        distinct: list of str, each token once.
        places: int32 ``(total,)``, 1 and more: which of those stands here; 0 at an edge.
        codes: uint32 ``(total,)``, the code point of a token of one character, a number beyond all for others, and
            `nlpkit.text.characters.EDGE` at an edge.
        normal: the same, normalised.
        starts: int64 ``(n,)``, where each sequence begins in the arrays.
        lengths: int64 ``(n,)``.

    Example:

        >>> flat = FlatTokens([["I", "am"], ["am"]])
        >>> flat.distinct, flat.places.tolist()
        (['I', 'am'], [0, 1, 2, 0, 2, 0])
    """

    def __init__(self, sequences: Sequence[Sequence[str]]):
        ids: dict[str, int] = {}
        self.lengths = np.fromiter(map(len, sequences), "int64", len(sequences))
        self.starts = np.cumsum(self.lengths + 1) - self.lengths
        self.places = np.zeros(int(self.lengths.sum()) + len(sequences) + 1, "int32")
        real = np.ones(len(self.places), bool)
        real[self.starts - 1] = real[-1] = False
        tokens = (ids.setdefault(token, len(ids) + 1) for sequence in sequences for token in sequence)
        self.places[real] = np.fromiter(tokens, "int32", int(self.lengths.sum()))
        self.distinct = list(ids)
        codes = [EDGE, *(ord(token) if len(token) == 1 else _LONG for token in self.distinct)]
        self.codes = np.array(codes, "uint32")[self.places]
        self.normal = normalize(self.codes)

    def __len__(self) -> int:
        return len(self.starts)


class TokenFeatures:
    """What is known of a token. Training and prediction share it.

    Args:
        tokens: vocabulary of tokens. One that it lacks is read as its lower-case, half-width form, if it has that.
        characters: vocabulary of characters, or None to leave the spelling out.
        num_affixes: size of the table that affixes are hashed into, or 0 to leave them out.
        has_shapes: whether case, digits and length are read.

    Example:

        >>> features = TokenFeatures(Vocabulary(["paris", "Paris"]), num_affixes=64, has_shapes=True)
        >>> arrays = features.describe(["Paris", "PARIS", "Rome"])
        >>> arrays["words"].tolist(), arrays["affixes"].shape, arrays["shapes"].shape
        ([0, 3, 2, 1], (4, 6), (4, 17))
    """

    def __init__(
        self,
        tokens: Vocabulary,
        characters: CharacterVocabulary | None = None,
        num_affixes: int = 0,
        has_shapes: bool = False,
    ):
        self.tokens, self.characters, self._num_affixes, self._has_shapes = tokens, characters, num_affixes, has_shapes

    def describe(self, tokens: Sequence[str]) -> dict[str, np.ndarray]:
        """Tables with a row for each token, after a first row of zeros for padding.

        Args:
            tokens: n of them.

        Returns:
            ``words``, int32 ``(n + 1,)``; as far as they are read ``spelling``, ids of characters, int32
            ``(n + 1, longest)``, ``affixes``, int32 ``(n + 1, NUM_AFFIXES)``, 0 where a token is too short, and
            ``shapes``, uint8 ``(n + 1, NUM_SHAPES)``.
        """
        tables = {"words": self._words(tokens)}
        codes = code_points("".join(tokens))
        lengths = np.fromiter(map(len, tokens), "int64", len(tokens))
        starts = np.cumsum(lengths) - lengths
        if self.characters is not None:
            places, real = _ends_of(starts, lengths)
            ids = self.characters.encode_codes(codes)
            tables["spelling"] = np.where(real, ids[np.where(real, places, 0)], 0) if len(ids) else places
        if self._num_affixes:
            tables["affixes"] = _affixes(normalize(codes), starts, lengths, self._num_affixes)
        if self._has_shapes:
            tables["shapes"] = _shapes(codes, starts, lengths)
        return {name: np.pad(table, [(1, 0)] + [(0, 0)] * (table.ndim - 1)) for name, table in tables.items()}

    def _words(self, tokens):
        ids = self.tokens.encode(tokens)
        unknown = np.flatnonzero(ids == UNKNOWN)
        ids[unknown] = self.tokens.encode([normalize_text(tokens[i]) for i in unknown])
        return ids


def known_tokens(tokens: Iterable[str], vocabulary: Vocabulary) -> list[bool]:
    """Whether a vocabulary has each token, in its own form or in lower case."""
    return [token in vocabulary or normalize_text(token) in vocabulary for token in tokens]


def _ends_of(starts, lengths):
    """Places of the characters that are read of each token, ``(n, longest)``, and which of them are real."""
    longest = int(min(lengths.max(initial=1), _SPELT))
    step = np.arange(longest)
    # Of a token that is too long the second half of the steps reads its end.
    skipped = np.where(step >= longest // 2, np.maximum(lengths - _SPELT, 0)[:, None], 0)
    return starts[:, None] + step + skipped, step < lengths[:, None]


def _affixes(codes, starts, lengths, size):
    """Hashes, from `FIRST_ID` to below `size`, of the first and last one, two and three characters."""
    columns = []
    for is_suffix in (False, True):
        for count in (1, 2, 3):
            first = starts + (lengths - count if is_suffix else 0)
            fits = lengths >= count
            key = np.full(len(starts), 2 * count + is_suffix, "uint64")
            for i in range(count):
                code = codes[np.where(fits, first + i, 0)] if len(codes) else 0
                key = (key ^ code) * np.uint64(0x9E3779B97F4A7C15)
                key ^= key >> np.uint64(29)
            columns.append(np.where(fits, FIRST_ID + key % np.uint64(size - FIRST_ID), 0))
    return np.stack(columns, axis=-1).astype("int32")


def _shapes(codes, starts, lengths):
    """Which kinds all, and which any, of a token's characters are of; whether the first is a capital; its length."""
    distinct, place = np.unique(codes, return_inverse=True)
    kinds = np.array([[kind(chr(code)) for kind in _KINDS] for code in distinct], bool).reshape(-1, len(_KINDS))[place]
    if not len(codes):
        return np.zeros((0, NUM_SHAPES), "uint8")
    counts = np.add.reduceat(kinds, starts, axis=0, dtype="int64")  # (n, kinds)
    sizes = np.eye(len(_LENGTHS) + 1, dtype=bool)[np.searchsorted(_LENGTHS, lengths, side="right")]
    capital = kinds[starts, _KINDS.index(str.isupper), None]
    return np.concatenate([counts == lengths[:, None], counts > 0, capital, sizes], axis=1).astype("uint8")

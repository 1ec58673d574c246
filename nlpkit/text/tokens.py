"""Input arrays of networks from tokens of any length: words, characters, affixes and shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nlpkit.text.characters import EDGE, code_points, normalize, normalize_text
from nlpkit.text.vocabulary import FIRST_ID, UNKNOWN, CharacterVocabulary, Vocabulary

NUM_AFFIXES = 6
"""Number of affixes: the first one, two and three characters of a token, and the last."""
_LONG = EDGE + 1  # code of tokens of several characters
_SPELT = 16  # most characters read per token: half of them from the start and half from the end of longer tokens
_LENGTHS = np.array([2, 3, 4, 5, 7])  # least lengths of the classes of lengths
_KINDS = (str.isdigit, str.isalpha, str.isupper, str.islower, str.isascii)
NUM_SHAPES = 2 * len(_KINDS) + 1 + len(_LENGTHS) + 1


class FlatTokens:
    """Many sequences of tokens in one array, with an edge before, between and after them.

    Args:
        sequences: the tokens of each text, none of them empty.

    Attributes:
        distinct: list of str, the distinct tokens.
        places: int32 ``(total,)``, 1 plus the index in `distinct` of each token; 0 at an edge.
        codes: uint32 ``(total,)``, the code point of a token of one character, a number beyond all for others, and
            `nlpkit.text.characters.EDGE` at an edge.
        normal: uint32 ``(total,)``, `codes` normalised.
        starts: int64 ``(n,)``, offset of each sequence in the arrays.
        lengths: int64 ``(n,)``, length of each sequence.

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
    """Encoder of tokens, shared by training and prediction.

    Args:
        tokens: vocabulary of tokens. Tokens that it lacks are looked up in lower case and half width as well.
        characters: vocabulary of characters, or None to leave the spelling out.
        num_affixes: size of the hash table of affixes, or 0 to leave them out.
        has_shapes: whether to encode case, digits and length.

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
            tokens: n tokens.

        Returns:
            ``words``, int32 ``(n + 1,)``; if they are encoded, ``spelling``, ids of characters, int32
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

    def _words(self, tokens: Sequence[str]) -> np.ndarray:
        ids = self.tokens.encode(tokens)
        unknown = np.flatnonzero(ids == UNKNOWN)
        ids[unknown] = self.tokens.encode([normalize_text(tokens[i]) for i in unknown.tolist()])
        return ids


def known_tokens(tokens: Iterable[str], vocabulary: Vocabulary) -> list[bool]:
    """Whether a vocabulary has each token, in its own form or normalised."""
    return [token in vocabulary or normalize_text(token) in vocabulary for token in tokens]


def _ends_of(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the characters to read of each token, ``(n, longest)``, and a mask of the real ones."""
    longest = int(min(lengths.max(initial=1), _SPELT))
    step = np.arange(longest)
    # The second half of the steps reads the end of a token that is too long.
    skipped = np.where(step >= longest // 2, np.maximum(lengths - _SPELT, 0)[:, None], 0)
    return starts[:, None] + step + skipped, step < lengths[:, None]


def _affixes(codes: np.ndarray, starts: np.ndarray, lengths: np.ndarray, size: int) -> np.ndarray:
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


def _shapes(codes: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Flags of a token: kinds of all, and of any, of its characters; an initial capital; the class of its length."""
    distinct, place = np.unique(codes, return_inverse=True)
    kinds = np.array([[kind(chr(code)) for kind in _KINDS] for code in distinct], bool).reshape(-1, len(_KINDS))[place]
    if not len(codes):
        return np.zeros((0, NUM_SHAPES), "uint8")
    counts = np.add.reduceat(kinds, starts, axis=0, dtype="int64")  # (n, kinds)
    sizes = np.eye(len(_LENGTHS) + 1, dtype=bool)[np.searchsorted(_LENGTHS, lengths, side="right")]
    capital = kinds[starts, _KINDS.index(str.isupper), None]
    return np.concatenate([counts == lengths[:, None], counts > 0, capital, sizes], axis=1).astype("uint8")

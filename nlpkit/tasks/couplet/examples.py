"""Files to couplets, lines to arrays."""

import collections
import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from nlpkit.datasets.files import read_lines
from nlpkit.errors import ConfigError, DataError
from nlpkit.text.characters import EDGE, FlatTexts, code_points, normalize_text
from nlpkit.text.kinds import CHINESE, FOREIGN, MARK, character_kinds
from nlpkit.text.vocabulary import CharacterVocabulary

_SHOWN = 5  # problems that are told one by one


@dataclasses.dataclass(frozen=True)
class Couplet:
    """Two lines of the same length."""

    upper: str
    lower: str
    line: int


def read_couplets(path, on_error: str = "skip") -> tuple[list[Couplet], list[str], int]:
    """Couplets of a file with an upper line, a tab and a lower line on each line; further columns are passed over.

    Args:
        on_error: ``skip`` passes over bad lines, ``stop`` raises a `DataError` at the first.

    Returns:
        The couplets, what was wrong with the first few bad lines, and the number of bad lines.
    """
    if on_error not in ("skip", "stop"):
        raise ConfigError(f"on_error = {on_error!r}: accepted are skip and stop")
    couplets, notes, bad = [], [], 0
    for number, line in read_lines(path):
        columns = [column.strip() for column in line.split("\t")]
        upper, lower = columns[:2] if len(columns) > 1 else (columns[0], "")
        reason = _trouble(upper, lower, len(columns))
        if reason is None:
            couplets.append(Couplet(upper, lower, number))
            continue
        error = DataError(reason, path, number)
        if on_error == "stop":
            raise error
        bad += 1
        if bad <= _SHOWN:
            notes.append(f"{error}; passed over")
    if bad > _SHOWN:
        notes.append(f"{path}: {bad - _SHOWN} more bad lines passed over")
    if not couplets:
        raise DataError(f"holds no couplet; {notes[0]}", path)
    return couplets, notes, bad


def _trouble(upper, lower, columns):
    if not upper and not lower:
        return "is empty"
    if columns < 2 or not upper or not lower:
        return f"expected an upper line, a tab and a lower line. Received: {(upper or lower)[:40]!r}"
    if len(upper) != len(lower):
        return f"the upper line has {len(upper)} characters, the lower {len(lower)}: {upper[:20]!r}, {lower[:20]!r}"
    return trouble_of_line(upper) or trouble_of_line(lower)


def trouble_of_line(text: str) -> str | None:
    """Why a line can't be part of a couplet, or None."""
    kinds = character_kinds(code_points(text))
    foreign = [c for c, kind in zip(text, kinds) if kind == FOREIGN]
    if foreign:
        return f"holds {''.join(foreign[:20])!r}, which is not Chinese: {text[:40]!r}"
    if not (kinds == CHINESE).any():
        return f"holds no Chinese character: {text[:40]!r}"
    return None


@dataclasses.dataclass(frozen=True)
class Lines:
    """Lines as flat arrays: what they are, and the characters of them that the network reads.

    Attributes:
        flat: the lines whole.
        places: where in `flat` the characters stand that are read, int64 ``(total,)``.
        starts, lengths: where each line's characters begin in `places`, and how many they are, ``(n,)``.
        arrays: ``characters``, ids, int32 ``(total,)``; ``codes``, code points, uint32 ``(total,)``.
    """

    flat: FlatTexts
    places: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    arrays: dict[str, np.ndarray]

    @classmethod
    def read(cls, texts: Sequence[str], vocabulary: CharacterVocabulary, leave_out: Iterable[int] = (MARK,)):
        """Lines from strings, without the characters of some kinds."""
        flat = FlatTexts(texts)
        is_read = (flat.codes != EDGE) & ~np.isin(character_kinds(flat.codes), list(leave_out))
        return cls.at(flat, np.flatnonzero(is_read), vocabulary)

    @classmethod
    def at(cls, flat: FlatTexts, places: np.ndarray, vocabulary: CharacterVocabulary):
        """Lines of which the characters at some places are read."""
        edges = np.searchsorted(places, np.append(flat.starts, len(flat.codes)))
        codes = flat.normal[places]
        arrays = {"characters": vocabulary.encode_codes(codes), "codes": codes}
        return cls(flat, places, edges[:-1], np.diff(edges), arrays)


def read_pairs(couplets: Sequence[Couplet], vocabulary: CharacterVocabulary) -> Lines:
    """The upper lines, with the ids of the lower ones as ``lower`` beside them, where neither has a mark."""
    upper, lower = FlatTexts([c.upper for c in couplets]), FlatTexts([c.lower for c in couplets])
    is_read = (upper.codes != EDGE) & (character_kinds(upper.codes) != MARK) & (character_kinds(lower.codes) != MARK)
    lines = Lines.at(upper, np.flatnonzero(is_read), vocabulary)
    lines.arrays["lower"] = vocabulary.encode_codes(lower.normal[lines.places])
    return lines


def move_on(ids: np.ndarray) -> np.ndarray:
    """Ids ``(n, time)`` moved on by one step, 0 at the first: what stands before each of them."""
    return np.pad(ids[:, :-1], [[0, 0], [1, 0]])


def first_equal(codes: np.ndarray) -> np.ndarray:
    """For each step of ``(n, time)`` the first one with the same value, int32; for padding, 0, the step itself."""
    same = codes[:, :, None] == codes[:, None, :]
    return np.where(codes != 0, same.argmax(axis=-1), np.arange(codes.shape[1])).astype("int32")


def make_vocabulary(couplets: Iterable[Couplet], min_count: int) -> CharacterVocabulary:
    """The characters of couplets that are no marks."""
    counts = collections.Counter()
    for couplet in couplets:
        counts.update(normalize_text(couplet.upper + couplet.lower))
    symbols = "".join(counts)
    kinds = character_kinds(code_points(symbols))
    counts = {symbol: counts[symbol] for symbol, kind in zip(symbols, kinds) if kind == CHINESE}
    return CharacterVocabulary.from_counts(counts, min_count)

"""Files of vectors in the formats of word2vec, also read by gensim and others."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nlpkit.datasets.files import ending_of, open_bytes, read_lines, write_atomically, written_atomically
from nlpkit.errors import ConfigError, DataError

FORMATS = {".txt": "text", ".vec": "text", ".bin": "binary", ".tsv": "projector"}
"""Format of a file by the ending of its name; ``.gz`` may follow."""
_ROWS_AT_ONCE = 16_384
_LONGEST_WORD, _LONGEST_NUMBER = 4096, 40  # bytes


def format_of(path: str | Path) -> str:
    """The format of a file: `text`, `binary` or `projector`; a `ConfigError` if its ending is unknown."""
    ending = ending_of(path)
    if ending not in FORMATS:
        accepted = ", ".join(f"{ending} ({kind})" for ending, kind in FORMATS.items())
        raise ConfigError(f"{path}: the name must end in {accepted}, and .gz may follow")
    return FORMATS[ending]


def npy_header(shape: tuple[int, ...]) -> bytes:
    """The header of a float32 array in NumPy's format, with the same length for any first size.

    Example:

        >>> content = npy_header((2, 1)) + np.float32([1, 2]).tobytes()
        >>> np.load(io.BytesIO(content)).tolist(), len(npy_header((10**9, 1))) == len(npy_header((2, 1)))
        ([[1.0], [2.0]], True)
    """
    file = io.BytesIO()
    fields = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def load_array(path: str | Path, shape: Sequence[int | None]) -> np.ndarray:
    """A float32 array from a file in NumPy's format, memory-mapped and checked.

    Args:
        path: the file.
        shape: expected shape, None for any size.

    Raises:
        ValueError: if the file is damaged, of another type or shape, or has numbers that are not finite.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # parsing the header, a Python expression, raises errors of many kinds
        raise ValueError(f"{Path(path).name}: {error}") from None
    fits = array.ndim == len(shape) and all(n in (None, size) for n, size in zip(shape, array.shape))
    if not fits or array.dtype != np.float32:
        raise ValueError(f"{Path(path).name}: is not a float32 array of {len(shape)} dimensions")
    starts = range(0, len(array), _ROWS_AT_ONCE)
    if not all(np.isfinite(array[start : start + _ROWS_AT_ONCE]).all() for start in starts):
        raise ValueError(f"{Path(path).name}: holds numbers that are not finite")
    return array


def write_vectors(path: str | Path, words: Sequence[str], vectors: np.ndarray) -> None:
    """Write vectors atomically, in the format of the ending of the file's name.

    `text` and `binary` are the formats of word2vec. `projector` is for TensorBoard's projector: the file has
    the numbers, and ``NAME-words.tsv`` beside it the words.

    Args:
        path: the file.
        words: word of each vector.
        vectors: float ``(words, size)``.

    Raises:
        ConfigError: if the ending of the name is unknown.
        DataError: if the file can't be written.
    """
    kind = format_of(path)
    with written_atomically(path) as file:
        if kind != "projector":
            file.write(b"%d %d\n" % vectors.shape)
        for word, vector in zip(words, vectors.astype("<f4")):
            if kind == "binary":
                file.write(word.encode("utf-8", "replace") + b" " + vector.tobytes() + b"\n")
                continue
            numbers = [f"{number:.6g}" for number in vector.tolist()]
            line = " ".join([word, *numbers]) if kind == "text" else "\t".join(numbers)
            file.write(line.encode("utf-8", "replace") + b"\n")
    if kind == "projector":
        name = str(path).removesuffix(".gz").removesuffix(".tsv")
        write_atomically(f"{name}-words.tsv", "".join(f"{word}\n" for word in words).encode("utf-8", "replace"))


def read_vectors(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Words and vectors, float32 ``(words, size)``, of a file in word2vec's text or binary format.

    Raises:
        DataError: if it has another format, is damaged, or has numbers that are not finite.
    """
    try:
        with open_bytes(path) as file:
            header = file.readline(100).split()
            if len(header) != 2 or not all(part.isdigit() and len(part) < 10 for part in header):
                raise DataError("expected the number of words and of dimensions in the first line", path, 1)
            count, size = map(int, header)
            most = count * (_LONGEST_WORD + size * _LONGEST_NUMBER)
            content = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"can't be read further: {error}", path) from None
    least = count * (2 + 2 * size) - 1  # bytes
    if not size or not least <= len(content) <= most:
        raise DataError(
            f"{count:,} vectors of {size} numbers were promised, and {len(content):,} bytes follow; is it cut short?",
            path,
        )
    is_text = _is_text(content, size)
    words, vectors = (_text_rows if is_text else _binary_rows)(content, count, size, path)
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        place = f"line {row + 2}" if is_text else f"vector {row + 1}"
        raise DataError(f"{place}: the vector of {words[row][:40]!r} holds numbers that are not finite", path)
    return words, vectors


def read_chosen_vectors(path: str | Path, kind_of: Callable[[str], str | None]) -> dict[str, np.ndarray]:
    """Vectors of chosen symbols, by symbol, from a text file in word2vec's format.

    Symbols of different kinds may have vectors of different sizes; a first line with two numbers only is skipped.

    Args:
        path: the file, plain or gzipped.
        kind_of: function of a symbol that returns its kind, such as ``character``, or None to skip its vector.

    Raises:
        DataError: if the line of a chosen symbol has another format, or there is none.
    """
    vectors: dict[str, np.ndarray] = {}
    sizes: dict[str, int] = {}
    for number, line in read_lines(path):
        symbol, *values = line.rstrip(" ").split(" ")
        kind = None if number == 1 and len(values) == 1 else kind_of(symbol)
        if kind is None:
            continue
        try:
            vector = np.array(values, "float32")
        except ValueError:
            vector = np.zeros(0, "float32")
        size = sizes.setdefault(kind, len(vector))
        if len(vector) != size or not size or not np.isfinite(vector).all():
            raise DataError(f"expected a symbol and {size or 'some'} numbers. Received: {line[:40]!r}", path, number)
        vectors.setdefault(symbol, vector)
    if not vectors:
        raise DataError("holds no vector of the symbols that the model reads", path)
    return vectors


def _is_text(content: bytes, size: int) -> bool:
    parts = content.split(b"\n", 1)[0].split()
    try:
        return len([float(part) for part in parts[1:]]) == size
    except ValueError:
        return False


def _text_rows(content: bytes, count: int, size: int, path: str | Path) -> tuple[list[str], np.ndarray]:
    words: list[str] = []
    vectors = np.empty((count, size), "float32")
    lines = content.removesuffix(b"\n").split(b"\n")
    for row, line in enumerate(lines[:count]):
        word, *numbers = line.split()[: size + 2] or [b""]
        try:
            vectors[row] = np.array(numbers, "float32").reshape(size)
        except ValueError:
            shown = line[:40].decode("utf-8", "replace")
            raise DataError(f"expected a word and {size} numbers. Received: {shown!r}", path, row + 2) from None
        words.append(word.decode("utf-8", "replace"))
    _check_count(count, size, len(words), b"".join(lines[count:]), path)
    return words, vectors


def _binary_rows(content: bytes, count: int, size: int, path: str | Path) -> tuple[list[str], np.ndarray]:
    words: list[str] = []
    vectors, start = np.empty((count, size), "float32"), 0
    for row in range(count):
        space = content.find(b" ", start)
        if space < 0 or space + 1 + 4 * size > len(content):
            break
        words.append(content[start:space].lstrip(b"\n").decode("utf-8", "replace"))
        vectors[row] = np.frombuffer(content, "<f4", size, space + 1)
        start = space + 1 + 4 * size
    _check_count(count, size, len(words), content[start:], path)
    return words, vectors


def _check_count(count: int, size: int, found: int, rest: bytes, path: str | Path) -> None:
    if found < count:
        raise DataError(f"{count:,} vectors of {size} numbers were promised, {found:,} read; is it cut short?", path)
    if rest.strip():
        raise DataError(f"{count:,} vectors of {size} numbers were promised, and there is more", path)

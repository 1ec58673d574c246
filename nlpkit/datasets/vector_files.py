"""Files of vectors in the formats of word2vec, which gensim and others read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from nlpkit.datasets.files import ending_of, open_bytes, read_lines, write_atomically, written_atomically
from nlpkit.errors import ConfigError, DataError

FORMATS = {".txt": "text", ".vec": "text", ".bin": "binary", ".tsv": "projector"}
"""What a file is written as, by how its name ends; ``.gz`` may follow."""


def format_of(path: str | Path) -> str:
    """`text`, `binary` or `projector`; a `ConfigError` if the name says neither."""
    ending = ending_of(path)
    if ending not in FORMATS:
        accepted = ", ".join(f"{ending} ({kind})" for ending, kind in FORMATS.items())
        raise ConfigError(f"{path}: the name must end in {accepted}, and .gz may follow")
    return FORMATS[ending]


def npy_header(shape: tuple[int, ...]) -> bytes:
    """What NumPy's own format has before the numbers of a float32 array; as long for any first size.

    Example:

        >>> content = npy_header((2, 1)) + np.float32([1, 2]).tobytes()
        >>> np.load(io.BytesIO(content)).tolist(), len(npy_header((10**9, 1))) == len(npy_header((2, 1)))
        ([[1.0], [2.0]], True)
    """
    file = io.BytesIO()
    fields = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def write_vectors(path: str | Path, words: Sequence[str], vectors: np.ndarray) -> None:
    """Write vectors in the format that the file's name asks for, whole or not at all.

    `text` and `binary` are those of word2vec. `projector` is for TensorBoard's projector: the numbers in the file, the
    words beside it in ``NAME-words.tsv``.

    Args:
        path: the file.
        words: a word for each vector.
        vectors: float ``(words, size)``.

    Raises:
        ConfigError: if the name says no format.
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
        DataError: if it is neither, or is cut short.
    """
    with open_bytes(path) as file:
        header = file.readline(100).split()
        if len(header) != 2 or not all(part.isdigit() for part in header):
            raise DataError("expected the number of words and of dimensions in the first line", path, 1)
        count, size = map(int, header)
        content = file.read()
    rows = list(_text_rows(content, size) if _is_text(content, size) else _binary_rows(content, size))
    if len(rows) != count:
        raise DataError(
            f"{count:,} vectors of {size} numbers were promised, {len(rows):,} read; is it cut short?", path
        )
    words = [word.decode("utf-8", "replace") for word, _ in rows]
    return words, np.array([vector for _, vector in rows], "float32").reshape(count, size)


def read_chosen_vectors(path: str | Path, kind_of: Callable[[str], str | None]) -> dict[str, np.ndarray]:
    """Vectors of some symbols, by symbol, of a text file in word2vec's format.

    Symbols of different kinds may have vectors of different sizes, so each line stands for itself; a first line
    with two numbers alone is passed over.

    Args:
        path: the file, plain or gzipped.
        kind_of: what a symbol is, such as ``character``, or None if its vector is not wanted.

    Raises:
        DataError: if a line of a wanted symbol holds something else, or there is none.
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
        if len(vector) != size or not size:
            raise DataError(f"expected a symbol and {size or 'some'} numbers. Received: {line[:40]!r}", path, number)
        vectors.setdefault(symbol, vector)
    if not vectors:
        raise DataError("holds no vector of the symbols that the model reads", path)
    return vectors


def _is_text(content, size):
    parts = content.split(b"\n", 1)[0].split()
    try:
        return len([float(part) for part in parts[1:]]) == size
    except ValueError:
        return False


def _text_rows(content, size) -> Iterator:
    for line in content.split(b"\n"):
        parts = line.split()
        if len(parts) == size + 1:
            yield parts[0], np.array(parts[1:], "float32")


def _binary_rows(content, size) -> Iterator:
    start = 0
    while (space := content.find(b" ", start)) >= 0 and space + 1 + 4 * size <= len(content):
        yield content[start:space].lstrip(b"\n"), np.frombuffer(content, "<f4", size, space + 1)
        start = space + 1 + 4 * size

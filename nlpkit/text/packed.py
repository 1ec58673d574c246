"""Small gzipped files of a model, read safely from untrusted sources."""

from __future__ import annotations

import zlib
from pathlib import Path

_MOST = 20  # largest ratio of unpacked to packed size; lists of words have two to five


def read_packed(path: str | Path) -> str:
    """The text of a gzipped file.

    Raises:
        ValueError: if it is no gzip file, damaged, truncated or not UTF-8, or unpacks to far more than text does.
    """
    content = Path(path).read_bytes()
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(content, _MOST * len(content) + 1000)
    except zlib.error as error:
        raise ValueError(f"{path}: is damaged: {error}") from None
    if not unpacker.eof:
        raise ValueError(f"{path}: is cut short, or unpacks to more than {_MOST} times its size")
    return text.decode("utf-8")

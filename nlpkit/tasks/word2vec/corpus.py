"""Text files to ids of words on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.files import read_lines, why_not_written, write_atomically, written_atomically
from nlpkit.datasets.locks import check_free, exclusive
from nlpkit.errors import ArtefactError, ConfigError, DataError
from nlpkit.terminal import progress_bar
from nlpkit.text.characters import normalize_text
from nlpkit.text.parallel_cut import cut_in_parallel

EDGE = -1
"""The end of a line in `Corpus.ids`."""
_LONGEST = 64  # longest word, in characters
_BLOCK = 1 << 20  # characters cut and counted at a time
_PEEK = 200  # number of lines to detect running text from
_RUNNING = 8.0  # mean number of characters between two spaces from which text is running
_PARTIAL = "partial-"  # prefix of the name of an unfinished folder of the cache, which holds this lock:
_LOCK = "lock"
_ABOUT = "about.json"  # written last: a folder of the cache with it is complete


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Text as ids of its words on disk.

    Attributes:
        words: the words of the file in the order of their first occurrence.
        counts: count of each word in `ids`, int64 ``(len(words),)``.
        ids: ids of the words, with `EDGE` after each line, a memory map, int32 ``(total,)``.
    """

    words: list[str]
    counts: np.ndarray
    ids: np.ndarray

    def __len__(self) -> int:
        """Number of words in all lines."""
        return int(self.counts.sum())

    def part(self, start: int, stop: int) -> Corpus:
        """A part of the text, by places in `ids`; the ids of the words stay the same."""
        ids = self.ids[start:stop]
        counts = np.zeros(len(self.words), "int64")
        for block in range(0, len(ids), _BLOCK):
            some = ids[block : block + _BLOCK]
            counts += np.bincount(some[some != EDGE], minlength=len(counts))
        return Corpus(self.words, counts, ids)

    def split(self, share: float, path: str | Path) -> tuple[Corpus, Corpus]:
        """The text of a file without its last lines, and these lines, about the given share."""
        stop = np.flatnonzero(self.ids[: len(self.ids) - max(1, int(share * len(self.ids)))] == EDGE)
        if not len(stop):
            raise DataError("holds one line, of which none can be held out; give a validation file", path)
        return self.part(0, int(stop[-1]) + 1), self.part(int(stop[-1]) + 1, len(self.ids))

    def frequent(self, min_count: int) -> dict[str, int]:
        """The words that occur at least `min_count` times, with their counts.

        Raises:
            ConfigError: if there are none.
        """
        chosen = np.flatnonzero(self.counts >= min_count).tolist()
        if not chosen:
            most = self.counts.argmax()
            raise ConfigError(
                f"min_count = {min_count}: no word is that frequent; the most frequent of the text, "
                f"{self.words[most]!r}, comes up {self.counts[most]:,} times"
            )
        return {self.words[i]: int(self.counts[i]) for i in chosen}

    def digest(self) -> str:
        """Short hash of the text."""
        content = hashlib.sha256("\n".join(self.words).encode("utf-8", "surrogatepass"))
        content.update(np.ascontiguousarray(self.ids).data)
        return content.hexdigest()[:16]


def read_corpus(path: str | Path, cut: str = "auto") -> tuple[Corpus, list[str]]:
    """The corpus of a text file, a text on each line, plain or gzipped.

    The words are cached by the content of the file (in the folder `NLPKIT_CACHE`, or `nlpkit` in the user's folder for
    caches), so that a file is cut once.

    Args:
        path: the file.
        cut: ``spaces`` if the words are separated by white space, ``jieba`` for running text, ``auto`` to detect it.

    Returns:
        The corpus, and notes for people about its format.

    Raises:
        DataError: if the file can't be read, or no line holds two words.
    """
    is_running = _looks_running(path) if cut == "auto" else cut == "jieba"
    place = _cache_place(path, is_running)
    if not (place / _ABOUT).exists():
        _write_cache(path, is_running, place)
    about = json.loads((place / _ABOUT).read_text("utf-8"))
    words = (place / "words.txt").read_text("utf-8", "surrogatepass").split("\n")[:-1]
    counts = np.load(place / "counts.npy")
    if about["neighbours"] == 0:
        raise DataError("no line holds two words, and words are learnt from their neighbours; give a text a line", path)
    notes = [f"{path}: running text, cut by jieba" if is_running else f"{path}: words separated by spaces"]
    if about["long"]:
        notes.append(
            f"{path}, line {about['first_long']}: a word of {about['longest']:,} characters; words of more than "
            f"{_LONGEST} are left out, {about['long']:,} in all"
        )
    return Corpus(words, counts, np.memmap(place / "ids.bin", "int32", "r")), notes


def _looks_running(path: str | Path) -> bool:
    characters = tokens = 0
    for number, line in read_lines(path):
        parts = line.split()
        tokens += len(parts)
        characters += sum(map(len, parts))
        if number == _PEEK:
            break
    if not tokens:
        return False
    return characters / tokens > _RUNNING


def _cache_place(path: str | Path, running: bool) -> Path:
    chosen = os.environ.get("NLPKIT_CACHE")
    folder = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nlpkit"
    content = hashlib.sha256(f"2 {running}".encode())
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            content.update(block)
    return folder / f"corpus-{content.hexdigest()[:24]}"


class _Numbers(dict[str, int]):
    """Words to numbers, assigned at their first look-up; words that are too long have none."""

    def __init__(self) -> None:
        self.line, self.long, self.first_long, self.longest = 0, 0, 0, 0

    def __missing__(self, word: str) -> int:
        if len(word) > _LONGEST:
            self.long += 1
            self.first_long = self.first_long or self.line
            self.longest = max(self.longest, len(word))
            return EDGE - 1
        number = self[word] = len(self)
        return number


def require_text(examples: Any, path: str | Path | None = None) -> Corpus:
    """The examples unchanged; a `DataError` if they are questions about words."""
    if not isinstance(examples, Corpus):
        raise DataError(
            "holds questions about words; training and validation data are text, a line for each, and questions are "
            "measured as test data",
            path,
        )
    return examples


def _write_cache(path: str | Path, running: bool, place: Path) -> None:
    """Number the words of a file; the folder appears at its place when it is complete."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=place.parent))
    except OSError as error:
        raise _unwritten(place, error) from None
    try:
        with exclusive(partial / _LOCK, place):
            _number_words(path, running, partial)
            os.replace(partial, place)  # under the lock, or another process would remove it
    except OSError as error:
        if not (place / _ABOUT).exists():  # otherwise another process was faster
            raise _unwritten(place, error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwritten(place: Path, error: OSError) -> DataError:
    return DataError(f"{why_not_written(error, place)}; NLPKIT_CACHE names another folder for such files", place)


def _sweep(cache: Path) -> None:
    """Remove unfinished folders of killed processes."""
    for lock in cache.glob(f"{_PARTIAL}*/{_LOCK}"):
        with contextlib.suppress(ArtefactError):
            check_free(lock, cache)
            shutil.rmtree(lock.parent, ignore_errors=True)


def _number_words(path: str | Path, running: bool, folder: Path) -> None:
    numbers, neighbours = _Numbers(), 0
    counts: np.ndarray = np.zeros(0, "int64")
    blocks = _blocks(path)
    size = None if str(path).endswith(".gz") else Path(path).stat().st_size / 1000
    with written_atomically(folder / "ids.bin") as file, progress_bar("KB") as bar:
        row = bar.add_task("cutting" if running else "counting words", total=size)
        for block in cut_in_parallel(blocks) if running else blocks:
            listed: list[int] = []
            for line in block.split("\n"):
                numbers.line += 1
                words = [numbers[word] for word in line.split()]
                neighbours += max(len(words) - 1, 0)
                listed += words
                listed.append(EDGE)
            ids = np.array(listed, "int32")
            ids = ids[ids >= EDGE]
            file.write(ids.tobytes())
            more = np.bincount(ids[ids != EDGE], minlength=len(numbers))
            counts = np.pad(counts, (0, len(more) - len(counts))) + more
            bar.advance(row, len(block.encode("utf-8", "surrogatepass")) / 1000)
    words_file = "".join(f"{word}\n" for word in numbers)
    write_atomically(folder / "words.txt", words_file.encode("utf-8", "surrogatepass"))
    with written_atomically(folder / "counts.npy") as file:
        np.save(file, counts)
    about = {"neighbours": neighbours, "long": numbers.long, "first_long": numbers.first_long}
    write_atomically(folder / _ABOUT, json.dumps({**about, "longest": numbers.longest}).encode())


def _blocks(path: str | Path) -> Iterator[str]:
    """Normalised lines, about `_BLOCK` characters at a time."""
    lines: list[str] = []
    size = 0
    for _, line in read_lines(path):
        lines.append(line)
        size += len(line)
        if size > _BLOCK:
            yield normalize_text("\n".join(lines))
            lines, size = [], 0
    if lines:
        yield normalize_text("\n".join(lines))

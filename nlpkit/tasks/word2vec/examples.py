"""Text files to words on disk, and these to chunks of training."""

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nlpkit.datasets.files import read_lines
from nlpkit.errors import ConfigError, DataError
from nlpkit.text.characters import normalize_text
from nlpkit.text.parallel_cut import cut_in_parallel
from nlpkit.text.vocabulary import PADDING
from nlpkit.training.progress import progress_bar

EDGE = -1
"""Stands after each line in `Corpus.ids`."""
_LONGEST = 64  # characters of a word
_BLOCK = 1 << 20  # characters that are cut and counted at a time
_PEEK = 200  # lines by which running text is told from separated words
_RUNNING = 8.0  # mean characters between two spaces above which it is running text
_CUTS = ("auto", "spaces", "jieba")
_HEAVIEST = 2.0
_FARTHEST = 0.4


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Text as numbers of its words, which stay on disk.

    Attributes:
        words: every word of the file, in the order in which they first appear.
        counts: int64 ``(len(words),)``, how often each is in `ids`.
        ids: int32 ``(total,)``, a memory map; `EDGE` after each line.
    """

    words: list[str]
    counts: np.ndarray
    ids: np.ndarray

    def __len__(self):
        """Words in all lines."""
        return int(self.counts.sum())

    def part(self, start: int, stop: int):
        """Some of the text; the numbers of the words stay what they are."""
        ids = self.ids[start:stop]
        counts = np.zeros(len(self.words), "int64")
        for block in range(0, len(ids), _BLOCK):
            some = ids[block : block + _BLOCK]
            counts += np.bincount(some[some != EDGE], minlength=len(counts))
        return Corpus(self.words, counts, ids)

    def split(self, share: float, path):
        """The text of a file without its last lines, and these: about so large a share."""
        stop = np.flatnonzero(self.ids[: len(self.ids) - max(1, int(share * len(self.ids)))] == EDGE)
        if not len(stop):
            raise DataError("holds one line, of which none can be held out; give a validation file", path)
        return self.part(0, int(stop[-1]) + 1), self.part(int(stop[-1]) + 1, len(self.ids))

    def digest(self) -> str:
        """Short hash of the text."""
        content = hashlib.sha256("\n".join(self.words).encode("utf-8", "surrogatepass"))
        content.update(np.ascontiguousarray(self.ids).data)
        return content.hexdigest()[:16]


def read_corpus(path, cut: str = "auto") -> tuple[Corpus, list[str]]:
    """A text file, a line for each text, plain or gzipped.

    The words are kept in a cache by the content of the file (the folder `NLPKIT_CACHE`, or `nlpkit` in the user's
    folder for caches), so that a file is cut once.

    Args:
        cut: ``spaces`` if the words are separated by white space, ``jieba`` for running text, ``auto`` to find out.

    Returns:
        The corpus, and what a person should know of it.

    Raises:
        DataError: if the file can't be read, or no line holds two words.
    """
    if cut not in _CUTS:
        raise ConfigError(f"cut = {cut!r}: accepted are {', '.join(_CUTS)}")
    found = _looks_running(path) if cut == "auto" else cut == "jieba"
    place = _cache_place(path, found)
    if not (place / "facts.json").exists():
        _write_cache(path, found, place)
    facts = json.loads((place / "facts.json").read_text("utf-8"))
    words = (place / "words.txt").read_text("utf-8", "surrogatepass").split("\n")[:-1]
    counts = np.load(place / "counts.npy")
    if facts["neighbours"] == 0:
        raise DataError("no line holds two words, and words are learnt from their neighbours; give a text a line", path)
    notes = [f"{path}: running text, cut by jieba" if found else f"{path}: words separated by spaces"]
    if facts["long"]:
        notes.append(
            f"{path}, line {facts['first_long']}: a word of {facts['longest']:,} characters; words of more than "
            f"{_LONGEST} are left out, {facts['long']:,} in all"
        )
    return Corpus(words, counts, np.memmap(place / "ids.bin", "int32", "r")), notes


def _looks_running(path):
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


def _cache_place(path, running):
    folder = os.environ.get("NLPKIT_CACHE")
    folder = Path(folder) if folder else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nlpkit"
    content = hashlib.sha256(f"1 {running}".encode())
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            content.update(block)
    return folder / f"corpus-{content.hexdigest()[:24]}"


class _Numbers(dict):
    """Words to numbers, new ones as they come; too long ones have none."""

    def __init__(self):
        self.line, self.long, self.first_long, self.longest = 0, 0, 0, 0

    def __missing__(self, word):
        if len(word) > _LONGEST:
            self.long += 1
            self.first_long = self.first_long or self.line
            self.longest = max(self.longest, len(word))
            return EDGE - 1
        number = self[word] = len(self)
        return number


def _write_cache(path, running, place):
    """Number the words of a file; the folder appears at its place when it is whole."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix="partial-", dir=place.parent))
    except OSError as error:
        raise DataError(f"can't be written: {error.strerror}; set NLPKIT_CACHE to another folder", place) from None
    try:
        _number_words(path, running, partial)
        os.replace(partial, place)
    except OSError:
        if not (place / "facts.json").exists():  # otherwise another process was faster
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _number_words(path, running, folder):
    numbers, counts, neighbours = _Numbers(), np.zeros(0, "int64"), 0
    blocks = _blocks(path)
    size = None if str(path).endswith(".gz") else Path(path).stat().st_size / 1000
    with open(folder / "ids.bin", "wb") as file, progress_bar("KB") as bar:
        row = bar.add_task("cutting" if running else "counting words", total=size)
        for block in cut_in_parallel(blocks) if running else blocks:
            ids = []
            for line in block.split("\n"):
                numbers.line += 1
                found = [numbers[word] for word in line.split()]
                neighbours += max(len(found) - 1, 0)
                ids += found
                ids.append(EDGE)
            ids = np.array(ids, "int32")
            ids = ids[ids >= EDGE]
            ids.tofile(file)
            more = np.bincount(ids[ids != EDGE], minlength=len(numbers))
            counts = np.pad(counts, (0, len(more) - len(counts))) + more
            bar.advance(row, len(block.encode("utf-8", "surrogatepass")) / 1000)
    words = "".join(f"{word}\n" for word in numbers)
    (folder / "words.txt").write_bytes(words.encode("utf-8", "surrogatepass"))
    np.save(folder / "counts.npy", counts)
    facts = {"neighbours": neighbours, "long": numbers.long, "first_long": numbers.first_long}
    (folder / "facts.json").write_text(json.dumps({**facts, "longest": numbers.longest}))


def _blocks(path) -> Iterator[str]:
    """Normalised lines, about `_BLOCK` characters at a time."""
    lines, size = [], 0
    for _, line in read_lines(path):
        lines.append(line)
        size += len(line)
        if size > _BLOCK:
            yield normalize_text("\n".join(lines))
            lines, size = [], 0
    if lines:
        yield normalize_text("\n".join(lines))


class Steps:
    """Training steps over a corpus, in an order that depends on the seed and the epoch alone.

    A step is a stretch of the text: its rare words are left out, its frequent ones thinned, and what stays is cut into
    blocks. A chunk, the words whose updates are computed together, takes its blocks from all over the stretch, for a
    page repeats its own rare words, which are better spread over many chunks.

    Args:
        corpus: `Corpus`.
        ids: int32 ``(len(corpus.words),)``, the model's number of each of the corpus' words, `PADDING` for none.
        counts: int64, how often each of the model's words is in the corpus, 0 for those that stand for no word.
        config: `nlpkit.tasks.word2vec.config.Word2VecConfig`.
        seed: int.
        pieces: int32 ``(len(counts), …)``, rows of the pieces of the words, or `PADDING`; without them a word is one
            row.
        num_pieces: number of these rows.

    Each step is a dictionary in a tuple:

    - ``words``: int32 ``(chunks, blocks, block + 2 * window)``, the words and their neighbours, `PADDING` at the ends;
    - ``windows``: int32 ``(chunks, blocks, block)``, which of the neighbours each word sees, see
      `nlpkit.ops.windows.window_table`;
    - ``negatives``: int32 ``(chunks, blocks, block)``, wrong answers: the words of another block of the chunk;
    - ``noise``: float32 of the same shape, the weight of each of them, as if `num_negatives` had been drawn by their
      counts to the power of `noise_power`. No word counts more than `_HEAVIEST` times the mean, for all words of the
      block push against it in one update;
    - ``shares``: float32 ``(1, rows)``, what share of its updates is made to each row of the vectors. All updates of a
      chunk start from the same vectors, and each is right for itself alone: those of a frequent word, or of one that a
      page repeats, would together go too far. Where the first learning rate, times the pairs with a neighbour that a
      row has in a chunk of this stretch in the mean, is above `_FARTHEST`, the row is updated by so much less.
    """

    def __init__(
        self,
        corpus: Corpus,
        ids: np.ndarray,
        counts: np.ndarray,
        config,
        seed: int,
        pieces: np.ndarray | None = None,
        num_pieces: int = 0,
    ):
        self._pieces, self._rows = pieces, len(counts) + num_pieces
        self._text, self._config, self._seed = corpus.ids, config, seed
        self._ids = np.append(ids, PADDING).astype("int32")  # the last stands for the edge, whose number is -1
        share = counts / max(counts.sum(), 1)
        ratio = config.subsample / np.maximum(share, 1e-12)
        keep = np.minimum(1, np.sqrt(ratio) + ratio) if config.subsample else np.ones(len(counts))
        self._keep = keep.astype("float32")
        wanted = np.where(counts > 0, np.asarray(counts, "float64") ** config.noise_power, 0)
        read = np.maximum(share * keep, 1e-12)
        noise = np.minimum(wanted / wanted.sum() / (read / read.sum()), _HEAVIEST)
        self._noise = (noise * config.num_negatives / config.block).astype("float32")
        # A step's overhead must not show, and small texts need some steps as well. On the plain path a step is a chunk.
        longest = config.batch_size if config.autodiff else 1 << 17
        self._span = min(max(len(self._text) // 4, config.batch_size), longest)

    def __len__(self):
        return -(-len(self._text) // self._span)

    def epoch(self, epoch: int, start: int = 0):
        """The steps of an epoch from the given one on."""
        for stretch in np.random.default_rng((self._seed, epoch)).permutation(len(self))[start:]:
            rng = np.random.default_rng((self._seed, epoch, stretch))
            yield (self._step(self._text[stretch * self._span : (stretch + 1) * self._span], rng),)

    def _step(self, text, rng):
        config, window, block = self._config, self._config.window, self._config.block
        words, windows = self._read(text, rng)
        chunks = max(1, -(-len(words) // config.batch_size))
        total = chunks * config.batch_size
        words = np.pad(words, (window, total - len(words) + window), constant_values=PADDING)
        windows = np.pad(windows, (0, total - len(windows)))
        shape = (chunks, config.batch_size // block)
        # Blocks that stand side by side in the text go to different chunks.
        place = np.arange(total // block).reshape(shape[::-1]).T
        words = words[place[..., None] * block + np.arange(block + 2 * window)]
        # Each block is another one's noise in the same chunk: what pulls and what pushes a word stays in balance.
        negatives = np.roll(words[..., window : window + block], rng.integers(1, shape[1]), axis=1)
        noise = self._noise[negatives]
        return {
            "words": words, "windows": windows.reshape(-1, block)[place], "negatives": negatives, "noise": noise,
            "shares": self._shares(words[..., window : window + block], chunks)[None],
        }  # fmt: skip

    def _shares(self, words, chunks):
        """What share of its updates is made to each row."""
        counts = np.bincount(words.ravel(), minlength=self._rows).astype("float32")
        if self._pieces is not None:
            seen = np.flatnonzero(counts)
            pieces = self._pieces[seen]
            counts += np.bincount(pieces.ravel(), np.repeat(counts[seen], pieces.shape[1]), self._rows)
        # A word has, in the mean, one more neighbour than the window reaches, of which CBOW makes one.
        pairs = counts / chunks * (self._config.window + 1 if self._config.architecture == "skipgram" else 1)
        return _FARTHEST / np.maximum(pairs * self._config.learning_rate, _FARTHEST)

    def _read(self, text, rng):
        """The words of a stretch that stay, and what each sees."""
        words, edge, window = self._ids[text], text == EDGE, self._config.window
        stays = edge | ((words != PADDING) & (rng.random(len(words), "float32") < self._keep[words]))
        words, edge = words[stays], edge[stays]
        place = np.arange(len(words), dtype="int32")
        before = place - np.maximum.accumulate(np.where(edge, place, -1)) - 1
        after = np.minimum.accumulate(np.where(edge, place, len(words))[::-1])[::-1] - place - 1
        reach = rng.integers(1, window + 1, len(words), "int32")
        windows = np.minimum(before, reach) * (window + 1) + np.minimum(after, reach)
        return words[~edge], windows[~edge].astype("int32")

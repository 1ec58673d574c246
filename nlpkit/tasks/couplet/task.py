"""The couplet task: what its files do, bound together. The only file of this folder that others import."""

import collections
import contextlib
import json
import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import keras
import numpy as np

from nlpkit.datasets.batches import BucketedBatches
from nlpkit.datasets.padding import batches_by_length, gather_padded, scatter_places
from nlpkit.errors import ConfigError, MissingPackageError
from nlpkit.metrics import bleu, distinct
from nlpkit.tasks.couplet.config import CoupletConfig
from nlpkit.tasks.couplet.decode import BROKEN, GoldScores, LineSearch
from nlpkit.tasks.couplet.examples import (
    Couplet,
    Lines,
    first_equal,
    make_vocabulary,
    move_on,
    read_couplets,
    read_pairs,
    trouble_of_line,
)
from nlpkit.tasks.couplet.model import build_model
from nlpkit.tasks.couplet.rules import RULES, is_kept, parse_rules, tone_demands
from nlpkit.tasks.task import Data, Task
from nlpkit.text.characters import EDGE, FlatTexts, code_points, from_code_points, normalize_text
from nlpkit.text.kinds import CHINESE, FOREIGN, MARK, character_kinds
from nlpkit.text.tones import tone_table
from nlpkit.text.vocabulary import UNKNOWN, CharacterVocabulary
from nlpkit.training.forward import Forward

_STEPS_AT_ONCE = 8192  # characters in a batch of prediction: each has a score for the whole vocabulary
_BEAMS_AT_ONCE = 4 * _STEPS_AT_ONCE  # the same times the width of the beam
_NO_SYMBOL = "\0"  # stands for padding and the unknown; no line that is answered holds it
_LONGEST = 128  # characters of a line that is answered
_COLDEST = 0.05  # temperature; below it the scores of the draw could be taken for those of broken rules


class Search(NamedTuple):
    """A way of answering: what `CoupletWriter.prepare` makes of a user's options."""

    forward: Forward
    rules: frozenset[str]
    n_best: int
    beam_width: int
    random: np.random.Generator | None


class Encoded(NamedTuple):
    """Upper lines on their way through the network."""

    uppers: Sequence[str]  # as they were given
    lines: Lines  # of which those that can't be answered are empty
    search: Search


class Found(NamedTuple):
    """Answers: ids ``(n_best, total)`` for the characters of `Lines`, and scores ``(n, n_best)``."""

    ids: np.ndarray
    scores: np.ndarray


class CoupletWriter(Task):
    """A model that answers the upper line of a couplet with a lower one: a trained one, or one about to be."""

    name = "couplet"
    Config = CoupletConfig
    metric = "top1"
    formats = ("text", "jsonl")
    own_files = ("vocab.txt",)
    reading = MappingProxyType({"on_error": "skip"})
    answering = ("n_best", "temperature", "seed", "rules", "forbidden", "beam_width")

    def __init__(self, config: CoupletConfig, vocabulary: CharacterVocabulary):
        self.config, self.vocabulary = config, vocabulary
        self._symbol_codes = np.array([*map(ord, 2 * _NO_SYMBOL), *map(ord, vocabulary.symbols)], "uint32")
        self._gold, self._forwards = None, {}

    # Training.

    @classmethod
    def read(cls, path, facts=None, on_error="skip") -> Data:
        couplets, notes, bad = read_couplets(path, on_error)
        return Data(couplets, {}, notes, {"bad_lines": bad} if bad else {})

    @classmethod
    def from_examples(cls, config: CoupletConfig, examples: Sequence[Couplet], facts: dict):
        writer = cls(config, make_vocabulary(examples, config.char_min_count))
        if not writer.vocabulary.symbols:
            raise ConfigError(f"char_min_count = {config.char_min_count}: no character of the data is that frequent")
        writer.attach(build_model(config, len(writer.vocabulary)))
        return writer

    @property
    def loss(self):
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def batches(self, examples: Sequence[Couplet], seed: int) -> BucketedBatches:
        lines = read_pairs(examples, self.vocabulary)
        fits = np.flatnonzero((lines.lengths > 0) & (lines.lengths <= self.config.longest))
        if not len(fits):
            raise ConfigError(f"longest = {self.config.longest}: no training line is as short as that")
        starts, lengths = lines.starts[fits], lines.lengths[fits]

        def collate(rows, length):
            batch = gather_padded(lines.arrays, starts[rows], lengths[rows], length)
            weights = (np.arange(length) < lengths[rows][:, None]).astype("float32")
            return self._inputs(batch["characters"], batch["lower"]), batch["lower"], weights

        steps = [*range(2, 16), *range(16, self.config.longest, 4)]
        buckets = [length for length in steps if length < self.config.longest] + [self.config.longest]
        return BucketedBatches(lengths, collate, self.config.batch_size, seed, buckets)

    def _inputs(self, characters, lower, hide=False):
        inputs = {"characters": characters}
        if self.config.lower_dilations:
            inputs["before"] = move_on(np.full_like(lower, UNKNOWN) if hide else lower)
        return inputs

    def attach(self, model: keras.Model):
        self.model, self._gold, self._forwards = model, None, {}

    # Answers.

    def prepare(
        self, n_best: int = 1, temperature: float = 0.0, seed: int = 0, rules: str | Iterable[str] | None = None,
        forbidden: str = "", beam_width: int | None = None,
    ) -> dict:  # fmt: skip
        """Options of a user to those of `encode`.

        Args:
            n_best: answers to each line, best first.
            temperature: above 0 the answers are drawn at random, independent of each other, with the probabilities to
                the power of ``1 / temperature``.
            seed: of the draw.
            rules: names of `nlpkit.tasks.couplet.rules.RULES`, those of the settings by default.
            forbidden: characters that no answer may hold.
            beam_width: of the search, that of the settings by default; a narrow one is faster.
        """
        beam_width = self.config.beam_width if beam_width is None else beam_width
        for key, value, least in (("n_best", n_best, 1), ("beam_width", beam_width, 1), ("seed", seed, 0)):
            if value < least:
                raise ConfigError(f"{key} = {value!r}: must be at least {least}")
        if temperature and not _COLDEST <= temperature < math.inf:
            raise ConfigError(f"temperature = {temperature!r}: must be 0, for no draw, or at least {_COLDEST}")
        rules = parse_rules(self.config.rules if rules is None else rules)
        beam_width = n_best if temperature else max(n_best, beam_width)
        options = (rules, beam_width, temperature, forbidden)
        if options not in self._forwards:
            self._forwards[options] = self._search(*options)
        random = np.random.default_rng(seed) if temperature else None
        return {"search": Search(self._forwards[options], rules, n_best, beam_width, random)}

    def _search(self, rules, beam_width, temperature, forbidden):
        search = LineSearch(
            self.model, self.config, rules, beam_width,
            forbidden=sorted({int(i) for i in self.vocabulary.encode(normalize_text(forbidden))} - {UNKNOWN}),
            tones=np.concatenate([[0, 0], tone_table(self.vocabulary.symbols)]) if "tone" in rules else None,
            temperature=temperature,
        )  # fmt: skip
        inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in ("characters", "tied", "required")}
        if "tone" in rules:
            inputs["demand"] = keras.Input((None,), dtype="int32", name="demand")
        if temperature:
            inputs["noise"] = keras.Input((None, beam_width), name="noise")
        return Forward(keras.Model(inputs, search(inputs)))

    def inspect(self, texts: Sequence[str], search: Search) -> Iterable[tuple[int, str]]:
        uppers, required = _columns(texts)
        flat = FlatTexts(uppers)
        kinds = character_kinds(flat.codes)
        unknown = (kinds == CHINESE) & (self.vocabulary.encode_codes(flat.normal) == UNKNOWN)
        places = np.flatnonzero((flat.codes != EDGE) & ((kinds == FOREIGN) | unknown))
        suspects = set((np.searchsorted(flat.starts, places, side="right") - 1).tolist())
        suspects |= set(np.flatnonzero(~_hold(flat, kinds == CHINESE)).tolist())
        suspects |= {row for row, demand in enumerate(required) if demand}
        suspects |= set(np.flatnonzero(flat.lengths > _LONGEST).tolist())
        for row in sorted(suspects):
            reason = self._trouble(uppers[row], required[row])
            if reason:
                yield row, reason

    def _trouble(self, upper, required):
        """What is wrong with a line; of a character that was never seen one is only told."""
        if not upper:
            return "is empty"
        if len(upper) > _LONGEST:
            return f"has {len(upper)} characters; lines up to {_LONGEST} are answered"
        reason = trouble_of_line(upper) or (required and trouble_of_line(required))
        if reason:
            return reason
        length = int((character_kinds(code_points(upper)) != MARK).sum())
        if len(required) > length:
            return f"{len(required)} characters are required ({required}) of a line of {length}"
        known = self.vocabulary.encode(normalize_text(required))
        if (known == UNKNOWN).any():
            return f"required is a character that training never saw: {required}"
        known = self.vocabulary.encode(normalize_text(upper))
        unseen = [c for c, i in zip(upper, known) if i == UNKNOWN and character_kinds(code_points(c))[0] == CHINESE]
        return f"training never saw {''.join(unseen)}; answered all the same" if unseen else None

    def encode(self, texts: Sequence[str], search: Search) -> Encoded:
        columns, required = _columns(texts)
        flat = FlatTexts(columns)
        kinds = character_kinds(flat.codes)
        answered = _hold(flat, kinds == CHINESE) & ~_hold(flat, kinds == FOREIGN)
        answered &= flat.lengths <= _LONGEST
        # The place of a bad line stays empty.
        uppers = [upper if good else "" for upper, good in zip(columns, answered)]
        lines = Lines.read(uppers, self.vocabulary, [MARK] if "punctuation" in search.rules else [])
        lines.arrays["required"] = np.zeros(len(lines.places), "int32")
        for row, symbols in enumerate(required):
            if symbols and len(symbols) <= lines.lengths[row]:
                start = lines.starts[row]
                ids = self.vocabulary.encode(normalize_text(symbols))
                lines.arrays["required"][start : start + len(symbols)] = np.where(ids == UNKNOWN, 0, ids)
        if "tone" in search.rules:
            at = np.zeros(len(lines.flat.codes), "int32")
            for start, upper in zip(lines.flat.starts, uppers):
                demands = dict(tone_demands(upper))
                if "repetition" in search.rules:
                    # One character answers all of its places, so it must please them all.
                    by_character = collections.defaultdict(int)
                    for place, tone in demands.items():
                        by_character[upper[place]] |= tone
                    demands = {place: by_character[symbol] for place, symbol in enumerate(upper)}
                for place, tone in demands.items():
                    at[start + place] = tone
            lines.arrays["demand"] = at[lines.places]
        if search.random is not None:
            # In the order of the file, so that the answers do not depend on how it is cut into blocks.
            lines.arrays["noise"] = search.random.random((len(lines.places), search.beam_width), "float32")
        return Encoded(columns, lines, search)

    def run(self, encoded: Encoded) -> Found:
        lines, search = encoded.lines, encoded.search
        ids = np.zeros((search.n_best, len(lines.places)), "int32")
        scores = np.zeros((len(lines.lengths), search.n_best), "float32")
        at_once = max(1, min(_STEPS_AT_ONCE, _BEAMS_AT_ONCE // search.beam_width))

        def answer(rows, size):
            batch = gather_padded(lines.arrays, lines.starts[rows], lines.lengths[rows], size)
            batch["tied"] = first_equal(batch.pop("codes"))
            found, score = search.forward(batch)
            scores[rows] = score[:, : search.n_best]
            real, places = scatter_places(lines.starts[rows], lines.lengths[rows], size)
            for rank in range(search.n_best):
                ids[rank, places] = found[:, rank][real]

        # The steps of a search are small; side by side two of them keep the cores busy.
        with ThreadPoolExecutor(2) as pool:
            batches = [pool.submit(answer, *batch) for batch in batches_by_length(lines.lengths, at_once, multiple=2)]
            for batch in batches:
                batch.result()
        return Found(ids, scores)

    def write(self, encoded: Encoded, found: Found, file_format: str) -> str:
        answers = self._answers(encoded, found)
        if file_format == "text":
            return "".join("\t".join(lower for lower, _ in row) + "\n" for row in answers)
        return "".join(
            json.dumps({"upper": upper, "answers": _as_values(row)}, ensure_ascii=False) + "\n"
            for upper, row in zip(encoded.uppers, answers)
        )

    def _answers(self, encoded, found):
        """For each line its answers and their scores, best first; those that break a rule only if there is no other."""
        lines, columns = encoded.lines, []
        for ids in found.ids:
            codes = lines.flat.codes.copy()
            codes[lines.places] = self._symbol_codes[ids]
            columns.append(_texts(lines.flat, codes))
        answers = [list(zip(lowers, scores)) for lowers, scores in zip(zip(*columns), found.scores.tolist())]
        return [
            [
                (lower, score)
                for rank, (lower, score) in enumerate(row)
                if lower and _NO_SYMBOL not in lower and (score > 0.5 * BROKEN or rank == 0)
            ]
            for row in answers
        ]

    def predict(self, texts: Iterable[str], search: Search) -> list[list[dict]]:
        """Answers to upper lines: a list for each, best first, of ``{"lower": str, "score": float}``.

        The score is that of `nlpkit.tasks.couplet.decode.LineSearch`. A text may name, after a tab, the characters
        that its answer must begin with.
        """
        encoded = self.encode(list(texts), search)
        return [_as_values(row) for row in self._answers(encoded, self.run(encoded))]

    # Evaluation.

    def evaluate(self, examples: Sequence[Couplet]) -> dict:
        """Metrics over couplets.

        - ``cross_entropy`` (nats), ``perplexity``, ``top1``, ``top5``: of each character of the right lower line that
          is no mark, over the whole vocabulary, no rules applied, given the upper line and the right characters before
          it; in the table `by position` also without these.
        - ``bleu``: BLEU-4 over characters by sacrebleu, if that is installed; ``match``: share of the characters that
          are the right line's; ``distinct1``, ``distinct2``; and the share of answers that keep each rule (`tone` if
          pypinyin is installed). At the top for answers under the rules of the settings, in the table `answers` also
          for answers under `punctuation` only.
        """
        likelihood = {"reading on": self._likelihood(examples)}
        if self.config.lower_dilations:
            likelihood["each alone"] = self._likelihood(examples, hide=True)
        answers = {
            "with rules": self._quality(examples, self.config.rules),
            "without": self._quality(examples, "punctuation"),
        }
        top = {key: value for key, value in answers["with rules"].items() if key not in RULES}
        return {**likelihood["reading on"], **top, "by position": likelihood, "answers": answers}

    def _likelihood(self, examples, hide=False):
        if self._gold is None:
            gold = keras.Input((None,), dtype="int32", name="gold")
            logits = self.model.output
            self._gold = Forward(keras.Model({**self.model.input, "gold": gold}, GoldScores()([logits, gold])))
        lines = read_pairs(examples, self.vocabulary)
        logs, ranks = np.zeros(len(lines.places)), np.zeros(len(lines.places))
        for rows, size in batches_by_length(lines.lengths, _STEPS_AT_ONCE):
            batch = gather_padded(lines.arrays, lines.starts[rows], lines.lengths[rows], size)
            inputs = self._inputs(batch["characters"], batch["lower"], hide)
            found = self._gold({**inputs, "gold": batch["lower"]})
            real, places = scatter_places(lines.starts[rows], lines.lengths[rows], size)
            logs[places], ranks[places] = found[real].T
        ranks[lines.arrays["lower"] == UNKNOWN] = np.inf  # to foresee that a character is unknown is no answer
        entropy = float(-logs.mean())
        return {
            "cross_entropy": entropy,
            "perplexity": math.exp(entropy),
            "top1": float((ranks < 1).mean()),
            "top5": float((ranks < 5).mean()),
        }

    def _quality(self, examples, rules):
        uppers = [example.upper for example in examples]
        right = [example.lower for example in examples]
        answers = self.predict(uppers, **self.prepare(rules=rules))
        found = [row[0]["lower"] if row else "〇" * len(upper) for upper, row in zip(uppers, answers)]
        pairs = read_pairs([Couplet(a, b, 0) for a, b in zip(right, found)], self.vocabulary)
        # Unknown characters are equal to none.
        is_right = (pairs.arrays["characters"] == pairs.arrays["lower"]) & (pairs.arrays["lower"] != UNKNOWN)
        scores = {}
        with contextlib.suppress(MissingPackageError):
            scores["bleu"] = bleu(right, found)
        scores |= {"match": float(is_right.mean()), "distinct1": distinct(found, 1), "distinct2": distinct(found, 2)}
        for rule in RULES:
            with contextlib.suppress(MissingPackageError):
                scores[rule] = float(np.mean([is_kept(rule, a, b) for a, b in zip(uppers, found)]))
        return scores

    def samples(self, examples: Sequence[Couplet], count: int = 20) -> list[dict]:
        examples = examples[:: max(1, len(examples) // count)][:count]
        answers = self.predict([example.upper for example in examples], **self.prepare())
        return [
            {
                "expected": f"{example.upper} / {example.lower}",
                "predicted": (row or [{"lower": ""}])[0]["lower"],
                "right": bool(row) and row[0]["lower"] == example.lower,
            }
            for example, row in zip(examples, answers)
        ]

    # The folder.

    def files(self) -> list[str]:
        return ["vocab.txt"]

    def save(self, folder: Path):
        self.vocabulary.save(folder / "vocab.txt")

    @classmethod
    def load(cls, folder: Path, config: CoupletConfig, facts: dict):
        return cls(config, CharacterVocabulary.load(folder / "vocab.txt"))


def _columns(texts):
    """The upper lines, and the characters that their answers must begin with, mostly none."""
    parts = [text.partition("\t") for text in texts]
    return [upper.strip() for upper, _, _ in parts], [required.strip() for _, _, required in parts]


def _hold(flat, flags):
    """Whether any character of each text is flagged."""
    total = np.concatenate([[0], np.cumsum(flags)])
    return total[flat.starts + flat.lengths] > total[flat.starts]


def _texts(flat, codes):
    """Strings of the texts from code points in the shape of `flat`."""
    text = from_code_points(np.where(flat.codes == EDGE, 0, codes))
    return [text[start : start + length] for start, length in zip(flat.starts.tolist(), flat.lengths.tolist())]


def _as_values(row):
    return [{"lower": lower, "score": round(score, 3)} for lower, score in row]

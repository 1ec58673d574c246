"""Known triples as a prior: those whose names both occur in a text."""

from __future__ import annotations

import collections
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from nlpkit.tasks.extraction.places import Place, Ruler
from nlpkit.tasks.shared.records import Sentence
from nlpkit.text.characters import FlatTexts, code_points, normalize_text
from nlpkit.text.matcher import WordMatcher
from nlpkit.text.packed import read_packed

Key = tuple[str, str, str]
_MOST = 4  # largest number of occurrences of a name in a text
_MOST_TRIPLES = 48  # largest number of known triples of a text


class KnownTriples:
    """Triples and their counts, for distant supervision: a prior, not an answer.

    Args:
        counts: counts by subject, predicate and object.

    Example:

        >>> known = KnownTriples({("红楼梦", "作者", "曹雪芹"): 2})
        >>> known.find([Sentence("曹雪芹写了《红楼梦》。")], ["作者"])
        [[Place(subject=(6, 8), object=(0, 2), predicate=0)]]

    References:
        Mintz et al. (2009), Distant supervision for relation extraction without labeled data. As a feature:
        https://spaces.ac.cn/archives/6671
    """

    def __init__(self, counts: Mapping[Key, int]):
        normal: collections.Counter[Key] = collections.Counter()
        for (subject, predicate, object_), count in counts.items():
            normal[normalize_text(subject), predicate, normalize_text(object_)] += count
        self._counts = {
            key: count for key, count in sorted(normal.items()) if not any("\t" in part or "\n" in part for part in key)
        }
        names = sorted({name for subject, _, object_ in self._counts for name in (subject, object_)})
        ids = {name: i for i, name in enumerate(names)}
        self._of_subject: dict[int, list[tuple[int, str, Key]]] = collections.defaultdict(list)
        for key in self._counts:
            self._of_subject[ids[key[0]]].append((ids[key[2]], key[1], key))
        lengths = np.fromiter(map(len, names), "int64", len(names))
        self._matcher = WordMatcher(code_points("".join(names)), np.cumsum(lengths) - lengths, lengths)

    @classmethod
    def of(cls, triples: Iterable[Collection[Key]]) -> KnownTriples:
        """The triples of training texts; a repeated triple of a text counts once."""
        return cls(collections.Counter(key for each in triples for key in set(each)))

    def __contains__(self, key: Key) -> bool:
        return (normalize_text(key[0]), key[1], normalize_text(key[2])) in self._counts

    def __len__(self) -> int:
        return len(self._counts)

    def find(
        self, sentences: Sequence[Sentence], predicates: Sequence[str], own: Sequence[Collection[Key]] | None = None
    ) -> list[list[Place]]:
        """The places of the known triples whose names both occur in a text.

        Args:
            sentences: the texts.
            predicates: names of the predicates in the order of their ids.
            own: the triples of each text, if the known triples come from these texts: a triple of this text alone does
                not count as known.
        """
        ids = {name: i for i, name in enumerate(predicates)}
        names = self._names_in(sentences)
        known = []
        for row, sentence in enumerate(sentences):
            here, ruler = names[row], Ruler(sentence)
            places: list[Place] = []
            mine = {(normalize_text(s), p, normalize_text(o)) for s, p, o in own[row]} if own is not None else set()
            for subject, spans in here.items():
                for object_, predicate, key in self._of_subject.get(subject, ()):
                    if object_ not in here or predicate not in ids or self._counts[key] - (key in mine) < 1:
                        continue
                    ends = [[ruler.units(*span) for span in each] for each in (spans, here[object_])]
                    places += [Place(s, o, ids[predicate]) for s in ends[0] for o in ends[1] if s and o]
            known.append(places[:_MOST_TRIPLES])
        return known

    def _names_in(self, sentences: Sequence[Sentence]) -> list[dict[int, list[tuple[int, int]]]]:
        """The names in each text by id, with their places in characters."""
        flat = FlatTexts([sentence.text for sentence in sentences])
        names: list[dict[int, list[tuple[int, int]]]] = [{} for _ in sentences]
        for length, begins, which in self._matcher.find(flat):
            rows = np.searchsorted(flat.starts, begins, side="right") - 1
            for row, start, name in zip(rows.tolist(), (begins - flat.starts[rows]).tolist(), which.tolist()):
                spans = names[row].setdefault(name, [])
                if len(spans) < _MOST:
                    spans.append((start, start + length))
        return names

    def write(self, file: IO[bytes]) -> None:
        """Write a triple and its count on each line."""
        lines = "".join("\t".join([*key, str(count)]) + "\n" for key, count in self._counts.items())
        file.write(lines.encode("utf-8"))

    @classmethod
    def load(cls, path: Path) -> KnownTriples:
        """Known triples from a gzipped file of `write`."""
        rows = (line.split("\t") for line in read_packed(path).split("\n")[:-1])
        return cls({(row[0], row[1], row[2]): int(row[3]) for row in rows})

"""Scores over triples of subject, predicate and object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from nlpkit.metrics.spans import f1_of

Triple = tuple[str, str, str]
"""Subject, predicate, object."""
_MOST = 5  # sentences with this many triples or more share a class


def triple_scores(gold: Iterable[Collection[tuple]], predicted: Iterable[Collection[tuple]]) -> dict:
    """Micro-averaged precision, recall and F1 of triples, by exact match.

    A triple counts once per sentence. Its parts may be strings or, for a stricter protocol, offsets ``(start, end)`` of
    subject and object.

    Args:
        gold, predicted: triples of each sentence.

    Returns:
        ``f1``, ``precision``, ``recall``, floats from 0 to 1; ``triples``, int, number of gold triples.

    Example:

        >>> gold = [[("红楼梦", "作者", "曹雪芹")]]
        >>> triple_scores(gold, [[("红楼梦", "作者", "曹雪芹"), ("红楼梦", "作者", "曹")]])["f1"]
        0.6666666666666666

    References:
        Zeng et al. (2018), Extracting Relational Facts by an End-to-End Neural Model with Copy Mechanism.
    """
    right = found = wanted = 0
    for gold_triples, predicted_triples in zip(gold, predicted, strict=True):
        these, those = set(gold_triples), set(predicted_triples)
        right, found, wanted = right + len(these & those), found + len(those), wanted + len(these)
    return _scores(right, found, wanted)


def partial_triple_scores(gold: Iterable[Collection[Triple]], predicted: Iterable[Collection[Triple]]) -> dict:
    """`triple_scores` of subject and object only, with any predicate.

    Example:

        >>> partial_triple_scores([[("甲", "丈夫", "乙")]], [[("甲", "父亲", "乙")]])["f1"]
        1.0
    """
    return triple_scores(*([{(s, o) for s, _, o in each} for each in triples] for triples in (gold, predicted)))


def scores_by_predicate(
    gold: Iterable[Collection[Triple]], predicted: Iterable[Collection[Triple]]
) -> dict[str, dict[str, float]]:
    """`triple_scores` of each predicate, the most frequent first.

    Example:

        >>> scores_by_predicate([[("甲", "丈夫", "乙")]], [[("甲", "丈夫", "乙"), ("乙", "妻子", "甲")]])["妻子"]["f1"]
        0.0
    """
    right, found, wanted = Counter[str](), Counter[str](), Counter[str]()
    for gold_triples, predicted_triples in zip(gold, predicted, strict=True):
        these, those = set(gold_triples), set(predicted_triples)
        right.update(triple[1] for triple in these & those)
        found.update(triple[1] for triple in those)
        wanted.update(triple[1] for triple in these)
    order = sorted({*wanted, *found}, key=lambda name: (-wanted[name], -found[name], name))
    return {name: _scores(right[name], found[name], wanted[name]) for name in order}


def scores_by_count(
    gold: Sequence[Collection[Triple]], predicted: Sequence[Collection[Triple]]
) -> dict[str, dict[str, float]]:
    """`triple_scores` of the sentences with one triple, two, …, five or more.

    Example:

        >>> list(scores_by_count([[("甲", "丈夫", "乙")]], [[]]))
        ['1']
    """
    counts = [min(len(set(triples)), _MOST) for triples in gold]
    return {
        f"{count}{' or more' * (count == _MOST)}": _of_rows(gold, predicted, [n == count for n in counts])
        for count in sorted(set(counts))
    }


def scores_by_overlap(
    gold: Sequence[Collection[Triple]], predicted: Sequence[Collection[Triple]]
) -> dict[str, dict[str, float]]:
    """`triple_scores` of the sentences of each class of overlap; a sentence may belong to two classes.

    Args:
        gold, predicted: triples of each sentence.

    Returns:
        By class: ``normal``, no two triples share an entity; ``entity pair``, two triples are about the same two
        entities; ``single entity``, two triples share one entity and no more.

    Example:

        >>> gold = [[("甲", "丈夫", "乙"), ("乙", "妻子", "甲")], [("甲", "父亲", "乙"), ("甲", "母亲", "丙")]]
        >>> {name: row["triples"] for name, row in scores_by_overlap(gold, gold).items()}
        {'entity pair': 2, 'single entity': 2}

    References:
        Zeng et al. (2018), Extracting Relational Facts by an End-to-End Neural Model with Copy Mechanism.
    """
    classes = [_overlaps(set(triples)) for triples in gold]
    return {
        name: _of_rows(gold, predicted, [name in each for each in classes])
        for name in ("normal", "entity pair", "single entity")
        if any(name in each for each in classes)
    }


def _overlaps(triples: Collection[Triple]) -> set[str]:
    """The classes of overlap of a sentence."""
    pairs = [frozenset((s, o)) for s, _, o in triples]
    distinct = list(set(pairs))
    found = {"entity pair"} if len(distinct) < len(pairs) else set()
    if any(one & other for i, one in enumerate(distinct) for other in distinct[:i]):
        found.add("single entity")
    return found or ({"normal"} if triples else set())


def _of_rows(
    gold: Sequence[Collection[Triple]], predicted: Sequence[Collection[Triple]], chosen: Sequence[bool]
) -> dict:
    """`triple_scores` of the chosen sentences, with their number."""
    rows = [i for i, is_chosen in enumerate(chosen) if is_chosen]
    return {**triple_scores([gold[i] for i in rows], [predicted[i] for i in rows]), "sentences": len(rows)}


def alias_triple_scores(
    gold: Iterable[Collection[Triple]], predicted: Iterable[Collection[Triple]], aliases: Mapping[str, Collection[str]]
) -> dict:
    """Precision, recall and F1 with aliases of names, by the rules of the 2019 Baidu contest.

    Names are compared in lower case, without book title marks 《》 and white space around them. Triples match if their
    predicates are equal and their subjects and objects are equal up to aliases. Precision counts predicted triples that
    match a gold one, recall gold triples that match a predicted one, so this F1 is higher than that of `triple_scores`
    and not comparable with it.

    Args:
        gold, predicted: triples of each sentence.
        aliases: other names of the same thing, by name.

    Returns:
        ``f1``, ``precision``, ``recall``, floats from 0 to 1; ``triples``, int, number of gold triples.

    Example:

        >>> gold, predicted = [[("《哈姆雷特》", "作者", "莎士比亚")]], [[("哈姆雷特", "作者", "莎翁")]]
        >>> alias_triple_scores(gold, predicted, {"莎士比亚": ["莎翁"]})["f1"]
        1.0

    References:
        The rules of the 2019 Language and Intelligence Challenge, from https://spaces.ac.cn/archives/6671.
    """
    first: dict[str, str] = {}  # canonical name of each name
    for name, others in aliases.items():
        names = [_plain(each) for each in (name, *others)]
        known = next((first[each] for each in names if each in first), names[0])
        first.update(dict.fromkeys(names, known))

    def same(triple: Triple) -> Triple:
        subject, predicate, object_ = triple
        return _named(first, subject), predicate, _named(first, object_)

    found = right = wanted = recalled = 0
    for gold_triples, predicted_triples in zip(gold, predicted, strict=True):
        these, those = [{same(triple) for triple in set(each)} for each in (gold_triples, predicted_triples)]
        found, right = found + len(those), right + len(those & these)
        distinct = set(gold_triples)
        wanted, recalled = wanted + len(distinct), recalled + sum(same(triple) in those for triple in distinct)
    precision, recall = right / max(found, 1), recalled / max(wanted, 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"f1": f1, "precision": precision, "recall": recall, "triples": wanted}


def _plain(name: str) -> str:
    return name.strip().lower().strip("《》").strip()


def _named(first: Mapping[str, str], name: str) -> str:
    plain = _plain(name)
    return first.get(plain, plain)


def _scores(right: int, found: int, wanted: int) -> dict:
    precision, recall, f1 = f1_of(right, found, wanted)
    return {"f1": f1, "precision": precision, "recall": recall, "triples": wanted}

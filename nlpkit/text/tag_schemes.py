"""Tag schemes: the reading and writing of spans as labels such as ``B-PER``, and the legal sequences of labels.

A label is a prefix and, for typed spans, a type: ``B-PER``, or ``B`` alone as in word segmentation. A scheme gives the
prefixes their roles; labels without prefixes, such as parts of speech, are a scheme in which each token is a span:

========  ==================================================  =========================================
scheme    prefixes                                            used for
========  ==================================================  =========================================
``BIO``   B begin, I inside, O outside                        entities (also called IOB2)
``BIOES``  B, I inside, E end, S single, O outside             entities (M for I: BMEO, BMESO)
``BMES``  B, M inside, E, S: no outside                       words, also with a type (B-NOUN)
``plain``  none                                                parts of speech
========  ==================================================  =========================================

References:
    Tjong Kim Sang and De Meulder (2003), the CoNLL-2003 shared task, whose scorer defines the reading of illegal
    sequences. Xue (2003), Chinese Word Segmentation as Character Tagging.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence

import numpy as np

SCHEMES: dict[str, dict[str, str]] = {
    "BIO": {"B": "begin", "I": "inside", "O": "outside"},
    "BIOES": {"B": "begin", "I": "inside", "M": "inside", "E": "end", "S": "single", "O": "outside"},
    "BMES": {"B": "begin", "M": "inside", "I": "inside", "E": "end", "S": "single"},
    "plain": {},
}


def split_label(label: str) -> tuple[str, str]:
    """``"B-PER"`` to ``("B", "PER")``, ``"O"`` to ``("O", "")``."""
    prefix, _, kind = label.partition("-")
    return prefix, kind


def detect_scheme(labels: Iterable[str]) -> str:
    """Name of the scheme that a set of labels follows; ``plain`` if none of them has a prefix.

    Raises:
        ValueError: if a prefix belongs to no scheme, or the labels to more than one.
    """
    labels = set(labels)
    prefixes = {split_label(label)[0] for label in labels}
    if not prefixes:
        raise ValueError("no labels to detect a tag scheme from")
    for name in ("BIO", "BMES", "BIOES"):
        if prefixes <= SCHEMES[name].keys():
            return name
    if not any(_has_prefix(label) for label in labels):
        return "plain"
    known = ", ".join(f"{name} ({' '.join(scheme)})" for name, scheme in SCHEMES.items() if scheme)
    foreign = sorted(label for label in labels if split_label(label)[0] not in SCHEMES["BIOES"])
    raise ValueError(f"unknown tag scheme: {', '.join(foreign[:5])} fit none of {known}")


def _has_prefix(label: str) -> bool:
    prefix, kind = split_label(label)
    return len(prefix) == 1 and bool(kind)


def scheme_roles(scheme: str) -> dict[str, str]:
    """Role of each prefix. Raises a `ValueError` that lists the schemes if the name is unknown."""
    if scheme not in SCHEMES:
        raise ValueError(f"unknown tag scheme {scheme!r}; accepted: {', '.join(SCHEMES)}")
    return SCHEMES[scheme]


def like_labels(labels: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """Similarity of labels to known ones: each is like itself, or else like all labels with its prefix.

    Args:
        labels: new labels.
        known: labels of a model.

    Returns:
        bool ``(labels, known)``.

    Example:

        >>> like_labels(["O", "B-PER"], ["O", "B-LOC", "B-ORG", "I-LOC"]).astype(int).tolist()
        [[1, 0, 0, 0], [0, 1, 1, 0]]
    """
    return np.array(
        [[each == label if label in known else each[:1] == label[:1] for each in known] for label in labels], bool
    ).reshape(len(labels), len(known))


def segmentation_labels() -> list[str]:
    """The labels of word segmentation, in the order of their ids."""
    return ["B", "M", "E", "S"]


def allowed_transitions(labels: Sequence[str], scheme: str | None = None) -> np.ndarray:
    """Table of the legal transitions between labels.

    Args:
        labels: sequence of K labels, in the order of their ids.
        scheme: string, a key of `SCHEMES`; detected from the labels if None.

    Returns:
        bool array ``(K + 1, K + 1)``: ``[i, j]`` tells whether label ``j`` may follow label ``i``; row K stands for
        the beginning of a sequence, column K for its end.
    """
    scheme = scheme or detect_scheme(labels)
    steps = [*labels, None]
    must_close = needs_closing(labels, scheme)
    return np.array([[_may_follow(before, after, scheme, must_close) for after in steps] for before in steps])


def read_spans(labels: Sequence[str], scheme: str) -> list[tuple[int, int, str]]:
    """Spans ``(start, end, type)`` of a label sequence, read by the rules of conlleval.

    An inside or end tag without an opening tag of its type opens a span; a span without an end tag ends before the next
    span or outside tag, or with the sequence.
    """
    roles = scheme_roles(scheme)
    spans: list[tuple[int, int, str]] = []
    start, open_kind = None, ""
    for i, label in enumerate(labels):
        role, kind = _role_of(label, roles)
        continues = start is not None and role in ("inside", "end") and kind == open_kind
        if start is not None and not continues:
            spans.append((start, i, open_kind))
            start = None
        if role == "outside":
            continue
        if start is None:
            start, open_kind = i, kind
        if role in ("end", "single"):
            spans.append((start, i + 1, kind))
            start = None
    if start is not None:
        spans.append((start, len(labels), open_kind))
    return spans


def write_spans(
    spans: Iterable[tuple[int, int, str]], length: int, scheme: str, prefixes: Collection[str]
) -> list[str]:
    """Labels of a sequence from its spans, the inverse of `read_spans`.

    Args:
        spans: spans ``(start, end, type)``.
        length: length of the sequence.
        scheme: a key of `SCHEMES`.
        prefixes: prefixes in use, for the choice between I and M, and between S and B for single tokens.
    """
    if scheme == "plain":
        return [kind for _, _, kind in spans]
    roles = scheme_roles(scheme)
    of_role = {role: prefix for prefix, role in roles.items() if prefix in prefixes}
    begin = of_role.get("begin", "B")
    inside = of_role.get("inside", "I" if "I" in roles else "M")
    end = of_role.get("end", inside)
    single = of_role.get("single", begin)
    labels = ["O"] * length
    for first, last, kind in spans:
        suffix = f"-{kind}" if kind else ""
        if last - first == 1:
            labels[first] = single + suffix
        else:
            labels[first:last] = [begin + suffix] + [inside + suffix] * (last - first - 2) + [end + suffix]
    return labels


def opens_or_outside(label: str, scheme: str) -> bool:
    """Whether a span begins at this label, or none contains it, so that a text may be cut before it."""
    return role_of(label, scheme)[0] in ("begin", "single", "outside")


def find_illegal(labels: Sequence[str], scheme: str, must_close: bool | None = None) -> int | None:
    """Index of the first label that makes the sequence illegal, or None; ``len(labels)`` stands for an open span.

    Args:
        labels: sequence of labels.
        scheme: a key of `SCHEMES`.
        must_close: whether spans need an end or single tag; determined from these labels if None.
    """
    if must_close is None:
        must_close = needs_closing(labels, scheme)
    before: str | None = None
    for i, label in enumerate([*labels, None]):
        if not _may_follow(before, label, scheme, must_close):
            return i
        before = label
    return None


def needs_closing(labels: Iterable[str], scheme: str) -> bool:
    """Whether a span needs an end or single tag to be legal, under this scheme as these labels use it."""
    # Data tagged BMEO has no S: there a lone B is a span of one token, and may stay open.
    roles = scheme_roles(scheme)
    return "end" in roles.values() and any(roles.get(split_label(label)[0]) == "single" for label in labels)


@functools.cache
def _may_follow(before: str | None, after: str | None, scheme: str, must_close: bool) -> bool:
    """Whether a label may directly follow another; None is the edge of the sequence."""
    roles = scheme_roles(scheme)
    role, kind = _role_of(before, roles)
    next_role, next_kind = _role_of(after, roles)
    is_open = role in ("begin", "inside")
    if next_role in ("inside", "end"):
        return is_open and kind == next_kind
    return not (is_open and must_close)


def role_of(label: str, scheme: str) -> tuple[str, str]:
    """Role of a label (begin, inside, end, single or outside), and the type of its span.

    Raises:
        ValueError: if its prefix does not belong to the scheme.
    """
    return _role_of(label, scheme_roles(scheme))


def _role_of(label: str | None, roles: dict[str, str]) -> tuple[str, str]:
    if label is None:
        return "outside", ""
    if not roles:
        return "single", label
    prefix, kind = split_label(label)
    if prefix not in roles:
        raise ValueError(f"label {label!r} does not fit the tag scheme; accepted prefixes: {' '.join(roles)}")
    return roles[prefix], kind

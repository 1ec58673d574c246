"""What `nlpkit check tagging` looks for in data files. It needs no Keras."""

import collections

import numpy as np

from nlpkit.tasks.tagging.config import TaggingConfig
from nlpkit.tasks.tagging.examples import check_labels, detect_format, read_examples
from nlpkit.text import tag_schemes

_SHOWN = 10


def check(paths, settings) -> list[dict]:
    """What is in data files and what looks wrong; several files are compared with each other.

    Args:
        paths: data files.
        settings: of `TaggingConfig`, for its window.

    Returns:
        For each file its facts, by what they say.

    Raises:
        DataError: if a file can't be read; its encoding and columns are checked by reading it.
    """
    window = TaggingConfig.create(settings).window
    reports, seen_in = [], {}
    for path in paths:
        file_format = detect_format(path)
        examples = read_examples(path, file_format)
        scheme, legal, repaired = check_labels(examples, path, repair=True)
        illegal = [e.line for e, fixed in zip(examples, legal) if e.labels != fixed.labels]
        texts = collections.Counter(example.text for example in examples)
        lengths = np.array([len(example.text) for example in examples])
        spans = [span for e in legal for span in tag_schemes.read_spans(e.labels, scheme)]
        kinds = collections.Counter(kind or "word" for *_, kind in spans)
        facts = {
            "format": file_format,
            "encoding": "UTF-8",
            "tag scheme": scheme,
            "examples": len(examples),
            "characters": int(lengths.sum()),
            "length: median, 90 %, 99 %, longest": ", ".join(
                str(int(v)) for v in (*np.percentile(lengths, [50, 90, 99]), lengths.max())
            ),
            f"longer than the window of {window} (cut, not truncated)": _share(int((lengths > window).sum()), lengths),
            "illegal tag sequences": _places(repaired, illegal),
            "repeated examples": _share(len(examples) - len(texts), lengths),
            "same text, other labels": _conflicts(examples),
            **{f"spans: {kind}": count for kind, count in kinds.most_common()},
        }
        for other, known in seen_in.items():
            shared = sum(example.text in known for example in examples)
            facts[f"examples that are also in {other}"] = _share(shared, lengths)
        seen_in[str(path)] = texts.keys()
        reports.append(facts)
    return reports


def _share(count, of):
    return f"{count:,} ({count / len(of):.2%})"


def _places(count, lines):
    if not count:
        return 0
    more = ", …" if len(lines) > _SHOWN else ""
    return f"{count} (lines {', '.join(map(str, lines[:_SHOWN]))}{more}); train with --repair"


def _conflicts(examples):
    readings = collections.defaultdict(set)
    for example in examples:
        readings[example.text].add(example.labels)
    return sum(len(labels) > 1 for labels in readings.values())

"""The checks of `nlpkit check title` on data files. They need no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.summary import LENGTHS, percentiles, share
from nlpkit.errors import ConfigError
from nlpkit.metrics import clge_scores, lead, mean_length
from nlpkit.tasks.title.config import TitleSettings
from nlpkit.tasks.title.examples import NUM_EXTRA, TitleExample, make_vocabulary, read_titles
from nlpkit.text.vocabulary import CharacterVocabulary


def check(paths: Sequence[str | Path], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Statistics and problems of data files; several files are compared with each other.

    Args:
        paths: data files.
        settings: values of `TitleSettings`, for the longest text and title and the least count of a character.

    Returns:
        For each file its findings by name.

    Raises:
        DataError: if a file can't be read or holds no text with a title.
    """
    config = TitleSettings.create(settings)
    reports: list[dict[str, Any]] = []
    seen_in: dict[str, tuple[set[str], set[str]]] = {}
    length: float | None = None
    for path in paths:
        report, examples = _check_file(path, config)
        titles, texts = [each.title for each in examples], [each.text for each in examples]
        length = mean_length(titles) if length is None else length
        scores = clge_scores(titles, [lead(text, length) for text in texts])
        report["ROUGE-L of the first sentence"] = f"{scores['rouge_l']:.4f}"
        for other, (old_texts, old_titles) in seen_in.items():
            report[f"texts that are also in {other}"] = share(sum(text in old_texts for text in texts), len(texts))
            report[f"titles that are also in {other}"] = share(sum(title in old_titles for title in titles), len(texts))
        seen_in[str(path)] = set(texts), set(titles)
        reports.append(report)
    return reports


def _check_file(path: str | Path, settings: TitleSettings) -> tuple[dict[str, Any], list[TitleExample]]:
    examples, notes, bad = read_titles(path)
    total = len(examples)
    texts, titles = [each.text for each in examples], [each.title for each in examples]
    kept = [text[: settings.max_text] for text in texts]
    characters = sum(map(len, titles))
    in_text = sum(sum(map({*text}.__contains__, title)) for text, title in zip(kept, titles))
    report: dict[str, Any] = {
        "encoding": "UTF-8",
        "texts with titles": total,
        "bad lines (passed over)": bad,
        **{
            f"bad lines, {i}": note.removeprefix(f"{path}, ").removeprefix(f"{path}: ")
            for i, note in enumerate(notes, 1)
        },
        f"characters of a text: {LENGTHS}": percentiles(np.array([*map(len, texts)])),
        f"characters of a title: {LENGTHS}": percentiles(np.array([*map(len, titles)])),
        f"texts longer than {settings.max_text} (the beginning is read)": share(
            sum(len(text) > settings.max_text for text in texts), total
        ),
        f"titles longer than {settings.max_title} (cut in training)": share(
            sum(len(title) > settings.max_title for title in titles), total
        ),
        "characters of titles that occur in the used part of the text": share(in_text, characters),
        "titles that occur in the text verbatim": share(sum(title in text for text, title in zip(kept, titles)), total),
        "repeated titles": share(total - len(set(titles)), total),
        "repeated texts": share(total - len(set(texts)), total),
    }
    try:
        vocabulary = make_vocabulary(examples, settings)
    except ConfigError:
        vocabulary = CharacterVocabulary([])
    unknown = [len({c for c in text if c not in vocabulary}) for text in kept]
    name = f"texts with more than {NUM_EXTRA} different unknown characters (further ones can't be copied)"
    report[name] = share(sum(count > NUM_EXTRA for count in unknown), total)
    report[f"characters seen {settings.char_min_count} times or more"] = max(len(vocabulary.symbols) - 1, 0)
    return report, examples

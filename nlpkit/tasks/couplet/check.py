"""What `nlpkit check couplet` looks for in data files. It needs no Keras."""

import collections

import numpy as np

from nlpkit.errors import MissingPackageError
from nlpkit.tasks.couplet.config import CoupletConfig
from nlpkit.tasks.couplet.examples import make_vocabulary, read_couplets
from nlpkit.tasks.couplet.rules import RULES, is_kept
from nlpkit.text.characters import code_points, normalize_text
from nlpkit.text.kinds import CHINESE, character_kinds


def check(paths, settings) -> list[dict]:
    """What is in data files and what looks wrong; several files are compared with each other.

    Args:
        paths: data files.
        settings: of `CoupletConfig`, for its longest line and how often a character must be seen.

    Returns:
        For each file its facts, by what they say.

    Raises:
        DataError: if a file can't be read or holds no couplet.
    """
    config = CoupletConfig.create(settings)
    reports, seen_in, known = [], {}, None
    for path in paths:
        couplets, notes, bad = read_couplets(path)
        lengths = np.array([len(_characters(couplet.upper)) for couplet in couplets])
        pairs = collections.Counter((couplet.upper, couplet.lower) for couplet in couplets)
        uppers = {couplet.upper for couplet in couplets}
        facts = {
            "encoding": "UTF-8",
            "couplets": len(couplets),
            "bad lines (passed over)": bad,
            **{f"bad line {i}": note.removeprefix(f"{path}, ") for i, note in enumerate(notes, 1)},
            "length without marks: median, 90 %, 99 %, longest": ", ".join(
                str(int(v)) for v in (*np.percentile(lengths, [50, 90, 99]), lengths.max())
            ),
            f"longer than {config.longest} (not trained on)": _share(int((lengths > config.longest).sum()), couplets),
            "repeated couplets": _share(len(couplets) - len(pairs), couplets),
            "upper lines with several answers": len(pairs) - len(uppers),
        }
        for rule in RULES:
            try:
                kept = sum(is_kept(rule, couplet.upper, couplet.lower) for couplet in couplets)
                facts[f"keep the rule {rule}"] = _share(kept, couplets)
            except MissingPackageError as error:
                facts[f"keep the rule {rule}"] = f"not looked at: {error}"
        vocabulary = make_vocabulary(couplets, config.char_min_count)
        facts[f"characters seen {config.char_min_count} times or more"] = len(vocabulary.symbols)
        if known is None:
            known = vocabulary
        else:
            strange = sum(any(c not in known for c in _characters(pair.upper)) for pair in couplets)
            facts[f"upper lines with characters that {paths[0]} hardly has"] = _share(strange, couplets)
        for other, others in seen_in.items():
            facts[f"upper lines that are also in {other}"] = _share(sum(c.upper in others for c in couplets), couplets)
        seen_in[str(path)] = uppers
        reports.append(facts)
    return reports


def _characters(line):
    """A line without marks, normalised as the vocabulary is."""
    return [c for c, kind in zip(normalize_text(line), character_kinds(code_points(line))) if kind == CHINESE]


def _share(count, of):
    return f"{count:,} ({count / len(of):.2%})"

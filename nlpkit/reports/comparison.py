"""A page that compares several training runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nlpkit.artefacts.folder import Folder
from nlpkit.artefacts.manifest import read_object
from nlpkit.datasets.files import check_place, write_atomically
from nlpkit.errors import ArtefactError, ConfigError
from nlpkit.reports.chart import Series, chart
from nlpkit.reports.page import as_written, folded, grid, listing, page, section
from nlpkit.tasks import get_declaration

if TYPE_CHECKING:
    from nlpkit.tasks.declaration import Declaration
    from nlpkit.training.metric import Metric

_NO_CURVES = ("epoch", "step", "seconds")


class Run(NamedTuple):
    """A training run, read from its folder."""

    name: str
    manifest: Mapping[str, Any]
    metrics: Mapping[str, Any]
    history: list[dict[str, float]]


def compare(folders: Sequence[str | Path], output: str | Path) -> None:
    """Write a page that compares several runs: metrics, differing settings, curves, data.

    Args:
        folders: two or more folders of one task, written by `nlpkit.train`.
        output: path of the page.

    Raises:
        ConfigError: if there are fewer than two folders, or they are of different tasks.
        ArtefactError: if a folder holds no training run.
        DataError: if the page can't be written.
    """
    if len(folders) < 2:
        raise ConfigError(f"compare takes two folders or more. Received: {len(folders)}")
    check_place(output)
    runs = [_read(Path(folder), name) for folder, name in zip(folders, _names(folders))]
    tasks = sorted({run.manifest["task"] for run in runs})
    if len(tasks) > 1:
        raise ConfigError(f"the folders are of several tasks, {', '.join(tasks)}; compare those of one")
    declaration = get_declaration(tasks[0])
    metric = declaration.metric
    keys = list(dict.fromkeys(key for run in runs for row in run.history for key in row if key not in _NO_CURVES))
    first = [key for key in (metric.name, "loss") if key in keys]
    charts = {key: _chart(key, runs) for key in keys}
    rest = [key for key in keys if key not in first and charts[key]]
    sections = [
        section("Metrics", _metrics(runs, metric)),
        section("Settings that differ", _settings(runs, declaration)),
        section("Curves", *(f"<h3>{key}</h3>{charts[key]}" for key in first)),
        folded(f"{len(rest)} more: {', '.join(rest)}", "".join(f"<h3>{key}</h3>{charts[key]}" for key in rest)),
        section("Data", _data(runs)),
    ]
    title = f"nlpkit {declaration.name}: {len(runs)} runs"
    write_atomically(Path(output), page(title, declaration.summary, sections))


def _names(folders: Sequence[str | Path]) -> list[str]:
    """Names of folders: the last parts of their paths, as many as make them distinct."""
    parts = [Path(folder).absolute().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len({*names}) == len(names):
            return names
    return [f"{number}: {part[-1]}" for number, part in enumerate(parts, 1)]  # the same folder several times


def _chart(key: str, runs: Sequence[Run]) -> str:
    return chart(key, [Series(run.name, [row.get(key) for row in run.history]) for run in runs])


def _read(folder: Path, name: str) -> Run:
    manifest = Folder.open(folder).manifest
    try:
        metrics = read_object(folder / "metrics.json")
        rows = csv.DictReader(io.StringIO((folder / "history.csv").read_text("utf-8")))
        history = [{key: float(value) for key, value in row.items() if key and value} for row in rows]
    except FileNotFoundError as error:
        missing = Path(error.filename or "metrics.json").name
        raise ArtefactError(f"{folder}: has no {missing}, which nlpkit train writes") from None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ArtefactError(f"{folder}: its metrics.json or history.csv is damaged ({error})") from None
    return Run(name, manifest, metrics, history)


def _metrics(runs: Sequence[Run], metric: Metric) -> str:
    """Table of metrics, a column for each run; the metric that picks the best weights is first."""
    rows: dict[str, dict[str, Any]] = {}
    for run in runs:
        for data, scores in run.metrics.items():
            for name, value in scores.items() if isinstance(scores, dict) else ():
                if isinstance(value, (int, float)):
                    rows.setdefault(f"{name}, {data}", {})[run.name] = value
    main = [name for name in rows if name.startswith(f"{metric.name}, ")]
    ordered = {name: rows[name] for name in (*main, *(name for name in rows if name not in main))}
    best = dict.fromkeys(main, max if metric.higher_is_better else min)
    for run in runs:
        ordered.setdefault("seconds", {})[run.name] = round(run.manifest.get("seconds", 0))
        ordered.setdefault("epochs", {})[run.name] = len(run.history)
    return grid(ordered, best=best)


def _settings(runs: Sequence[Run], declaration: Declaration) -> str:
    """Table of the settings, and of the seed, that differ between runs."""
    known = [{**run.manifest["settings"], "seed": run.manifest.get("seed", "")} for run in runs]
    names = dict.fromkeys(name for each in known for name in each)
    rows = {
        name: {run.name: as_written(each.get(name, "")) for run, each in zip(runs, known)}
        for name in names
        if len({repr(each.get(name)) for each in known}) > 1
    }
    return grid(rows) or f"<p>None: all {len(runs)} runs of {declaration.name} have the same settings and seed.</p>"


def _data(runs: Sequence[Run]) -> str:
    rows = []
    for run in runs:
        data = run.manifest.get("data")
        for use, each in data.items() if isinstance(data, dict) else ():
            if isinstance(each, dict):
                rows.append((run.name, use, *(each.get(key, "") for key in ("file", "examples", "bytes"))))
    return listing(("run", "use", "file", "examples", "bytes"), rows) if rows else ""

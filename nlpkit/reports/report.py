"""The report of a training run."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlpkit.datasets.files import write_atomically
from nlpkit.errors import ConfigError
from nlpkit.prediction.predictor import answer_parsed
from nlpkit.reports.chart import Series, chart
from nlpkit.reports.drawing import draw
from nlpkit.reports.mistakes import find_mistakes
from nlpkit.reports.mistakes_page import shown_mistakes
from nlpkit.reports.page import as_written, cards, folded, grid, listing, page, pairs, section

if TYPE_CHECKING:
    from nlpkit.options import Options
    from nlpkit.tasks.task import Data, Task

_SAMPLES = 16  # answers shown
_LONGEST = 160  # characters shown of a record
_COMPARED = 500  # records in which mistakes are counted
_NO_CURVES = ("epoch", "step", "loss", "seconds")


def write_report(
    path: Path,
    title: str,
    model: Task[Any],
    valid: Data,
    history: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> None:
    """Write a self-contained HTML page: curves, metrics, plots, mistakes, sample answers, settings and data.

    Args:
        path: path of the page.
        title: title of the page.
        model: trained task, which answers some records of the validation data.
        valid: validation data.
        history: row of numbers for each epoch.
        run: facts of the run: ``data`` by use, ``versions``, ``seconds`` and others.
        metrics: metrics by the name of the data.
    """
    name = model.metric.name
    most = [(f"{name}, {data}", scores[name]) for data, scores in metrics.items() if name in scores]
    most.append(("parameters", model.network.model.count_params()))
    seconds = run["seconds"]
    most += [("epochs", len(history))]
    most.append(("seconds", round(seconds)) if seconds < 100 else ("minutes", f"{seconds / 60:.1f}"))
    sections = [
        cards(most),
        section("Curves", *curves(history, model)),
        section("Result", result(metrics)),
        *(section(each.title, draw(each)) for each in model.plots(valid.examples)),
        section("Mistakes on the validation data", *_mistakes(model, valid)),
        section("Sample answers on the validation data", *_samples(model, valid)),
        section("How it was trained", *_training(model.settings, run)),
    ]
    write_atomically(path, page(title, model.declaration.summary, sections))


def curves(history: Sequence[Mapping[str, Any]], model: Task[Any]) -> Iterator[str]:
    """Curves of the loss and of the metric that picks the best weights; the other curves folded."""
    if not history:
        return
    loss = [Series("loss, training", [row.get("loss") for row in history])]
    if "cross_entropy" in history[0]:
        loss.append(Series("cross entropy, validation", [row.get("cross_entropy") for row in history]))
    yield chart("loss", loss)
    metric = model.metric
    values = [row.get(metric.name) for row in history]
    known = [(value, epoch) for epoch, value in enumerate(values) if isinstance(value, (int, float)) and value == value]
    sign = 1 if metric.higher_is_better else -1
    best = max(known, key=lambda pair: (sign * pair[0], pair[1]), default=None)
    yield chart(metric.name, [Series(f"{metric.name}, validation", values)], best and (0, best[1]))
    others = [key for key in history[0] if key not in (*_NO_CURVES, metric.name, "cross_entropy")]
    moving = [key for key in others if len({row.get(key) for row in history}) > 1]
    more = "".join(chart(key, [Series(key, [row.get(key) for row in history])]) for key in moving)
    yield folded(f"{len(moving)} more: {', '.join(moving)}", more)


def result(metrics: Mapping[str, Any]) -> str:
    """Table of metrics, a column for each data file, followed by folded tables."""
    names = list(dict.fromkeys(name for scores in metrics.values() for name in scores))
    flat, tables = {}, []
    for name in names:
        by_data = {data: scores[name] for data, scores in metrics.items() if name in scores}
        if not any(isinstance(value, Mapping) for value in by_data.values()):
            flat[name] = by_data
            continue
        for data, value in by_data.items():
            if value and all(isinstance(row, Mapping) for row in value.values()):
                tables.append(folded(f"{name}, {data}", grid(value)))
            elif value:
                tables.append(folded(f"{name}, {data}", pairs(value)))
    return grid(flat) + "".join(tables)


def _mistakes(model: Task[Any], valid: Data) -> Iterator[str]:
    try:
        found = find_mistakes(model, valid.examples, _COMPARED)
    except ConfigError:  # no expected answers
        return
    yield from shown_mistakes(found)


def _samples(model: Task[Any], valid: Data) -> Iterator[str]:
    """Table of some expected and predicted answers."""
    chosen = model.expected(valid.examples, _SAMPLES)
    if not chosen:
        return
    answers = answer_parsed(model, [record for record, _ in chosen])
    yield f"<p>{html.escape(answers[0].legend)}</p>" if answers[0].legend else ""
    first = "record" if chosen[0][1] is None else "right"
    yield f"<table class='samples'><tr><th>{first}</th><th>answered</th></tr>"
    for (record, right), answer in zip(chosen, answers):
        wanted = html.escape(str(record)) if right is None else right.to_html(answer)
        kind = "" if right is None else f" class='{'right' if answer.agrees(right) else 'wrong'}'"
        text = getattr(record, "text", "")
        shown = html.escape(text[:_LONGEST]) + "…" * (len(text) > _LONGEST)
        source = "" if hasattr(answer, "text") or shown in wanted else f"<br><small>{shown}</small>"
        cells = f"<td data-is='{first}'>{wanted}{source}</td><td data-is='answered'>{answer.to_html(right)}</td>"
        yield f"<tr{kind}>{cells}</tr>"
    yield "</table>"


def _training(settings: Options, run: Mapping[str, Any]) -> Iterator[str]:
    yield "<p>Settings that differ from the defaults:</p>"
    yield pairs(differing(settings)) or "<p>none</p>"
    yield folded("all settings", pairs({name: as_written(value) for name, value in settings.to_dict().items()}))
    columns = ("data", "file", "examples", "bytes", "SHA-256")
    rows = [
        (use, data["file"], data["examples"], data.get("bytes", ""), data.get("sha256", "")[:16])
        for use, data in run["data"].items()
    ]
    yield f"<p>Data:</p>{listing(columns, rows)}"
    rest = {key: value for key, value in run.items() if key not in ("data", "versions", "sub_models", "start")}
    versions = {f"version of {name}": version for name, version in run.get("versions", {}).items()}
    yield folded("seed, hashes of the examples, time and versions", pairs({**rest, **versions}))


def differing(settings: Options) -> dict[str, Any]:
    """Settings that differ from the defaults, for a table."""
    return {
        each.name: as_written(getattr(settings, each.name))
        for each in settings.declared()
        if getattr(settings, each.name) != each.default
    }

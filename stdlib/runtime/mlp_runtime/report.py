"""A page about one judged model: readable offline, light or dark, the same bytes each time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mlp_runtime import charts, plots
from mlp_runtime.judged import Certainty, Importance, Interval, Intervals, Judged, Slice
from mlp_runtime.page import Html, Measured, document, table
from mlp_runtime.scores import scores_of
from mlp_runtime.text import count, number

ALL = ("roc", "pr", "calibration", "confusion", "residuals")
"""Curves in the order in which they are drawn."""

_STYLE = """
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .8rem; margin: 1.6rem 0 0;
  padding: 0; list-style: none; }
.tiles li { border: 1px solid var(--line); border-radius: 10px; padding: .7rem .9rem; }
.tiles b { display: block; font-size: 1.55rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles span { font-size: 13px; overflow-wrap: anywhere; } .scroll { overflow-x: auto; margin-bottom: .8rem; }
td .range { color: var(--faint); font-size: 12px; white-space: nowrap; }
"""


def write(
    judged: Judged,
    path: Path,
    *,
    certainty: Certainty | None = None,
    explained: Sequence[Importance] = (),
    curves: Collection[str] = ALL,
) -> None:
    """Write the page."""
    text = page(judged, certainty=certainty, explained=explained, curves=curves)
    path.write_text(text, encoding="utf-8", newline="\n")


def page(
    judged: Judged,
    *,
    certainty: Certainty | None = None,
    explained: Sequence[Importance] = (),
    curves: Collection[str] = ALL,
) -> str:
    """The page as text."""
    training = judged.model.record["training"]
    what = f"{judged.model.label.name} by {training['trainer']}"
    body = [
        f"<main>\n<h1>{escape(judged.report)}</h1>",
        f'<p class="faint">{escape(what)}, judged {_where(judged)}</p>',
        _tiles(judged, certainty),
        *_told(certainty),
        *_folds(judged),
        *_pictures(judged, curves),
        *_importance(explained),
        *_slices(judged, certainty),
        "<h2>Model</h2>",
        table(["hyperparameter", "value"], training["hyperparameters"].items()),
        "<h2>What the model reads</h2>",
        _scroll(_inputs(judged.model.record["inputs"])),
        "<h2>Provenance</h2>",
        table(["fact", "value"], _provenance(judged, training)),
        "</main>",
    ]
    return document(f"{judged.report}: {what}", body, style=_STYLE + plots.STYLE)


def _scroll(content: str) -> str:
    """Wide tables move by themselves, by keyboard too."""
    return f'<div class="scroll" tabindex="0">{content}</div>'


def _tiles(judged: Judged, certainty: Certainty | None) -> str:
    """The metrics, each in a box with how sure it is."""
    spread = judged.spread if judged.folds else {}
    tiles = []
    for metric in judged.metrics:
        name, value = metric.name, judged.values[metric.name]
        notes = [f"{metric.better} is better"]
        if name in spread:
            notes.insert(0, f"± {number(spread[name])} standard deviation over folds")
        interval = None if certainty is None else certainty.metrics[name]
        notes[:0] = [] if interval is None else [_range(interval)]
        told = "undefined" if value is None else f"{value:.4f}"
        tiles.append(
            f'<li><span>{escape(name)}</span><b>{told}</b><span class="faint">{"<br>".join(notes)}</span></li>'
        )
    return f'<ul class="tiles" aria-label="metrics">\n{"".join(tiles)}\n</ul>'


def _told(certainty: Certainty | None) -> list[str]:
    if certainty is None:
        return []
    told = (
        f"Ranges hold the middle {number(100 * certainty.confidence)}% of what {certainty.samples} samples of these rows give, "
        "drawn with replacement."
    )
    return [f'<p class="faint">{told}</p>']


def _range(interval: Interval) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}"


def _where(judged: Judged) -> str:
    if judged.folds:
        return f"by {count(len(judged.folds), 'fold')}: {count(judged.rows, 'prediction')}"
    return f"on {count(judged.rows, 'row')} of the part {escape(judged.part)}"


def _folds(judged: Judged) -> list[str]:
    """Each fold by itself: whether they agree."""
    if not judged.folds:
        return []
    rows = [
        (index, fold.rows, *(Measured(value) for value in fold.values.values()))
        for index, fold in enumerate(judged.folds, start=1)
    ]
    return ["<h2>By fold</h2>", table(["fold", "rows", *judged.values], rows)]


def _pictures(judged: Judged, curves: Collection[str]) -> list[str]:
    drawn = [picture for name in ALL if name in curves for picture in _picture(judged, name)]
    if not drawn:
        return []
    return ["<h2>Curves</h2>", f'<div class="plots">\n{"".join(drawn)}\n</div>']


def _picture(judged: Judged, name: str) -> list[str]:
    """One kind of curve; none where the task or the model has no such."""
    if judged.model.label.task == "regression":
        return _residuals(judged) if name == "residuals" else []
    codes, classes = judged.truth.astype(np.int64), judged.model.classes
    if name == "confusion":
        drawn = charts.confusion(codes, judged.predicted.astype(np.int64), classes)
        return [plots.figure("Confusion matrix", _scroll(drawn), note="rows are true classes")]
    scores = scores_of(judged.predictions, judged.model)
    draw = {
        "roc": plots.roc,
        "pr": plots.precision_and_recall,
        "calibration": plots.calibration,
    }.get(name)
    if draw is None or scores.probabilities is None:
        return []
    return [draw(codes, scores.probabilities, classes, scores.weights)]


def _residuals(judged: Judged) -> list[str]:
    true, guess = judged.truth.astype(np.float64), judged.predicted.astype(np.float64)
    return [
        plots.figure("Predicted and true", charts.predicted_and_true(true, guess)),
        plots.figure("Residuals", charts.histogram(guess - true), note="predicted minus true"),
    ]


def _importance(explained: Sequence[Importance]) -> list[str]:
    if not explained:
        return []
    figures = []
    for item in explained:
        if item.method == "permutation":
            title, note = (
                "Importance",
                f"what {item.of} loses when an input is shuffled, {item.count} times",
            )
        else:
            title, note = (
                "Shapley values",
                f"mean size by which an input moves the {item.of}, {item.count} rows",
            )
        figures.append(plots.figure(title, plots.importance(title, item.inputs), note=note))
    return ["<h2>What matters</h2>", f'<div class="plots">\n{"".join(figures)}\n</div>']


def _slices(judged: Judged, certainty: Certainty | None) -> list[str]:
    parts = []
    for column, items in judged.slices.items():
        sure = None if certainty is None else certainty.slices[column]
        parts.append(f"<h2>By {escape(column)}</h2>")
        if any(item.rows < judged.min_rows for item in items):
            parts.append(
                f'<p class="faint">Slices of fewer than {judged.min_rows} rows are pale in pictures, and do not count for gaps.</p>'
            )
        parts.append(_scroll(_slice_table(judged, column, items, certainty)))
        parts.append('<div class="plots">')
        for name in judged.values:
            rows = [
                (
                    _value(item.value),
                    item.metrics[name],
                    None if sure is None else sure[index][name],
                    item.rows >= judged.min_rows,
                )
                for index, item in enumerate(items)
            ]
            drawn = plots.forest(f"{name} by {column}", rows, judged.values[name])
            parts += [plots.figure(name, drawn)] if drawn else []
        parts.append("</div>")
    return parts


def _value(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _slice_table(
    judged: Judged, column: str, items: Sequence[Slice], certainty: Certainty | None
) -> str:
    names = list(judged.values)
    rows: list[Sequence[Any]] = []
    for index, item in enumerate(items):
        sure: Intervals = {} if certainty is None else certainty.slices[column][index]
        cells = [_cell(item.metrics[name], sure.get(name)) for name in names]
        rows.append((_value(item.value), item.rows, *cells))
    gaps = judged.gaps[column]
    sure = {} if certainty is None else certainty.gaps[column]
    rows.append(("gap", "", *(_gap(gaps[name], sure.get(name)) for name in names)))
    return table([column, "rows", *names], rows)


def _cell(value: float | None, interval: Interval | None) -> Html | Measured:
    """A value with its interval."""
    if value is None or interval is None:
        return Measured(value)
    return Html(f'{value:.4f} <span class="range">{_range(interval)}</span>')


def _gap(value: float | None, interval: Interval | None) -> Html | Measured | str:
    return "" if value is None else _cell(value, interval)


def _inputs(inputs: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for item in inputs:
        kind = item["kind"] + ("?" if item["nullable"] else "")
        levels = "" if item["levels"] is None else ", ".join(item["levels"])
        rows.append((item["name"], kind, levels, ", ".join(item["sources"])))
    return table(["input", "type", "levels", "made from"], rows)


def _provenance(judged: Judged, training: Mapping[str, Any]) -> list[tuple[str, Any]]:
    packages = ", ".join(f"{name} {version}" for name, version in training["packages"].items())
    return [
        ("model", judged.model.digest),
        ("trainer", training["python"]),
        ("features", judged.model.record["features"]),
        ("training rows", training["rows"]),
        ("seed", training["seed"]),
        ("threads", training["threads"]),
        ("packages", packages),
    ]

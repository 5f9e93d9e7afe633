"""A page about one judged model: readable offline, light or dark, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mlp_runtime import charts
from mlp_runtime.evaluate import Judged, Slice
from mlp_runtime.text import count, number

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --faint: #69707d; --line: #d9dde5; --paper: #fff;
  --good: #2563a8; --bad: #c2542d; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8f0; --faint: #98a1b3; --line: #343b4a; --paper: #151922; --good: #6ea8e6;
    --bad: #e58a63; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p { margin: .3rem 0; } .faint { color: var(--faint); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .28rem 1.4rem .28rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { font-weight: 600; color: var(--faint); } td.n { text-align: right; }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
svg text.faint { font-size: 11px; fill: var(--faint); } svg .good { fill: var(--good); }
svg .bad { fill: var(--bad); } svg .guide { stroke: var(--faint); stroke-dasharray: 4 4; }
svg .point { fill: var(--good); fill-opacity: .45; }
"""


def write(judged: Judged, path: Path) -> None:
    """Write the page."""
    path.write_text(page(judged), encoding="utf-8", newline="\n")


def page(judged: Judged) -> str:
    """The page as text."""
    training = judged.model.record["training"]
    what = f"{judged.model.label.name} by {training['trainer']}"
    body = [
        f"<h1>{escape(judged.report)}</h1>",
        f'<p class="faint">{escape(what)}, judged {_where(judged)}</p>',
        "<h2>Metrics</h2>",
        _metrics(judged),
        *_folds(judged),
        *_pictures(judged),
        *_slices(judged),
        "<h2>Model</h2>",
        _table(["hyperparameter", "value"], training["hyperparameters"].items()),
        "<h2>What the model reads</h2>",
        _inputs(judged.model.record["inputs"]),
        "<h2>Provenance</h2>",
        _table(["fact", "value"], _provenance(judged, training)),
    ]
    title = escape(f"{judged.report}: {what}")
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style>"
    )
    text = "\n".join(body)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{text}\n</body></html>\n'


def _where(judged: Judged) -> str:
    if judged.folds:
        return f"by {count(len(judged.folds), 'fold')}: {count(judged.rows, 'prediction')}"
    return f"on {count(judged.rows, 'row')} of the part {escape(judged.part)}"


def _metrics(judged: Judged) -> str:
    better = {metric.name: metric.better for metric in judged.metrics}
    if judged.folds:
        spread = judged.spread
        told = [
            (name, _Measured(value), _Measured(spread[name]), f"{better[name]} is better")
            for name, value in judged.values.items()
        ]
        return _table(["metric", "mean", "standard deviation", ""], told)
    rows = [
        (name, _Measured(value), f"{better[name]} is better")
        for name, value in judged.values.items()
    ]
    return _table(["metric", "value", ""], rows)


def _folds(judged: Judged) -> list[str]:
    """Each fold by itself: whether they agree."""
    if not judged.folds:
        return []
    rows = [
        (index, fold.rows, *(_Measured(value) for value in fold.values.values()))
        for index, fold in enumerate(judged.folds, start=1)
    ]
    return ["<h2>By fold</h2>", _table(["fold", "rows", *judged.values], rows)]


def _pictures(judged: Judged) -> list[str]:
    if judged.model.label.task == "regression":
        true, guess = judged.truth.astype(np.float64), judged.predicted.astype(np.float64)
        return [
            "<h2>Predicted and true</h2>",
            charts.predicted_and_true(true, guess),
            "<h2>Residuals</h2>",
            charts.histogram(guess - true),
        ]
    codes, guesses = judged.truth.astype(np.int64), judged.predicted.astype(np.int64)
    return ["<h2>Confusion matrix</h2>", charts.confusion(codes, guesses, judged.model.classes)]


def _slices(judged: Judged) -> list[str]:
    parts = []
    for column, items in judged.slices.items():
        parts.append(f"<h2>By {escape(column)}</h2>")
        parts.append(_slice_table(column, items, list(judged.values)))
    return parts


def _slice_table(column: str, items: Sequence[Slice], names: Sequence[str]) -> str:
    rows = [
        (item.value, item.rows, *(_Measured(item.metrics[name]) for name in names))
        for item in items
    ]
    return _table([column, "rows", *names], rows)


def _inputs(inputs: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for item in inputs:
        kind = item["kind"] + ("?" if item["nullable"] else "")
        levels = "" if item["levels"] is None else ", ".join(item["levels"])
        rows.append((item["name"], kind, levels, ", ".join(item["sources"])))
    return _table(["input", "type", "levels", "made from"], rows)


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


@dataclass(frozen=True)
class _Measured:
    """A metric's value in a table: all with the same digits, so that columns can be read down."""

    value: float | None


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "\n".join(f"<tr>{''.join(_cell(item) for item in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _cell(value: Any) -> str:
    if isinstance(value, _Measured):
        text = "undefined" if value.value is None else f"{value.value:.4f}"
        return f'<td class="n">{text}</td>'
    if isinstance(value, float):
        return f'<td class="n">{number(value)}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="n">{value}</td>'
    text = value if isinstance(value, str) else json.dumps(value)
    return f"<td>{escape(text)}</td>"

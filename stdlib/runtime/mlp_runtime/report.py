"""A page about one judged model: readable offline, light or dark, the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mlp_runtime import charts
from mlp_runtime.evaluate import Judged, Slice
from mlp_runtime.page import Measured, document, table
from mlp_runtime.text import count


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
        table(["hyperparameter", "value"], training["hyperparameters"].items()),
        "<h2>What the model reads</h2>",
        _inputs(judged.model.record["inputs"]),
        "<h2>Provenance</h2>",
        table(["fact", "value"], _provenance(judged, training)),
    ]
    return document(f"{judged.report}: {what}", body)


def _where(judged: Judged) -> str:
    if judged.folds:
        return f"by {count(len(judged.folds), 'fold')}: {count(judged.rows, 'prediction')}"
    return f"on {count(judged.rows, 'row')} of the part {escape(judged.part)}"


def _metrics(judged: Judged) -> str:
    better = {metric.name: metric.better for metric in judged.metrics}
    if judged.folds:
        spread = judged.spread
        told = [
            (name, Measured(value), Measured(spread[name]), f"{better[name]} is better")
            for name, value in judged.values.items()
        ]
        return table(["metric", "mean", "standard deviation", ""], told)
    rows = [
        (name, Measured(value), f"{better[name]} is better")
        for name, value in judged.values.items()
    ]
    return table(["metric", "value", ""], rows)


def _folds(judged: Judged) -> list[str]:
    """Each fold by itself: whether they agree."""
    if not judged.folds:
        return []
    rows = [
        (index, fold.rows, *(Measured(value) for value in fold.values.values()))
        for index, fold in enumerate(judged.folds, start=1)
    ]
    return ["<h2>By fold</h2>", table(["fold", "rows", *judged.values], rows)]


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
        (item.value, item.rows, *(Measured(item.metrics[name]) for name in names)) for item in items
    ]
    return table([column, "rows", *names], rows)


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

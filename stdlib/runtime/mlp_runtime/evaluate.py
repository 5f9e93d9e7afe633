"""Judges a model on one part: metrics, the same by slice, predictions row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlp_runtime import design, expr, files, formats, identity, split, table
from mlp_runtime.design import Codes, Numbers
from mlp_runtime.model import Model, load
from mlp_runtime.step import Failure
from mlp_runtime.text import number

Needs = Literal["label", "probability", "value"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """A metric under the name by which it is reported."""

    name: str
    measure: Callable[..., float]
    needs: Needs = field(kw_only=True)
    better: Better = field(kw_only=True)
    arguments: Mapping[str, Any] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The rows that share one value of a column."""

    value: Any
    rows: int
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A model's record on one part."""

    report: str
    part: str
    model: Model
    metrics: Sequence[Metric]
    values: Mapping[str, float | None]
    slices: Mapping[str, Sequence[Slice]]
    truth: Numbers | Codes
    predicted: Numbers | Codes
    probabilities: Numbers | None
    predictions: pl.DataFrame

    @property
    def numbers(self) -> dict[str, float]:
        """The metrics that are defined, for the step's result."""
        return {name: value for name, value in self.values.items() if value is not None}

    @property
    def rows(self) -> int:
        """How many rows were judged."""
        return self.predictions.height

    def summary(self) -> str:
        """`roc_auc 0.91, log_loss 0.31 on 104 rows`."""
        told = ", ".join(f"{name} {number(value)}" for name, value in self.values.items())
        return f"{told} on {self.rows} rows of {self.part}"


def judge(
    model: Model,
    rows: pl.DataFrame,
    metrics: Sequence[Metric],
    *,
    report: str,
    part: str,
    slices: Sequence[str] = (),
) -> Judged:
    """Judge `model` on the rows of a part."""
    if rows.is_empty():
        raise Failure(f"the part {part} holds no row to judge by")
    truth = design.truth(rows, model.label)
    weights = design.weights(rows, model.features.WEIGHT)
    probabilities = model.predict_proba(rows) if model.has_probabilities else None
    predicted = model.values(rows) if model.label.task == "regression" else model.codes(rows)
    scores = Scores(truth=truth, predicted=predicted, probabilities=probabilities, weights=weights)
    return Judged(
        report=report,
        part=part,
        model=model,
        metrics=metrics,
        values=scores.measure(metrics),
        slices={column: _slices(scores, metrics, rows, column) for column in slices},
        truth=truth,
        predicted=predicted,
        probabilities=probabilities,
        predictions=_predictions(
            model, rows, predicted, probabilities, [*model.features.KEY, *slices]
        ),
    )


def write(judged: Judged, *, metrics: Path, predictions: Path) -> None:
    """Store the numbers and the predictions."""
    files.write_json(metrics, record(judged))
    table.write(judged.predictions, predictions)


def record(judged: Judged) -> dict[str, Any]:
    """The numbers as they are stored."""
    slices = {
        column: [
            {"value": item.value, "rows": item.rows, "metrics": dict(item.metrics)}
            for item in items
        ]
        for column, items in judged.slices.items()
    }
    return {
        "format": formats.METRICS,
        "report": judged.report,
        "part": judged.part,
        "task": judged.model.label.task,
        "rows": judged.rows,
        "metrics": dict(judged.values),
        "better": {metric.name: metric.better for metric in judged.metrics},
        "slices": slices,
        "model": judged.model.digest,
    }


def champion(
    folder: Path | None,
    *,
    datasets: Mapping[str, Path],
    parts: Path,
    part: str,
    metrics: Sequence[Metric],
    report: str,
    slices: Sequence[str] = (),
) -> dict[str, Any] | None:
    """The champion's numbers on the same rows, made by its own features; None without a champion.

    Where it can't be judged fairly the record says why instead.
    """
    if folder is None:
        return None
    held = load(folder)
    chosen = table.read(parts).filter(pl.col(split.PART) == part).drop(split.PART)
    reason, rows = _rows_for(held, folder, chosen, datasets)
    if rows is None:
        return {"model": held.digest, "refused": reason}
    return record(judge(held, rows, metrics, report=report, part=part, slices=slices))


def _rows_for(
    held: Model, folder: Path, chosen: pl.DataFrame, datasets: Mapping[str, Path]
) -> tuple[str, pl.DataFrame | None]:
    """The chosen rows as a model's own features make them, or why they can't be had."""
    key = held.features.KEY
    missing = [name for name in held.features.DATASETS if name not in datasets]
    if missing:
        return f"the champion reads {', '.join(missing)}, which this run does not", None
    if list(key) != chosen.columns:
        return f"the champion tells rows apart by {', '.join(key)}", None
    known = identity.count_known(chosen, key, folder / "training_rows.bin")
    if known > 0:
        return f"the champion was trained on {known} of these {chosen.height} rows", None
    try:
        given = [table.scan(datasets[name]) for name in held.features.DATASETS]
        rows = table.collect(held.features.rows(*given))
    except (pl.exceptions.ColumnNotFoundError, pl.exceptions.SchemaError) as error:
        return f"the champion can't read these rows: {str(error).partition(chr(10))[0]}", None
    rows = rows.join(chosen, on=key, how="semi", maintain_order="left")
    if rows.height != chosen.height:
        return f"the champion leaves out {chosen.height - rows.height} of these rows", None
    return "", rows


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Truth and predictions of some rows."""

    truth: Numbers | Codes
    predicted: Numbers | Codes
    probabilities: Numbers | None
    weights: Numbers | None

    def of(self, chosen: NDArray[np.bool_]) -> Scores:
        """Those of the chosen rows."""
        return Scores(
            truth=self.truth[chosen],
            predicted=self.predicted[chosen],
            probabilities=None if self.probabilities is None else self.probabilities[chosen],
            weights=None if self.weights is None else self.weights[chosen],
        )

    def measure(self, metrics: Sequence[Metric]) -> dict[str, float | None]:
        """Each metric; None where these rows leave it undefined."""
        return {metric.name: self._one(metric) for metric in metrics}

    def _one(self, metric: Metric) -> float | None:
        weight = {} if self.weights is None else {"weight": self.weights}
        value = metric.measure(self.truth, self._given(metric), **weight, **metric.arguments)
        return float(value) if math.isfinite(value) else None

    def _given(self, metric: Metric) -> Numbers | Codes:
        if metric.needs != "probability":
            return self.predicted
        if self.probabilities is None:
            raise Failure(f"{metric.name} needs probabilities; this model gives none")
        return self.probabilities[:, 1] if self.probabilities.shape[1] == 2 else self.probabilities


def _slices(
    scores: Scores, metrics: Sequence[Metric], rows: pl.DataFrame, column: str
) -> list[Slice]:
    """One slice per value, in the order of the values, null last."""
    values = rows.select(expr.column(column)).to_series()
    found = values.unique().sort(nulls_last=True).to_list()
    return [_slice(scores, metrics, values, value) for value in found]


def _slice(scores: Scores, metrics: Sequence[Metric], values: pl.Series, value: Any) -> Slice:
    chosen = values.is_null() if value is None else (values == value).fill_null(False)
    shown_value = value if value is None or isinstance(value, bool | int | str) else str(value)
    return Slice(
        value=shown_value,
        rows=int(chosen.sum()),
        metrics=scores.of(chosen.to_numpy()).measure(metrics),
    )


def _predictions(
    model: Model,
    rows: pl.DataFrame,
    predicted: Numbers | Codes,
    probabilities: Numbers | None,
    carried: Sequence[str],
) -> pl.DataFrame:
    """Key, slices, truth, prediction and probabilities of each row."""
    label = model.label
    kept = rows.select(expr.columns(dict.fromkeys([*carried, label.name])))
    if label.task == "regression":
        answer = pl.Series("__prediction__", predicted)
    else:
        answer = design.named(predicted.astype(np.int64), label).alias("__prediction__")
    if probabilities is None:
        return kept.with_columns(answer)
    chances = [
        pl.Series(f"__probability__{name}", probabilities[:, index])
        for index, name in enumerate(model.classes)
    ]
    return kept.with_columns(answer, *chances)

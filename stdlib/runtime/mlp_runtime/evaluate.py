"""Judges a model on one part or by its folds: metrics, the same by slice, predictions by row."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
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

_PREDICTION = "__prediction__"
_PROBABILITY = "__probability__"


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
class Fold:
    """The record of one fold's model on the rows that it left out."""

    rows: int
    values: Mapping[str, float | None]
    slices: Mapping[str, Sequence[Slice]]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A model's record on one part, or by its folds: then each value is the mean over them."""

    report: str
    part: str
    model: Model
    metrics: Sequence[Metric]
    values: Mapping[str, float | None]
    slices: Mapping[str, Sequence[Slice]]
    truth: Numbers | Codes
    predicted: Numbers | Codes
    predictions: pl.DataFrame
    folds: Sequence[Fold] = ()

    @property
    def numbers(self) -> dict[str, float]:
        """The metrics that are defined, for the step's result."""
        return {name: value for name, value in self.values.items() if value is not None}

    @property
    def rows(self) -> int:
        """How many rows were judged."""
        return self.predictions.height

    @property
    def spread(self) -> dict[str, float | None]:
        """The standard deviation of each metric over the folds."""
        return {name: _spread(fold.values[name] for fold in self.folds) for name in self.values}

    def summary(self) -> str:
        """`roc_auc 0.91, log_loss 0.31 on 104 rows of test`, `roc_auc 0.91 ± 0.02 over 5 folds`."""
        if not self.folds:
            told = ", ".join(f"{name} {number(value)}" for name, value in self.values.items())
            return f"{told} on {self.rows} rows of {self.part}"
        spread = self.spread
        told = ", ".join(
            f"{name} {number(value)} ± {number(spread[name])}"
            for name, value in self.values.items()
        )
        return f"{told} over {len(self.folds)} folds"


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
    predicted, probabilities = model.answers(rows)
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
        predictions=_predictions(model, rows, predicted, probabilities, _carried(model, slices)),
    )


def _carried(model: Model, slices: Sequence[str]) -> list[str]:
    """The columns that stand beside predictions: by these they can be judged again."""
    weight = model.features.WEIGHT
    return [*model.features.KEY, *slices, *([] if weight is None else [weight])]


def out_of_fold(model: Model, rows: pl.DataFrame) -> pl.DataFrame:
    """What a fold's model says of the rows that it left out: key, truth, prediction, chances."""
    predicted, probabilities = model.answers(rows)
    return _predictions(model, rows, predicted, probabilities, model.features.KEY)


def judge_folds(
    model: Model,
    rows: pl.DataFrame,
    folds: Sequence[Path],
    metrics: Sequence[Metric],
    *,
    report: str,
    part: str,
    slices: Sequence[str] = (),
) -> Judged:
    """Judge how `model` came to be by the out-of-fold predictions of its folds."""
    given = [_with_carried(table.read(path), rows, model, slices) for path in folds]
    scores = [scores_of(predictions, model) for predictions in given]
    judged = [
        Fold(
            rows=predictions.height,
            values=found.measure(metrics),
            slices={column: _slices(found, metrics, predictions, column) for column in slices},
        )
        for predictions, found in zip(given, scores, strict=True)
    ]
    numbered = [
        predictions.with_columns(pl.lit(index, dtype=pl.Int64).alias("__fold__"))
        for index, predictions in enumerate(given, start=1)
    ]
    return Judged(
        report=report,
        part=part,
        model=model,
        metrics=metrics,
        values={item.name: _mean(fold.values[item.name] for fold in judged) for item in metrics},
        slices={
            column: _mean_slices([fold.slices[column] for fold in judged]) for column in slices
        },
        truth=np.concatenate([found.truth for found in scores]),
        predicted=np.concatenate([found.predicted for found in scores]),
        predictions=pl.concat(numbered),
        folds=judged,
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
    told = {
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
    if judged.folds:
        told["spread"] = judged.spread
        told["folds"] = [{"rows": fold.rows, "metrics": dict(fold.values)} for fold in judged.folds]
    return told


@dataclass(frozen=True)
class Champion:
    """A champion's numbers as they are stored, or why there are none, and how it was judged."""

    record: Mapping[str, Any]
    judged: Judged | None = None


def champion(
    folder: Path | None,
    *,
    datasets: Mapping[str, Path],
    parts: Path,
    part: str,
    metrics: Sequence[Metric],
    report: str,
    slices: Sequence[str] = (),
) -> Champion | None:
    """The champion judged on the same rows, made by its own features; None without a champion.

    Where it can't be judged fairly the record says why instead.
    """
    if folder is None:
        return None
    held = load(folder)
    chosen = split.keys_of(table.read(parts), part)
    reason, rows = _rows_for(held, folder, chosen, datasets)
    if rows is None:
        return Champion({"model": held.digest, "refused": reason})
    judged = judge(held, rows, metrics, report=report, part=part, slices=slices)
    return Champion(record(judged), judged)


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

    def of(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Scores:
        """Those of the chosen rows, by flags or by places, of which one may come twice."""
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
    return [
        Slice(value=value, rows=int(chosen.sum()), metrics=scores.of(chosen).measure(metrics))
        for value, chosen in members(rows, column)
    ]


def members(rows: pl.DataFrame, column: str) -> list[tuple[Any, NDArray[np.bool_]]]:
    """Each value of a column as reports show it, null last, and which rows have it."""
    values = rows.select(expr.column(column)).to_series()
    found = []
    for value in values.unique().sort(nulls_last=True).to_list():
        chosen = values.is_null() if value is None else (values == value).fill_null(False)
        is_plain = value is None or isinstance(value, bool | int | str)
        found.append((value if is_plain else str(value), chosen.to_numpy()))
    return found


def _with_carried(
    predictions: pl.DataFrame, rows: pl.DataFrame, model: Model, slices: Sequence[str]
) -> pl.DataFrame:
    """Predictions beside the slices and weights of their rows."""
    key, weight = model.features.KEY, model.features.WEIGHT
    wanted = dict.fromkeys([*slices, *([] if weight is None else [weight])])
    more = [name for name in wanted if name not in predictions.columns]
    carried = rows.select(expr.columns([*key, *more]))
    return predictions.join(carried, on=key, how="left", maintain_order="left")


def scores_of(predictions: pl.DataFrame, model: Model) -> Scores:
    """Truth and predictions as a table of predictions holds them."""
    label, answer = model.label, predictions[_PREDICTION]
    chances = [f"{_PROBABILITY}{name}" for name in model.classes]
    has_chances = bool(chances) and set(chances) <= set(predictions.columns)
    return Scores(
        truth=design.truth(predictions, label),
        predicted=(
            answer.to_numpy() if label.task == "regression" else design.codes(answer, label)
        ),
        probabilities=(
            np.column_stack([predictions[name].to_numpy() for name in chances])
            if has_chances
            else None
        ),
        weights=design.weights(predictions, model.features.WEIGHT),
    )


def _mean_slices(folds: Sequence[Sequence[Slice]]) -> list[Slice]:
    """The slices of all folds by value: the mean of each metric, the rows of all."""
    found: dict[Any, list[Slice]] = {}
    for item in (item for slices in folds for item in slices):
        found.setdefault(item.value, []).append(item)
    order = sorted(found, key=lambda value: (value is None, "" if value is None else value))
    return [
        Slice(
            value=value,
            rows=sum(item.rows for item in found[value]),
            metrics={
                name: _mean(item.metrics[name] for item in found[value])
                for name in found[value][0].metrics
            },
        )
        for value in order
    ]


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are defined."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _spread(values: Iterable[float | None]) -> float | None:
    """The sample standard deviation of those that are defined."""
    known = [value for value in values if value is not None]
    return statistics.stdev(known) if len(known) > 1 else None


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
        answer = pl.Series(_PREDICTION, predicted)
    else:
        answer = design.named(predicted.astype(np.int64), label).alias(_PREDICTION)
    if probabilities is None:
        return kept.with_columns(answer)
    chances = [
        pl.Series(f"{_PROBABILITY}{name}", probabilities[:, index])
        for index, name in enumerate(model.classes)
    ]
    return kept.with_columns(answer, *chances)

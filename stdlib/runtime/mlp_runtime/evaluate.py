"""Judges a model on one part or by its folds: metrics, the same by slice, predictions by row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlp_runtime import design, expr, files, formats, identity, split, table
from mlp_runtime.design import Codes, Numbers
from mlp_runtime.judged import Certainty, Fold, Importance, Judged, Slice
from mlp_runtime.model import Model, load
from mlp_runtime.scores import FOLD, PREDICTION, PROBABILITY, Metric, Scores, members, scores_of
from mlp_runtime.step import Failure


def judge(
    model: Model,
    rows: pl.DataFrame,
    metrics: Sequence[Metric],
    *,
    report: str,
    part: str,
    slices: Sequence[str] = (),
    min_rows: int = 100,
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
        min_rows=min_rows,
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
    min_rows: int = 100,
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
        predictions.with_columns(pl.lit(index, dtype=pl.Int64).alias(FOLD))
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
        min_rows=min_rows,
    )


def write(
    judged: Judged,
    *,
    metrics: Path,
    predictions: Path,
    certainty: Certainty | None = None,
    explained: Sequence[Importance] = (),
) -> None:
    """Store the numbers and the predictions."""
    files.write_json(metrics, record(judged, certainty, explained))
    table.write(judged.predictions, predictions)


def record(
    judged: Judged, certainty: Certainty | None = None, explained: Sequence[Importance] = ()
) -> dict[str, Any]:
    """The numbers as they are stored."""
    slices = {
        column: [
            {"value": item.value, "rows": item.rows, "metrics": dict(item.metrics)}
            for item in items
        ]
        for column, items in judged.slices.items()
    }
    told: dict[str, Any] = {
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
    if slices:
        told["gaps"] = {"min_rows": judged.min_rows, "columns": judged.gaps}
    if judged.folds:
        told["spread"] = judged.spread
        told["folds"] = [{"rows": fold.rows, "metrics": dict(fold.values)} for fold in judged.folds]
    if certainty is not None:
        told["intervals"] = asdict(certainty)
    if explained:
        told["importance"] = [asdict(item) for item in explained]
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


def _slices(
    scores: Scores, metrics: Sequence[Metric], rows: pl.DataFrame, column: str
) -> list[Slice]:
    """One slice per value, in the order of the values, null last."""
    return [
        Slice(value=value, rows=int(chosen.sum()), metrics=scores.of(chosen).measure(metrics))
        for value, chosen in members(rows, column)
    ]


def _with_carried(
    predictions: pl.DataFrame, rows: pl.DataFrame, model: Model, slices: Sequence[str]
) -> pl.DataFrame:
    """Predictions beside the slices and weights of their rows."""
    key, weight = model.features.KEY, model.features.WEIGHT
    wanted = dict.fromkeys([*slices, *([] if weight is None else [weight])])
    more = [name for name in wanted if name not in predictions.columns]
    carried = rows.select(expr.columns([*key, *more]))
    return predictions.join(carried, on=key, how="left", maintain_order="left")


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
        answer = pl.Series(PREDICTION, predicted)
    else:
        answer = design.named(predicted.astype(np.int64), label).alias(PREDICTION)
    if probabilities is None:
        return kept.with_columns(answer)
    chances = [
        pl.Series(f"{PROBABILITY}{name}", probabilities[:, index])
        for index, name in enumerate(model.classes)
    ]
    return kept.with_columns(answer, *chances)

"""Absent values from those of similar rows of the training part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from mlp_runtime.fitted import Numbers, State
from mlp_runtime.step import Failure

_CHUNK = 256


def donors(x: pl.Series, *columns: pl.Series, k: int = 5, keep: int = 5_000) -> State:
    """Rows of the training part that know x: at most `keep` of them, at equal steps in their order.

    They are stored with the model, so `keep` bounds its size and the time that a row takes.
    """
    known = pl.DataFrame([x.alias("x"), *(item.alias(str(at)) for at, item in enumerate(columns))])
    known = known.cast(pl.Float64).filter(pl.col("x").is_not_null())
    if known.is_empty():
        raise Failure(f"the training part holds no value of {x.name}, so none can stand for nulls")
    if known.height > keep:
        known = known[[place * known.height // keep for place in range(keep)]]
    mean: Any = x.cast(pl.Float64).mean()
    return {
        "values": known["x"].to_list(),
        "columns": [known[str(at)].to_list() for at in range(len(columns))],
        "mean": float(mean),
    }


def imputed(
    x: pl.Expr,
    columns: Sequence[pl.Expr],
    values: Sequence[float],
    others: Sequence[Sequence[float | None]],
    mean: float,
    k: int,
) -> pl.Expr:
    """x, or where it is null the mean of its k nearest donors.

    The distance is Euclidean over the numbers that both rows know, scaled up for those that one of
    them lacks. Of equally near donors the first ones count. Without a donor that shares a number
    with the row, it is the training part's mean.
    """
    given = np.array(values, dtype=np.float64)
    known = [np.array(column, dtype=np.float64) for column in others]

    def impute(series: Sequence[pl.Series]) -> pl.Series:
        wanted, *rest = (item.cast(pl.Float64).to_numpy() for item in series)
        found = wanted.copy()
        missing = np.flatnonzero(np.isnan(wanted))
        for start in range(0, missing.size, _CHUNK):
            rows = missing[start : start + _CHUNK]
            distances = _distances([column[rows] for column in rest], known)
            found[rows] = [_mean_of_nearest(row, given, k, mean) for row in distances]
        return pl.Series(found)

    return pl.map_batches([x, *columns], impute, return_dtype=pl.Float64)


def _distances(rows: Sequence[Numbers], known: Sequence[Numbers]) -> Numbers:
    """Squared distances, a row per row and a column per donor; NaN where nothing is shared."""
    total = np.zeros((rows[0].size, known[0].size))
    shared = np.zeros_like(total)
    for column, other in zip(rows, known, strict=True):
        difference = column[:, np.newaxis] - other
        total += np.where(np.isnan(difference), 0.0, difference * difference)
        shared += ~np.isnan(difference)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(shared > 0, total / shared, np.nan)


def _mean_of_nearest(distances: Numbers, values: Numbers, k: int, mean: float) -> float:
    # NaN sorts last.
    nearest = np.argsort(distances, kind="stable")[:k]
    nearest = nearest[~np.isnan(distances[nearest])]
    return sum(values[nearest].tolist()) / nearest.size if nearest.size else mean

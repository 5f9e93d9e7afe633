"""Fitted columns: what is learned from the training part, and how it is applied everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlp_runtime import files, formats

Numbers = NDArray[np.float64]

State = dict[str, Any]
"""What one column learned, by name."""

Transform = dict[str, State]
"""What all fitted columns learned, by column."""


def save(transform: Transform, path: Path, *, features: str) -> None:
    """Write what was learned as JSON; floats keep every bit."""
    files.write_json(
        path, {"format": formats.TRANSFORM, "features": features, "columns": transform}
    )


def load(path: Path) -> Transform:
    """Read what was learned."""
    columns: Transform = files.read_json(path, format=formats.TRANSFORM)["columns"]
    return columns


def mean_std(x: pl.Series) -> State:
    """Mean and population standard deviation; 1 where that is 0 or nothing is known."""
    values = x.cast(pl.Float64).drop_nulls()
    if values.is_empty():
        return {"mean": 0.0, "std": 1.0}
    return {"mean": _number(values.mean()), "std": _number(values.std(ddof=0)) or 1.0}


def min_max(x: pl.Series) -> State:
    """Smallest and largest value; 0 and 1 where nothing is known."""
    values = x.cast(pl.Float64).drop_nulls()
    if values.is_empty():
        return {"low": 0.0, "high": 1.0}
    return {"low": _number(values.min()), "high": _number(values.max())}


def median_range(x: pl.Series) -> State:
    """Median, and the distance from the first to the third quartile; 1 where that is 0 or nothing is known."""
    values = x.cast(pl.Float64).drop_nulls()
    if values.is_empty():
        return {"median": 0.0, "range": 1.0}
    low, high = (_number(values.quantile(at, interpolation="linear")) for at in (0.25, 0.75))
    return {"median": _number(values.median()), "range": (high - low) or 1.0}


def yeo_johnson_power(x: pl.Series) -> State:
    """The power that makes the values most alike a normal distribution (Yeo and Johnson, 2000); 1 where they are equal."""
    values = _values(x)
    above, below = np.log1p(values[values >= 0.0]), np.log1p(-values[values < 0.0])

    def spread(power: float) -> float:
        if not above.size or not below.size:
            return _log_variance(above, power) if above.size else _log_variance(below, 2.0 - power)
        both = np.concatenate([_raised(above, power), -_raised(below, 2.0 - power)])
        return float(np.log(np.var(both)))

    return {"power": _likeliest(spread, values, float(above.sum() - below.sum()))}


def box_cox_power(x: pl.Series) -> State:
    """The power that makes the positive values most alike a normal distribution; 1 where they are equal."""
    values = _values(x)
    logs = np.log(values[values > 0.0])
    spread = partial(_log_variance, logs)
    return {"power": _likeliest(spread, logs, float(logs.sum()))}


def levels(x: pl.Series) -> State:
    """The values that occur, sorted."""
    return {"levels": x.cast(pl.String).drop_nulls().unique().sort().to_list()}


def fill(x: pl.Series, strategy: Literal["mean", "median", "most_frequent"] = "median") -> State:
    """What stands for an absent value; the smallest of equally frequent ones."""
    values = x.drop_nulls()
    if values.is_empty():
        raise ValueError(
            f"the training part holds no value of {x.name}, so none can stand for nulls"
        )
    if strategy == "most_frequent":
        counts = values.value_counts(sort=False, name="count")
        value = counts.sort("count", values.name, descending=[True, False]).item(0, values.name)
    else:
        value = values.mean() if strategy == "mean" else values.median()
        value = round(_number(value)) if values.dtype.is_integer() else value
    if value is None:
        raise ValueError(f"{x.name} has no {strategy}: it holds {values.dtype}")
    return {"value": value}


def quantiles(x: pl.Series, bins: int = 4) -> State:
    """Inner edges of `bins` bins with about equally many rows; equal edges are one."""
    values = x.cast(pl.Float64).drop_nulls()
    edges = [values.quantile(step / bins, interpolation="linear") for step in range(1, bins)]
    return {"edges": sorted({edge for edge in edges if edge is not None})}


def one_hot(x: pl.Expr, levels: Sequence[str]) -> pl.Expr:
    """One number per level: 1 at the value's own, 0 elsewhere; all 0 for null and unseen values."""
    text = x.cast(pl.String)
    hits = [(text == level).fill_null(False).cast(pl.Float64) for level in levels]
    if not hits:
        # An empty vector for each row, not one for all.
        empty = pl.lit([], dtype=pl.Array(pl.Float64, 0))
        return pl.when(text.is_null()).then(empty).otherwise(empty)
    return pl.concat_arr(hits)


def ordinal(x: pl.Expr, levels: Sequence[str]) -> pl.Expr:
    """Position of the value among the levels; null where it was not seen."""
    return x.cast(pl.String).replace_strict(
        list(levels), list(range(len(levels))), default=None, return_dtype=pl.Int64
    )


def bin(x: pl.Expr, edges: Sequence[float]) -> pl.Expr:
    """Number of edges below the value: a value on an edge belongs to the bin that the edge ends."""
    above = [(x > edge).cast(pl.Int64) for edge in edges]
    return pl.sum_horizontal(above, ignore_nulls=False) if above else x.cast(pl.Int64) * 0


def yeo_johnson(x: pl.Expr, power: float) -> pl.Expr:
    """The values raised to a power of 1 + x, those below zero mirrored to 2 - `power`."""
    above = box_cox(x.clip(lower_bound=0.0) + 1.0, power)
    below = -box_cox(1.0 - x.clip(upper_bound=0.0), 2.0 - power)
    return pl.when(x >= 0.0).then(above).otherwise(below)


def box_cox(x: pl.Expr, power: float) -> pl.Expr:
    """(x ** power - 1) / power, which for a power of 0 is the logarithm."""
    return x.log() if power == 0.0 else (x.pow(power) - 1.0) / power


def _values(x: pl.Series) -> Numbers:
    return x.cast(pl.Float64).drop_nulls().to_numpy()


def _raised(logs: Numbers, power: float) -> Numbers:
    """`box_cox` of numbers whose logarithms these are."""
    return logs if power == 0.0 else np.expm1(power * logs) / power


def _log_variance(logs: Numbers, power: float) -> float:
    """The logarithm of the variance of raised numbers; infinite where they would share half of their digits."""
    middle = float(logs.mean())
    variance = float(np.log(np.var(_raised(logs - middle, power)))) + 2.0 * power * middle
    size = float(np.log(np.abs(_raised(np.array([middle]), power)))[0])
    return variance if variance > 2.0 * (size + _LEAST_SPREAD) else np.inf


def _likeliest(spread: Callable[[float], float], values: Numbers, logs: float) -> float:
    """The power of the greatest normal likelihood, from the logarithm of the variance that a power gives.

    It is the least of a function that is strictly convex in the power (Kouider and Chen, 1995;
    Marchand et al., 2022), so that steps away from 1 enclose it and a golden section finds it.
    """
    if values.size < 2 or float(np.ptp(values)) == 0.0:
        return 1.0

    def cost(power: float) -> float:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = 0.5 * values.size * spread(power) - (power - 1.0) * logs
        return found if np.isfinite(found) else np.inf

    step = 1.0 if cost(1.0 + _STEP) < cost(1.0) else -1.0
    low, high = 1.0, 1.0 + step
    while cost(high + step) < cost(high) and abs(step) < _FARTHEST:
        low, high, step = high, high + step, 2.0 * step
    return _least(cost, min(low, high + step), max(low, high + step))


_LEAST_SPREAD = float(np.log(1e-7))
_STEP = 1e-4
_FARTHEST = 64.0
_GOLDEN = (5.0**0.5 - 1.0) / 2.0


def _least(cost: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one minimum between two points is least."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    while high - low > 1e-9:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(right)
    return 0.5 * (low + high)


def _number(value: Any) -> float:
    """An aggregate of floats that is known to exist."""
    return float(value)

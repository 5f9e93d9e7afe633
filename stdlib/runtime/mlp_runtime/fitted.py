"""Fitted columns: what is learned from the training part, and how it is applied everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from mlp_runtime import files, formats

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


def _number(value: Any) -> float:
    """An aggregate of floats that is known to exist."""
    return float(value)

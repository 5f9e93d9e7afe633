"""Aggregates over the rows of the training part that share their keys, looked up in every row.

A null is skipped, and a null key forms no group. Groups are told apart by their keys' text. A row whose
group was not seen in training counts 0 and sums to 0, and knows no other aggregate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from mlp_runtime.fitted import State


def count(*by: pl.Series, value: pl.Series | None = None, where: pl.Series | None = None) -> State:
    """How many rows, or rows where value is true."""
    length = next(len(series) for series in (*by, value) if series is not None)
    true = pl.repeat(True, length, eager=True) if value is None else value
    return _learned(by, true.cast(pl.Int64), pl.col("value").sum(), where)


def sum(*by: pl.Series, value: pl.Series, where: pl.Series | None = None) -> State:
    """The sum."""
    return _learned(by, value, pl.col("value").sum(), where)


def mean(*by: pl.Series, value: pl.Series, where: pl.Series | None = None) -> State:
    """The mean."""
    return _learned(by, value, pl.col("value").mean(), where)


def std(*by: pl.Series, value: pl.Series, where: pl.Series | None = None) -> State:
    """The sample standard deviation; null of fewer than two values."""
    return _learned(by, value, pl.col("value").std(), where)


def min(*by: pl.Series, value: pl.Series, where: pl.Series | None = None) -> State:
    """The least value."""
    return _learned(by, value, pl.col("value").min(), where)


def max(*by: pl.Series, value: pl.Series, where: pl.Series | None = None) -> State:
    """The greatest value."""
    return _learned(by, value, pl.col("value").max(), where)


def quantile(*by: pl.Series, value: pl.Series, where: pl.Series | None = None, q: float) -> State:
    """A quantile, by linear interpolation."""
    return _learned(by, value, pl.col("value").quantile(q, interpolation="linear"), where)


def n_unique(*by: pl.Series, value: pl.Series, where: pl.Series | None = None) -> State:
    """How many different values."""
    return _learned(by, value, pl.col("value").drop_nulls().n_unique(), where)


def looked_up(
    by: Sequence[pl.Expr],
    groups: Sequence[str],
    values: Sequence[Any],
    dtype: Any,
    nothing: int | None = None,
) -> pl.Expr:
    """What was learned of each row's group, of this type."""
    stored = pl.Float64 if dtype == pl.Float64 else pl.Int64
    found = pl.Series(values, dtype=stored).cast(dtype)
    if not by:
        return pl.lit(found.item(0) if len(found) else nothing, dtype=dtype)
    old = pl.Series(groups, dtype=pl.String)
    return _group(by).replace_strict(old, found, default=nothing, return_dtype=dtype)


def _learned(
    by: Sequence[pl.Series], value: pl.Series, aggregate: pl.Expr, where: pl.Series | None
) -> State:
    """Groups in order of their text, and the aggregate of each."""
    if value.dtype.is_decimal():
        value = value.cast(pl.Float64)
    keys = {f"key {place}": key for place, key in enumerate(by)}
    rows = pl.DataFrame({**keys, "value": value})
    if where is not None:
        rows = rows.filter(where)
    group = _group([pl.col(name) for name in keys]) if keys else pl.lit("")
    learned = (
        rows.select("value", group=group)
        .drop_nulls("group")
        .group_by("group", maintain_order=True)
        .agg(aggregate.alias("value"))
        .sort("group")
    )
    return {
        "groups": learned["group"].to_list(),
        "values": learned["value"].to_physical().to_list(),
    }


def _group(by: Sequence[pl.Expr]) -> pl.Expr:
    """One text for several keys, from which they could be told: each but a lone one after its length. Null if one is."""
    texts = [key.cast(pl.String) for key in by]
    if len(texts) == 1:
        return texts[0]
    parts = [part for text in texts for part in (text.str.len_chars(), pl.lit(":"), text)]
    return pl.concat_str(parts, ignore_nulls=False)

"""Aggregates over spans of time with the rolling kernels of Polars.

Frames hold `time`, the keys `key_0`, `key_1` … and the values `value_0`, `value_1` … . The kernels
add and remove values in order of time with compensation, so results are the same each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import polars as pl

# Longer than any time between two rows.
EVER = timedelta(days=3_650_000)

KERNELS = {
    "count": "sum",
    "sum": "sum",
    "mean": "mean",
    "std": "std",
    "min": "min",
    "max": "max",
    "quantile": "quantile",
}


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time that a window covers, seen from `t`: from `t - lag - window` to `t - lag`."""

    window: timedelta | None
    lag: timedelta

    @property
    def closed(self) -> Literal["left", "right"]:
        """Which end belongs to it: a row never sees its own time."""
        return "right" if self.lag else "left"

    @property
    def side(self) -> Literal["left", "right"]:
        """Of events at the time of an end, whether those count as before it."""
        return "right" if self.lag else "left"


@dataclass(frozen=True)
class Function:
    """An aggregate and its options."""

    name: str
    options: Mapping[str, Any]


def of_itself(rows: pl.DataFrame, functions: Mapping[str, Function], span: Span) -> pl.DataFrame:
    """Aggregates of rows over rows of the same frame, in their order."""
    if span.lag or rows["time"].null_count() > 0:
        return of_other(rows, rows, functions, span)
    keys = key_names(rows)
    lonely = [name for name in keys if rows[name].null_count() > 0]
    if lonely:
        grouped = pl.all_horizontal(pl.col(lonely).is_not_null())
        rows = rows.with_columns(pl.when(grouped).then(pl.col(list(functions))))
    return rows.select(_rolling(rows, keys, functions, span))


def of_other(
    rows: pl.DataFrame, events: pl.DataFrame, functions: Mapping[str, Function], span: Span
) -> pl.DataFrame:
    """Aggregates of rows over events, in the order of the rows.

    Rows and events are laid in one order of time, in which events come `lag` later. Rows have no
    values there, so they see events only.
    """
    keys = key_names(rows)
    asked = rows.select("time", *keys).with_row_index("row")
    known = events.select(pl.col("time") + span.lag, *keys, *functions).drop_nulls(["time", *keys])
    both = pl.concat([asked.drop_nulls(["time", *keys]), known], how="diagonal")
    both = both.sort("time", maintain_order=True)
    rolled = both.select("row", *_rolling(both, keys, functions, span)).drop_nulls("row")
    if rolled.height == rows.height:
        in_order = rolled["row"].is_sorted()
        return (rolled if in_order else rolled.sort("row")).drop("row")
    found = asked.select("row").join(rolled, on="row", how="left", maintain_order="left")
    return found.select(_of_nothing(name, function) for name, function in functions.items())


def key_names(rows: pl.DataFrame) -> list[str]:
    """The columns that hold keys."""
    return [name for name in rows.columns if name.startswith("key_")]


def numbers(rows: pl.DataFrame, name: str) -> pl.Expr:
    """The values of a column as numbers that kernels take: times and decimals by their units."""
    dtype = rows.schema[name]
    if dtype.is_temporal():
        return pl.col(name).to_physical()
    if dtype.is_decimal():
        return pl.col(name).to_physical().cast(pl.Int64)
    return pl.col(name)


def restored(value: pl.Expr, dtype: pl.DataType, function: Function) -> pl.Expr:
    """Numbers as the decimals that they count."""
    if not isinstance(dtype, pl.Decimal):
        return value
    if function.name in ("sum", "min", "max"):
        unit = pl.lit(Decimal(1).scaleb(-dtype.scale))
        return (value.cast(pl.Decimal(38, 0)) * unit).cast(dtype)
    return (value / float(10**dtype.scale)).cast(dtype)


def _rolling(
    rows: pl.DataFrame, keys: list[str], functions: Mapping[str, Function], span: Span
) -> list[pl.Expr]:
    window = EVER if span.window is None else span.window
    found = []
    for name, function in functions.items():
        kernel = getattr(numbers(rows, name), f"rolling_{KERNELS[function.name]}_by")
        rolled = kernel("time", window, closed=span.closed, **function.options)
        rolled = restored(rolled.over(keys) if keys else rolled, rows.schema[name], function)
        found.append(_of_nothing(name, function, rolled))
    return found


def _of_nothing(name: str, function: Function, value: pl.Expr | None = None) -> pl.Expr:
    """Sums and counts of nothing are 0."""
    value = pl.col(name) if value is None else value
    return (value.fill_null(0) if function.name in ("count", "sum") else value).alias(name)

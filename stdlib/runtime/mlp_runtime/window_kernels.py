"""Aggregates over spans of time with the rolling kernels of Polars.

Frames hold `time`, the keys `key_0`, `key_1` … and the values `value_0`, `value_1` … . The kernels
add and remove values in order of time with compensation, so results are the same each time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

# Longer than any time between two rows.
EVER = timedelta(days=3_650_000)

# Groups are many if half of these first rows have a group of their own.
SAMPLE = 65_536

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
    time = rows["time"]
    if span.lag or time.null_count() > 0 or not time.is_sorted():
        return of_other(rows, rows, functions, span)
    lonely = [name for name in key_names(rows) if rows[name].null_count() > 0]
    if lonely:
        grouped = pl.all_horizontal(pl.col(lonely).is_not_null())
        rows = rows.with_columns(pl.when(grouped).then(pl.col(list(functions))))
    return _rolled(rows, functions, span)


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
    # A row with a null key finds no event of its group, for there is none.
    both = pl.concat([asked.drop_nulls("time"), known], how="diagonal")
    both = both.sort("time", maintain_order=True)
    rolled = _rolled(both, functions, span).with_columns(both["row"]).drop_nulls("row")
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
    """Numbers as the decimals that they count; what divides gives floats of them."""
    if not isinstance(dtype, pl.Decimal):
        return value
    if function.name in ("sum", "min", "max"):
        unit = pl.lit(Decimal(1).scaleb(-dtype.scale))
        return (value.cast(pl.Decimal(38, 0)) * unit).cast(pl.Decimal(38, dtype.scale))
    return value / float(10**dtype.scale)


def _rolled(rows: pl.DataFrame, functions: Mapping[str, Function], span: Span) -> pl.DataFrame:
    """Aggregates of rows in order of time over those of their group."""
    keys = key_names(rows)
    numbered = _numbered(rows, keys, span) if keys else None
    if numbered is None:
        window = EVER if span.window is None else span.window
        rolled = _rolling(rows, functions, "time", window, span)
        return rows.select(value.over(keys) if keys else value for value in rolled)
    number, width = numbered
    order = np.argsort(number, kind="stable")
    laid = rows.select(
        pl.Series("number", number[order]).set_sorted(), pl.col(list(functions)).gather(order)
    )
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    rolled = _rolling(laid, functions, "number", f"{width}i", span)
    return laid.select(value.gather(back) for value in rolled)


def _numbered(
    rows: pl.DataFrame, keys: list[str], span: Span
) -> tuple[NDArray[np.int64], int] | None:
    """Numbers that grow with group and time, and the window's width in them, if groups are many.

    Groups lie further apart than a window is wide, so that one pass over all rows takes the place
    of one over each group, which would cost more than the group's few rows. Both give the same.
    """
    first_rows = rows.select(keys).head(SAMPLE)
    if 2 * first_rows.n_unique() <= first_rows.height:
        return None
    place = rows.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("place"), *keys)
    first = place.select(pl.col("place").first().over(keys)).to_series().to_numpy()
    group = (np.cumsum(first == np.arange(len(first)), dtype=np.int64) - 1)[first]
    time = rows["time"].to_physical().to_numpy()
    time = time - time[0]
    whole = int(time[-1]) + 1 if span.window is None else span.window // timedelta(microseconds=1)
    unit = math.gcd(int(np.gcd.reduce(time)), whole)
    time, width = time // unit, whole // unit
    apart = int(time[-1]) + width + 1
    too_large = (int(group.max()) + 1) * apart >= 2**63
    return None if too_large else (group * apart + time, width)


def _rolling(
    rows: pl.DataFrame,
    functions: Mapping[str, Function],
    by: str,
    window: timedelta | str,
    span: Span,
) -> list[pl.Expr]:
    found = []
    for name, function in functions.items():
        kernel = getattr(numbers(rows, name), f"rolling_{KERNELS[function.name]}_by")
        rolled = kernel(by, window, closed=span.closed, **function.options)
        rolled = restored(rolled, rows.schema[name], function)
        found.append(_of_nothing(name, function, rolled))
    return found


def _of_nothing(name: str, function: Function, value: pl.Expr | None = None) -> pl.Expr:
    """Sums and counts of nothing are 0."""
    value = pl.col(name) if value is None else value
    return (value.fill_null(0) if function.name in ("count", "sum") else value).alias(name)

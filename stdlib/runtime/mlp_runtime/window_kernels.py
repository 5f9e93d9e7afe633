"""Aggregates over spans of time with the rolling kernels of Polars.

Frames hold `time`, the keys `key_0`, `key_1` … and the values `value_0`, `value_1` … . The kernels
add and remove values in order of time with compensation, and start afresh where two windows share
nothing, so results are the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Integers = NDArray[np.int64]
MICROSECOND = timedelta(microseconds=1)

# One pass takes groups until their numbers would grow beyond this.
LIMIT = 2**61
# Fewer rows than this are not worth a pass of their own on another processor.
PASS_ROWS = 32_768

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

    def steps(self, longest: int) -> tuple[int, int]:
        """Window and lag in microseconds, no larger than what it takes to hold times `longest` apart."""
        window = 2 * longest
        if self.window is not None:
            window = min(self.window // MICROSECOND, window)
        return window, max(-longest, min(self.lag // MICROSECOND, longest))


@dataclass(frozen=True)
class Function:
    """An aggregate and its options."""

    name: str
    options: Mapping[str, Any]


# What is computed over each span, by the name of its value.
Asked = Mapping[Span, Mapping[str, Function]]


def rolled(rows: pl.DataFrame, events: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Aggregates of rows over spans of events, in the order of the rows."""
    functions = {name: item for group in asked.values() for name, item in group.items()}
    keys = key_names(rows)
    time = rows["time"]
    if events is rows and time.null_count() == 0 and time.is_sorted():
        return _in_order_of_time(rows.select("time", *keys, *_seen(rows, keys, functions)), asked)
    # Rows and events are laid in one order of time. Rows have no values there: they see events only.
    looking = rows.select("time", *keys).with_row_index("row")
    known = events.select("time", *keys, *functions).drop_nulls(["time", *keys])
    # A row with a null key finds no event of its group, for there is none.
    both = pl.concat([looking.drop_nulls("time"), known], how="diagonal")
    both = both.sort("time", maintain_order=True)
    found = _in_order_of_time(both, asked).with_columns(both["row"]).drop_nulls("row")
    if found.height == rows.height:
        return (found if found["row"].is_sorted() else found.sort("row")).drop("row")
    found = looking.select("row").join(found, on="row", how="left", maintain_order="left")
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


def groups(keys: pl.DataFrame) -> tuple[pl.Series, Integers]:
    """The rows group by group, those of a group in order, and how many each group has."""
    names = keys.columns
    numbered = keys.lazy().with_row_index("row")
    found = numbered.group_by(names, maintain_order=True).agg("row").collect(engine="in-memory")
    return found["row"].explode(), found["row"].list.len().to_numpy().astype(np.int64)


def _seen(rows: pl.DataFrame, keys: list[str], names: Mapping[str, Function]) -> list[pl.Expr]:
    """The values, null where a key is: such a row is not seen."""
    lonely = [name for name in keys if rows[name].null_count() > 0]
    values = [pl.col(name) for name in names]
    if not lonely:
        return values
    grouped = pl.all_horizontal(pl.col(lonely).is_not_null())
    return [pl.when(grouped).then(value) for value in values]


def _in_order_of_time(rows: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Aggregates of rows in order of time over those of their group.

    Rows are laid group by group and numbered, so that one pass serves all groups.
    """
    keys = key_names(rows)
    names = [name for functions in asked.values() for name in functions]
    values = rows.select(pl.col("time").to_physical(), *(numbers(rows, name) for name in names))
    if not keys:
        return _passed(values.rechunk(), np.array([rows.height]), asked, rows.schema)
    order, sizes = groups(rows.select(keys))
    found = _passed(values.select(pl.all().gather(order)), sizes, asked, rows.schema)
    back = np.empty(rows.height, dtype=np.uint32)
    back[order.to_numpy()] = np.arange(rows.height, dtype=np.uint32)
    return found.select(pl.all().gather(pl.Series(back)))


def _passed(laid: pl.DataFrame, sizes: Integers, asked: Asked, schema: pl.Schema) -> pl.DataFrame:
    """Aggregates of groups that lie one after the other."""
    time = laid["time"].to_numpy()
    longest = 1 + int(np.ptp(time)) if len(time) else 1
    steps = {span: span.steps(longest) for span in asked}
    reach = max(abs(lag) + window for window, lag in steps.values())

    def aggregated(part: pl.DataFrame, span: Span) -> pl.LazyFrame:
        window, lag = steps[span]
        rolling = part.lazy().rolling(
            "time", period=f"{window}i", offset=f"{-window - lag}i", closed=span.closed
        )
        values = (
            getattr(pl.col(name), KERNELS[function.name])(**function.options).alias(name)
            for name, function in asked[span].items()
        )
        return rolling.agg(values).drop("time")

    parts = list(_numbered(laid, sizes, reach))
    found = pl.collect_all(
        [aggregated(part, span) for span in asked for part in parts], engine="in-memory"
    )
    spans = [pl.concat(found[at : at + len(parts)]) for at in range(0, len(found), len(parts))]
    return pl.concat(spans, how="horizontal").select(
        _of_nothing(name, function, restored(pl.col(name), schema[name], function))
        for functions in asked.values()
        for name, function in functions.items()
    )


def _numbered(laid: pl.DataFrame, sizes: Integers, reach: int) -> Iterator[pl.DataFrame]:
    """Runs of groups whose times became numbers that grow, groups further apart than any sees.

    One pass over a run takes the place of one over each group; there are as many runs as processors
    have work for, and no result depends on how many.
    """
    time = laid["time"].to_numpy()
    ends = np.cumsum(sizes)
    if len(time) == 0:
        yield laid
        return
    starts = ends - sizes
    apart = time[ends - 1] - time[starts] + 1 + reach
    passes = min(pl.thread_pool_size(), 1 + len(time) // PASS_ROWS)
    share = (ends - 1) * passes // len(time)
    run = np.cumsum(apart, dtype=np.float64) // LIMIT
    firsts = np.flatnonzero(np.diff(run, prepend=-1) + np.diff(share, prepend=-1))
    for first, after in zip(firsts, [*firsts[1:], len(sizes)], strict=True):
        start, end = starts[first], ends[after - 1]
        shift = np.cumsum(apart[first:after]) - apart[first:after] - time[starts[first:after]]
        number = time[start:end] + np.repeat(shift, sizes[first:after])
        part = laid.slice(start, end - start)
        yield part.with_columns(pl.Series("time", number).set_sorted())


def _of_nothing(name: str, function: Function, value: pl.Expr | None = None) -> pl.Expr:
    """Sums and counts of nothing are 0."""
    value = pl.col(name) if value is None else value
    return (value.fill_null(0) if function.name in ("count", "sum") else value).alias(name)

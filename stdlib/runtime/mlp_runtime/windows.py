"""Windows: aggregates over the rows that were known before a row, or that come after it.

Each row of a frame sees rows of its group within a span of time: of the frame itself or of another
dataset. Rows keep their number and order. A row never sees itself, nor others of its time. Null
values are skipped; a row with a null key or time sees nothing and is not seen.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from mlp_runtime import expr
from mlp_runtime import window_kernels as kernels
from mlp_runtime import window_places as places
from mlp_runtime.joins import NOW, instant, moment


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """What is computed of the values of a window: made by the functions of this module."""

    function: str
    value: pl.Expr
    where: pl.Expr | None = None
    own: pl.Expr | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seen(self) -> pl.Expr:
        """The values that are aggregated: null where they are left out."""
        return self.value if self.where is None else pl.when(self.where).then(self.value)

    def dtype(self, of: pl.DataType) -> pl.DataType:
        """The type of the result, from that of the values."""
        if self.function in ("count", "n_unique", "rank"):
            return pl.Int64()
        if self.function == "diff" and of.is_temporal():
            return pl.Duration("us")
        if self.function in ("mean", "std", "quantile", "ewm_mean") and of.is_numeric():
            return pl.Float64()
        # What adds decimals is exact, and may need more digits.
        if isinstance(of, pl.Decimal) and self.function in ("sum", "diff"):
            return pl.Decimal(38, of.scale)
        return of


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows of another dataset, in canonical order: their time, and what a row's keys equal."""

    rows: pl.LazyFrame
    time: str | pl.Expr
    by: Sequence[str | pl.Expr] = ()


def count(condition: pl.Expr | None = None, *, where: pl.Expr | None = None) -> Aggregate:
    """How many rows there are, or for how many a condition holds: 0 of nothing."""
    if condition is None:
        return Aggregate(function="count", value=pl.lit(1, pl.Int64), where=where)
    holds = condition.fill_null(value=False).cast(pl.Int64)
    return Aggregate(function="count", value=holds, where=where)


def sum(value: pl.Expr, *, where: pl.Expr | None = None) -> Aggregate:
    """The sum: 0 of nothing."""
    return Aggregate(function="sum", value=value, where=where)


def mean(value: pl.Expr, *, where: pl.Expr | None = None) -> Aggregate:
    """The mean."""
    return Aggregate(function="mean", value=value, where=where)


def std(value: pl.Expr, *, where: pl.Expr | None = None) -> Aggregate:
    """The sample standard deviation: null of fewer than two."""
    return Aggregate(function="std", value=value, where=where)


def min(value: pl.Expr, *, where: pl.Expr | None = None) -> Aggregate:
    """The least value."""
    return Aggregate(function="min", value=value, where=where)


def max(value: pl.Expr, *, where: pl.Expr | None = None) -> Aggregate:
    """The greatest value."""
    return Aggregate(function="max", value=value, where=where)


def quantile(value: pl.Expr, q: float, *, where: pl.Expr | None = None) -> Aggregate:
    """The quantile by linear interpolation."""
    return Aggregate(
        function="quantile",
        value=value,
        where=where,
        options={"quantile": q, "interpolation": "linear"},
    )


def first(value: pl.Expr, *, where: pl.Expr | None = None) -> Aggregate:
    """The first value in canonical order."""
    return Aggregate(function="first", value=value, where=where)


def last(value: pl.Expr, *, where: pl.Expr | None = None) -> Aggregate:
    """The last value in canonical order."""
    return Aggregate(function="last", value=value, where=where)


def n_unique(value: pl.Expr, *, where: pl.Expr | None = None) -> Aggregate:
    """How many different values there are: 0 of nothing."""
    return Aggregate(function="n_unique", value=value, where=where)


def ewm_mean(value: pl.Expr, *, half_life: timedelta, where: pl.Expr | None = None) -> Aggregate:
    """The mean in which a value weighs half with each `half_life` that it is older than the last."""
    options = {"half_life": half_life}
    return Aggregate(function="ewm_mean", value=value, where=where, options=options)


def lag(value: pl.Expr, n: int, *, where: pl.Expr | None = None) -> Aggregate:
    """The value that stands `n` before the end: 1 is the last one."""
    return Aggregate(function="lag", value=value, where=where, options={"n": n})


def diff(value: pl.Expr, n: int, *, where: pl.Expr | None = None) -> Aggregate:
    """The last value minus the one `n` before it."""
    return Aggregate(function="diff", value=value, where=where, options={"n": n})


def rank(value: pl.Expr, *, own: pl.Expr, where: pl.Expr | None = None) -> Aggregate:
    """1 plus the number of values that are less than the row's own."""
    return Aggregate(function="rank", value=value, where=where, own=own)


def back(
    frame: pl.LazyFrame,
    columns: Mapping[str, Aggregate],
    *,
    time: str | pl.Expr,
    by: Sequence[str | pl.Expr] = (),
    over: Source | None = None,
    window: timedelta | None = None,
    rows: int | None = None,
    lag: timedelta = NOW,
) -> pl.LazyFrame:
    """Add aggregates over what was known before each row's time `t`.

    Rows of the same `by` with `t - window <= time < t` are seen, or, with a lag,
    `t - lag - window < time <= t - lag`; without a window all before; the last `rows` of them. They
    are those of `over`, or else of the frame itself.
    """
    span = kernels.Span(window=window, lag=lag)
    return _View(frame, columns, time=time, by=by, over=over, rows=rows).add(span)


def ahead(
    frame: pl.LazyFrame,
    columns: Mapping[str, Aggregate],
    *,
    time: str | pl.Expr,
    by: Sequence[str | pl.Expr] = (),
    over: Source | None = None,
    ahead: timedelta,
    as_of: str | None = None,
) -> pl.LazyFrame:
    """Add aggregates over what comes after each row's time `t`, for labels.

    Rows of the same `by` with `t < time <= t + ahead` are seen. What is not over is not known: all
    is null unless `t + ahead` is neither after the last time of what is seen nor after `as_of`.
    """
    span = kernels.Span(window=ahead, lag=-ahead)
    end = None if as_of is None else moment(as_of)
    return _View(frame, columns, time=time, by=by, over=over).add(span, complete_at=ahead, end=end)


class _View:
    """Rows that look, and the rows that they look at."""

    def __init__(
        self,
        frame: pl.LazyFrame,
        columns: Mapping[str, Aggregate],
        *,
        time: str | pl.Expr,
        by: Sequence[str | pl.Expr],
        over: Source | None,
        rows: int | None = None,
    ) -> None:
        self.frame = frame
        self.over = over
        self.rows = rows
        self.here: list[pl.Expr] = [instant(time).alias("time"), *_keys(by)]
        self.there = [] if over is None else [instant(over.time).alias("time"), *_keys(over.by)]
        self.names = {f"value_{index}": name for index, name in enumerate(columns)}
        self.seen = [columns[name].seen.alias(value) for value, name in self.names.items()]
        for value, name in self.names.items():
            own, where = columns[name].own, columns[name].where
            if own is not None:
                self.here.append(own.alias(value.replace("value", "own")))
            if rows is not None and where is not None:
                self.seen.append(where.alias(value.replace("value", "where")))
        types = (frame if over is None else over.rows).select(self.seen).collect_schema()
        self.types = {name: columns[name].dtype(types[value]) for value, name in self.names.items()}
        self.functions = {
            value: kernels.Function(columns[name].function, columns[name].options)
            for value, name in self.names.items()
        }

    def add(
        self,
        span: kernels.Span,
        *,
        complete_at: timedelta | None = None,
        end: datetime | None = None,
    ) -> pl.LazyFrame:
        """The frame with the columns, computed when it is collected."""

        def compute(packed: pl.Series) -> pl.Series:
            rows = packed.struct.unnest()
            events = rows if self.over is None else _collected(self.over, self.there + self.seen)
            found = self._found(rows, events, span)
            if complete_at is not None:
                known = _complete(rows["time"], events["time"], complete_at, end)
                found = found.with_columns(pl.when(known).then(pl.all()))
            return found.select(
                pl.col(value).cast(self.types[name]).alias(name)
                for value, name in self.names.items()
            ).to_struct()

        asked = pl.struct([*self.here, *self.seen] if self.over is None else self.here)
        result = asked.map_batches(compute, return_dtype=pl.Struct(self.types))
        return self.frame.with_columns(result.struct.unnest())

    def _found(self, rows: pl.DataFrame, events: pl.DataFrame, span: kernels.Span) -> pl.DataFrame:
        if self.rows is not None:
            return places.of_other(rows, events, self.functions, span, self.rows)
        by_time = {
            name: item for name, item in self.functions.items() if item.name in kernels.KERNELS
        }
        by_place = {name: item for name, item in self.functions.items() if name not in by_time}
        found = []
        if by_time:
            if events is rows:
                found.append(kernels.of_itself(rows, by_time, span))
            else:
                found.append(kernels.of_other(rows, events, by_time, span))
        if by_place:
            found.append(places.of_other(rows, events, by_place, span))
        return pl.concat(found, how="horizontal")


def _keys(by: Sequence[str | pl.Expr]) -> list[pl.Expr]:
    keys = [expr.column(key) if isinstance(key, str) else key for key in by]
    return [key.alias(f"key_{index}") for index, key in enumerate(keys)]


def _collected(over: Source, columns: Sequence[pl.Expr]) -> pl.DataFrame:
    return over.rows.select(columns).collect(engine="in-memory")


def _complete(
    here: pl.Series, there: pl.Series, ahead: timedelta, end: datetime | None
) -> pl.Series:
    """For which rows all that lies ahead has happened."""
    ends = [end, there.max()]
    last = builtins.min([item for item in ends if isinstance(item, datetime)], default=None)
    return (here + ahead <= last) if last is not None else pl.repeat(False, here.len(), eager=True)

"""Windows: aggregates over the rows that were known before a row, or that come after it.

Each row of a frame sees rows of its group within a span of time: of the frame itself or of another
dataset. Rows keep their number and order. A row never sees itself, nor others of its time. Null
values are skipped; a row with a null key or time sees nothing and is not seen.
"""

from __future__ import annotations

import builtins
from collections.abc import Hashable, Mapping, Sequence
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


@dataclass(frozen=True, kw_only=True)
class Window:
    """Columns over the same rows and span of time: made by `back` and `ahead`."""

    columns: Mapping[str, Aggregate]
    time: str | pl.Expr
    by: Sequence[str | pl.Expr]
    over: Source | None
    span: kernels.Span
    rows: int | None = None
    complete: Complete | None = None


@dataclass(frozen=True, kw_only=True)
class Complete:
    """From when on what lies ahead is known: `ahead` after a row, unless that is after `end`."""

    ahead: timedelta
    end: datetime | None


def back(
    columns: Mapping[str, Aggregate],
    *,
    time: str | pl.Expr,
    by: Sequence[str | pl.Expr] = (),
    over: Source | None = None,
    window: timedelta | None = None,
    rows: int | None = None,
    lag: timedelta = NOW,
) -> Window:
    """Aggregates over what was known before each row's time `t`.

    Rows of the same `by` with `t - window <= time < t` are seen, or, with a lag,
    `t - lag - window < time <= t - lag`; without a window all before; the last `rows` of them. They
    are those of `over`, or else of the frame itself.
    """
    span = kernels.Span(window=window, lag=lag)
    return Window(columns=columns, time=time, by=by, over=over, span=span, rows=rows)


def ahead(
    columns: Mapping[str, Aggregate],
    *,
    time: str | pl.Expr,
    by: Sequence[str | pl.Expr] = (),
    over: Source | None = None,
    ahead: timedelta,
    as_of: str | None = None,
) -> Window:
    """Aggregates over what comes after each row's time `t`, for labels.

    Rows of the same `by` with `t < time <= t + ahead` are seen. What is not over is not known: all
    is null unless `t + ahead` is neither after the last time of what is seen nor after `as_of`.
    """
    span = kernels.Span(window=ahead, lag=-ahead)
    complete = Complete(ahead=ahead, end=None if as_of is None else moment(as_of))
    return Window(columns=columns, time=time, by=by, over=over, span=span, complete=complete)


def add(frame: pl.LazyFrame, *windows: Window) -> pl.LazyFrame:
    """The frame with the columns of windows, none of which reads another, computed side by side."""
    alike: dict[Hashable, list[Window]] = {}
    for window in windows:
        alike.setdefault(_looks_at(window), []).append(window)
    views = {f"__view_{i}__": _View(frame, group) for i, group in enumerate(alike.values())}
    # The columns of a view are computed at once, then taken apart: else each would compute them all.
    found = frame.with_columns(view.columns().alias(packed) for packed, view in views.items())
    columns = (
        pl.col(packed).struct.field(name) for packed, view in views.items() for name in view.types
    )
    return found.with_columns(columns).drop(views)


def _looks_at(window: Window) -> Hashable:
    """Equal for windows that see rows of the same groups in the same order."""
    over = window.over
    there = None if over is None else (id(over.rows), _plain([over.time, *over.by]))
    return _plain([window.time, *window.by]), there


def _plain(keys: Sequence[str | pl.Expr]) -> Hashable:
    return tuple(key if isinstance(key, str) else id(key) for key in keys)


class _View:
    """Rows that look, and the rows that they look at: the same ones for several windows."""

    def __init__(self, frame: pl.LazyFrame, windows: Sequence[Window]) -> None:
        self.windows = windows
        self.over = over = windows[0].over
        self.here: list[pl.Expr] = [instant(windows[0].time).alias("time"), *_keys(windows[0].by)]
        self.there = [] if over is None else [instant(over.time).alias("time"), *_keys(over.by)]
        self.seen: list[pl.Expr] = []
        self.names: dict[str, str] = {}
        self.functions: list[dict[str, kernels.Function]] = [self._named(item) for item in windows]
        values = (frame if over is None else over.rows).select(self.seen).collect_schema()
        columns = {name: item for window in windows for name, item in window.columns.items()}
        self.types = {
            name: columns[name].dtype(values[value]) for value, name in self.names.items()
        }

    def _named(self, window: Window) -> dict[str, kernels.Function]:
        """The functions of a window by what its values are called in the frames of the kernels."""
        functions = {}
        for name, column in window.columns.items():
            number = len(self.names)
            self.names[f"value_{number}"] = name
            functions[f"value_{number}"] = kernels.Function(column.function, column.options)
            self.seen.append(column.seen.alias(f"value_{number}"))
            if column.own is not None:
                self.here.append(column.own.alias(f"own_{number}"))
            if window.rows is not None and column.where is not None:
                self.seen.append(column.where.alias(f"where_{number}"))
        return functions

    def columns(self) -> pl.Expr:
        """A struct of the columns, computed when the frame is collected."""

        def compute(packed: pl.Series) -> pl.Series:
            rows = packed.struct.unnest()
            events = rows if self.over is None else _collected(self.over, self.there + self.seen)
            found = self._found(rows, events)
            return found.select(
                pl.col(value).cast(self.types[name]).alias(name)
                for value, name in self.names.items()
            ).to_struct()

        asked = pl.struct([*self.here, *self.seen] if self.over is None else self.here)
        return asked.map_batches(compute, return_dtype=pl.Struct(self.types))

    def _found(self, rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
        by_time: dict[kernels.Span, dict[str, kernels.Function]] = {}
        found = []
        for window, functions in zip(self.windows, self.functions, strict=True):
            by_place = {}
            for name, item in functions.items():
                if window.rows is None and item.name in kernels.KERNELS:
                    by_time.setdefault(window.span, {})[name] = item
                else:
                    by_place[name] = item
            if by_place:
                found.append(places.of_other(rows, events, by_place, window.span, window.rows))
        if by_time:
            found.append(kernels.rolled(rows, events, by_time))
        return pl.concat(found, how="horizontal").with_columns(
            pl.when(_known(rows["time"], events["time"], window.complete)).then(pl.col(*functions))
            for window, functions in zip(self.windows, self.functions, strict=True)
            if window.complete is not None
        )


def _keys(by: Sequence[str | pl.Expr]) -> list[pl.Expr]:
    keys = [expr.column(key) if isinstance(key, str) else key for key in by]
    return [key.alias(f"key_{index}") for index, key in enumerate(keys)]


def _collected(over: Source, columns: Sequence[pl.Expr]) -> pl.DataFrame:
    return over.rows.select(columns).collect(engine="in-memory")


def _known(here: pl.Series, there: pl.Series, complete: Complete) -> pl.Series:
    """For which rows all that lies ahead has happened."""
    ends = [complete.end, there.max()]
    last = builtins.min([item for item in ends if isinstance(item, datetime)], default=None)
    if last is None:
        return pl.repeat(False, here.len(), eager=True)
    return here + complete.ahead <= last

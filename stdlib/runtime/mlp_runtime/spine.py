"""Spines: the moments at which each key of a dataset is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from mlp_runtime import expr
from mlp_runtime.joins import INSTANT, instant, moment


def sample(
    base: pl.LazyFrame,
    *,
    key: Sequence[str],
    time: str,
    every: timedelta,
    start: str,
    end: str,
    zone: str = "UTC",
    since: str | None = None,
    valid_from: str | None = None,
    valid_until: str | None = None,
) -> pl.LazyFrame:
    """One row per moment and key, in this order, with the moment in the column `time`.

    The moments are `start`, `start + every`, ... up to `end`, which belongs to them. A key has rows
    from `since` on. Of a base with versions, it is the one with
    `valid_from <= moment < valid_until`; a `valid_until` that is null is open. Days begin in `zone`.
    """
    origin = moment(start, zone)
    last = (moment(end, zone) - origin) // every
    schema = base.collect_schema()

    def steps_to(time: str) -> pl.Expr:
        is_day = schema[time] == pl.Date
        since = expr.midnight(expr.column(time), zone) if is_day else instant(time)
        return _steps(since, origin, every)

    firsts = [steps_to(name) for name in (since, valid_from) if name is not None]
    absent = [pl.col(name).is_null() for name in (since, valid_from) if name is not None]
    first = pl.max_horizontal(pl.lit(0, pl.Int64), *firsts)
    stop = pl.lit(last + 1, pl.Int64)
    if valid_until is not None:
        stop = pl.min_horizontal(stop, steps_to(valid_until))
    steps = pl.int_ranges(first, pl.max_horizontal(first, stop)).alias("__step__")
    rows = base.filter(~pl.any_horizontal(absent)) if absent else base
    return (
        rows.sort(expr.columns(key), maintain_order=True)
        .with_columns(steps)
        .explode("__step__")
        .drop_nulls("__step__")
        .sort("__step__", maintain_order=True)
        .with_columns((pl.lit(origin, INSTANT) + pl.col("__step__") * every).alias(time))
        .drop("__step__")
    )


def _steps(time: pl.Expr, origin: datetime, every: timedelta) -> pl.Expr:
    """The number of the first moment that is not before a time."""
    size = every // timedelta(microseconds=1)
    since = (time - pl.lit(origin, INSTANT)).dt.total_microseconds()
    return -((-since) // size)

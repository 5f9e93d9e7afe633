"""Cuts a dataset to what was known at a time, so that a run made up for later sees what a run of that time saw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import polars as pl

from mlp_runtime import expr, table
from mlp_runtime.joins import INSTANT, NOW, instant, moment


def age(path: Path, as_of: str, *, time: str, zone: str = "UTC") -> timedelta | None:
    """How long before `as_of` the newest row of a table was; None if it has no row."""
    newest = table.collect(
        table.scan(path).select(_since(table.scan(path), time, zone).max())
    ).item()
    return None if newest is None else moment(as_of, zone) - newest


def apply(
    rows: pl.DataFrame,
    as_of: str,
    *,
    time: str,
    after: timedelta = NOW,
    cells: Mapping[str, timedelta] | None = None,
    zone: str = "UTC",
) -> pl.DataFrame:
    """Keep the rows that were known by `as_of`: those with `time + after <= as_of`.

    In them, what `cells` says is known later is null where it was not known yet. `as_of` is an instant or a day, which is
    its midnight in `zone`, as times that are days are.
    """
    end = pl.lit(moment(as_of, zone), dtype=INSTANT)
    since = _since(rows.lazy(), time, zone)
    later = {} if cells is None else cells
    return rows.filter(since + after <= end).with_columns(
        pl.when(since + known <= end).then(expr.column(name)).alias(name)
        for name, known in later.items()
    )


def _since(rows: pl.LazyFrame, time: str, zone: str) -> pl.Expr:
    """The instant of each row; a day is its midnight."""
    is_day = rows.collect_schema()[time] == pl.Date
    return expr.midnight(expr.column(time), zone) if is_day else instant(time)

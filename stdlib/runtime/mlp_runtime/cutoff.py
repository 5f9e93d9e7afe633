"""Cuts a dataset to what was known at a time, so that a run made up for later sees what a run of that time saw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from mlp_runtime import expr
from mlp_runtime.joins import INSTANT, NOW, instant, moment


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
    is_day = rows.schema[time] == pl.Date
    since = expr.midnight(expr.column(time), zone) if is_day else instant(time)
    later = {} if cells is None else cells
    return rows.filter(since + after <= end).with_columns(
        pl.when(since + known <= end).then(expr.column(name)).alias(name)
        for name, known in later.items()
    )

"""Small expressions that Polars has no name for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl
from polars._typing import PolarsDataType


def column(name: str) -> pl.Expr:
    """The column called exactly `name`, also where Polars would read the name as a pattern."""
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        return pl.col(f"^{re.escape(name)}$")
    return pl.col(name)


def columns(names: Iterable[str]) -> list[pl.Expr]:
    """The columns called exactly so."""
    return [column(name) for name in names]


def finite(value: pl.Expr) -> pl.Expr:
    """`value`, null where it is NaN or infinite."""
    return pl.when(value.is_finite()).then(value)


def midnight(day: pl.Expr, zone: str = "UTC") -> pl.Expr:
    """The instant at which a day starts in `zone`: of two the earlier, where a clock skips it the first that exists."""
    clock = day.cast(pl.Datetime("us"))
    start = clock.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    later = (clock + pl.duration(hours=1)).dt.replace_time_zone(
        zone, ambiguous="earliest", non_existent="null"
    )
    return start.fill_null(later).dt.convert_time_zone("UTC")


def day_at(time: pl.Expr, zone: str = "UTC") -> pl.Expr:
    """The day that starts at an instant in `zone`; null where none does."""
    day = time.dt.convert_time_zone(zone).dt.date()
    return pl.when(midnight(day, zone) == time).then(day)


def user(
    function: Callable[..., Any], arguments: Sequence[pl.Expr], returns: PolarsDataType
) -> pl.Expr:
    """A user's function, called with the values of each row; null if any of them is null."""
    names = [f"argument_{index}" for index in range(len(arguments))]
    packed = pl.struct(item.alias(name) for name, item in zip(names, arguments, strict=True))

    def call(row: dict[str, Any]) -> Any:
        values = [row[name] for name in names]
        return None if None in values else function(*values)

    return packed.map_elements(call, return_dtype=returns, skip_nulls=False)


def user_vectorized(
    function: Callable[..., Any], arguments: Sequence[pl.Expr], returns: PolarsDataType
) -> pl.Expr:
    """A user's function, called once with whole columns."""
    return pl.map_batches(
        arguments, lambda series: pl.Series(function(*series)).cast(returns), return_dtype=returns
    )

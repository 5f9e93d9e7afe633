"""Joins that add columns and never change the number or order of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from mlp_runtime import expr

INSTANT = pl.Datetime("us", "UTC")
NOW = timedelta(0)


def by_key(
    rows: pl.LazyFrame,
    other: pl.LazyFrame,
    *,
    on: Mapping[str, pl.Expr],
    take: Mapping[str, str],
    time: str | pl.Expr | None = None,
    their_time: str | pl.Expr | None = None,
    available: timedelta = NOW,
    within: timedelta | None = None,
    until: str | pl.Expr | None = None,
) -> pl.LazyFrame:
    """Take columns of `other` by its key: `on` says what each key column equals, `take` renames.

    Where nothing matches, or a key is null, the columns are null. With `time` and `their_time`
    they are also null unless the row of `other` was known by then: `available` after its time, not
    older than `within`, and before its `until`.
    """
    keys = {f"__key_{index}__": (column, value) for index, (column, value) in enumerate(on.items())}
    there = [expr.column(column).alias(name) for name, (column, _) in keys.items()]
    taken = [expr.column(column).alias(name) for name, column in take.items()]
    times = _times(their_time, until)
    left = rows.with_columns(value.alias(name) for name, (_, value) in keys.items())
    joined = left.join(
        other.select(there + taken + times), on=list(keys), how="left", maintain_order="left"
    )
    if time is not None and their_time is not None:
        known = _known(instant(time), available, within, until)
        joined = joined.with_columns(
            pl.when(known).then(expr.column(name)).alias(name) for name in take
        )
    return joined.drop([*keys, *(item.meta.output_name() for item in times)])


def latest(
    rows: pl.LazyFrame,
    other: pl.LazyFrame,
    *,
    on: Mapping[str, pl.Expr],
    take: Mapping[str, str],
    time: str | pl.Expr,
    their_time: str | pl.Expr,
    available: timedelta = NOW,
    within: timedelta | None = None,
    until: str | pl.Expr | None = None,
) -> pl.LazyFrame:
    """Take columns of the last row of `other` that was known at a row's `time` (as of).

    Of the rows that match `on`, it is the last in canonical order with
    `their_time + available <= time`. Its columns are null if there is none, if it is older than
    `within`, or if it held only until before `time`.
    """
    keys = [f"__key_{index}__" for index in range(len(on))]
    there = [
        *(expr.column(column).alias(name) for name, column in zip(keys, on, strict=True)),
        *(expr.column(column).alias(name) for name, column in take.items()),
        *_times(None, until),
        (instant(their_time) + available).alias("__known__"),
    ]
    right = other.select(there).drop_nulls([*keys, "__known__"])
    # The last known row is the youngest: if it is too old, so are all.
    if within is not None and within < available:
        right = right.clear()
    tolerance = None if within is None else max(within - available, NOW)

    def match(here: Sequence[pl.Series]) -> pl.Series:
        left = pl.DataFrame(
            [item.alias(name) for item, name in zip(here, ["__time__", *keys], strict=True)]
        )
        known = _by_time(right.collect(engine="in-memory"), "__known__")
        found = expr.columns(take)
        if until is not None:
            found = [pl.when(_holds(pl.col("__time__"))).then(column) for column in found]
        return _as_of(left, known, keys, tolerance).select(found).to_struct()

    schema = right.collect_schema()
    found = pl.map_batches(
        [instant(time), *on.values()],
        match,
        return_dtype=pl.Struct({name: schema[name] for name in take}),
    )
    return rows.with_columns(found.struct.unnest())


def instant(time: str | pl.Expr) -> pl.Expr:
    """A time as an instant: a date is its midnight in UTC. Of those of another zone, an expression says when it is."""
    return (expr.column(time) if isinstance(time, str) else time).cast(INSTANT)


def moment(text: str, zone: str = "UTC") -> datetime:
    """A written day or instant; what has no offset is read in `zone`."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    begun: datetime = pl.select(expr.midnight(pl.lit(found), zone)).item()
    return begun


def _times(their_time: str | pl.Expr | None, until: str | pl.Expr | None) -> list[pl.Expr]:
    """The times of the other side that decide whether a row is known."""
    named = {"__there__": their_time, "__until__": until}
    return [instant(time).alias(name) for name, time in named.items() if time is not None]


def _known(
    here: pl.Expr, available: timedelta, within: timedelta | None, until: str | pl.Expr | None
) -> pl.Expr:
    """Whether the row of the other side is known at the time `here`, and still holds."""
    there = pl.col("__there__")
    known = there + available <= here
    if within is not None:
        known &= here - there <= within
    return known if until is None else known & _holds(here)


def _holds(here: pl.Expr) -> pl.Expr:
    """Whether the row of the other side still holds at the time `here`."""
    return pl.col("__until__").is_null() | (here < pl.col("__until__"))


def _as_of(
    left: pl.DataFrame, right: pl.DataFrame, keys: list[str], tolerance: timedelta | None
) -> pl.DataFrame:
    """The rows of `left`, in their order, each with the last row of `right` that is known."""
    in_order = left["__time__"].null_count() == 0 and left["__time__"].is_sorted()
    if not in_order:
        left = left.with_row_index("__row__").sort("__time__", maintain_order=True)
    joined = left.join_asof(
        right,
        left_on="__time__",
        right_on="__known__",
        by=keys or None,
        strategy="backward",
        tolerance=tolerance,
        coalesce=False,
        check_sortedness=False,
    )
    return joined if in_order else joined.sort("__row__")


def _by_time(rows: pl.DataFrame, time: str) -> pl.DataFrame:
    """Rows in order of time, those of one time in canonical order."""
    return rows if rows[time].is_sorted() else rows.sort(time, maintain_order=True)

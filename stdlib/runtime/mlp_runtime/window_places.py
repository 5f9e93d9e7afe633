"""Aggregates over places: what a window holds as a run of events in order of key and time.

Frames are laid out as in `window_kernels`; `where_0` … says which events the value of that number
is taken from, `own_0` … is the looking row's own value. Every result is computed in one fixed
order, so it is the same each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlp_runtime import window_kernels as kernels
from mlp_runtime.window_kernels import MICROSECOND, Function, Integers, Span


def of_other(
    rows: pl.DataFrame,
    events: pl.DataFrame,
    functions: Mapping[str, Function],
    span: Span,
    count: int | None = None,
) -> pl.DataFrame:
    """Aggregates of rows over events, or over the last `count` of them, in the order of the rows."""
    view = _View.of(rows, events)
    found: dict[str | None, _Places] = {}
    columns = []
    for name, function in functions.items():
        where = name.replace("value", "where")
        subset = where if where in events.columns else None
        if subset not in found:
            found[subset] = _Places.of(view, subset, span, count)
        columns.append(_aggregate(found[subset], name, function, span).alias(name))
    back = np.empty(rows.height, dtype=np.int64)
    back[view.order] = np.arange(rows.height)
    return pl.DataFrame(columns).select(pl.all().gather(back))


@dataclass(frozen=True)
class _View:
    """Rows and events in order of group and time, each with its `group`: -1 sees and shows nothing."""

    rows: pl.DataFrame
    events: pl.DataFrame
    order: Integers

    @classmethod
    def of(cls, rows: pl.DataFrame, events: pl.DataFrame) -> _View:
        """Number the groups, then sort by one number."""
        mine, theirs = _groups(rows, events)
        order = _order(mine, rows["time"])
        theirs_in_order = order if events is rows else _order(theirs, events["time"])
        return cls(
            _gathered(rows, mine, order),
            _gathered(events, theirs, theirs_in_order).filter(pl.col("group") >= 0),
            order,
        )


def _gathered(rows: pl.DataFrame, group: pl.Series, order: Integers) -> pl.DataFrame:
    rows = rows.drop(kernels.key_names(rows)).with_columns(group)
    return rows.select(pl.all().gather(order))


@dataclass(frozen=True)
class _Places:
    """What each row sees: the events from `low` to before `high`."""

    rows: pl.DataFrame
    events: pl.DataFrame
    low: Integers
    high: Integers
    start: Integers
    count: int | None

    @classmethod
    def of(cls, view: _View, subset: str | None, span: Span, count: int | None) -> _Places:
        """Find them by search: events have numbers that grow with group and time."""
        events = view.events if subset is None else view.events.filter(pl.col(subset))
        times, rank = _ranks(events["time"])
        width = len(times) + 1
        number = events["group"].to_numpy() * width + rank
        group = view.rows["group"].to_numpy()
        here = view.rows["time"].to_physical().fill_null(0).to_numpy()

        def place(time: Integers | None) -> Integers:
            before = 0 if time is None else np.searchsorted(times, time, side=span.side)
            return np.where(group < 0, 0, np.searchsorted(number, group * width + before))

        end = here - span.lag // MICROSECOND
        high = place(end)
        start = place(None if span.window is None else end - span.window // MICROSECOND)
        low = start if count is None else np.maximum(start, high - count)
        return cls(view.rows, events, low, high, start, count)


def _groups(rows: pl.DataFrame, events: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """The same number for equal keys on both sides, -1 where a key or the time is null."""
    keys = kernels.key_names(rows)
    whole = pl.all_horizontal(pl.col("time", *keys).is_not_null())
    number = pl.col("index").first().over(keys) if keys else pl.lit(0)
    group = pl.when(whole).then(number.cast(pl.Int64)).otherwise(-1)
    both = [rows.select("time", *keys)]
    if events is not rows:
        both.append(events.select("time", *keys))
    found = pl.concat(both).with_row_index("index").select(group.alias("group")).to_series()
    mine = found.head(rows.height)
    return mine, mine if events is rows else found.tail(events.height)


def _order(group: pl.Series, time: pl.Series) -> Integers:
    """The order of group and time; those that are alike stay as they are."""
    times, rank = _ranks(time)
    return np.argsort(group.to_numpy() * (len(times) + 1) + rank, kind="stable")


def _ranks(time: pl.Series) -> tuple[Integers, Integers]:
    """The different times in order, and which of them each is."""
    times = time.unique().drop_nulls().sort().to_physical().to_numpy()
    return times, np.searchsorted(times, time.to_physical().fill_null(0).to_numpy())


def _aggregate(places: _Places, name: str, function: Function, span: Span) -> pl.Series:
    if function.name in kernels.KERNELS:
        return _of_last_rows(places, name, function, span)
    value = places.events[name]
    before = np.concatenate([[0], np.cumsum(value.is_not_null().to_numpy())])
    low, high = before[places.low], before[places.high]
    value = value.drop_nulls()
    n = function.options.get("n", 1)
    match function.name:
        case "first":
            return _at(value, low, high > low)
        case "last" | "lag":
            return _at(value, high - n, high - n >= low)
        case "diff":
            last, earlier = high - 1, high - 1 - n
            return _at(value, last, earlier >= low) - _at(value, earlier, earlier >= low)
        case "n_unique":
            return pl.Series(count_different(value, low, high))
        case "rank":
            own = places.rows[name.replace("value", "own")]
            return _rank(value, own, low, high)
        case "ewm_mean":
            time = places.events["time"].filter(places.events[name].is_not_null())
            since = time.to_physical() - (time.to_physical().min() or 0)
            age = since.to_numpy() / (function.options["half_life"] / MICROSECOND)
            value = value.to_physical() if value.dtype.is_temporal() else value
            return _ewm_mean(value.cast(pl.Float64).to_numpy(), age, low, high)
    raise ValueError(function.name)


def _at(value: pl.Series, place: Integers, known: NDArray[np.bool_]) -> pl.Series:
    """The values at places, null where none is known."""
    if value.is_empty():
        return pl.repeat(None, len(place), dtype=value.dtype, eager=True)
    return value.gather(pl.Series(place).set(pl.Series(~known), None))


def _of_last_rows(places: _Places, name: str, function: Function, span: Span) -> pl.Series:
    """Of the last `count` events: by number where that is fewer than the span holds, else by time."""
    count = places.count or 1
    kernel = getattr(
        kernels.numbers(places.events, name), f"rolling_{kernels.KERNELS[function.name]}"
    )
    rolled = kernel(window_size=count, min_samples=1, **function.options).over("group")
    rolled = kernels.restored(rolled, places.events.schema[name], function)
    by_number = places.events.select(rolled.alias(name)).to_series()
    found = _at(by_number, places.high - 1, places.high > places.low)
    if span.window is not None:
        keyed = {"group": "key_0"}
        by_time = kernels.rolled(
            places.rows.rename(keyed), places.events.rename(keyed), {span: {name: function}}
        )[name]
        few = pl.Series(places.high - places.start <= count)
        found = by_time.zip_with(few, found.cast(by_time.dtype))
    return found.fill_null(0) if function.name in ("count", "sum") else found


def _rank(value: pl.Series, own: pl.Series, low: Integers, high: Integers) -> pl.Series:
    if value.is_empty():
        return pl.repeat(None, len(own), dtype=pl.Int64, eager=True)
    levels = value.unique().sort()
    codes = levels.search_sorted(value).to_numpy().astype(np.int64)
    bound = levels.search_sorted(own.fill_null(levels[0])).to_numpy().astype(np.int64)
    less = count_less(codes, low, high, bound)
    known = pl.Series(high > low) & own.is_not_null()
    return pl.Series(less + 1).set(~known, None)


def count_different(value: pl.Series, low: Integers, high: Integers) -> Integers:
    """How many different values each run holds: those that have no equal before them in it."""
    numbered = pl.DataFrame({"value": value, "place": np.arange(1, len(value) + 1)})
    earlier = pl.col("place").shift(1).over("value").fill_null(0)
    return count_less(numbered.select(earlier).to_series().to_numpy(), low, high, low + 1)


def count_less(values: Integers, low: Integers, high: Integers, bound: Integers) -> Integers:
    """How many of `values[low:high]` are less than `bound`, for many runs at once.

    The values are looked at bit by bit from the highest, and sorted by it (a wavelet matrix): a run
    stays a run, so that each bit takes a few operations on whole arrays.
    """
    found = np.zeros(len(low), dtype=np.int64)
    largest = max(int(values.max(initial=0)), int(bound.max(initial=0)))
    for bit in range(largest.bit_length() - 1, -1, -1):
        ones = (values >> bit) & 1 == 1
        zeros = np.concatenate([[0], np.cumsum(~ones)])
        low_zeros, high_zeros = zeros[low], zeros[high]
        up = (bound >> bit) & 1 == 1
        found += np.where(up, high_zeros - low_zeros, 0)
        low = np.where(up, zeros[-1] + low - low_zeros, low_zeros)
        high = np.where(up, zeros[-1] + high - high_zeros, high_zeros)
        values = np.concatenate([values[~ones], values[ones]])
    return found


def _ewm_mean(
    value: NDArray[np.float64], age: NDArray[np.float64], low: Integers, high: Integers
) -> pl.Series:
    """The weighted mean of each run, whose length is taken apart into powers of two.

    `total[i]` and `weight[i]` are those of the run of the present length that ends at `i`, seen from
    its end. A run of twice the length is two of them.
    """
    total, weight = value.copy(), np.ones_like(value)
    left, last = high - low, np.maximum(high - 1, 0)
    place = last
    sums, weights = np.zeros(len(low)), np.zeros(len(low))
    length = 1
    while np.any(left >= length):
        chosen = np.flatnonzero(left & length)
        at = place[chosen]
        decay = np.exp2(age[at] - age[last[chosen]])
        sums[chosen] += decay * total[at]
        weights[chosen] += decay * weight[at]
        place = place.copy()
        place[chosen] -= length
        decay = np.exp2(np.minimum(age[:-length] - age[length:], 0))
        total[length:], weight[length:] = (
            total[length:] + decay * total[:-length],
            weight[length:] + decay * weight[:-length],
        )
        length *= 2
    mean = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 0)
    return pl.Series(mean).set(pl.Series(high <= low), None)

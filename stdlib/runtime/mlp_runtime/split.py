"""Assigns rows to parts and folds: by a hash of their key, by groups, or in order of time.

A row's place is `u = SHA-256("mlp-split/v1", seed, split, key)`, its first 53 bits read as a number
in [0, 1); each field is hashed as its length in bytes, a colon and its text, so no two keys share
their bytes. A random split cuts [0, 1) at the shares, so that a row never changes its part when
others arrive. A stratified one orders the rows of each value by u and cuts that order.

Folds divide the training part in the same ways, by places of their own, or into successive blocks
of time. A table of parts has the key, the part, and a column per fold that says whether the row
trains or judges there; null is neither.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlp_runtime import expr, identity
from mlp_runtime.step import Failure
from mlp_runtime.text import count as counted

Places = NDArray[np.float64]
Integers = NDArray[np.int64]

PART = "__part__"
_DOMAIN = "mlp-split/v1"
_FOLD_DOMAIN = "mlp-folds/v1"
_FOLD = re.compile(r"__fold_\d+(_\d+)?__")
_INSTANT = pl.Datetime("us", "UTC")


def random(
    rows: pl.DataFrame, *, name: str, key: Sequence[str], shares: Mapping[str, float], seed: int
) -> pl.DataFrame:
    """By a hash of the key."""
    return _parts(rows, key, _parts_at(_places(rows, key, _DOMAIN, seed, name), shares))


def group(
    rows: pl.DataFrame,
    *,
    name: str,
    key: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
    column: str,
) -> pl.DataFrame:
    """By a hash of a column, so that rows which share its value stay together."""
    return _parts(rows, key, _parts_at(_places(rows, [column], _DOMAIN, seed, name), shares))


def stratified(
    rows: pl.DataFrame,
    *,
    name: str,
    key: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
    column: str,
) -> pl.DataFrame:
    """By a hash of the key, with the shares exact to a row within each value of a column."""
    rank, size = _ranks(rows, column, _places(rows, key, _DOMAIN, seed, name))
    sizes, of_size = np.unique(size, return_inverse=True)
    ends = np.array([[end for _, end in _cuts(shares, int(count))] for count in sizes])
    chosen = (rank[:, None] >= ends.reshape(-1, len(shares))[of_size]).sum(axis=1)
    return _parts(rows, key, pl.Series(list(shares)).gather(chosen))


def time(
    rows: pl.DataFrame,
    *,
    key: Sequence[str],
    shares: Mapping[str, float],
    timestamp: str,
    gap: timedelta,
    group: str | None = None,
) -> pl.DataFrame:
    """In order of time. Rows of one moment stay in the earlier part; rows of earlier parts that lie
    within `gap` of a later part's first moment belong to none, nor does a row whose `group` is in
    an earlier part.
    """
    times = _instants(rows, timestamp)
    moments = times.sort().to_list()
    stretches: list[_Stretch] = []
    start = 0
    for part, end in _cuts(shares, len(moments)):
        while 0 < end < len(moments) and moments[end] == moments[end - 1]:
            end += 1
        if start >= end:
            raise Failure(f"no moment is left for {part}: {timestamp} has too few")
        stretches.append(_Stretch(part, moments[start], None))
        start = end
    return _in_time(rows, key, times, stretches, gap, group)


def days(
    rows: pl.DataFrame,
    *,
    key: Sequence[str],
    days: Mapping[str, tuple[date | None, date | None]],
    timestamp: str,
    gap: timedelta,
    zone: str = "UTC",
    group: str | None = None,
) -> pl.DataFrame:
    """By days: each part from its first midnight in `zone` until before its second, otherwise as
    by `time`.
    """
    # A timestamp that is a date is compared with dates.
    zone = "UTC" if rows.schema[timestamp] == pl.Date else zone
    stretches = [
        _Stretch(part, _midnight(first, zone), _midnight(until, zone))
        for part, (first, until) in days.items()
    ]
    return _in_time(rows, key, _instants(rows, timestamp), stretches, gap, group)


def folds(
    rows: pl.DataFrame,
    parts: pl.DataFrame,
    *,
    name: str,
    count: int,
    seed: int,
    times: int = 1,
    inner: int = 0,
    strata: str | None = None,
    group: str | None = None,
) -> pl.DataFrame:
    """Divide the training part into `count` folds, `times` times anew: by a hash of the key, evenly
    within `strata`, or by whole groups. The rest of each fold is divided again into `inner` ones.
    """
    training = part(rows, parts, "train")
    key = _key(parts)

    def divide(chosen: pl.DataFrame, folds: int, *salt: int) -> pl.DataFrame:
        """The key of the chosen rows and the fold of each, from 0."""
        hashed = [group] if group is not None else key
        places = _places(chosen, hashed, _FOLD_DOMAIN, seed, name, *salt)
        found = (places * folds).astype(np.int64)
        if strata is not None:
            rank, size = _ranks(chosen, strata, places)
            found = rank * folds // size
        return chosen.select(expr.columns(key)).with_columns(pl.Series(PART, found, dtype=pl.Int64))

    for repeat in range(times):
        divided = divide(training, count, repeat)
        for fold in range(count):
            number = repeat * count + fold + 1
            parts = _with_fold(parts, divided, fold, fold_column(number))
            if inner > 0:
                judged = divided.filter(pl.col(PART) == fold)
                rest = training.join(judged, on=key, how="anti", maintain_order="left")
                within = divide(rest, inner, repeat, fold)
                for choice in range(inner):
                    parts = _with_fold(parts, within, choice, fold_column(number, choice + 1))
    return parts


def walk_forward(
    rows: pl.DataFrame,
    parts: pl.DataFrame,
    *,
    timestamp: str,
    count: int,
    test: timedelta,
    gap: timedelta,
    window: timedelta | None = None,
    group: str | None = None,
) -> pl.DataFrame:
    """Divide the training part into `count` blocks of length `test`, the last of which ends with
    its last moment. Each is judged by what is trained on rows that lie `gap` or more before it, all
    of them or those within `window`.
    """
    training = part(rows, parts, "train")
    key = _key(parts)
    times = _instants(training, timestamp)
    last = times.max()
    for fold in range(1, count + 1):
        begin, end = last - test * (count - fold + 1), last - test * (count - fold)  # type: ignore[operator]
        trains = times <= begin - gap
        if window is not None:
            trains = trains & (times > begin - gap - window)
        judges = (times > begin) & (times <= end)
        if group is not None:
            judges = judges & ~_seen(training[group], trains)
        divided = training.select(expr.columns(key)).with_columns(
            pl.Series(PART, judges.cast(pl.Int64))
        )
        parts = _with_fold(parts, divided.filter(trains | judges), 1, fold_column(fold))
    return parts


def fold_column(*path: int) -> str:
    """The column that says what a row is to a fold, or to a fold within a fold's training part."""
    return f"__fold_{'_'.join(str(number) for number in path)}__"


def part(
    rows: pl.DataFrame, parts: pl.DataFrame, name: str, *, fold: int | None = None
) -> pl.DataFrame:
    """The rows of one part, of the split or of one of its folds, in their order."""
    column = PART if fold is None else fold_column(fold)
    chosen = parts.filter(pl.col(column) == name)
    return rows.join(chosen, on=_key(parts), how="semi", maintain_order="left")


def keys_of(parts: pl.DataFrame, name: str) -> pl.DataFrame:
    """The keys of the rows of one part."""
    return parts.filter(pl.col(PART) == name).select(expr.columns(_key(parts)))


def require_classes(rows: pl.DataFrame, parts: pl.DataFrame, *, label: str) -> None:
    """Fail unless every part, also of every fold, holds every class of the label."""
    classes = rows[label].drop_nulls().unique().sort().to_list()
    known = rows.select(*expr.columns(_key(parts)), expr.column(label).alias("__label__"))
    labelled = parts.join(known, on=_key(parts), how="left", maintain_order="left")
    missing = []
    for column, name in _named_parts(parts):
        held = set(labelled.filter(pl.col(column) == name)["__label__"].to_list())
        missing += [
            f"{_told(column, name)} holds no row with {label} {item}"
            for item in classes
            if item not in held
        ]
    if missing:
        raise Failure("\n".join(["every part must hold every class:", *missing]))


def require_rows(parts: pl.DataFrame, names: Iterable[str]) -> dict[str, int]:
    """The number of rows of each part; fail if one, also of a fold, has none."""
    held = dict(parts.group_by(PART).len().iter_rows())
    counts = {name: int(held.get(name, 0)) for name in names}
    empty = [name for name, count in counts.items() if count == 0]
    for column in _fold_columns(parts):
        there = set(parts[column].drop_nulls().unique().to_list())
        empty += [_told(column, name) for name in ("train", "validation") if name not in there]
    if empty:
        raise Failure(
            f"no row falls into {', '.join(empty)}: the data is too small for such a split"
        )
    return counts


def summary(counts: Mapping[str, int], *, folds: int = 0) -> str:
    """`train 240, test 104; 5 folds`."""
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    return told if folds == 0 else f"{told}; {counted(folds, 'fold')}"


@dataclass(frozen=True)
class _Stretch:
    """The time of a part: from its first moment, where it has one, until before another one."""

    part: str
    first: datetime | None
    until: datetime | None


def _in_time(
    rows: pl.DataFrame,
    key: Sequence[str],
    times: pl.Series,
    stretches: Sequence[_Stretch],
    gap: timedelta,
    group: str | None,
) -> pl.DataFrame:
    """Each row in the last stretch that has begun, unless it has ended or a later one is near."""
    named = rows.select(expr.columns(key)).with_columns(times.alias("__time__"))
    moment = pl.col("__time__")
    own = pl.lit(None, dtype=pl.String)
    for stretch in stretches:
        begun = pl.lit(True) if stretch.first is None else moment >= _at(stretch.first)
        over = pl.lit(False) if stretch.until is None else moment >= _at(stretch.until)
        near = (
            pl.lit(False)
            if stretch.first is None
            else (moment < _at(stretch.first)) & (moment > _at(stretch.first - gap))
        )
        inside = pl.when(over).then(None).otherwise(pl.lit(stretch.part))
        own = pl.when(begun).then(inside).when(near).then(None).otherwise(own)
    parts = named.select(*expr.columns(key), own.alias(PART))
    if group is not None:
        for earlier, stretch in enumerate(stretches[1:], start=1):
            before = [item.part for item in stretches[:earlier]]
            late = (parts[PART] == stretch.part) & _seen(rows[group], parts[PART].is_in(before))
            parts = parts.with_columns(pl.when(~late.fill_null(False)).then(PART).alias(PART))
    return parts.filter(pl.col(PART).is_not_null())


def _at(moment: datetime) -> pl.Expr:
    return pl.lit(moment, dtype=_INSTANT)


def _seen(groups: pl.Series, where: pl.Series) -> pl.Series:
    """Whether each row's group is among those of the chosen rows; no group is none of them."""
    there = groups.filter(where.fill_null(False)).drop_nulls().unique()
    return groups.is_in(there.implode()).fill_null(False)


def _instants(rows: pl.DataFrame, timestamp: str) -> pl.Series:
    """The times of the rows, which must be there."""
    times = rows[timestamp]
    if times.null_count() > 0:
        raise Failure(f"{timestamp} is null in {times.null_count()} rows, so they have no order")
    if times.dtype == pl.Date:
        return times.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return times


def _midnight(day: date | None, zone: str) -> datetime | None:
    """The instant at which a day begins in a zone."""
    if day is None:
        return None
    local = pl.Series([day], dtype=pl.Date).cast(pl.Datetime("us"))
    begun: datetime = local.dt.replace_time_zone(zone, ambiguous="earliest").cast(_INSTANT).item()
    return begun


def _with_fold(parts: pl.DataFrame, divided: pl.DataFrame, fold: int, name: str) -> pl.DataFrame:
    """The parts with a column for one fold: of the divided rows, it judges by those in it."""
    role = pl.when(pl.col(PART) == fold).then(pl.lit("validation")).otherwise(pl.lit("train"))
    key = _key(parts)
    told = divided.select(*expr.columns(key), role.alias(name))
    return parts.join(told, on=key, how="left", maintain_order="left")


def _key(parts: pl.DataFrame) -> list[str]:
    """The columns of a table of parts that identify a row."""
    return [name for name in parts.columns if name != PART and not _FOLD.fullmatch(name)]


def _fold_columns(parts: pl.DataFrame) -> list[str]:
    return [name for name in parts.columns if _FOLD.fullmatch(name)]


def _named_parts(parts: pl.DataFrame) -> list[tuple[str, str]]:
    """Every part with the column that names it."""
    own = [(PART, name) for name in parts[PART].unique(maintain_order=True).to_list()]
    of_folds = [(fold, name) for fold in _fold_columns(parts) for name in ("train", "validation")]
    return own + of_folds


def _told(column: str, name: str) -> str:
    """`train`, `validation of fold 2`, `train of fold 2.1`."""
    if column == PART:
        return name
    return f"{name} of fold {column.removeprefix('__fold_').removesuffix('__').replace('_', '.')}"


def _places(rows: pl.DataFrame, key: Sequence[str], domain: str, *salt: Any) -> Places:
    """Each row's u."""
    prefix = identity.key_bytes([domain, *(str(item) for item in salt)])
    first = identity.numbers(rows, key, prefix=prefix)
    return (first >> np.uint64(11)).astype(np.float64) / 2.0**53


def _ranks(rows: pl.DataFrame, column: str, places: Places) -> tuple[Integers, Integers]:
    """How many rows of the same value of a column come before each in order of their places, and how many there are."""
    value = expr.column(column)
    rank = pl.Series("place", places).rank("ordinal").alias("rank")
    ordered = rows.select(value.alias("value")).with_columns(rank)
    found = ordered.select(
        before=pl.col("rank").rank("ordinal").over("value").cast(pl.Int64) - 1,
        size=pl.len().over("value").cast(pl.Int64),
    )
    return found["before"].to_numpy(), found["size"].to_numpy()


def _parts_at(places: Places, shares: Mapping[str, float]) -> pl.Series:
    """The part whose stretch of [0, 1) holds each place."""
    names, total, ends = list(shares), 0.0, []
    for share in shares.values():
        total += share
        ends.append(total)
    chosen = np.minimum(np.searchsorted(ends, places, side="right"), len(names) - 1)
    return pl.Series(names).gather(chosen)


def _cuts(shares: Mapping[str, float], count: int) -> list[tuple[str, int]]:
    """Each part with the index at which it ends, rounded to the nearest row."""
    names = list(shares)
    ends = [
        math.floor(math.fsum(list(shares.values())[: i + 1]) * count + 0.5)
        for i in range(len(names))
    ]
    ends[-1] = count
    return list(zip(names, ends, strict=True))


def _parts(rows: pl.DataFrame, key: Sequence[str], parts: pl.Series) -> pl.DataFrame:
    return rows.select(expr.columns(key)).with_columns(parts.alias(PART))

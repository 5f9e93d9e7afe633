"""Joins and windows in plain Python, row by row, to hold the fast ones against."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

START = datetime(2020, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def table(
    chance: random.Random, count: int, *, hours: int = 200, nulls: float = 0.15
) -> pl.DataFrame:
    """Rows in canonical order with ties in time, null keys and null values."""

    def some(value: Any) -> Any:
        return None if chance.random() < nulls else value

    rows = [
        {
            "at": START + timedelta(hours=chance.randrange(hours)),
            "k": some(chance.choice("abc")),
            "j": some(chance.randrange(2)),
            "x": some(round(chance.gauss(0, 10), 3)),
            "n": some(chance.randrange(-5, 6)),
            "flag": some(chance.random() < 0.5),
            "word": some(chance.choice(["one", "two", "three"])),
            "day": some(START.date() + timedelta(days=chance.randrange(5))),
        }
        for _ in range(count)
    ]
    schema = {
        "at": pl.Datetime("us", "UTC"),
        "k": pl.String,
        "j": pl.Int64,
        "x": pl.Float64,
        "n": pl.Int64,
        "flag": pl.Boolean,
        "word": pl.String,
        "day": pl.Date,
    }
    return pl.DataFrame(rows, schema=schema).sort("at", maintain_order=True)


def back(
    here: Sequence[Row],
    there: Sequence[Row],
    aggregate: Callable[[list[Row], Row], Any],
    *,
    by: Sequence[tuple[str, str]],
    time: tuple[str, str] = ("at", "at"),
    window: timedelta | None = None,
    rows: int | None = None,
    lag: timedelta = timedelta(0),
    where: Callable[[Row], Any] = lambda row: True,
) -> list[Any]:
    """What each row of `here` sees in `there`, aggregated."""
    return [
        aggregate(
            _seen(row, there, by=by, time=time, window=window, rows=rows, lag=lag, where=where), row
        )
        for row in here
    ]


def _seen(
    row: Row,
    there: Sequence[Row],
    *,
    by: Sequence[tuple[str, str]],
    time: tuple[str, str],
    window: timedelta | None,
    rows: int | None,
    lag: timedelta,
    where: Callable[[Row], Any],
) -> list[Row]:
    now = row[time[0]]
    if now is None or any(row[mine] is None for mine, _ in by):
        return []
    seen = []
    for other in there:
        at = other[time[1]]
        if at is None or any(row[mine] != other[theirs] for mine, theirs in by):
            continue
        if where(other) is not True:
            continue
        end = now - lag
        if lag:
            inside = at <= end and (window is None or at > end - window)
        else:
            inside = at < end and (window is None or at >= end - window)
        if inside:
            seen.append(other)
    return seen if rows is None else seen[len(seen) - rows :] if len(seen) > rows else seen


def values(name: str) -> Callable[[list[Row]], list[Any]]:
    """The values of a column that are not null."""
    return lambda rows: [row[name] for row in rows if row[name] is not None]


def mean(found: list[Any]) -> float | None:
    return math.fsum(found) / len(found) if found else None


def std(found: list[Any]) -> float | None:
    if len(found) < 2:
        return None
    middle = math.fsum(found) / len(found)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in found) / (len(found) - 1))


def quantile(found: list[Any], q: float) -> float | None:
    if not found:
        return None
    ordered = sorted(found)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def diff(found: list[Any], n: int) -> Any:
    return found[-1] - found[-1 - n] if len(found) > n else None


def rank(found: list[Any], own: Any) -> int | None:
    if own is None or not found:
        return None
    return 1 + sum(value < own for value in found)


def ewm_mean(seen: list[Row], name: str, half_life: timedelta) -> float | None:
    found = [(row["at"], row[name]) for row in seen if row[name] is not None]
    if not found:
        return None
    weights = [0.5 ** ((found[-1][0] - at) / half_life) for at, _ in found]
    total = math.fsum(weight * value for weight, (_, value) in zip(weights, found, strict=True))
    return total / math.fsum(weights)


def same(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    """Fail at the first row in which the two differ."""
    assert len(ours) == len(theirs)
    for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        if isinstance(our, float) and their is not None:
            assert math.isclose(our, their, rel_tol=1e-9, abs_tol=1e-9), (index, our, their)
        else:
            assert our == their, (index, our, their)

"""Assigns rows to parts: by a hash of their key, by groups, or in order of time.

A row's place is `u = SHA-256("mlp-split/v1", seed, split, key)`, its first 53 bits read as a number
in [0, 1); each field is hashed as its length in bytes, a colon and its text, so no two keys share
their bytes. A random split cuts [0, 1) at the shares, so that a row never changes its part when
others arrive. A stratified one orders the rows of each value by u and cuts that order.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from mlp_runtime import expr, identity
from mlp_runtime.step import Failure

PART = "__part__"
_DOMAIN = "mlp-split/v1"


def random(
    rows: pl.DataFrame, *, name: str, key: Sequence[str], shares: Mapping[str, float], seed: int
) -> pl.DataFrame:
    """By a hash of the key."""
    places = _places(rows, name, key, seed)
    return _parts(rows, key, [_part_at(place, shares) for place in places])


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
    places = _places(rows, name, [column], seed)
    return _parts(rows, key, [_part_at(place, shares) for place in places])


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
    places = _places(rows, name, key, seed)
    strata: dict[Any, list[int]] = {}
    for index, value in enumerate(rows[column].to_list()):
        strata.setdefault(value, []).append(index)
    parts = [""] * rows.height
    for members in strata.values():
        members.sort(key=places.__getitem__)
        start = 0
        for part, end in _cuts(shares, len(members)):
            for index in members[start:end]:
                parts[index] = part
            start = end
    return _parts(rows, key, parts)


def time(
    rows: pl.DataFrame,
    *,
    key: Sequence[str],
    shares: Mapping[str, float],
    timestamp: str,
    gap: timedelta,
) -> pl.DataFrame:
    """In order of time. Rows of one moment stay in the earlier part; rows of earlier parts that lie
    within `gap` of a later part's first moment belong to none.
    """
    times = rows[timestamp]
    if times.null_count() > 0:
        raise Failure(f"{timestamp} is null in {times.null_count()} rows, so they have no order")
    moments = sorted(times.to_list())
    bounds: list[tuple[str, Any]] = []
    start = 0
    for part, end in _cuts(shares, len(moments)):
        while 0 < end < len(moments) and moments[end] == moments[end - 1]:
            end += 1
        bounds.append((part, moments[start] if start < end else None))
        start = max(start, end)
    empty = [part for part, first in bounds if first is None]
    if empty:
        raise Failure(f"no moment is left for {', '.join(empty)}: {timestamp} has too few")
    return _parts(rows, key, [_part_in_time(moment, bounds, gap) for moment in times.to_list()])


def part(rows: pl.DataFrame, parts: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of one part, in their order."""
    key = [column for column in parts.columns if column != PART]
    chosen = parts.filter(pl.col(PART) == name)
    return rows.join(chosen, on=key, how="semi", maintain_order="left")


def require_classes(rows: pl.DataFrame, parts: pl.DataFrame, *, label: str) -> None:
    """Fail unless every part holds every class of the label."""
    classes = rows[label].drop_nulls().unique().sort().to_list()
    names = parts[PART].unique(maintain_order=True).to_list()
    missing = []
    for name in names:
        held = set(part(rows, parts, name)[label].to_list())
        missing += [
            f"{name} holds no row with {label} {item}" for item in classes if item not in held
        ]
    if missing:
        raise Failure("\n".join(["every part must hold every class:", *missing]))


def require_rows(parts: pl.DataFrame, shares: Mapping[str, float]) -> dict[str, int]:
    """The number of rows of each part; fail if one has none."""
    held = dict(parts.group_by(PART).len().iter_rows())
    counts = {name: int(held.get(name, 0)) for name in shares}
    empty = [name for name, count in counts.items() if count == 0]
    if empty:
        raise Failure(
            f"no row falls into {', '.join(empty)}: the data is too small for such a split"
        )
    return counts


def summary(counts: Mapping[str, int]) -> str:
    """`train 240, test 104`."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _places(rows: pl.DataFrame, name: str, key: Sequence[str], seed: int) -> list[float]:
    """Each row's u."""
    prefix = identity.key_bytes([_DOMAIN, str(seed), name])
    return [_unit(prefix + fields) for fields in identity.keys(rows, key)]


def _unit(message: bytes) -> float:
    first = int.from_bytes(hashlib.sha256(message).digest()[:8], "big")
    return (first >> 11) / 2.0**53


def _part_at(place: float, shares: Mapping[str, float]) -> str:
    """The part whose stretch of [0, 1) holds `place`."""
    total = 0.0
    for name, share in shares.items():
        total += share
        if place < total:
            return name
    return list(shares)[-1]


def _cuts(shares: Mapping[str, float], count: int) -> list[tuple[str, int]]:
    """Each part with the index at which it ends, rounded to the nearest row."""
    names = list(shares)
    ends = [
        math.floor(math.fsum(list(shares.values())[: i + 1]) * count + 0.5)
        for i in range(len(names))
    ]
    ends[-1] = count
    return list(zip(names, ends, strict=True))


def _part_in_time(moment: Any, bounds: Sequence[tuple[str, Any]], gap: timedelta) -> str:
    """The part of a moment; empty if it lies within the gap before a later part."""
    own = ""
    for name, first in bounds:
        if moment >= first:
            own = name
        elif moment + gap > first:
            return ""
    return own


def _parts(rows: pl.DataFrame, key: Sequence[str], parts: Sequence[str]) -> pl.DataFrame:
    named = rows.select(expr.columns(key)).with_columns(pl.Series(PART, parts, dtype=pl.String))
    return named.filter(pl.col(PART) != "")

"""What a table holds, in few facts: row count, null share, a histogram or counts of levels per column.

A profile is what later tables are compared with, so it is made to be read and kept: JSON with one fact a line, the same
bytes for the same table, no bigger for a bigger table.

Numbers are kept in about `BINS` bins. A bin ends at the smallest value at or below which i of `BINS` hundredths of the
values lie (the inverse of the empirical distribution function, Hyndman and Fan's type 1), and holds the least and the
greatest value in it and how many there are; a value that makes up a hundredth of all or more has a bin of its own. So
the distribution function is known exactly at both ends of every bin; inside a bin it is taken as a straight line, which
is off by less than the bin's share. A column with no more than `BINS` different values is kept whole.

Categories and flags are kept as counts by level: all levels up to `LEVELS`, else the most frequent ones and how many
values had another one. Of any other column only rows and nulls are kept. Nulls, and numbers that are not finite, are
counted as nulls and take no part in bins and levels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from mlp_runtime import expr, files, formats
from mlp_runtime.schema import Schema

BINS = 100
LEVELS = 1000

Kind = Literal["number", "level", "other"]

_KINDS: Mapping[str, Kind] = {
    "int": "number",
    "float": "number",
    "decimal": "number",
    "bool": "level",
    "category": "level",
}


@dataclass(frozen=True)
class Bin:
    """Values from `low` to `high`, both of which occur."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What one column holds."""

    kind: Kind
    rows: int
    nulls: int
    mean: float | None = None
    std: float | None = None
    bins: Sequence[Bin] = field(default_factory=list)
    levels: Sequence[tuple[str, int]] = field(default_factory=list)
    other: int = 0

    @property
    def present(self) -> int:
        """How many values there are."""
        return self.rows - self.nulls

    @property
    def null_rate(self) -> float:
        """Share of nulls."""
        return self.nulls / self.rows if self.rows else 0.0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a table holds."""

    dataset: str
    rows: int
    columns: Mapping[str, ColumnProfile]


def of(rows: pl.DataFrame, schema: Schema) -> Profile:
    """The profile of a table."""
    columns = {
        column.name: column_profile(
            rows.select(expr.column(column.name)).to_series(), _KINDS.get(column.kind, "other")
        )
        for column in schema.columns
    }
    return Profile(dataset=schema.dataset, rows=rows.height, columns=columns)


def column_profile(values: pl.Series, kind: Kind) -> ColumnProfile:
    """The profile of one column."""
    if kind == "number":
        found = finite(values)
        return ColumnProfile(
            kind=kind,
            rows=len(values),
            nulls=len(values) - len(found),
            mean=_number(found.mean()),
            std=_number(found.std()),
            bins=_bins(found),
        )
    if kind == "level":
        levels, other = _levels(values)
        return ColumnProfile(
            kind=kind,
            rows=len(values),
            nulls=values.null_count(),
            levels=levels,
            other=other,
        )
    return ColumnProfile(kind=kind, rows=len(values), nulls=values.null_count())


def finite(values: pl.Series) -> pl.Series:
    """The finite numbers among the values."""
    # Polars would read some names of columns as patterns.
    numbers = values.alias("value").cast(pl.Float64).drop_nulls()
    return numbers.filter(numbers.is_finite())


def named(values: pl.Series) -> pl.Series:
    """The values that are not null, as names of levels."""
    return values.alias("value").drop_nulls().cast(pl.String)


def counted(values: pl.Series) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Different values in ascending order, and how often each occurs."""
    table = values.to_frame("value").group_by("value").len().sort("value")
    return table["value"].to_numpy(), table["len"].cast(pl.Int64).to_numpy()


def _bins(values: pl.Series) -> list[Bin]:
    distinct, counts = counted(values)
    if len(distinct) <= BINS:
        pairs = zip(distinct.tolist(), counts.tolist(), strict=True)
        return [Bin(value, value, count) for value, count in pairs]
    upto = np.cumsum(counts)
    # In whole numbers, so that no rounding moves an end.
    ranks = -(-np.arange(1, BINS + 1) * int(upto[-1]) // BINS)
    ends = np.searchsorted(upto, ranks)
    frequent = np.flatnonzero(counts * BINS >= upto[-1])
    ends = np.unique(np.concatenate([ends, frequent, frequent[frequent > 0] - 1]))
    starts = np.concatenate([[0], ends[:-1] + 1])
    sizes = np.diff(upto[ends], prepend=0)
    return [
        Bin(float(distinct[start]), float(distinct[end]), int(size))
        for start, end, size in zip(starts, ends, sizes, strict=True)
    ]


def _levels(values: pl.Series) -> tuple[list[tuple[str, int]], int]:
    found = named(values).alias("level").to_frame().group_by("level").len()
    kept = found.sort("len", "level", descending=[True, False]).head(LEVELS).sort("level")
    levels = [(str(level), int(count)) for level, count in kept.rows()]
    return levels, int(found["len"].sum()) - sum(count for _, count in levels)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def write(profile: Profile, path: Path) -> None:
    """Store a profile."""
    path.write_text(text(profile), encoding="utf-8", newline="\n")


def text(profile: Profile) -> str:
    """A profile as JSON, one fact a line."""
    head = [
        ("format", json.dumps(formats.PROFILE)),
        ("dataset", json.dumps(profile.dataset, ensure_ascii=False)),
        ("rows", str(profile.rows)),
        ("columns", _object([(name, _column(item)) for name, item in profile.columns.items()], 4)),
    ]
    return _object(head, 2) + "\n"


def _column(column: ColumnProfile) -> str:
    facts = [
        ("kind", json.dumps(column.kind)),
        ("rows", str(column.rows)),
        ("nulls", str(column.nulls)),
    ]
    if column.kind == "number":
        facts += [("mean", json.dumps(column.mean)), ("std", json.dumps(column.std))]
        facts.append(("bins", _list([[item.low, item.high, item.count] for item in column.bins])))
    if column.kind == "level":
        facts.append(("levels", _list([list(item) for item in column.levels])))
        facts.append(("other", str(column.other)))
    return _object(facts, 6)


def _object(facts: Sequence[tuple[str, str]], indent: int) -> str:
    pad = " " * indent
    lines = [f"{pad}{json.dumps(name, ensure_ascii=False)}: {value}" for name, value in facts]
    return "{\n" + ",\n".join(lines) + "\n" + pad[:-2] + "}" if lines else "{}"


def _list(items: Sequence[Sequence[Any]]) -> str:
    lines = [f"        {json.dumps(item, ensure_ascii=False, allow_nan=False)}" for item in items]
    return "[\n" + ",\n".join(lines) + "\n      ]" if lines else "[]"


def read(path: Path | None) -> Profile | None:
    """A stored profile; None where there is none yet."""
    if path is None:
        return None
    stored = files.read_json(path, format=formats.PROFILE)
    columns = {name: _read_column(item) for name, item in stored["columns"].items()}
    return Profile(dataset=stored["dataset"], rows=stored["rows"], columns=columns)


def _read_column(stored: Mapping[str, Any]) -> ColumnProfile:
    return ColumnProfile(
        kind=stored["kind"],
        rows=stored["rows"],
        nulls=stored["nulls"],
        mean=stored.get("mean"),
        std=stored.get("std"),
        bins=[Bin(*item) for item in stored.get("bins", [])],
        levels=[(level, count) for level, count in stored.get("levels", [])],
        other=stored.get("other", 0),
    )

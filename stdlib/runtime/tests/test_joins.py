"""Joins agree with plain Python, row by row, and keep rows and their order."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import naive
import polars as pl
import pytest

from mlp_runtime import expr, joins, table

HOUR = timedelta(hours=1)
AVAILABLE = [timedelta(0), 3 * HOUR]
WITHIN = [None, 10 * HOUR]


def test_joins_by_key_keep_rows_and_their_order() -> None:
    rows = pl.LazyFrame(
        {"id": [3, 1, 2, 4], "place": ["b", "a", None, "z"], "__key_0__": [1, 2, 3, 4]}
    )
    other = pl.LazyFrame({"name": ["a", "b"], "area": [1.5, 2.5]})
    joined = table.collect(
        joins.by_key(
            rows.drop("__key_0__"), other, on={"name": pl.col("place")}, take={"size": "area"}
        )
    )
    assert joined.rows() == [(3, "b", 2.5), (1, "a", 1.5), (2, None, None), (4, "z", None)]


def matches(
    row: naive.Row, other: naive.Row, by: list[tuple[str, str]], until: str | None, **limits: Any
) -> bool:
    """Whether a row of the other side is known; without `held`, it may be over."""
    now, at = row["at"], other["at"]
    if now is None or at is None:
        return False
    if any(row[mine] is None or row[mine] != other[theirs] for mine, theirs in by):
        return False
    return bool(at + limits["available"] <= now)


def held(
    row: naive.Row, other: naive.Row | None, within: timedelta | None, until: str | None
) -> bool:
    """Whether the row that was found is neither too old nor over."""
    if other is None or (within is not None and row["at"] - other["at"] > within):
        return False
    return until is None or other[until] is None or row["at"] < other[until]


@pytest.mark.parametrize("available", AVAILABLE)
@pytest.mark.parametrize("within", WITHIN)
@pytest.mark.parametrize("until", [None, "end"])
@pytest.mark.parametrize("by", [[], [("k", "k")], [("k", "k"), ("n", "j")]])
@pytest.mark.parametrize("size", [0, 1, 5, 80])
def test_the_latest_known_row(
    size: int,
    by: list[tuple[str, str]],
    until: str | None,
    within: timedelta | None,
    available: timedelta,
) -> None:
    chance = random.Random(f"{size} {by} {until} {within} {available}")
    frame = naive.table(chance, size)
    if size == 80:
        frame = frame.sample(fraction=1, shuffle=True, seed=2).with_columns(
            at=pl.when(pl.col("n") != 2).then("at")
        )
    other = naive.table(chance, chance.randrange(2 * size + 2)).with_columns(
        end=pl.when(pl.col("flag")).then(pl.col("at") + pl.duration(hours=pl.col("n") + 6))
    )
    made = joins.latest(
        frame.lazy(),
        other.lazy(),
        on={theirs: pl.col(mine) for mine, theirs in by},
        take={"their x": "x", "their word": "word"},
        time="at",
        their_time="at",
        available=available,
        within=within,
        until=until,
    )
    expected = []
    for row in frame.to_dicts():
        known = [o for o in other.to_dicts() if matches(row, o, by, until, available=available)]
        found = known[-1] if known else None
        is_held = found is not None and held(row, found, within, until)
        expected.append((found["x"], found["word"]) if found and is_held else (None, None))
    schema = made.collect_schema()
    rows = table.collect(made)
    assert rows.schema == schema
    assert rows.drop("their x", "their word").equals(frame)
    assert rows.select("their x", "their word").rows() == expected


@pytest.mark.parametrize("available", AVAILABLE)
@pytest.mark.parametrize("within", WITHIN)
@pytest.mark.parametrize("until", [None, "end"])
def test_joins_by_key_of_what_is_known(
    until: str | None, within: timedelta | None, available: timedelta
) -> None:
    chance = random.Random(f"{until} {within} {available}")
    frame = naive.table(chance, 400).with_columns(at=pl.when(pl.col("n") != 2).then("at"))
    other = (
        naive.table(chance, 40)
        .drop_nulls(["k", "j"])
        .unique(["k", "j"], keep="first", maintain_order=True)
        .with_columns(end=pl.col("at") + pl.duration(hours=pl.col("n") * 20))
    )
    made = joins.by_key(
        frame.lazy(),
        other.lazy(),
        on={"k": pl.col("k"), "j": pl.col("j")},
        take={"their x": "x"},
        time="at",
        their_time="at",
        available=available,
        within=within,
        until=until,
    )
    by = [("k", "k"), ("j", "j")]
    expected = []
    for row in frame.to_dicts():
        known = [o for o in other.to_dicts() if matches(row, o, by, until, available=available)]
        found = known[0] if known else None
        expected.append(found["x"] if found and held(row, found, within, until) else None)
    rows = table.collect(made)
    assert rows.drop("their x").equals(frame)
    assert rows["their x"].to_list() == expected
    assert any(value is not None for value in expected)


def test_days_are_their_midnight() -> None:
    frame, other = naive.table(random.Random(1), 50), naive.table(random.Random(2), 30)
    other = other.drop_nulls("day").sort("day", maintain_order=True)
    made = joins.latest(
        frame.lazy(),
        other.lazy(),
        on={"k": pl.col("k")},
        take={"seen": "day"},
        time="at",
        their_time="day",
        available=timedelta(days=1),
    )
    for row in table.collect(made).to_dicts():
        days = [
            o["day"]
            for o in other.to_dicts()
            if o["k"] == row["k"] and o["day"] + timedelta(days=1) <= row["at"].date()
        ]
        assert row["seen"] == (days[-1] if days and row["k"] is not None else None)


def test_days_of_another_zone_begin_there() -> None:
    frame = pl.DataFrame({"at": [datetime(2020, 7, 2, hour, tzinfo=UTC) for hour in (0, 3, 4, 5)]})
    other = pl.DataFrame({"day": [date(2020, 7, 1), date(2020, 7, 2)], "x": [1, 2]})
    made = joins.latest(
        frame.lazy(),
        other.lazy(),
        on={},
        take={"x": "x"},
        time="at",
        their_time=expr.midnight(pl.col("day"), "America/New_York"),
    )
    # There the second of July begins at four.
    assert table.collect(made)["x"].to_list() == [1, 1, 2, 2]

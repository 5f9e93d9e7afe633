"""Spines agree with plain Python."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import naive
import polars as pl
import pytest

from mlp_runtime import spine, table

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("size", [0, 1, 30])
@pytest.mark.parametrize("since", [None, "at", "day"])
@pytest.mark.parametrize("versions", [False, True])
@pytest.mark.parametrize(
    ("start", "end", "every"),
    [
        ("2020-01-01", "2020-01-09", timedelta(days=2)),
        ("2020-01-03T05:00:00", "2020-01-04", 7 * HOUR),
        ("2020-01-03", "2020-01-03", timedelta(days=1)),
        ("2020-01-03", "2020-01-02", timedelta(days=1)),
    ],
)
def test_each_key_is_looked_at_at_each_moment(
    start: str, end: str, every: timedelta, versions: bool, since: str | None, size: int
) -> None:
    chance = random.Random(f"{start} {since} {versions}")
    base = naive.table(chance, size).with_row_index("id").sample(fraction=1, shuffle=True, seed=1)
    base = base.with_columns(
        end=pl.when(pl.col("flag")).then(pl.col("at") + pl.duration(hours=pl.col("n") * 9))
    )
    made = spine.sample(
        base.lazy(),
        key=["id"],
        time="sampled_at",
        every=every,
        start=start,
        end=end,
        since=since,
        valid_from="at" if versions else None,
        valid_until="end" if versions else None,
    )
    moments = []
    now, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    while now <= last:
        moments.append(now)
        now += every
    expected = []
    for now in moments:
        for row in base.sort("id").to_dicts():
            if since is not None:
                begun = row[since]
                if begun is None:
                    continue
                if not isinstance(begun, datetime):
                    begun = datetime(begun.year, begun.month, begun.day, tzinfo=UTC)
                if begun > now:
                    continue
            holds = row["at"] <= now and (row["end"] is None or now < row["end"])
            if holds or not versions:
                expected.append({**row, "sampled_at": now})
    rows = table.collect(made)
    assert rows.to_dicts() == expected
    assert rows.schema == made.collect_schema()
    assert rows.columns == [*base.columns, "sampled_at"]


def test_days_begin_in_the_zone() -> None:
    base = pl.DataFrame({"id": [1, 2], "day": [date(2020, 3, 7), date(2020, 3, 9)]})
    made = spine.sample(
        base.lazy(),
        key=["id"],
        time="sampled_at",
        every=timedelta(days=1),
        start="2020-03-07",
        end="2020-03-09T04:00:00Z",
        zone="America/New_York",
        since="day",
    )
    five = [datetime(2020, 3, day, 5, tzinfo=UTC) for day in (7, 8)]
    # The clock went forward, so that day the ninth began at four, between two moments.
    assert table.collect(made).select("id", "sampled_at").rows() == [(1, five[0]), (1, five[1])]

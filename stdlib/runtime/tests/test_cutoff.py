"""A dataset that is cut holds what was known by then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from mlp_runtime import cutoff

DAY = timedelta(days=1)
HOURS = pl.DataFrame(
    {
        "at": [datetime(2020, 1, 1, hour, tzinfo=UTC) for hour in (0, 5, 12, 23)],
        "late": [1.0, 2.0, None, 4.0],
        "n": [1, 2, 3, 4],
    }
)


@pytest.mark.parametrize(
    ("as_of", "zone", "kept", "late"),
    [
        # At the very instant it is known.
        ("2020-01-01T05:00:00Z", "UTC", [1, 2], [None, None]),
        ("2020-01-01T08:00:00Z", "UTC", [1, 2], [1.0, None]),
        ("2020-01-02", "UTC", [1, 2, 3, 4], [1.0, 2.0, None, None]),
        # The day begins five hours later there.
        ("2020-01-01", "America/New_York", [1, 2], [None, None]),
        ("2020-01-01", "Europe/Vienna", [], []),
    ],
)
def test_rows_and_cells_are_seen_once_they_are_known(
    as_of: str, zone: str, kept: list[int], late: list[float | None]
) -> None:
    cells = {"late": timedelta(hours=6)}
    seen = cutoff.apply(HOURS, as_of, time="at", cells=cells, zone=zone)
    assert seen["n"].to_list() == kept
    assert seen["late"].to_list() == late
    assert seen.schema == HOURS.schema


def test_a_row_waits_for_what_it_may_not_lack() -> None:
    seen = cutoff.apply(HOURS, "2020-01-02", time="at", after=timedelta(hours=12))
    assert seen["n"].to_list() == [1, 2, 3]


@pytest.mark.parametrize(("zone", "last"), [("UTC", 4), ("America/New_York", 4)])
def test_days_are_seen_when_they_are_over(zone: str, last: int) -> None:
    days = pl.DataFrame({"day": [date(2020, 1, day) for day in range(1, 8)]})
    seen = cutoff.apply(days, "2020-01-05", time="day", after=DAY, zone=zone)
    assert seen["day"].to_list() == [date(2020, 1, day) for day in range(1, last + 1)]
    # 23:00 in New York on the day before.
    seen = cutoff.apply(days, "2020-01-05T04:00:00Z", time="day", after=DAY, zone=zone)
    assert seen.height == (4 if zone == "UTC" else 3)

"""Small expressions: the start of a day in a zone."""

from datetime import UTC, date, datetime

import polars as pl

from mlp_runtime import expr


def midnights(zone: str, *days: date | None) -> list[datetime | None]:
    frame = pl.DataFrame({"day": days}, schema={"day": pl.Date})
    return frame.select(expr.midnight(pl.col("day"), zone)).to_series().to_list()


def test_a_day_starts_at_midnight_of_its_zone() -> None:
    assert midnights("UTC", date(2013, 7, 1)) == [datetime(2013, 7, 1, tzinfo=UTC)]
    summer, winter = midnights("Europe/Vienna", date(2013, 7, 1), date(2013, 1, 1))
    assert summer == datetime(2013, 6, 30, 22, tzinfo=UTC)
    assert winter == datetime(2012, 12, 31, 23, tzinfo=UTC)
    assert midnights("Europe/Vienna", None) == [None]


def test_where_the_clock_skips_midnight_the_day_starts_an_hour_later() -> None:
    # Summer time began at midnight in Sao Paulo.
    assert midnights("America/Sao_Paulo", date(2013, 10, 20)) == [
        datetime(2013, 10, 20, 3, tzinfo=UTC)
    ]


def test_a_day_is_that_which_starts_at_the_instant() -> None:
    starts = [datetime(2013, 7, 1, hour, tzinfo=UTC) for hour in (0, 4, 5)]
    frame = pl.DataFrame({"at": starts})
    assert frame.select(expr.day_at(pl.col("at"))).to_series().to_list() == [
        date(2013, 7, 1),
        None,
        None,
    ]
    there = frame.select(expr.day_at(pl.col("at"), "America/New_York")).to_series()
    assert there.to_list() == [None, date(2013, 7, 1), None]

"""The features of `examples/flights` written by hand in Polars, as fast as it goes.

`rolling_*_by` has no offset. So for a lag, and for the weather, events are moved forward in time and
laid in one order with the rows that look at them.
"""

from pathlib import Path

import polars as pl

FOREVER = "36500d"


def features(folder: Path) -> pl.DataFrame:
    return from_tables(
        *(
            pl.scan_parquet(folder / f"{name}.parquet")
            for name in ["flights", "weather", "planes", "airports"]
        )
    ).collect(engine="in-memory")


def from_tables(
    flights: pl.LazyFrame, weather: pl.LazyFrame, planes: pl.LazyFrame, airports: pl.LazyFrame
) -> pl.LazyFrame:
    """Rows to learn from. Flights and weather are in order of `time_hour`."""
    flights = flights.select(
        "time_hour",
        "carrier",
        "flight",
        "tailnum",
        "origin",
        "dest",
        "distance",
        "dep_delay",
        "arr_delay",
    ).set_sorted("time_hour")
    weather = weather.select(
        "origin", "time_hour", "temp", "wind_speed", "precip", "visib"
    ).set_sorted("time_hour")
    late, wind = pl.col("arr_delay"), pl.col("wind_speed")
    arrivals = flights.with_columns(pl.col("time_hour") + pl.duration(days=1))
    departures = flights.with_columns(pl.col("time_hour") + pl.duration(hours=3))
    rows = (
        flights.join_asof(
            weather, on="time_hour", by="origin", tolerance="2h", check_sortedness=False
        )
        .join(
            planes.select("tailnum", "built", "seats"),
            on="tailnum",
            how="left",
            maintain_order="left",
        )
        .join(
            airports.select(dest="faa", northward="lat"),
            on="dest",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            origin_load=pl.col("flight")
            .is_not_null()
            .cast(pl.Int64)
            .rolling_sum_by("time_hour", "3h", closed="left")
            .over("origin")
            .fill_null(0)
        )
    )
    found = [
        seen(
            flights,
            arrivals,
            ["carrier"],
            carrier_week=late.rolling_mean_by("time_hour", "7d", closed="right").over("carrier"),
            carrier_ever=late.rolling_mean_by("time_hour", FOREVER, closed="right").over("carrier"),
        ),
        seen(
            flights,
            arrivals,
            ["origin", "dest"],
            route_month=late.rolling_mean_by("time_hour", "28d", closed="right").over(
                "origin", "dest"
            ),
            route_bad=late.rolling_quantile_by(
                "time_hour", "28d", quantile=0.9, interpolation="linear", closed="right"
            ).over("origin", "dest"),
        ),
        seen(
            flights,
            departures,
            ["origin"],
            origin_now=pl.col("dep_delay")
            .rolling_mean_by("time_hour", "3h", closed="right")
            .over("origin"),
        ),
        seen(
            flights,
            weather,
            ["origin"],
            gusts=wind.rolling_max_by("time_hour", "12h", closed="left").over("origin"),
        ),
    ]
    here = pl.col("time_hour").dt.convert_time_zone("America/New_York")
    angle = 2 * 3.141592653589793 * here.dt.hour() / 24
    return (
        pl.concat([rows, *found], how="horizontal")
        .filter(late.is_not_null())
        .select(
            "time_hour",
            "carrier",
            "flight",
            "origin",
            hour_sin=angle.sin(),
            hour_cos=angle.cos(),
            weekday=here.dt.weekday(),
            month=here.dt.month(),
            distance="distance",
            temp="temp",
            precip="precip",
            visib="visib",
            windy=wind.fill_null(0.0) > 20.0,
            plane_age=here.dt.year() - pl.col("built"),
            seats="seats",
            northward="northward",
            carrier_week="carrier_week",
            carrier_ever="carrier_ever",
            route_month="route_month",
            route_bad="route_bad",
            origin_now="origin_now",
            origin_load="origin_load",
            gusts="gusts",
            late=late > 15.0,
        )
    )


def seen(
    looking: pl.LazyFrame, events: pl.LazyFrame, keys: list[str], **columns: pl.Expr
) -> pl.LazyFrame:
    """Columns over the events before each row: both are laid in one order of time."""
    looking = looking.select("time_hour", *keys, looks=True)
    both = pl.concat([looking, events], how="diagonal").sort("time_hour", maintain_order=True)
    return both.select("looks", **columns).filter("looks").drop("looks")

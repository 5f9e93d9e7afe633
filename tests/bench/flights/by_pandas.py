"""The features of `examples/flights` written by hand in pandas."""

from pathlib import Path

import numpy as np
import pandas as pd

FOREVER = "36500D"


def features(folder: Path) -> pd.DataFrame:
    flights = pd.read_parquet(folder / "flights.parquet")
    weather = pd.read_parquet(folder / "weather.parquet")
    planes = pd.read_parquet(folder / "planes.parquet", columns=["tailnum", "built", "seats"])
    airports = pd.read_parquet(folder / "airports.parquet", columns=["faa", "lat"])
    for name in ["carrier", "origin", "dest"]:
        flights[name] = flights[name].astype("category")
    weather["origin"] = weather["origin"].astype(flights["origin"].dtype)
    rows = pd.merge_asof(
        flights,
        weather[["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]],
        on="time_hour",
        by="origin",
        tolerance=pd.Timedelta("2h"),
    )
    rows = rows.merge(planes, on="tailnum", how="left")
    northward = rows["dest"].astype("str").map(airports.set_index("faa")["lat"])
    here = rows["time_hour"].dt.tz_convert("America/New_York")
    angle = 2 * np.pi * here.dt.hour / 24
    day, hours = pd.Timedelta(days=1), pd.Timedelta(hours=3)
    route, origin = ["origin", "dest"], ["origin"]
    one = flights.assign(one=1.0)
    made = pd.DataFrame(
        {
            "time_hour": rows["time_hour"],
            "carrier": rows["carrier"].astype("str"),
            "flight": rows["flight"],
            "origin": rows["origin"].astype("str"),
            "hour_sin": np.sin(angle),
            "hour_cos": np.cos(angle),
            "weekday": here.dt.dayofweek + 1,
            "month": here.dt.month,
            "distance": rows["distance"],
            "temp": rows["temp"],
            "precip": rows["precip"],
            "visib": rows["visib"],
            "windy": rows["wind_speed"].fillna(0.0) > 20.0,
            "plane_age": here.dt.year - rows["built"],
            "seats": rows["seats"],
            "northward": northward,
            "carrier_week": seen(flights, flights, "arr_delay", ["carrier"], "7D", day),
            "carrier_ever": seen(flights, flights, "arr_delay", ["carrier"], FOREVER, day),
            "route_month": seen(flights, flights, "arr_delay", route, "28D", day),
            "route_bad": seen(flights, flights, "arr_delay", route, "28D", day, q=0.9),
            "origin_now": seen(flights, flights, "dep_delay", origin, "3h", hours),
            "origin_load": seen(flights, one, "one", origin, "3h", function="sum")
            .fillna(0)
            .astype("int64"),
            "gusts": seen(flights, weather, "wind_speed", origin, "12h", function="max"),
            "late": rows["arr_delay"] > 15.0,
        }
    )
    return made[rows["arr_delay"].notna()].reset_index(drop=True)


def seen(
    looking: pd.DataFrame,
    events: pd.DataFrame,
    value: str,
    keys: list[str],
    window: str,
    lag: pd.Timedelta | None = None,
    *,
    function: str = "mean",
    q: float | None = None,
) -> pd.Series:
    """An aggregate over the events before each row: both are laid in one order of time."""
    known = events[["time_hour", *keys, value]].copy()
    if lag is not None:
        known["time_hour"] += lag
    asked = looking[["time_hour", *keys]].assign(**{value: np.nan})
    both = pd.concat([known, asked], ignore_index=True)
    both["row"] = np.r_[np.full(len(known), -1), np.arange(len(asked))]
    both = both.sort_values("time_hour", kind="stable")
    groups = both.groupby(keys, observed=True, sort=False)
    closed = "left" if lag is None else "right"
    rolled = groups.rolling(window, on="time_hour", closed=closed, min_periods=1)[value]
    found = rolled.quantile(q) if q is not None else getattr(rolled, function)()
    # Rows come back group by group, those of a group in order.
    order = np.argsort(groups.ngroup().to_numpy(), kind="stable")
    values = np.empty(len(both))
    values[order] = found.to_numpy()
    row = both["row"].to_numpy()
    result = np.empty(len(asked))
    result[row[row >= 0]] = values[row >= 0]
    return pd.Series(result, index=looking.index)

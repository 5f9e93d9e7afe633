"""The same features written by hand in pandas."""

from pathlib import Path

import numpy as np
import pandas as pd


def features(folder: Path) -> pd.DataFrame:
    flights = pd.read_parquet(folder / "flights.parquet").drop(columns="__row__")
    weather = pd.read_parquet(folder / "weather.parquet").drop(columns="__row__")
    planes = pd.read_parquet(folder / "planes.parquet").drop(columns="__row__")
    # Codes are what grouping is quick on.
    for name in ["carrier", "dest", "tailnum"]:
        flights[name] = flights[name].astype("category")
    planes["tailnum"] = planes["tailnum"].astype(flights["tailnum"].dtype)
    # A plane that never flew is no category, and pandas joins what is missing with what is missing.
    planes = planes.dropna(subset="tailnum")
    rows = pd.merge_asof(
        flights,
        weather,
        left_on="sched",
        right_on="time_hour",
        by="origin",
        tolerance=pd.Timedelta("2h"),
    )
    rows = rows.merge(planes, on="tailnum", how="left")
    rows["carrier_late"] = lagged(rows, ["carrier"], "7D", "mean")
    rows["carrier_worst"] = lagged(rows, ["carrier"], "7D", "max")
    rows["plane_late"] = lagged(rows, ["tailnum"], "30D", "mean")
    rows["route_late"] = lagged(rows, ["origin", "dest"], None, "mean")
    rows["plane_busy"] = before(rows, ["tailnum"], "1D").fillna(0).astype("int64")
    angle = 2 * np.pi * rows["hour"] / 24
    made = pd.DataFrame(
        {
            "id": rows["id"],
            "sched": rows["sched"],
            "carrier_late": rows["carrier_late"],
            "carrier_worst": rows["carrier_worst"],
            "plane_late": rows["plane_late"],
            "plane_busy": rows["plane_busy"],
            "route_late": rows["route_late"],
            "hour_sin": np.sin(angle),
            "hour_cos": np.cos(angle),
            "windy": rows["wind_speed"].fillna(0.0) > 20.0,
            "speed": rows["distance"] / rows["air_time"] * 60.0,
            "age": 2013 - rows["built"],
            "visib": rows["visib"],
            "seats": rows["seats"],
            "late": rows["arr_delay"] > 15.0,
        }
    )
    return made[(rows["distance"] > 100.0) & rows["arr_delay"].notna()].reset_index(drop=True)


def lagged(rows: pd.DataFrame, keys: list[str], window: str | None, function: str) -> pd.Series:
    """An aggregate over what was known a day before each flight: events are moved forward a day."""
    events = rows[["sched", *keys, "arr_delay"]].copy()
    events["sched"] += pd.Timedelta(days=1)
    looking = rows[["sched", *keys]].assign(arr_delay=np.nan)
    both = pd.concat([events, looking], ignore_index=True)
    both["row"] = np.r_[np.full(len(rows), -1), np.arange(len(rows))]
    both = both.sort_values("sched", kind="stable")
    groups = both.groupby(keys, observed=True, sort=False)
    if window is None:
        total = groups["arr_delay"].transform(lambda values: values.fillna(0.0).cumsum())
        count = both["arr_delay"].notna().groupby([both[key] for key in keys], observed=True).cumsum()
        both["found"] = (total / count).where(count > 0)
    else:
        rolled = groups.rolling(window, on="sched", closed="right", min_periods=1)["arr_delay"]
        found = getattr(rolled, function)()
        # Rows come back group by group, those of a group in order.
        order = np.argsort(groups.ngroup().to_numpy(), kind="stable")
        known = order[(groups.ngroup().to_numpy()[order]) >= 0]
        values = np.full(len(both), np.nan)
        values[known] = found.to_numpy()
        both["found"] = values
    seen = both[both["row"] >= 0]
    found = np.full(len(rows), np.nan)
    found[seen["row"].to_numpy()] = seen["found"].to_numpy()
    return pd.Series(found, index=rows.index)


def before(rows: pd.DataFrame, keys: list[str], window: str) -> pd.Series:
    """How many rows of a group lie in the window before each."""
    groups = rows.assign(one=1.0).groupby(keys, observed=True, sort=False)
    found = groups.rolling(window, on="sched", closed="left", min_periods=1)["one"].sum()
    number = groups.ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    values = np.full(len(rows), np.nan)
    values[order[number[order] >= 0]] = found.to_numpy()
    return pd.Series(values, index=rows.index)

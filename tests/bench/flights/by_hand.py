"""`examples/flights` by hand, in one script: read and check, features, folds that walk forward, boosted
trees, and how good they are. Prints the metrics.

`by_hand.py FLIGHTS WEATHER PLANES AIRPORTS RESULTS SEEDS`: the four published files, a folder for what
is kept, and the seeds of the four folds and of the last model, with commas.
"""

import json
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import joblib
import numpy as np
import polars as pl
from by_polars import from_tables
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

DAY = timedelta(days=1)
# Midnight of November 1 in New York.
TEST = datetime(2013, 11, 1, 4, tzinfo=UTC)
FOLDS = 4
CATEGORIES = ["origin", "carrier"]
INPUTS = [
    "hour_sin",
    "hour_cos",
    "weekday",
    "month",
    "origin",
    "carrier",
    "distance",
    "temp",
    "precip",
    "visib",
    "windy",
    "plane_age",
    "seats",
    "northward",
    "carrier_week",
    "carrier_ever",
    "route_month",
    "route_bad",
    "origin_now",
    "origin_load",
    "gusts",
]


def read(source: Path | bytes, key: list[str], columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """The columns of a table in the order of its key, which is there and unique."""
    table = pl.read_csv(
        source, columns=list(columns), schema_overrides=columns, null_values=["", "NA"]
    )
    if "time_hour" in columns:
        moment = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
        table = table.with_columns(moment.dt.replace_time_zone("UTC"))
    assert sum(table.select(key).null_count().row(0)) == 0
    assert not table.select(key).is_duplicated().any()
    return table.sort(key)


def tables(flights: Path, weather: Path, planes: Path, airports: Path) -> list[pl.DataFrame]:
    """The four tables, as they should be."""
    text, whole, number = pl.String(), pl.Int64(), pl.Float64()
    with zipfile.ZipFile(flights) as packed:
        flown = read(
            packed.read("flights.csv"),
            ["time_hour", "carrier", "flight", "origin"],
            dict.fromkeys(["time_hour", "carrier", "tailnum", "origin", "dest"], text)
            | {"flight": whole}
            | dict.fromkeys(["distance", "dep_delay", "arr_delay"], number),
        )
    hours = read(
        weather,
        ["time_hour", "origin"],
        dict.fromkeys(["origin", "time_hour"], text)
        | dict.fromkeys(["temp", "wind_speed", "precip", "visib"], number),
    )
    known = read(
        planes, ["tailnum"], {"tailnum": text, "year": whole, "seats": whole, "engine": text}
    ).rename({"year": "built"})
    places = read(airports, ["faa"], {"faa": text, "lat": number, "lon": number})
    assert 300_000 <= flown.height <= 400_000
    assert flown["tailnum"].null_count() <= 0.01 * flown.height
    assert flown["arr_delay"].null_count() <= 0.05 * flown.height
    assert 900 <= flown["distance"].mean() <= 1_200
    assert flown["origin"].is_in(["EWR", "JFK", "LGA"]).all()
    assert flown["flight"].min() >= 1 and flown["distance"].min() >= 1
    assert hours.height > 20_000
    assert hours["wind_speed"].null_count() <= 0.01 * hours.height
    assert hours["precip"].null_count() == hours["visib"].null_count() == 0
    assert hours["precip"].min() >= 0 and hours["wind_speed"].min() >= 0
    assert hours["temp"].is_between(-20, 120).all() and hours["visib"].is_between(0, 10).all()
    assert known.height > 3_000
    assert known["built"].is_between(1950, 2013).all() and known["seats"].is_between(1, 500).all()
    assert places.height > 1_000
    assert places["lat"].is_between(-90, 90).all() and places["lon"].is_between(-180, 180).all()
    return [flown, hours, known, places]


class Model:
    """Boosted trees, with the levels of categories that they saw."""

    def __init__(self, rows: pl.DataFrame, seed: int) -> None:
        self.levels = {name: rows[name].unique().sort() for name in CATEGORIES}
        self.trees = HistGradientBoostingClassifier(
            learning_rate=0.1,
            max_iter=200,
            categorical_features=[name in CATEGORIES for name in INPUTS],
            random_state=seed,
        )
        self.trees.fit(self.numbers(rows), rows["late"].to_numpy())

    def numbers(self, rows: pl.DataFrame) -> np.ndarray:
        """Inputs as numbers; a category that was not seen is none."""
        codes = [
            pl.col(name).replace_strict(
                levels, np.arange(len(levels)), default=None, return_dtype=pl.Float64
            )
            for name, levels in self.levels.items()
        ]
        return rows.with_columns(codes).select(pl.col(INPUTS).cast(pl.Float64)).to_numpy()

    def chances(self, rows: pl.DataFrame) -> np.ndarray:
        """How likely each row is to be late."""
        return self.trees.predict_proba(self.numbers(rows))[:, 1]


def judged(rows: pl.DataFrame) -> dict[str, float]:
    """Metrics of predicted chances."""
    late, chance = rows["late"].to_numpy(), rows["chance"].to_numpy()
    return {
        "roc_auc": float(roc_auc_score(late, chance)),
        "log_loss": float(log_loss(late, chance)),
        "brier": float(brier_score_loss(late, chance)),
    }


def sliced(rows: pl.DataFrame, columns: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Metrics of each value of the columns that has rows enough."""
    return {
        column: {
            value: judged(part)
            for (value,), part in rows.partition_by(column, as_dict=True).items()
            if part.height >= 100
        }
        for column in columns
    }


def main(files: list[Path], results: Path, seeds: list[int]) -> None:
    rows = from_tables(*(table.lazy() for table in tables(*files))).collect(engine="in-memory")
    rows.write_parquet(results / "features.parquet")
    time = pl.col("time_hour")
    training, test = rows.filter(time <= TEST - DAY), rows.filter(time >= TEST)
    last = training["time_hour"].max()
    folds = []
    for fold in range(FOLDS):
        begin = last - 30 * DAY * (FOLDS - fold)
        model = Model(training.filter(time <= begin - DAY), seeds[fold])
        held = training.filter(time > begin, time <= begin + 30 * DAY)
        chance = pl.Series("chance", model.chances(held))
        folds.append(held.select("time_hour", *CATEGORIES, "flight", "late").with_columns(chance))
    pl.concat(folds).write_parquet(results / "backtest.parquet")
    found = [judged(fold) for fold in folds]
    metrics = {"backtest": {name: sum(one[name] for one in found) / FOLDS for name in found[0]}}
    slices = {"backtest": [sliced(fold, ["origin"]) for fold in folds]}

    model = Model(training, seeds[FOLDS])
    joblib.dump(model, results / "model.joblib")
    chance = pl.Series("chance", model.chances(test))
    answers = test.select("time_hour", *CATEGORIES, "flight", "late").with_columns(chance)
    answers.write_parquet(results / "report.parquet")
    metrics["report"] = judged(answers)
    slices["report"] = [sliced(answers, ["origin", "carrier"])]
    by_origin = slices["report"][0]["origin"].values()
    assert metrics["report"]["roc_auc"] >= 0.65 and metrics["report"]["log_loss"] < 0.55
    assert all(one["roc_auc"] >= 0.6 for one in by_origin)
    (results / "metrics.json").write_text(json.dumps({"metrics": metrics, "slices": slices}))
    json.dump(metrics, sys.stdout)


if __name__ == "__main__":
    *files, results, seeds = sys.argv[1:]
    main(
        [Path(file) for file in files],
        Path(results),
        [int(seed) for seed in seeds.split(",")],
    )

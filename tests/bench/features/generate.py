"""Flights, weather and planes as the ingest step stores them: the same for the same number of rows."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

START = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
MINUTE = 60_000_000
MINUTES = 365 * 24 * 60


def main(folder: Path, count: int) -> None:
    chance = np.random.default_rng(7)
    airports = [f"A{index:02}" for index in range(100)]
    planes = [f"N{index:05}" for index in range(4_000)]
    minute = np.sort(chance.integers(0, MINUTES, count))
    plane = chance.integers(0, len(planes), count)
    late = np.round(chance.gamma(1.2, 20, count) - 15 + (plane % 7), 0)
    flights = pl.DataFrame(
        {
            "id": np.arange(count),
            "sched": moments(minute),
            "carrier": texts([f"C{index:02}" for index in range(16)], chance, count),
            "origin": texts(airports[:20], chance, count),
            "dest": texts(airports, chance, count),
            "tailnum": pl.Series(planes).gather(plane),
            "distance": chance.integers(80, 3_000, count).astype(float),
            "air_time": chance.integers(20, 500, count).astype(float),
            "hour": minute // 60 % 24,
            "arr_delay": late,
        }
    )
    gone = pl.Series(chance.random(count))
    flights = flights.with_columns(
        tailnum=pl.when(gone > 0.01).then("tailnum"),
        arr_delay=pl.when(gone < 0.97).then("arr_delay"),
    )
    hours = np.repeat(np.arange(365 * 24), 20)
    weather = pl.DataFrame(
        {
            "origin": airports[:20] * (365 * 24),
            "time_hour": moments(hours * 60),
            "wind_speed": chance.gamma(3, 4, len(hours)),
            "visib": chance.integers(0, 11, len(hours)).astype(float),
        }
    ).filter(pl.Series(chance.random(len(hours))) > 0.02)
    built = chance.integers(1970, 2013, len(planes))
    seats = chance.integers(4, 400, len(planes))
    known = pl.DataFrame({"tailnum": planes, "seats": seats, "built": built})[:3_600]
    for name, rows in {"flights": flights, "weather": weather, "planes": known}.items():
        rows.with_row_index("__row__").write_parquet(
            folder / f"{name}.parquet", compression="zstd", compression_level=3, row_group_size=131_072
        )


def moments(minutes: np.ndarray) -> pl.Series:
    return pl.Series(START + minutes * MINUTE).cast(pl.Datetime("us", "UTC"))


def texts(names: list[str], chance: np.random.Generator, count: int) -> pl.Series:
    return pl.Series(names).gather(chance.integers(0, len(names), count))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

"""Windows agree with plain Python, row by row."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import naive
import numpy as np
import polars as pl
import pytest

from mlp_runtime import window_kernels, window_places, windows

HOUR = timedelta(hours=1)
SIZES = [0, 1, 6, 40]
SPANS = [
    (None, timedelta(0)),
    (12 * HOUR, timedelta(0)),
    (HOUR, timedelta(0)),
    (12 * HOUR, HOUR),
    (48 * HOUR, 24 * HOUR),
    (None, 5 * HOUR),
    (5 * HOUR, 100_000 * HOUR),
    (timedelta(microseconds=1), timedelta(microseconds=1)),
]

x, n, word = naive.values("x"), naive.values("n"), naive.values("word")
# An aggregate and the same in plain Python.
AGGREGATES: dict[str, tuple[windows.Aggregate, Callable[[list[naive.Row], naive.Row], Any]]] = {
    "rows": (windows.count(), lambda seen, row: len(seen)),
    "flags": (
        windows.count(pl.col("flag")),
        lambda seen, row: sum(r["flag"] is True for r in seen),
    ),
    "sum": (windows.sum(pl.col("x")), lambda seen, row: sum(x(seen))),
    "int sum": (windows.sum(pl.col("n")), lambda seen, row: sum(n(seen))),
    "mean": (windows.mean(pl.col("x")), lambda seen, row: naive.mean(x(seen))),
    "int mean": (
        windows.mean(pl.col("n") * 2),
        lambda seen, row: naive.mean([2 * v for v in n(seen)]),
    ),
    "std": (windows.std(pl.col("x")), lambda seen, row: naive.std(x(seen))),
    "min": (windows.min(pl.col("x")), lambda seen, row: min(x(seen), default=None)),
    "max": (windows.max(pl.col("n")), lambda seen, row: max(n(seen), default=None)),
    "last day": (
        windows.max(pl.col("day")),
        lambda seen, row: max(naive.values("day")(seen), default=None),
    ),
    "q": (windows.quantile(pl.col("x"), 0.3), lambda seen, row: naive.quantile(x(seen), 0.3)),
}
AGGREGATES |= {
    "first": (windows.first(pl.col("word")), lambda seen, row: (word(seen) or [None])[0]),
    "last": (windows.last(pl.col("x")), lambda seen, row: (x(seen) or [None])[-1]),
    "unique": (windows.n_unique(pl.col("word")), lambda seen, row: len(set(word(seen)))),
    "lag": (windows.lag(pl.col("n"), 2), lambda seen, row: ([None, None, *n(seen)])[-2]),
    "diff": (windows.diff(pl.col("n"), 1), lambda seen, row: naive.diff(n(seen), 1)),
    "day diff": (
        windows.diff(pl.col("day"), 2),
        lambda seen, row: naive.diff(naive.values("day")(seen), 2),
    ),
    "rank": (
        windows.rank(pl.col("x"), own=pl.col("x")),
        lambda seen, row: naive.rank(x(seen), row["x"]),
    ),
    "ewm": (
        windows.ewm_mean(pl.col("x"), half_life=3 * HOUR),
        lambda seen, row: naive.ewm_mean(seen, "x", 3 * HOUR),
    ),
}


def tables(seed: int, size: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A frame and another dataset."""
    chance = random.Random(f"{seed} {size}")
    return naive.table(chance, size), naive.table(chance, chance.randrange(2 * size + 2))


def compare(frame: pl.DataFrame, made: pl.LazyFrame, expected: dict[str, list[Any]]) -> None:
    """The columns are there with the expected values, and nothing else changed."""
    schema = made.collect_schema()
    rows = made.collect(engine="in-memory")
    assert rows.schema == schema
    assert rows.drop(list(expected)).equals(frame)
    for name, column in expected.items():
        naive.same(rows[name].to_list(), column)


@pytest.mark.parametrize(("window", "lag"), SPANS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("by", [[], ["k"], ["k", "j"], ["k", "n", "day"]])
def test_windows_over_the_own_rows(
    size: int, window: timedelta | None, lag: timedelta, by: list[str]
) -> None:
    frame, _ = tables(1, size)
    made = windows.add(
        frame.lazy(),
        windows.back(
            {name: aggregate for name, (aggregate, _) in AGGREGATES.items()},
            time="at",
            by=[pl.col(name) for name in by],
            window=window,
            lag=lag,
        ),
    )
    rows = frame.to_dicts()
    keys = [(name, name) for name in by]
    expected = {
        name: naive.back(rows, rows, plain, by=keys, window=window, lag=lag)
        for name, (_, plain) in AGGREGATES.items()
    }
    compare(frame, made, expected)


@pytest.mark.parametrize(("window", "lag"), SPANS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "by", [[], [("k", "k")], [("k", "k"), ("n", "j")], [("n", "n"), ("day", "day")]]
)
def test_windows_over_another_dataset(
    size: int, window: timedelta | None, lag: timedelta, by: list[tuple[str, str]]
) -> None:
    frame, other = tables(2, size)
    # Neither side needs to be in order, and some times are unknown.
    frame = frame.sample(fraction=1, shuffle=True, seed=1).with_columns(
        at=pl.when(pl.col("n") != 3).then("at")
    )
    made = windows.add(
        frame.lazy(),
        windows.back(
            {name: aggregate for name, (aggregate, _) in AGGREGATES.items()},
            time="at",
            by=[pl.col(mine) for mine, _ in by],
            over=windows.Source(
                rows=other.lazy(), time="at", by=[pl.col(theirs) for _, theirs in by]
            ),
            window=window,
            lag=lag,
        ),
    )
    expected = {
        name: naive.back(frame.to_dicts(), other.to_dicts(), plain, by=by, window=window, lag=lag)
        for name, (_, plain) in AGGREGATES.items()
    }
    compare(frame, made, expected)


def test_only_rows_for_which_a_condition_is_true_are_seen() -> None:
    frame, _ = tables(3, 60)
    made = windows.add(
        frame.lazy(),
        windows.back(
            {
                "sum": windows.sum(pl.col("x"), where=pl.col("flag")),
                "rows": windows.count(where=pl.col("n") > 0),
            },
            time="at",
            by=[pl.col("k")],
            window=24 * HOUR,
        ),
    )
    rows = frame.to_dicts()

    def expected(plain: Any, where: Any) -> list[Any]:
        return naive.back(rows, rows, plain, by=[("k", "k")], window=24 * HOUR, where=where)

    columns = {
        "sum": expected(AGGREGATES["sum"][1], lambda row: row["flag"]),
        "rows": expected(AGGREGATES["rows"][1], lambda row: row["n"] is not None and row["n"] > 0),
    }
    compare(frame, made, columns)


@pytest.mark.parametrize("limit", [2**61, 2**37, 1])
@pytest.mark.parametrize("itself", [True, False])
def test_windows_are_computed_side_by_side(
    itself: bool, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Groups whose numbers would grow beyond the limit are left for the next pass.
    monkeypatch.setattr(window_kernels, "LIMIT", limit)
    frame, other = tables(9, 60)
    if itself:
        other = frame
    over = None if itself else windows.Source(rows=other.lazy(), time="at", by=["k", "j"])
    plain = AGGREGATES["sum"][1]
    columns: dict[str, list[Any]] = {}
    asked = []
    for window, lag in SPANS:
        name = f"{window} {lag}"
        options: dict[str, Any] = {"window": window, "lag": lag}
        asked.append(
            windows.back(
                {name: windows.sum(pl.col("x"))}, time="at", by=["k", "j"], over=over, **options
            )
        )
        by = [("k", "k"), ("j", "j")]
        columns[name] = naive.back(frame.to_dicts(), other.to_dicts(), plain, by=by, **options)
    asked.append(windows.back({"rows": windows.count()}, time="at", rows=2))
    columns["rows"] = naive.back(
        frame.to_dicts(), frame.to_dicts(), lambda seen, row: len(seen), by=[], rows=2
    )
    compare(frame, windows.add(frame.lazy(), *asked), columns)


def test_windows_are_the_same_to_the_bit_for_any_number_of_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame, _ = tables(11, 300)
    columns = {name: aggregate for name, (aggregate, _) in AGGREGATES.items()}
    found = []
    for least, threads in [(2**15, 1), (1, 2), (7, 64)]:
        monkeypatch.setattr(window_kernels, "PASS_ROWS", least)
        monkeypatch.setattr(pl, "thread_pool_size", lambda threads=threads: threads)
        asked = windows.back(columns, time="at", by=["k"], window=24 * HOUR)
        found.append(windows.add(frame.lazy(), asked).collect(engine="in-memory"))
    assert all(item.equals(found[0]) for item in found)


@pytest.mark.parametrize(("window", "lag"), SPANS)
def test_a_group_is_the_same_to_the_bit_whatever_others_hold(
    window: timedelta | None, lag: timedelta
) -> None:
    frame, _ = tables(10, 300)
    # Sums of a group start from nothing, not from what is left of large values of the one before.
    frame = frame.with_columns(x=pl.when(pl.col("k") == "a").then(1e18).otherwise("x"))
    columns = {name: AGGREGATES[name][0] for name in ["sum", "mean", "std"]}
    asked = windows.back(columns, time="at", by=["k"], window=window, lag=lag)
    together = windows.add(frame.lazy(), asked).collect(engine="in-memory")
    for (key,), alone in frame.drop_nulls("k").partition_by("k", as_dict=True).items():
        rows = windows.add(alone.lazy(), asked).collect(engine="in-memory")
        assert rows.equals(together.filter(pl.col("k") == key))


def test_dates_are_their_midnight() -> None:
    frame, other = tables(4, 40)
    made = windows.add(
        frame.lazy(),
        windows.back(
            {"rows": windows.count()},
            time="at",
            over=windows.Source(rows=other.lazy(), time="day"),
            window=24 * HOUR,
        ),
    )
    instants = other.with_columns(day=pl.col("day").cast(pl.Datetime("us", "UTC"))).to_dicts()
    expected = naive.back(
        frame.to_dicts(),
        instants,
        lambda seen, row: len(seen),
        by=[],
        time=("at", "day"),
        window=24 * HOUR,
    )
    compare(frame, made, {"rows": expected})


@pytest.mark.parametrize("as_of", [None, "2020-01-05", "2020-01-03T07:00:00", "2030-01-01"])
@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_what_lies_ahead_is_known_once_it_is_over(
    size: int, itself: bool, as_of: str | None
) -> None:
    frame, other = tables(5, size)
    if itself:
        other = frame
    made = windows.add(
        frame.lazy(),
        windows.ahead(
            {name: aggregate for name, (aggregate, _) in AGGREGATES.items()},
            time="at",
            by=["k"],
            over=None if itself else windows.Source(rows=other.lazy(), time="at", by=["k"]),
            ahead=24 * HOUR,
            as_of=as_of,
        ),
    )
    ends = [] if as_of is None else [datetime.fromisoformat(as_of).replace(tzinfo=UTC)]
    last = min([*ends, *other["at"].sort(descending=True).head(1)]) if other.height else None
    expected: dict[str, list[Any]] = {name: [] for name in AGGREGATES}
    for row in frame.to_dicts():
        end = row["at"] + 24 * HOUR
        seen = [
            o
            for o in other.to_dicts()
            if row["k"] is not None and o["k"] == row["k"] and row["at"] < o["at"] <= end
        ]
        for name, (_, plain) in AGGREGATES.items():
            known = last is not None and end <= last
            expected[name].append(plain(seen, row) if known else None)
    compare(frame, made, expected)


@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize(("window", "lag"), [SPANS[0], SPANS[1], SPANS[4], SPANS[5]])
@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_the_last_rows(
    size: int, itself: bool, window: timedelta | None, lag: timedelta, rows: int
) -> None:
    frame, other = tables(6, size)
    if itself:
        other = frame
    where = pl.col("n") != 0
    made = windows.add(
        frame.lazy(),
        windows.back(
            {
                **{name: aggregate for name, (aggregate, _) in AGGREGATES.items()},
                "some": windows.sum(pl.col("x"), where=where),
                "how many": windows.count(where=where),
            },
            time="at",
            by=["k"],
            over=None if itself else windows.Source(rows=other.lazy(), time="at", by=["k"]),
            window=window,
            rows=rows,
            lag=lag,
        ),
    )

    def expected(plain: Any, where: Any = lambda row: True) -> list[Any]:
        here, there = frame.to_dicts(), other.to_dicts()
        return naive.back(
            here, there, plain, by=[("k", "k")], window=window, rows=rows, lag=lag, where=where
        )

    columns = {name: expected(plain) for name, (_, plain) in AGGREGATES.items()}
    not_zero = lambda row: row["n"] is not None and row["n"] != 0  # noqa: E731
    columns["some"] = expected(AGGREGATES["sum"][1], not_zero)
    columns["how many"] = expected(AGGREGATES["rows"][1], not_zero)
    compare(frame, made, columns)


def test_many_runs_are_counted_at_once() -> None:
    chance = np.random.default_rng(7)
    for size in [1, 2, 3, 50, 400]:
        values = chance.integers(0, chance.integers(1, 100), size)
        low = chance.integers(0, size + 1, 300)
        high = np.minimum(size, low + chance.integers(0, size + 1, 300))
        bound = chance.integers(0, 130, 300)
        found = window_places.count_less(values, low, high, bound)
        expected = [int((values[i:j] < b).sum()) for i, j, b in zip(low, high, bound, strict=True)]
        assert found.tolist() == expected


@pytest.mark.parametrize("rows", [None, 3])
def test_durations_keep_their_type_and_decimals_are_exact_where_nothing_divides(
    rows: int | None,
) -> None:
    frame, _ = tables(7, 40)
    frame = frame.with_columns(
        took=pl.duration(minutes=pl.col("n")), price=pl.col("x").round(2).cast(pl.Decimal(10, 2))
    )
    functions = {
        "sum": (windows.sum, sum),
        "mean": (windows.mean, lambda found: sum(found) / len(found) if found else None),
        "min": (windows.min, lambda found: min(found, default=None)),
        "last": (windows.last, lambda found: (found or [None])[-1]),
        "diff": (lambda value: windows.diff(value, 1), lambda found: naive.diff(found, 1)),
        "median": (
            lambda value: windows.quantile(value, 0.5),
            lambda found: naive.quantile(found, 0.5),
        ),
        "ewm": (lambda value: windows.ewm_mean(value, half_life=100_000 * HOUR), None),
    }
    made = windows.add(
        frame.lazy(),
        windows.back(
            {
                f"{column} {name}": function(pl.col(column))
                for column in ["took", "price", "n"]
                for name, (function, _) in functions.items()
            },
            time="at",
            by=["k"],
            rows=rows,
        ),
    )
    found = made.collect(engine="in-memory")
    here = frame.with_columns(
        took=pl.col("took").dt.total_microseconds(), price=pl.col("price").cast(pl.Float64)
    ).to_dicts()
    for column in ["took", "price"]:
        for name, (_, plain) in functions.items():
            ours = found[f"{column} {name}"]
            dtype = frame.schema[column]
            if column == "price" and name in ("mean", "median", "ewm"):
                dtype = pl.Float64()
            if column == "price" and name in ("sum", "diff"):
                dtype = pl.Decimal(38, 2)
            assert ours.dtype == made.collect_schema()[ours.name] == dtype
            if plain is None:
                plain = functions["mean"][1]
            numbers = ours.dt.total_microseconds() if column == "took" else ours.cast(pl.Float64)
            values = naive.values(column)
            theirs = naive.back(
                here,
                here,
                lambda seen, row, p=plain, v=values: p(v(seen)),
                by=[("k", "k")],
                rows=rows,
            )
            for our, their in zip(numbers.to_list(), theirs, strict=True):
                # A unit of the type is as near as it gets; long half-lives give the plain mean.
                near = 1.0 if column == "took" else 1e-9
                near *= (2e5 if column == "took" else 1e7) if name == "ewm" else 1
                assert (our is None) == (their is None)
                assert our is None or abs(our - their) <= near * 1.001, (column, name, our, their)


def test_another_dataset_is_read_once() -> None:
    frame, other = tables(8, 40)
    reads = []

    def read(rows: pl.DataFrame) -> pl.DataFrame:
        reads.append(rows.height)
        return rows

    made = windows.add(
        frame.lazy(),
        windows.back(
            {name: aggregate for name, (aggregate, _) in AGGREGATES.items()},
            time="at",
            by=["k"],
            over=windows.Source(rows=other.lazy().map_batches(read), time="at", by=["k"]),
        ),
    )
    made.collect(engine="in-memory")
    assert reads == [other.height]


PROGRAM = """
import hashlib, random, sys
sys.path[:0] = sys.argv[1:]
import naive, polars as pl
from test_windows import AGGREGATES, HOUR
from mlp_runtime import windows
frame = naive.table(random.Random(3), 20_000, hours=5_000)
made = frame.lazy()
for by in [[], ["k"], ["k", "j"]]:
    columns = {f"{name} {by}": aggregate for name, (aggregate, _) in AGGREGATES.items()}
    made = windows.add(made, windows.back(columns, time="at", by=by, window=480 * HOUR, lag=3 * HOUR))
rows = made.collect(engine="in-memory").rechunk()
digest = hashlib.sha256()
for column in rows:
    digest.update(repr(column.to_list()).encode())
print(pl.thread_pool_size(), digest.hexdigest())
"""


def test_every_bit_is_the_same_with_any_number_of_threads() -> None:
    here = Path(__file__).parent
    told = []
    for threads in ["1", "2", "5"]:
        environment = {**os.environ, "POLARS_MAX_THREADS": threads}
        command = [sys.executable, "-c", PROGRAM, str(here), str(here.parent)]
        output = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert output.returncode == 0, output.stderr
        told.append(output.stdout.split())
    assert [threads for threads, _ in told] == ["1", "2", "5"]
    assert len({digest for _, digest in told}) == 1


def test_sums_of_decimals_are_exact_and_have_room() -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    prices = [Decimal("99999999.99"), Decimal("0.01"), Decimal("-0.02"), Decimal("99999999.99")]
    frame = pl.DataFrame(
        {
            "at": [start + at * HOUR for at in range(4)],
            "price": pl.Series(prices, dtype=pl.Decimal(10, 2)),
        }
    )
    columns = {"sum": windows.sum(pl.col("price")), "diff": windows.diff(pl.col("price"), 1)}
    seen = windows.back(columns, time="at", lag=timedelta(microseconds=-1))
    made = windows.add(frame.lazy(), seen).collect(engine="in-memory")
    assert made["sum"].to_list() == [sum(prices[: at + 1], Decimal(0)) for at in range(4)]
    assert made["diff"].to_list() == [
        None,
        *(b - a for a, b in pairwise(prices)),
    ]

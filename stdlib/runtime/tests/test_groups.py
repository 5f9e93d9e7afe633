"""Aggregates learned by group: as plain Python makes them, through a saved state, on random tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlp_runtime import fitted, groups

Row = tuple[Any, ...]


def table(seed: int) -> pl.DataFrame:
    """Rows with two keys, numbers and a condition, any of which may be null."""
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 60))

    def some(values: Sequence[Any]) -> list[Any]:
        return [
            None if random.random() < 0.2 else values[int(random.integers(len(values)))]
            for _ in range(count)
        ]

    return pl.DataFrame(
        {
            "a": pl.Series(some(["x", "y", "1:x", ""]), dtype=pl.String),
            "b": pl.Series(some([1, 2, 11]), dtype=pl.Int64),
            "v": pl.Series(some([0.5, -2.0, 3.25, 10.0]), dtype=pl.Float64),
            "n": pl.Series(some([1, 2, 3]), dtype=pl.Int64),
            "c": pl.Series(some([True, False]), dtype=pl.Boolean),
        }
    )


PLAIN: dict[str, Callable[[list[Any]], Any]] = {
    "sum": sum,
    "mean": lambda values: statistics.fmean(values) if values else None,
    "std": lambda values: statistics.stdev(values) if len(values) > 1 else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "n_unique": lambda values: len(set(values)),
}


def naive(rows: list[Row], by: Sequence[int], value: int, kept: int | None, name: str) -> list[Any]:
    """The aggregate of each row's group, one row after the other."""
    found = []
    for row in rows:
        key = [row[place] for place in by]
        alike = [
            other
            for other in rows
            if None not in key
            and [other[place] for place in by] == key
            and (kept is None or other[kept])
        ]
        values = [other[value] for other in alike if other[value] is not None]
        found.append(PLAIN[name](values) if None not in key else PLAIN[name]([]))
    return found


def learned(state: fitted.State, tmp_path: Path) -> fitted.State:
    """The state as it comes back from its file."""
    fitted.save({"x": state}, tmp_path / "state.json", features="f")
    return fitted.load(tmp_path / "state.json")["x"]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("by", [["a"], ["b"], ["a", "b"], []])
@pytest.mark.parametrize("kept", [None, "c"])
def test_groups_are_as_plain_python_makes_them(
    seed: int, name: str, by: list[str], kept: str | None, tmp_path: Path
) -> None:
    rows = table(seed)
    where = None if kept is None else rows[kept]
    state = getattr(groups, name)(*[rows[key] for key in by], value=rows["v"], where=where)
    state = learned(state, tmp_path)
    dtype = pl.Int64 if name == "n_unique" else pl.Float64
    nothing = 0 if name in ("sum", "n_unique") else None
    keys = [pl.col(key) for key in by]
    expression = groups.looked_up(keys, state["groups"], state["values"], dtype, nothing)
    got = rows.with_columns(got=expression)["got"].to_list()
    places = [rows.columns.index(key) for key in by]
    wanted = naive(rows.rows(), places, 2, None if kept is None else 4, name)
    assert got == [None if want is None else pytest.approx(want) for want in wanted]


def test_counts_rows_and_conditions() -> None:
    rows = pl.DataFrame({"k": ["a", "a", None, "b"], "c": [True, None, True, False]})
    assert groups.count(rows["k"]) == {"groups": ["a", "b"], "values": [2, 1]}
    assert groups.count(rows["k"], value=rows["c"]) == {"groups": ["a", "b"], "values": [1, 0]}
    assert groups.count(rows["k"], where=rows["c"]) == {"groups": ["a"], "values": [1]}
    assert groups.count(value=rows["c"]) == {"groups": [""], "values": [2]}


def test_keys_are_not_confused() -> None:
    rows = pl.DataFrame({"a": ["1:x", "1"], "b": ["y", ":x1:y"], "v": [1, 2]})
    state = groups.sum(rows["a"], rows["b"], value=rows["v"])
    assert len(state["groups"]) == 2


def test_times_keep_their_type() -> None:
    rows = pl.DataFrame({"k": ["a", "a"], "d": [date(2024, 5, 1), date(2024, 3, 1)]})
    state = json.loads(json.dumps(groups.min(rows["k"], value=rows["d"])))
    expression = groups.looked_up([pl.col("k")], state["groups"], state["values"], pl.Date)
    assert rows.select(expression).to_series().to_list() == [date(2024, 3, 1)] * 2


def test_a_group_unseen_in_training_knows_nothing_but_its_count() -> None:
    state = groups.count(pl.Series(["a"]))
    new = pl.DataFrame({"k": ["z"]})
    found = groups.looked_up([pl.col("k")], state["groups"], state["values"], pl.Int64, 0)
    assert new.select(found).item() == 0
    found = groups.looked_up([pl.col("k")], ["a"], [1.5], pl.Float64)
    assert new.select(found).item() is None


def test_quantiles_lie_between_values() -> None:
    state = groups.quantile(pl.Series(["a"] * 3), value=pl.Series([1.0, 2.0, 4.0]), q=0.75)
    assert state["values"] == [3.0]

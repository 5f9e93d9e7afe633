"""Fitted columns learn from what they are given and apply to anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlp_runtime import fitted


def applied(values: list[Any], expression: pl.Expr, dtype: pl.DataType | None = None) -> list[Any]:
    """What an expression over `x` gives."""
    return (
        pl.DataFrame({"x": pl.Series(values, dtype=dtype)}).select(expression).to_series().to_list()
    )


def test_mean_and_population_deviation() -> None:
    assert fitted.mean_std(pl.Series([1, None, 3])) == {"mean": 2.0, "std": 1.0}
    assert fitted.mean_std(pl.Series([5.0, 5.0])) == {"mean": 5.0, "std": 1.0}
    assert fitted.mean_std(pl.Series([None], dtype=pl.Float64)) == {"mean": 0.0, "std": 1.0}


def test_smallest_and_largest() -> None:
    assert fitted.min_max(pl.Series([3, None, -1])) == {"low": -1.0, "high": 3.0}
    assert fitted.min_max(pl.Series([], dtype=pl.Float64)) == {"low": 0.0, "high": 1.0}


def test_what_stands_for_an_absent_value() -> None:
    ages = pl.Series("age", [1, 2, None, 40, 2])
    assert fitted.fill(ages, "median") == {"value": 2}
    assert fitted.fill(ages, "mean") == {"value": 11}
    assert fitted.fill(pl.Series([0.5, 1.0]), "mean") == {"value": 0.75}
    assert fitted.fill(pl.Series("s", ["b", "a", "b", "a", None]), "most_frequent") == {
        "value": "a"
    }
    with pytest.raises(ValueError, match="holds no value of age"):
        fitted.fill(pl.Series("age", [None], dtype=pl.Int64))
    with pytest.raises(ValueError, match="s has no median"):
        fitted.fill(pl.Series("s", ["a"]), "median")


def test_one_number_per_level() -> None:
    state = fitted.levels(pl.Series(["b", None, "a", "b"]))
    assert state == {"levels": ["a", "b"]}
    given = applied(["b", "a", None, "unseen"], fitted.one_hot(pl.col("x"), state["levels"]))
    assert given == [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert applied(["b", "a", None, "unseen"], fitted.ordinal(pl.col("x"), ["a", "b"])) == [
        1,
        0,
        None,
        None,
    ]


def test_no_level_at_all() -> None:
    nothing = pl.String()
    assert applied([None, None], fitted.one_hot(pl.col("x"), []), nothing) == [[], []]
    assert applied([None], fitted.ordinal(pl.col("x"), []), nothing) == [None]


def test_bins_by_quantiles() -> None:
    state = fitted.quantiles(pl.Series([1.0, 2.0, 3.0, 4.0, None]), bins=2)
    assert state == {"edges": [2.5]}
    assert applied([1.0, 2.5, 2.6, None], fitted.bin(pl.col("x"), state["edges"])) == [
        0,
        0,
        1,
        None,
    ]
    assert fitted.quantiles(pl.Series([7.0, 7.0, 7.0]), bins=4) == {"edges": [7.0]}
    assert applied([1.0, None], fitted.bin(pl.col("x"), [])) == [0, None]


def test_the_state_keeps_every_bit(tmp_path: Path) -> None:
    state: fitted.Transform = {
        "z": {"mean": 0.1 + 0.2, "std": 1e-300},
        "odd name": {"levels": ["é", '"']},
    }
    path = tmp_path / "transform.json"
    fitted.save(state, path, features="f")
    assert fitted.load(path) == state
    path.write_text('{"format": "mlp-transform/v2", "columns": {}}')
    with pytest.raises(ValueError, match="should be mlp-transform/v1"):
        fitted.load(path)

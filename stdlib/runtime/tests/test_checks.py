"""Expectations: all that fail are told at once, with the rows to blame."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from mlp_runtime import checks, distances, profile
from mlp_runtime.schema import Column, Schema
from mlp_runtime.step import Failure

ROWS = pl.DataFrame(
    {"__row__": [0, 1, 2, 3], "a": [1.0, None, -2.0, 5.0], "b": ["x", "y", "y", None]}
)

SCHEMA = Schema(dataset="d", columns=[Column("a", "float"), Column("b", "string")])
TAGGED = Schema(dataset="d", columns=[Column("a", "float"), Column("b", "string", tags=["pii"])])

POSITIVE = checks.Rows("a > 0", pl.col("a") > 0, columns=["a", "b"], origin="main.mlp:3")
FEW_NULLS = checks.Table(
    "null_rate(a) <= 10%",
    pl.col("a").is_null().mean() <= 0.1,
    measured=pl.col("a").is_null().mean(),
    offending=pl.col("a").is_null(),
    columns=["a"],
)


def test_rows_that_do_not_meet_a_condition() -> None:
    [outcome] = checks.check(ROWS, [POSITIVE], SCHEMA)
    assert (outcome.passed, outcome.count) == (False, 1)
    assert outcome.line() == 'a > 0: 1 row: -2, "y" (row 3)'


def test_a_measured_value_and_the_rows_behind_it() -> None:
    [outcome] = checks.check(ROWS, [FEW_NULLS], SCHEMA)
    assert outcome.line() == "null_rate(a) <= 10%: measured 0.25: 1 row: null (row 2)"


def test_a_null_verdict_is_none() -> None:
    empty = ROWS.clear()
    mean = checks.Table("mean(a) > 0", pl.col("a").mean() > 0)
    assert [item.passed for item in checks.check(empty, [POSITIVE, mean], SCHEMA)] == [True, False]


def test_all_failures_are_told_and_written(tmp_path: Path) -> None:
    path = tmp_path / "checks.json"
    holds = checks.Rows("b is short", pl.col("b").str.len_chars() == 1)
    with pytest.raises(Failure) as failure:
        checks.settle(checks.check(ROWS, [POSITIVE, holds, FEW_NULLS], SCHEMA), path, of="d")
    assert failure.value.code == 4
    assert str(failure.value).splitlines() == [
        "d: 2 of 3 checks failed",
        '  a > 0: 1 row: -2, "y" (row 3)',
        "  null_rate(a) <= 10%: measured 0.25: 1 row: null (row 2)",
    ]
    written = json.loads(path.read_text())
    assert (written["format"], written["passed"]) == ("mlp-checks/v1", False)
    assert written["checks"][0] == {
        "rule": "rows",
        "text": "a > 0",
        "columns": ["a", "b"],
        "passed": False,
        "fails": True,
        "count": 1,
        "measured": None,
        "examples": [{"row": 3, "values": {"a": -2.0, "b": "y"}}],
        "origin": "main.mlp:3",
        "note": None,
    }


def test_a_warning_does_not_stop(tmp_path: Path) -> None:
    warn = checks.Rows("a > 0", pl.col("a") > 0, columns=["a"], fails=False)
    holds = checks.Rows("true", pl.lit(True))
    summary = checks.settle(checks.check(ROWS, [warn, holds], SCHEMA), tmp_path / "c.json", of="d")
    assert summary == "1 checks hold; warning: a > 0: 1 row: -2 (row 3)"


def test_values_of_tagged_columns_are_hidden(tmp_path: Path) -> None:
    pairs = checks.Table("a == 0", pl.lit(False), offending=pl.col("a") == 5, columns=["a", "b"])
    found = checks.check(ROWS, [POSITIVE, pairs], TAGGED)
    assert found[0].line() == "a > 0: 1 row: -2, (hidden) (row 3)"
    assert found[1].line() == "a == 0: 1 row: 5, (hidden) (row 4)"
    path = tmp_path / "c.json"
    with pytest.raises(Failure):
        checks.settle(found, path, of="d")
    [example] = json.loads(path.read_text())["checks"][0]["examples"]
    assert example == {"row": 3, "values": {"a": -2.0, "b": "(hidden)"}}


def moved(bound: float) -> checks.Distance:
    """A bound on how far `a` has moved from the run before."""
    return checks.Distance(
        "wasserstein(a, against: previous)",
        distances.wasserstein,
        pl.col("measured") < bound,
        column="a",
        against="previous",
    )


def test_a_distance_is_measured_against_an_earlier_profile() -> None:
    earlier = profile.of(ROWS.with_columns(pl.col("a") + 1), SCHEMA)
    near, far = checks.check(ROWS, [moved(1.5), moved(0.5)], SCHEMA, previous=earlier)
    assert (near.passed, near.measured) == (True, 1.0)
    assert (far.passed, far.line()) == (False, "wasserstein(a, against: previous): measured 1")


def test_no_run_before_is_met_and_told(tmp_path: Path) -> None:
    found = checks.check(ROWS, [moved(0.5)], SCHEMA)
    assert found[0].passed
    summary = checks.settle(found, tmp_path / "c.json", of="d")
    told = "no previous run to compare with yet"
    assert summary == f"1 checks hold; wasserstein(a, against: previous): {told}"
    assert json.loads((tmp_path / "c.json").read_text())["checks"][0]["note"] == told


def test_nothing_to_compare_is_not_met() -> None:
    earlier = profile.of(ROWS, SCHEMA)
    [outcome] = checks.check(ROWS.clear(), [moved(9.0)], SCHEMA, previous=earlier)
    assert (outcome.passed, outcome.note) == (False, "nothing to compare")

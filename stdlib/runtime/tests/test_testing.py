"""Tests of features: cells are compared as people write them, rows are counted, refusals and crashes are told."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from mlp_runtime import testing
from mlp_runtime.checks import ROW
from mlp_runtime.schema import Bounds, Column, Schema
from mlp_runtime.testing import Case, Expected, Property

SCHEMA = Schema(
    dataset="d",
    columns=[
        Column("id", "int"),
        Column("x", "float", nullable=True, within=Bounds(low=0.0)),
        Column("name", "string", nullable=True),
    ],
    key=["id"],
)


def features(**columns: pl.Expr) -> ModuleType:
    """A module as the compiler prints it: rows with an `x`, and these columns."""
    module = ModuleType("features.f")

    def rows(d: pl.LazyFrame) -> pl.LazyFrame:
        return d.filter(pl.col("x").is_not_null()).with_columns(**columns)

    def transform(rows: pl.DataFrame, state: dict[str, Any]) -> pl.DataFrame:
        return rows.with_columns(pl.lit(state["shift"]["by"]).alias("shift")) if state else rows

    module.__dict__.update(DATASETS=["d"], rows=rows, transform=transform)
    return module


def case(expected: Sequence[Expected] = (), **changes: Any) -> Case:
    made = features(double=pl.col("x") * 2, root=pl.col("x").sqrt())
    settings: dict[str, Any] = {"features": made, "schemas": {"d": SCHEMA}, "expected": expected}
    return Case("a test", **(settings | changes))


def double(*values: Any) -> Expected:
    return Expected(Column("double", "float", nullable=True), values, "main.mlp:9")


ROWS = {"d": [{"id": 1, "x": 0.5}, {"id": 2, "x": 1.0 / 3.0}]}


def test_floats_are_the_same_as_far_as_a_person_writes_them() -> None:
    assert testing.run(case([double(1.0, 0.6666667)], given=ROWS)) == []
    problems = testing.run(case([double(1.0, 0.6667)], given=ROWS))
    cell = {"row": 2, "expected": "0.6667", "found": "0.6666666666666666"}
    assert problems == [{"kind": "cells", "expected": 0, "cells": [cell]}]


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1.0, 1.0 + 9e-7, True),
        (1e6, 1e6 + 2.0, False),
        (0.0, 9e-10, True),
        (0.0, 2e-9, False),
        (1, 1.0, True),
        (True, 1, False),
        (None, None, True),
        (None, 0.0, False),
        ("a", "b", False),
        (Decimal("1.20"), Decimal("1.2"), True),
        (Decimal("1.21"), Decimal("1.2"), False),
        ([1.0, None], [1.0, None], True),
        ([1.0, None], [1.0, 0.0], False),
        ([1.0], [1.0, 2.0], False),
        ([[1.0]], [[1.0 + 1e-9]], True),
        (timedelta(seconds=1), timedelta(seconds=1), True),
        (float("nan"), float("nan"), False),
    ],
)
def test_what_counts_as_the_same(left: Any, right: Any, equal: bool) -> None:
    assert testing.same(left, right) is equal
    assert testing.same(right, left) is equal


def test_rows_that_do_not_come_out_are_told() -> None:
    given = {"d": [{"id": 1, "x": None}, {"id": 2, "x": 2.0}, {"id": 3, "x": 3.0}]}
    [problem] = testing.run(case([double(0.0)], given=given))
    assert (problem["wanted"], problem["found"], problem["kept"]) == (1, 2, [2, 3])
    assert problem["rows"] == [["4.0"], ["6.0"]]


def test_an_empty_table_is_a_table() -> None:
    assert testing.run(case([double()], given={"d": []})) == []
    [problem] = testing.run(case([double(1.0)], given={}))
    assert (problem["kind"], problem["found"]) == ("count", 0)


def test_rows_that_a_run_would_refuse_are_told_and_can_be_asked_for() -> None:
    given = {"d": [{"id": 1, "x": -1.0}, {"id": 1, "x": 2.0}]}
    [problem] = testing.run(case([double(0.0, 4.0)], given=given))
    assert problem["kind"] == "refused"
    assert [check["code"] for check in problem["checks"]] == ["MLP0316", "MLP0316"]
    assert testing.run(case(given=given, refused="MLP0316")) == []
    [problem] = testing.run(case(given=given, refused="MLP0303"))
    assert (problem["kind"], problem["codes"]) == ("accepted", ["MLP0316"])
    [problem] = testing.run(case(given=ROWS, refused="MLP0303"))
    assert (problem["codes"], problem["lines"]) == ([], [])


def test_state_is_what_the_test_gives() -> None:
    shift = Expected(Column("shift", "float", nullable=True), [3.0, 3.0], "main.mlp:9")
    assert testing.run(case([shift], given=ROWS, fitted={"shift": {"by": 3.0}})) == []


def test_code_that_breaks_is_told() -> None:
    wrong = features(double=pl.col("y"))
    [problem] = testing.run(case([double(1.0, 1.0)], given=ROWS, features=wrong))
    assert problem["kind"] == "error"
    assert problem["text"].startswith("ColumnNotFoundError: ")


def test_a_property_is_broken_by_the_smallest_rows() -> None:
    small = features(
        double=pl.col("x") * 2, __property_0__=pl.col("x") < 10.0, __property_1__=pl.col("x") >= 0
    )
    items = [Property(f"__property_{at}__", ["double", "x"], 7, "main.mlp:9") for at in range(2)]
    [problem] = testing.run(case(features=small, properties=items))
    assert (problem["property"], problem["values"]) == (0, {"double": "20.0", "x": "10.0"})
    assert problem["given"] == ["  given d = [{ id: 0, x: 10.0, name: null }]"]


def test_cases_are_run_by_their_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = ModuleType("cases_of_d")
    module.__dict__["CASES"] = [case([double(1.0, 2.0 / 3.0)], given=ROWS), case([double(1.0)])]
    monkeypatch.setitem(sys.modules, "cases_of_d", module)
    testing.main(["cases_of_d:0", "cases_of_d:1", "cases_of_d:2", "nowhere:0"])
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [result["address"] for result in results][-2:] == ["cases_of_d:2", "nowhere:0"]
    kinds = [[problem["kind"] for problem in result["problems"]] for result in results]
    assert kinds == [[], ["count"], ["error"], ["error"]]
    assert all(result["seconds"] >= 0 for result in results)


def test_rows_carry_their_place() -> None:
    [read] = case(given=ROWS).read(ROWS).values()
    assert read.rows[ROW].to_list() == [0, 1]

"""Given rows are read by the rules of the source that they stand for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mlp_runtime import given
from mlp_runtime.schema import Bounds, Column, Schema, Wide


def read(column: Column, *cells: Any, **settings: Any) -> given.Read:
    schema = Schema(dataset="d", columns=[column], **settings)
    return given.read(schema, [{column.name: cell} for cell in cells])


FLOATS = Column("item", "float", nullable=True)


@pytest.mark.parametrize(
    ("column", "cells", "values"),
    [
        (Column("c", "int", nullable=True), [1, None], [1, None]),
        (Column("c", "float"), [1, 2.5], [1.0, 2.5]),
        (Column("c", "decimal", digits=6, scale=2), ["1.2", "-3"], [Decimal("1.20"), Decimal(-3)]),
        (Column("c", "decimal", digits=6, scale=2), [Decimal("1.25")], [Decimal("1.25")]),
        (Column("c", "string"), ['"q"\n', "漢"], ['"q"\n', "漢"]),
        (Column("c", "date"), ["2013-01-02"], [date(2013, 1, 2)]),
        (Column("c", "duration"), ["90000ms"], [timedelta(seconds=90)]),
        (Column("c", "bool"), [True, False], [True, False]),
        (Column("c", "vector", size=2), [[1, 2.5]], [[1.0, 2.5]]),
        (Column("c", "list", item=FLOATS), [[1, None], []], [[1.0, None], []]),
        (Column("c", "list", item=Column("item", "int")), [[1, 2], []], [[1, 2], []]),
        (Column("c", "list", item=Column("item", "string")), [["a", ""]], [["a", ""]]),
        (
            Column("c", "list", item=Column("item", "date"), nullable=True),
            [["2013-01-02"], None],
            [[date(2013, 1, 2)], None],
        ),
        (
            Column("c", "list", item=Column("item", "decimal", digits=4, scale=1)),
            [["1.5"]],
            [[Decimal("1.5")]],
        ),
    ],
)
def test_every_kind_is_read(column: Column, cells: list[Any], values: list[Any]) -> None:
    found = read(column, *cells)
    assert found.refused == []
    assert found.rows["c"].to_list() == values
    assert found.rows["c"].dtype == column.physical
    assert given.values(column, cells) == values


@pytest.mark.parametrize(
    ("column", "cells", "code"),
    [
        (Column("c", "int"), [1, None], "MLP0302"),
        (Column("c", "int"), ["one"], "MLP0301"),
        (Column("c", "int"), [1, 0.5], "MLP0301"),
        (Column("c", "decimal", digits=3, scale=2), ["12.5"], "MLP0301"),
        (Column("c", "category", levels=["a"]), ["b"], "MLP0303"),
        (Column("c", "float", within=Bounds(low=0.0)), [-1.0], "MLP0316"),
        (Column("c", "string", matches="[a-z]+"), ["A"], "MLP0316"),
        (Column("c", "string", unique=True), ["a", "a"], "MLP0316"),
        (Column("c", "vector", size=3), [[1.0, 2.0]], "MLP0301"),
        (Column("c", "list", item=Column("item", "int")), [[1, None]], "MLP0301"),
        (Column("c", "list", item=Column("item", "date")), [["soon"]], "MLP0301"),
    ],
)
def test_what_a_source_may_not_hold_is_refused(column: Column, cells: list[Any], code: str) -> None:
    assert read(column, *cells).codes == {code}


@pytest.mark.parametrize("item", ["int", "float"])
def test_numbers_of_a_wide_column_are_each_checked(item: Any) -> None:
    within = Bounds(low=0.0, high=16.0)
    column = Column("pixel", "vector", source="px{}", wide=Wide(1, 3, item), within=within)
    assert read(column, [0.0, 8.0, 16.0]).rows["pixel"].to_list() == [[0.0, 8.0, 16.0]]
    assert read(column, [0.0, 8.0, 17.0]).codes == {"MLP0316"}
    assert read(column, [0.0, 8.0]).codes == {"MLP0302"}
    assert read(column, [0.0, 8.0, 0.5]).codes == ({"MLP0301"} if item == "int" else set())


def test_columns_that_no_row_has_are_null() -> None:
    columns = [
        Column("a", "int"),
        Column("b", "decimal", digits=5, scale=1),
        Column("c", "list", item=FLOATS),
        Column("d", "vector", wide=Wide(0, 1, "int")),
    ]
    found = given.read(Schema(dataset="d", columns=columns, key=["b"]), [{"a": 1}, {"a": 2}])
    assert found.refused == []
    assert found.rows.drop("__row__").rows() == [(1, None, None, None), (2, None, None, None)]
    assert [found.rows[item.name].dtype for item in columns] == [item.physical for item in columns]


def test_a_row_may_lack_what_another_has_and_null_must_be_allowed() -> None:
    schema = Schema(dataset="d", columns=[Column("a", "int"), Column("b", "int")])
    assert given.read(schema, [{"a": 1}, {"a": 2, "b": 3}]).refused == []
    assert given.read(schema, [{"a": 1, "b": None}, {"a": 2, "b": 3}]).codes == {"MLP0302"}


def test_times_are_read_in_their_zone() -> None:
    zone = "America/New_York"
    found = read(Column("t", "timestamp"), "2013-01-01T23:00", "2013-01-01T23:00Z", timezone=zone)
    hours = [datetime(2013, 1, 2, 4, tzinfo=UTC), datetime(2013, 1, 1, 23, tzinfo=UTC)]
    assert sorted(found.rows["t"].to_list()) == sorted(hours)


def test_rows_are_in_canonical_order_and_know_their_place() -> None:
    columns = [Column("id", "int"), Column("t", "timestamp")]
    schema = Schema(dataset="d", columns=columns, key=["id"], timestamp="t")
    rows = [{"id": 2, "t": "2013-01-02T00:00Z"}, {"id": 1, "t": "2013-01-01T00:00Z"}]
    assert given.read(schema, rows).rows["__row__"].to_list() == [1, 0]

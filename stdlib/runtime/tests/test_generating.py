"""Made-up rows are such as a source may hold, the same in every run, and meet edges; counterexamples get small."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from mlp_runtime import generating, given
from mlp_runtime.generating import value
from mlp_runtime.schema import Bounds, Column, Schema, Wide
from mlp_runtime.testing import Case, Property

ITEM = Column("item", "float", nullable=True)
COLUMNS = [
    Column("c", "bool"),
    Column("c", "int", within=Bounds(low=3, high=5)),
    Column("c", "int", within=Bounds(low=0, low_closed=False)),
    Column("c", "float", within=Bounds(high=-1.5, high_closed=False)),
    Column("c", "decimal", digits=6, scale=2, within=Bounds(low=0)),
    Column("c", "decimal", digits=20, scale=18),
    Column("c", "decimal", digits=3, scale=3, within=Bounds(low=0.125, high=0.25)),
    Column("c", "decimal", digits=9, scale=0),
    Column("c", "string"),
    Column("c", "string", matches="[A-Z]{2}[0-9]{3,4}"),
    Column("c", "category", levels=["a", 'b "c"']),
    Column("c", "category"),
    Column("c", "date"),
    Column("c", "timestamp"),
    Column("c", "duration"),
    Column("c", "vector", size=4),
    Column("c", "vector", wide=Wide(0, 5, "int"), within=Bounds(low=0, high=16)),
    Column("c", "list", item=ITEM),
    Column("c", "list", item=Column("item", "string")),
    Column("c", "list", item=Column("item", "decimal", digits=5, scale=1)),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.kind)
def test_made_up_values_and_plainer_ones_may_be_in_the_source(column: Column) -> None:
    chance = random.Random(1)
    values = [value(column, chance, "America/New_York") for _ in range(200)]
    plainer = [plain for cell in values[:40] for plain in generating._plainer(column, cell)]
    for cells in (values, generating.simple(column), plainer):
        schema = Schema(dataset="d", columns=[column])
        assert given.read(schema, [{"c": cell} for cell in cells]).refused == []
    assert len({str(cell) for cell in values}) > 1


def test_times_are_now_and_then_where_clocks_jump() -> None:
    chance = random.Random(2)
    column = Column("t", "timestamp")
    times = [value(column, chance, "America/New_York") for _ in range(400)]
    fall = [time for time in times if time.startswith(("2012-11-04", "2013-11-03"))]
    assert len(fall) > 5
    assert len(generating._jumps("America/New_York")) == 4
    # Where no clock jumps there are midnights.
    assert generating._jumps("Asia/Tokyo")[0] == datetime.fromisoformat("2012-01-01T15:00:00Z")


SCHEMA = Schema(
    dataset="d",
    columns=[
        Column("n", "int"),
        Column("x", "float", nullable=True),
        Column("price", "decimal", digits=8, scale=2, within=Bounds(low=0)),
        Column("words", "list", item=Column("item", "string")),
        Column("v", "vector", size=2),
        Column("text", "string"),
    ],
    key=["n"],
)


def smallest(condition: pl.Expr | Callable[[pl.LazyFrame], pl.LazyFrame]) -> dict[str, Any]:
    """The only row, or the rows, for which a condition is false."""
    module = ModuleType("features.f")

    def rows(d: pl.LazyFrame) -> pl.LazyFrame:
        return d.with_columns(holds=condition) if isinstance(condition, pl.Expr) else condition(d)

    module.__dict__.update(DATASETS=["d"], rows=rows, transform=lambda rows, state: rows)
    case = Case("a test", features=module, schemas={"d": SCHEMA})
    item = Property("holds", ["n"], 11, "main.mlp:1")
    found = generating.counterexample(case, item, 100)
    assert found is not None
    again = generating.counterexample(case, item, 100)
    assert again == found
    rows_found = found.tables["d"]
    return rows_found[0] if len(rows_found) == 1 else {"rows": rows_found}


PLAIN = {"n": 0, "x": None, "price": 0, "words": [], "v": [0.0, 0.0], "text": ""}


@pytest.mark.parametrize(
    ("condition", "changed"),
    [
        (pl.col("n") < 17, {"n": 17}),
        (pl.col("n") > -17, {"n": -17}),
        (pl.col("x").is_null(), {"x": 0.0}),
        (pl.col("price") < 12, {"price": Decimal(12)}),
        (pl.col("words").list.len() < 3, {"words": ["", "", ""]}),
        (pl.col("v").list.get(1) <= 0, {"v": [0.0, 1.0]}),
        (pl.col("text").str.len_chars() < 2, None),
    ],
)
def test_counterexamples_get_as_small_as_they_can(
    condition: pl.Expr, changed: dict[str, Any] | None
) -> None:
    found = smallest(condition)
    if changed is None:
        assert len(found["text"]) == 2
        changed = {"text": found["text"]}
    assert found == PLAIN | changed


def test_two_rows_where_it_takes_two() -> None:
    def repeated(d: pl.LazyFrame) -> pl.LazyFrame:
        return d.with_columns(holds=pl.col("text").is_first_distinct())

    first, second = smallest(repeated)["rows"]
    assert first["text"] == second["text"] == ""
    assert first["n"] != second["n"]


def test_what_holds_has_no_counterexample() -> None:
    module = ModuleType("features.f")
    module.__dict__.update(
        DATASETS=["d"],
        rows=lambda d: d.with_columns(holds=pl.col("price") >= 0),
        transform=lambda rows, state: rows,
    )
    case = Case("a test", features=module, schemas={"d": SCHEMA})
    assert generating.counterexample(case, Property("holds", ["n"], 1, "main.mlp:1"), 30) is None


def test_given_rows_stay_as_they_are() -> None:
    module = ModuleType("features.f")
    module.__dict__.update(
        DATASETS=["d"],
        rows=lambda d: d.with_columns(holds=pl.col("n") < 5),
        transform=lambda rows, state: rows,
    )
    rows = [{"n": 700, "price": "1"}, {"n": 3, "price": "2"}]
    case = Case("a test", features=module, schemas={"d": SCHEMA}, given={"d": rows})
    found = generating.counterexample(case, Property("holds", ["n"], 1, "main.mlp:1"), 30)
    assert found is not None
    assert (found.tried, found.tables, found.values) == (1, {"d": rows}, {"n": "700"})

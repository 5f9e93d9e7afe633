"""Real rows as a test: which ones are taken, what they need, what is written, and that nothing tagged is."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from mlp_runtime import fitted, masking, recording, table
from mlp_runtime.checks import ROW
from mlp_runtime.masking import Place
from mlp_runtime.recording import Link, Request, Selection
from mlp_runtime.schema import Bounds, Column, Schema
from mlp_runtime.step import Failure
from mlp_runtime.testing import Case, Expected

DAY = timedelta(days=1)


def at(day: int) -> datetime:
    return datetime(2024, 1, day, tzinfo=UTC)


BASE = pl.DataFrame(
    {
        ROW: [0, 1, 2, 3, 4, 5],
        "id": [1, 2, 3, 4, 5, 6],
        "t": [at(1), at(2), at(2), at(5), at(9), at(9)],
        "who": ["a", "b", "a", None, "a", "b"],
        "x": [1.0, None, 3.0, 4.0, 5.0, 1e-17],
    },
    schema_overrides={"t": pl.Datetime("us", "UTC")},
)
OTHER = pl.DataFrame(
    {ROW: [0, 1, 2], "name": ["a", "a", "b"], "seen": [at(1), at(3), at(8)], "age": [30, 31, 50]},
    schema_overrides={"seen": pl.Datetime("us", "UTC")},
)
TABLES = {"base": BASE, "other": OTHER}
WHO = [(Place("base", "who"), "name")]
NOW = Place("base", "t")


def reached(link: Link, row: int) -> list[int]:
    """The places to which a link leads from a row of the base."""
    chosen = Selection(TABLES)
    chosen.reach(link, "base", BASE.row(row, named=True), None)
    return chosen.rows(link.dataset).get_column(ROW).to_list()


def test_joins_lead_to_the_rows_with_their_key() -> None:
    assert reached(Link(dataset="other", on=WHO), 0) == [0, 1]
    assert reached(Link(dataset="other", on=WHO), 3) == []
    latest = Link(dataset="other", on=WHO, here=NOW, there="seen", until=-DAY, joined=True, most=1)
    assert [reached(latest, row) for row in (0, 2, 4, 5)] == [[], [0], [1], [2]]


def test_windows_lead_to_the_latest_of_what_they_cover() -> None:
    own = [(Place("base", "who"), "who")]
    before = Link(
        dataset="base", on=own, here=NOW, there="t", until=timedelta(0), strict=True, most=5
    )
    assert [reached(before, row) for row in range(6)] == [[], [], [0], [], [0, 2], [1]]
    short = Link(
        dataset="base", on=own, here=NOW, there="t", since=-8 * DAY, until=-2 * DAY, most=1
    )
    assert [reached(short, row) for row in range(6)] == [[], [], [], [], [2], [1]]
    all_rows = Link(
        dataset="base", on=[], here=NOW, there="t", until=timedelta(0), strict=True, most=2
    )
    assert reached(all_rows, 4) == [2, 3]


def test_what_lies_ahead_is_over_where_something_comes_after_it() -> None:
    ahead = Link(
        dataset="other",
        on=WHO,
        here=NOW,
        there="seen",
        since=timedelta(0),
        until=2 * DAY,
        ahead=True,
        most=3,
    )
    # The row of b proves that the two days of a are over.
    assert reached(ahead, 2) == [1, 2]


def test_rows_are_taken_from_all_over() -> None:
    rows = pl.DataFrame({"n": list(range(100))})
    assert recording.spread(rows, 4).get_column("n").to_list() == [12, 37, 62, 87]
    assert recording.spread(rows, 1).get_column("n").to_list() == [50]
    assert recording.spread(rows.head(2), 9).get_column("n").to_list() == [0, 1]


SCHEMAS = {
    "base": Schema(
        dataset="base",
        columns=[
            Column("id", "int"),
            Column("t", "timestamp"),
            Column("who", "string", nullable=True, tags=["pii"]),
            Column("x", "float", nullable=True),
        ],
        key=["id"],
        timestamp="t",
    ),
    "other": Schema(
        dataset="other",
        columns=[Column("name", "string"), Column("seen", "timestamp"), Column("age", "int")],
    ),
}


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """A request over features that keep rows with an `x`."""
    module = ModuleType("features.f")

    def rows(base: pl.LazyFrame, other: pl.LazyFrame) -> pl.LazyFrame:
        ages = other.group_by("name").agg(pl.col("age").max())
        joined = base.join(ages, left_on="who", right_on="name", how="left", maintain_order="left")
        return joined.filter(pl.col("x").is_not_null()).with_columns(third=pl.col("x") / 3)

    def transform(rows: pl.DataFrame, state: fitted.Transform) -> pl.DataFrame:
        if "z" not in state:
            return rows
        return rows.with_columns(z=pl.col("x") - state["z"]["mean"], many=pl.lit([[0.5] * 50]))

    module.__dict__.update(DATASETS=["base", "other"], rows=rows, transform=transform)
    expected = [
        Expected(Column(name, "float", nullable=True), [], "f:1") for name in ("age", "third")
    ]
    case = Case("recorded", features=module, schemas=SCHEMAS, expected=expected)
    cases = ModuleType("cases_of_f")
    cases.__dict__["CASES"] = [case]
    monkeypatch.setitem(sys.modules, "cases_of_f", cases)
    paths = {name: tmp_path / f"{name}.parquet" for name in TABLES}
    for name, path in paths.items():
        table.write(TABLES[name], path)
    return Request(
        address="cases_of_f:0",
        base="base",
        tables=paths,
        columns={"base": ["id", "who", "x"], "other": ["name", "age"]},
        expected={"age": [], "third": []},
        links=[Link(dataset="other", on=WHO, joined=True)],
    )


def changed(request: Request, **changes: Any) -> dict[str, Any]:
    return recording.record(Request(**(request.__dict__ | changes)))


def test_rows_come_with_what_they_need_and_what_the_code_makes_of_them(request_: Request) -> None:
    found = changed(request_, rows=2)
    base = [["id: 3", 'who: "a"', "x: 3.0"], ["id: 5", 'who: "a"', "x: 5.0"]]
    other = [['name: "a"', "age: 30"], ['name: "a"', "age: 31"]]
    assert found["given"] == [["base", base], ["other", other]]
    assert found["expected"] == [["age", ["31", "31"]], ["third", ["1.0", "1.66666667"]]]
    assert found["notes"] == []
    assert changed(request_, rows=2) == found


def test_rows_can_be_asked_for_by_value(request_: Request) -> None:
    def ids(*of: tuple[str, str]) -> list[str]:
        [[_, rows], _] = changed(request_, of=of, rows=9)["given"]
        return [row[0] for row in rows]

    assert ids(("who", "b")) == ["id: 6"]
    assert ids(("who", "null")) == ["id: 4"]
    assert ids(("t", "2024-01-09T01:00+01:00"), ("x", "5")) == ["id: 5"]
    # Nothing else has this value, so a row that is dropped has to do.
    assert ids(("id", "2")) == ["id: 2"]
    with pytest.raises(Failure, match="no row of base has who = z and id = 1"):
        ids(("who", "z"), ("id", "1"))
    with pytest.raises(Failure, match="id is an integer, and 'one' is none"):
        ids(("id", "one"))


def test_a_row_that_no_code_lets_through_is_told(request_: Request) -> None:
    found = changed(request_, of=[("id", "2")])
    assert found["expected"] == [["age", []], ["third", []]]
    assert found["notes"] == ["none of these rows comes out of the features"]


def test_tagged_values_are_made_up_and_rows_still_meet(request_: Request) -> None:
    found = changed(request_, masked=[Place("base", "who")], rows=9)
    [[_, base], [_, other]] = found["given"]
    assert [row[1] for row in base] == [
        f"who: {name}" for name in ('"who_1"', '"who_1"', "null", '"who_1"', '"who_2"')
    ]
    assert [row[0] for row in other] == [f'name: "who_{number}"' for number in (1, 1, 2)]
    assert dict(found["expected"])["age"] == ["31", "31", "null", "31", "50"]


def test_what_was_learned_comes_along_unless_it_is_long(request_: Request, tmp_path: Path) -> None:
    path = tmp_path / "transform.json"
    fitted.save({"z": {"mean": 1.5}, "w": {"all": [1.0] * 99}}, path, features="f")
    settings = {"transform": path, "of": [("id", "3")]}
    found = changed(request_, **settings, expected={"z": ["z"], "w": ["z", "w"], "many": ["z"]})
    assert found["fitted"] == [["z", "{ mean: 1.5 }"]]
    assert found["expected"] == [["z", ["1.5"]]]
    assert found["notes"] == [
        "`w` is left out: w has learned too much to write down",
        "`many` is left out: it has 50 numbers a row",
    ]


def test_nothing_at_all_is_told(request_: Request) -> None:
    table.write(BASE.clear(), request_.tables["base"])
    with pytest.raises(Failure, match="base has no rows"):
        recording.record(request_)


def test_requests_are_read_as_they_are_written() -> None:
    link = {
        "dataset": "other",
        "on": [[["base", "who"], "name"]],
        "here": ["base", "t"],
        "there": "seen",
        "since_ms": None,
        "until_ms": -1000,
        "strict": False,
        "ahead": False,
        "joined": True,
        "most": 1,
    }
    raw = {
        "address": "tests.f:0",
        "base": "base",
        "tables": {"base": "/rows.parquet"},
        "columns": {"base": ["id"]},
        "expected": {"age": []},
        "links": [link],
        "spine": {"every_ms": 86_400_000, "start": "2024-01-01", "end": "2024-01-03"},
        "transform": None,
        "rows": 2,
        "of": [["who", "a"]],
        "masked": [["base", "who"]],
        "asked_for": True,
    }
    found = recording.read_request(json.dumps(raw))
    assert found.links == [
        Link(
            dataset="other",
            on=WHO,
            here=NOW,
            there="seen",
            until=timedelta(seconds=-1),
            joined=True,
            most=1,
        )
    ]
    assert found.moments == [at(1), at(2), at(3)]
    assert (found.of, found.masked, found.rows) == ([("who", "a")], [Place("base", "who")], 2)


def test_made_up_values_are_such_as_every_column_may_hold() -> None:
    code = Column("code", "string", matches="[A-Z]{2}[0-9]{2}")
    age = Column("age", "int", within=Bounds(low=18, high=99))
    schemas = {
        "a": Schema(dataset="a", columns=[Column("k", "string"), age]),
        "b": Schema(dataset="b", columns=[code]),
    }
    tables = {
        "a": [{"k": "AB12", "age": 40}, {"k": "CD34", "age": 41}, {"k": None, "age": 40}],
        "b": [{"code": "CD34"}, {"code": "XY99"}],
    }
    pairs = [(Place("a", "k"), Place("b", "code"))]
    masking.mask(tables, schemas, [Place("a", "k"), Place("a", "age")], pairs)
    first, second, third = tables["a"]
    assert third["k"] is None
    assert tables["b"][0]["code"] == second["k"]
    assert len({first["k"], second["k"], tables["b"][1]["code"]}) == 3
    assert not {"AB12", "CD34", "XY99"} & {first["k"], second["k"], tables["b"][1]["code"]}
    ages = pl.Series([row["age"] for row in tables["a"]])
    assert ages.is_between(18, 99).all()
    assert first["age"] == third["age"] != second["age"]

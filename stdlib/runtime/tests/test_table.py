"""Sources are read strictly: every bad cell is found, told and counted."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlp_runtime import table
from mlp_runtime.checks import Outcome
from mlp_runtime.schema import Bounds, Column, Schema
from mlp_runtime.step import Failure


def schema(*columns: Column, **more: Any) -> Schema:
    """A schema of a dataset `d`."""
    return Schema(dataset="d", columns=columns, **more)


def csv(tmp_path: Path, text: str) -> Path:
    """A file that holds `text`."""
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8")
    return path


def cells(tmp_path: Path, column: Column, *texts: str, **more: Any) -> list[Any]:
    """One column's values, read from texts."""
    path = csv(tmp_path, "\n".join([column.name, *texts, ""]))
    rows, found = table.read_csv(path, schema(column, **more), null=["NA"])
    assert failed(found) == []
    return rows[column.name].to_list()


def failed(found: list[Outcome]) -> list[str]:
    """Lines of the checks that failed."""
    return [item.line() for item in found if not item.passed]


def problems(tmp_path: Path, column: Column, *texts: str, **more: Any) -> list[str]:
    """Lines of the checks that fail on one column of texts."""
    path = csv(tmp_path, "\n".join([column.name, *texts, ""]))
    return failed(table.read_csv(path, schema(column, **more), null=["NA"])[1])


def test_texts_become_typed_values(tmp_path: Path) -> None:
    assert cells(tmp_path, Column("a", "int"), "1", "-2", "+3") == [1, -2, 3]
    assert cells(tmp_path, Column("a", "float", nullable=True), "1", ".5", "1e3", "NaN", "NA") == [
        1.0,
        0.5,
        1000.0,
        None,
        None,
    ]
    assert cells(tmp_path, Column("a", "bool"), "true", "False") == [True, False]
    assert cells(tmp_path, Column("a", "bool", flag=("no", "yes")), "yes", "no") == [True, False]
    assert cells(tmp_path, Column("a", "bool", flag=(0, 1)), "1", "0") == [True, False]
    assert cells(tmp_path, Column("a", "string"), '""', '" x "', '"a""b"') == ["", " x ", 'a"b']
    assert cells(tmp_path, Column("a", "date"), "2013-01-31") == [date(2013, 1, 31)]
    assert cells(tmp_path, Column("a", "date", format="%d.%m.%y"), "31.01.13") == [
        date(2013, 1, 31)
    ]
    assert cells(tmp_path, Column("a", "duration"), "90m", "-1d") == [
        timedelta(minutes=90),
        timedelta(days=-1),
    ]
    assert cells(tmp_path, Column("a", "vector"), '"[1, 2.5]"') == [[1.0, 2.5]]


def test_times_become_instants_in_utc(tmp_path: Path) -> None:
    at = Column("t", "timestamp")
    noon = datetime(2013, 7, 1, 12, tzinfo=UTC)
    assert cells(tmp_path, at, "2013-07-01T12:00Z", "2013-07-01 14:00:00.000+02:00") == [noon, noon]
    assert cells(tmp_path, at, "2013-07-01T06:30-0530") == [noon]
    assert cells(tmp_path, at, "2013-07-01 08:00", timezone="America/New_York") == [noon]
    assert cells(tmp_path, at, "2013-07-01", timezone="UTC") == [noon.replace(hour=0)]
    epoch = Column("t", "timestamp", epoch="ms")
    assert cells(tmp_path, epoch, "1372680000000") == [noon]
    own = Column("t", "timestamp", format="%d/%m/%Y %H:%M")
    assert cells(tmp_path, own, "01/07/2013 12:00", timezone="UTC") == [noon]
    zoned = Column("t", "timestamp", format="%Y-%m-%d %H:%M %z")
    assert cells(tmp_path, zoned, "2013-07-01 14:00 +0200") == [noon]


def test_times_that_clocks_skip_or_repeat(tmp_path: Path) -> None:
    at = Column("t", "timestamp")
    zone = "America/New_York"
    twice = cells(tmp_path, at, "2013-11-03 01:30", timezone=zone)
    assert twice == [datetime(2013, 11, 3, 5, 30, tzinfo=UTC)]
    assert problems(tmp_path, at, "2013-03-10 02:30", timezone=zone) == [
        't is a timestamp: 1 row: "2013-03-10 02:30" (row 1)'
    ]
    assert problems(tmp_path, at, "2013-07-01 12:00") == [
        't is a timestamp with an offset: 1 row: "2013-07-01 12:00" (row 1)'
    ]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (Column("a", "int"), "1.0"),
        (Column("a", "int"), " 1"),
        (Column("a", "int"), "9223372036854775808"),
        (Column("a", "int"), "1_0"),
        (Column("a", "float"), '"1,5"'),
        (Column("a", "float"), "inf"),
        (Column("a", "float"), "1e999"),
        (Column("a", "bool"), "1"),
        (Column("a", "bool", flag=("no", "yes")), "maybe"),
        (Column("a", "date"), "2013-02-30"),
        (Column("a", "duration"), "90"),
        (Column("a", "timestamp"), "2013-01-01T25:00Z"),
        (Column("a", "int"), '""'),
    ],
)
def test_a_cell_of_another_kind_is_told(tmp_path: Path, column: Column, text: str) -> None:
    lines = problems(tmp_path, column, text)
    assert len(lines) == 1
    assert lines[0].startswith("a is ")
    assert lines[0].endswith("(row 1)")


def test_each_rule_counts_and_shows_what_breaks_it(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,kind,n,code\n1,a,5,AB\n1,b,50,AB\n2,a,-1,xyz\nNA,c,NA,AC\n")
    declared = schema(
        Column("id", "int", unique=True),
        Column("kind", "category", levels=["a", "b"]),
        Column("n", "int", nullable=True, within=Bounds(low=0, high=50, high_closed=False)),
        Column("code", "string", matches="[A-Z]+", unique=True),
        key=["id"],
    )
    _, found = table.read_csv(path, declared, null=["NA"])
    assert failed(found) == [
        "id is not null: 1 row: null (row 4)",
        'kind is one of a, b: 1 row: "c" (row 4)',
        "n in 0..<50: 2 rows: 50 (row 2), -1 (row 3)",
        'code matches [A-Z]+: 1 row: "xyz" (row 3)',
        'code is unique: 2 rows: "AB" (row 1), "AB" (row 2)',
        "(id) identifies a row: 3 rows: 1 (row 1), 1 (row 2), null (row 4)",
    ]


def test_only_a_few_examples_of_many(tmp_path: Path) -> None:
    [line] = problems(tmp_path, Column("a", "int"), *["x"] * 1000)
    assert line == "a is an integer: 1000 rows: " + ", ".join(f'"x" (row {n})' for n in range(1, 6))


def test_unique_lets_nulls_be(tmp_path: Path) -> None:
    column = Column("a", "int", nullable=True, unique=True)
    assert cells(tmp_path, column, "NA", "NA", "1") == [None, None, 1]


def test_a_declared_column_must_be_in_the_header(tmp_path: Path) -> None:
    path = csv(tmp_path, "body_mass,body_mass,sex\n1,2,3\n")
    declared = schema(Column("sx", "int"), Column("body_mass", "int"), Column("zzz", "int"))
    with pytest.raises(Failure) as failure:
        table.read_csv(path, declared, null=[])
    assert failure.value.code == 4
    assert str(failure.value).splitlines() == [
        "d: declared columns are not in the header of d.csv",
        "  sx is missing; did you mean sex?",
        "  body_mass is there 2 times",
        "  zzz is missing",
    ]


def test_files_that_are_no_table_are_told_in_words(tmp_path: Path) -> None:
    declared = schema(Column("a", "int"))
    for text, told in [("a\n1,2\n", "d: d.csv is no valid CSV"), ("", "are not in the header")]:
        with pytest.raises(Failure, match=told):
            table.read_csv(csv(tmp_path, text), declared, null=[])
    with pytest.raises(Failure, match="is no Parquet"):
        table.read_parquet(csv(tmp_path, "a\n1\n"), declared)
    with pytest.raises(Failure, match="not one JSON object a line"):
        table.read_ndjson(csv(tmp_path, "{]\n"), declared)


def test_gzip_bom_delimiter_and_no_header(tmp_path: Path) -> None:
    packed = tmp_path / "d.csv.gz"
    packed.write_bytes(gzip.compress("\ufeffa;b\n1;2\n".encode()))
    declared = schema(Column("a", "int"), Column("b", "int"))
    rows, found = table.read_csv(packed, declared, null=[], delimiter=";")
    assert (failed(found), rows.rows()) == ([], [(0, 1, 2)])
    bare = csv(tmp_path, "3,4\n5,6\n")
    rows, _ = table.read_csv(bare, declared, null=[], header=False)
    assert rows.rows() == [(0, 3, 4), (1, 5, 6)]
    with pytest.raises(Failure, match="has 2 columns, 1 are declared"):
        table.read_csv(bare, schema(Column("a", "int")), null=[], header=False)


def test_columns_are_renamed_and_others_left_out(tmp_path: Path) -> None:
    path = csv(tmp_path, "Sepal Length,junk,^x$\n1.5,zz,7\n")
    declared = schema(
        Column("sepal_length", "float", source="Sepal Length"), Column("x", "int", source="^x$")
    )
    rows, _ = table.read_csv(path, declared, null=[])
    assert rows.to_dicts() == [{"__row__": 0, "sepal_length": 1.5, "x": 7}]


def test_canonical_order_is_time_then_key_then_place(tmp_path: Path) -> None:
    text = "k,t\nb,2013-01-02Z\nb,2013-01-01Z\na,2013-01-01Z\n"
    declared = schema(
        Column("k", "string"), Column("t", "timestamp"), key=["k", "t"], timestamp="t"
    )
    rows, found = table.read_csv(csv(tmp_path, text), declared, null=[])
    assert failed(found) == []
    assert rows["__row__"].to_list() == [2, 1, 0]


def test_typed_files_are_widened_but_never_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    pl.DataFrame(
        {
            "i": pl.Series([1, 2], dtype=pl.Int8),
            "f": pl.Series([1, 2], dtype=pl.UInt32),
            "c": pl.Series(["x", "y"], dtype=pl.Categorical),
            "t": pl.Series([datetime(2013, 1, 1), None], dtype=pl.Datetime("ns")),
            "v": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int16, 2)),
            "b": pl.Series([0, 1], dtype=pl.Int64),
        }
    ).write_parquet(path)
    declared = schema(
        Column("i", "int"),
        Column("f", "float"),
        Column("c", "category"),
        Column("t", "timestamp", nullable=True),
        Column("v", "vector"),
        Column("b", "bool", flag=(0, 1)),
        timezone="UTC",
    )
    rows, found = table.read_parquet(path, declared)
    assert failed(found) == []
    assert rows.drop("__row__").rows() == [
        (1, 1.0, "x", datetime(2013, 1, 1, tzinfo=UTC), [1.0, 2.0], False),
        (2, 2.0, "y", None, [3.0, 4.0], True),
    ]
    wrong = schema(Column("f", "string"), Column("i", "bool"), Column("c", "int"))
    _, found = table.read_parquet(path, wrong)
    assert failed(found) == [
        "f is string, but the file holds UInt32",
        "i is bool, but the file holds Int8",
        "c is int, but the file holds Categorical",
    ]


def test_json_lines_hold_times_as_texts(tmp_path: Path) -> None:
    path = csv(tmp_path, '{"t": "2013-01-01T00:00Z", "n": 1}\n{"t": null, "n": 2.5}\n')
    declared = schema(Column("t", "timestamp", nullable=True), Column("n", "float"))
    rows, found = table.read_ndjson(path, declared)
    assert failed(found) == []
    assert rows["n"].to_list() == [1.0, 2.5]


def test_nan_in_a_float_column_is_null(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    pl.DataFrame({"f": [1.0, float("nan"), float("inf")]}).write_parquet(path)
    rows, found = table.read_parquet(path, schema(Column("f", "float", nullable=True)))
    assert rows["f"].to_list() == [1.0, None, None]
    assert failed(found) == ["f is a number: 1 row: inf (row 3)"]


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": range(10_000), "b": [str(n % 7) for n in range(10_000)]})
    table.write(rows, tmp_path / "one")
    table.write(pl.concat([rows[:77], rows[77:]], rechunk=False), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert table.read(tmp_path / "one").equals(rows)


def test_text_is_read_back_as_it_was(tmp_path: Path) -> None:
    moment = datetime(2013, 1, 31, 23, 59, 59, 123456, tzinfo=UTC)
    rows = pl.DataFrame(
        {
            "a": pl.Series([1, None], dtype=pl.Int64),
            "b": pl.Series([0.1 + 0.2, None]),
            "c": pl.Series([True, None]),
            "d": pl.Series(['say "x", or\nnot', None]),
            "e": pl.Series([moment, None], dtype=pl.Datetime("us", "UTC")),
            "f": pl.Series([date(2013, 1, 31), None]),
            "g": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(10, 2)),
        }
    )
    path = tmp_path / "d.csv"
    table.write_csv(rows, path)
    assert table.read_back_csv(path, rows.schema).equals(rows)
    assert table.read_back_csv(path, rows.drop("g").schema).columns == rows.columns

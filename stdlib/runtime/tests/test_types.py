"""Columns of many values and of many digits: wide ones, lists, decimals."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from mlp_runtime import functions, table
from mlp_runtime.schema import Bounds, Column, Schema, Wide

PIXEL = Column(
    "pixel", "vector", source="p_{}", wide=Wide(1, 3, "int"), within=Bounds(low=0.0, high=9.0)
)
WORDS = Column("words", "list", item=Column("", "string"))
SCORES = Column("scores", "list", item=Column("", "float", nullable=True))
PRICE = Column("price", "decimal", digits=5, scale=2)


def read(tmp_path: Path, column: Column, text: str, **more: Any) -> tuple[list[Any], list[str]]:
    """A column's values, and the checks that failed."""
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8")
    schema = Schema(dataset="d", columns=[column])
    rows, found = table.read_csv(path, schema, null=["NA"], **more)
    return rows[column.name].to_list(), [item.line() for item in found if not item.passed]


def typed(tmp_path: Path, column: Column, values: pl.Series) -> tuple[list[Any], list[str]]:
    """The same from a file that knows types."""
    path = tmp_path / "d.parquet"
    pl.DataFrame({column.name: values}).write_parquet(path)
    rows, found = table.read_parquet(path, Schema(dataset="d", columns=[column]))
    return rows[column.name].to_list(), [item.line() for item in found if not item.passed]


def test_wide_columns_become_one_vector_by_name_or_by_order(tmp_path: Path) -> None:
    by_name = read(tmp_path, PIXEL, "p_3,p_1,p_2\n3,1,2\n6,4,5\n")
    assert by_name == ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [])
    by_order = read(tmp_path, PIXEL, "1,2,3\n4,5,6\n", header=False)
    assert by_order == by_name


def test_each_cell_of_a_wide_column_is_checked(tmp_path: Path) -> None:
    _, told = read(tmp_path, PIXEL, "p_1,p_2,p_3\n1,2,3\n4,x,10\n7,NA,9\n")
    assert told == [
        'pixel[2] is an integer: 1 row: "x" (row 2)',
        "pixel[2] is not null: 1 row: null (row 3)",
        "pixel[3] in 0..=9: 1 row: 10 (row 2)",
        "pixel is 3 values in 0..=9",
    ]


def test_lists_are_json_in_a_cell(tmp_path: Path) -> None:
    good = 'words\n"[""a"", ""b c""]"\n[]\n'
    assert read(tmp_path, WORDS, good) == ([["a", "b c"], []], [])
    assert read(tmp_path, SCORES, 'scores\n"[1, 2.5, null]"\n') == ([[1.0, 2.5, None]], [])
    _, told = read(tmp_path, WORDS, 'words\n"[1]"\nfree text\n"[null]"\n')
    assert told == [
        "words is a list of values of its type: 3 rows: "
        '"[1]" (row 1), "free text" (row 2), "[null]" (row 3)'
    ]


def test_lists_of_typed_files_are_widened_or_refused(tmp_path: Path) -> None:
    assert typed(tmp_path, SCORES, pl.Series([[1, None], [2]])) == ([[1.0, None], [2.0]], [])
    assert typed(tmp_path, SCORES, pl.Series([[float("nan")]])) == ([[None]], [])
    assert typed(tmp_path, WORDS, pl.Series([[1, 2]]))[1] == [
        "words is list, but the file holds List(Int64)"
    ]
    strict = Column("scores", "list", item=Column("", "float"))
    assert typed(tmp_path, strict, pl.Series([[1.0, None]]))[1] == [
        "scores is a list of values of its type: 1 row: [1.0, None] (row 1)"
    ]


def test_decimals_are_exact(tmp_path: Path) -> None:
    values, told = read(tmp_path, PRICE, "price\n0.10\n-123.4\n7\n1.2500\n")
    assert values == [Decimal("0.10"), Decimal("-123.40"), Decimal("7.00"), Decimal("1.25")]
    assert told == []
    _, told = read(tmp_path, PRICE, "price\n0.125\n1234.5\n1e2\n.\n")
    assert told == [
        "price is a number with as many digits as declared: "
        '4 rows: "0.125" (row 1), "1234.5" (row 2), "1e2" (row 3), "." (row 4)'
    ]
    exact = pl.Series([Decimal("1.250"), Decimal("1.255")], dtype=pl.Decimal(10, 3))
    values, told = typed(tmp_path, PRICE, exact)
    assert values == [Decimal("1.25"), None]
    assert len(told) == 1
    assert typed(tmp_path, PRICE, pl.Series([12]))[0] == [Decimal("12.00")]
    assert typed(tmp_path, PRICE, pl.Series([0.5]))[1] == [
        "price is decimal, but the file holds Float64"
    ]


def test_vectors_have_places_a_product_and_a_length() -> None:
    frame = pl.DataFrame({"x": [[3.0, 4.0], None], "y": [[1.0, 2.0], [1.0, 1.0]]})
    x, y = pl.col("x"), pl.col("y")
    shown = frame.select(
        dot=functions.dot(x, y), norm=functions.norm(x), second=functions.element(x, 1)
    )
    assert shown.rows() == [(11.0, 5.0, 4.0), (None, None, None)]
    beyond = frame.select(functions.element(y.list.to_array(2), 2)).to_series()
    assert beyond.to_list() == [None, None]


PNG = b"\x89PNG\r\n\x1a\n and so on"


def test_bytes_and_pictures_are_read_and_checked(tmp_path: Path) -> None:
    data, photo = Column("data", "bytes"), Column("photo", "image", nullable=True)
    assert read(tmp_path, data, "data\nAAE=\n") == ([b"\x00\x01"], [])
    _, bad = read(tmp_path, data, "data\nno base64!\n")
    assert bad == ['data is bytes, in a text as base64: 1 row: "no base64!" (row 1)']
    assert typed(tmp_path, data, pl.Series([b"\x00", b""])) == ([b"\x00", b""], [])
    values, bad = typed(tmp_path, photo, pl.Series([PNG, None, b"GIF89a", b"RIFF....WEBPVP8 "]))
    assert (values[0], bad) == (PNG, [])
    _, bad = typed(tmp_path, photo, pl.Series([PNG, b"%PDF-1.7"]))
    assert len(bad) == 1 and bad[0].startswith("photo is a picture: PNG, JPEG")
    # What a picture holds is not what people are shown.
    assert '"8 bytes" (row 2)' in bad[0] and "PDF" not in bad[0]
    assert typed(tmp_path, data, pl.Series([1])) == (
        [None],
        ["data is bytes, but the file holds Int64"],
    )

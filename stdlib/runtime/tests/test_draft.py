"""What rows are like, as a schema is drafted from it."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlp_runtime.draft import draft


def of(path: Path, kind: str = "csv", **more: Any) -> dict[str, Any]:
    """The draft of a file."""
    unsaid = dict.fromkeys(("variable", "table", "query", "null", "delimiter", "limit"))
    return draft({**unsaid, "kind": kind, "path": str(path), "header": True, **more})


def column(tmp_path: Path, *cells: str, **more: Any) -> dict[str, Any]:
    """The draft of one column of texts."""
    path = tmp_path / "d.csv"
    path.write_text("\n".join(["a", *cells, ""]), encoding="utf-8")
    found: dict[str, Any] = of(path, **more)["columns"][0]
    return found


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2"], "int"),
        (["1", "2.5", "NaN"], "float"),
        (["true", "False"], "bool"),
        (["2024-01-31", "2024-02-01"], "date"),
        (["2024-01-31T10:00:00Z", "2024-01-31 10:00"], "timestamp"),
        (["007", "010"], "string"),
        (["2024-13-01", "2024-01-01"], "string"),
        (["1", "x"], "string"),
    ],
)
def test_texts_are_what_all_of_them_can_be_read_as(
    tmp_path: Path, cells: list[str], kind: str
) -> None:
    assert column(tmp_path, *cells)["kind"] == kind


def test_times_say_whether_they_have_a_zone(tmp_path: Path) -> None:
    assert column(tmp_path, "2024-01-31T10:00:00Z")["zoned"]
    assert not column(tmp_path, "2024-01-31T10:00:00Z", "2024-01-31 10:00")["zoned"]


def test_a_text_means_null_where_all_else_in_its_column_is_a_number(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a,country\n1,NA\nNA,DE\n,NA\n")
    found = of(path)
    assert found["null"] == ["", "NA"]
    assert found["columns"][0]["nulls"] == pytest.approx(2 / 3)
    # Where nothing but texts hold it, it may well be Namibia.
    path.write_text("a,country\n1,NA\n2,DE\n")
    assert of(path)["null"] == [""]


def test_few_frequent_values_are_a_closed_set(tmp_path: Path) -> None:
    found = column(tmp_path, *["u", "v"] * 10)
    assert (found["levels"], found["closed"]) == (["u", "v"], True)
    found = column(tmp_path, *["u", "v"] * 5, "w")
    assert (found["levels"], found["closed"]) == (["u", "v", "w"], False)
    assert column(tmp_path, *(f"n{at}" for at in range(2_000)))["levels"] is None


def test_the_first_rows_or_all(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a\n1\n2\nx\n")
    first = of(path, limit=2)
    assert (first["rows"], first["whole"], first["columns"][0]["kind"]) == (2, False, "int")
    assert (of(path)["rows"], of(path)["whole"], of(path)["columns"][0]["kind"]) == (
        3,
        True,
        "string",
    )
    assert of(path, limit=9)["whole"]


def test_what_tells_rows_apart_is_a_key(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("x,order_id\n1.5,7\n2.5,8\n")
    assert of(path)["key"] == ["order_id"]
    path.write_text("x,order_id\n1.5,7\n2.5,7\n")
    assert of(path)["key"] == []


def test_types_of_the_source_are_kept(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "t": [datetime(2024, 1, 1, tzinfo=UTC)],
            "n": [datetime(2024, 1, 1)],
            "d": pl.Series([1], dtype=pl.Decimal(9, 2)),
            "l": [[1, 2]],
            "s": ["1"],
            "b": [b"x"],
            "e": pl.Series([None], dtype=pl.String),
        }
    )
    rows.write_parquet(tmp_path / "d.parquet")
    found = {item["name"]: item for item in of(tmp_path / "d.parquet", "parquet")["columns"]}
    kinds = {name: item["kind"] for name, item in found.items()}
    assert kinds == {
        "t": "timestamp",
        "n": "timestamp",
        "d": "decimal",
        "l": "list",
        "s": "string",
        "b": "bytes",
        "e": "null",
    }
    assert (found["t"]["zoned"], found["n"]["zoned"]) == (True, False)
    assert (found["d"]["digits"], found["d"]["scale"], found["l"]["item"]) == (9, 2, "int")


def test_what_can_not_be_read_is_told(tmp_path: Path) -> None:
    assert "absent" in of(tmp_path / "absent.csv")["error"]
    assert of(tmp_path / "absent.db", "sqlite", table="t")["error"] == "there is no absent.db"


def test_rows_may_be_told_apart_by_several_columns(tmp_path: Path) -> None:
    rows = [
        (day, shop, at % 3) for at, (day, shop) in enumerate((d, s) for d in "123" for s in "xyz")
    ]
    path = tmp_path / "d.csv"
    text = "\n".join(f"2024-01-0{day},{shop},{more},0.{more}" for day, shop, more in rows)
    path.write_text(f"day,shop,kind,share\n{text}\n", encoding="utf-8")
    assert of(path)["key"] == ["day", "shop"]
    # Nothing tells two rows apart that are the same.
    path.write_text(f"day,shop,kind,share\n{text}\n{text}\n", encoding="utf-8")
    assert of(path)["key"] == []
    path.write_text("id,day\n1,2024-01-01\n2,2024-01-01\n", encoding="utf-8")
    assert of(path)["key"] == ["id"]


def test_bytes_are_pictures_where_all_of_them_are(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    gif, png = b"GIF89a...", b"\x89PNG\r\n\x1a\n..."
    pl.DataFrame({"a": [gif, png], "b": [gif, b"x"]}).write_parquet(path)
    kinds = [column["kind"] for column in of(path, kind="parquet")["columns"]]
    assert kinds == ["image", "bytes"]


def test_one_file_of_a_zip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a/one.csv", "a;b\n1;2\n")
        packed.writestr("a/two.csv", "a,b\n1,2\n")
    found = of(path, member="a/one.csv")
    assert (found["delimiter"], [column["name"] for column in found["columns"]]) == (
        ";",
        ["a", "b"],
    )
    assert "its member must be named: a/one.csv, a/two.csv" in of(path)["error"]

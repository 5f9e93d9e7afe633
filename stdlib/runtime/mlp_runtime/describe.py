"""Describes the columns of any source: types, levels, ranges, null rates, keys.

Standard input holds what to read, as JSON; standard output says what was found, for `mlpc infer` to
write as a dataset. Text is read as it would be by a program: a column is of a type if all its cells
that are present are.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mlp_runtime import database, parse, peek, table
from mlp_runtime.schema import Column, Kind

ABSENT = ("", "NA", "N/A", "NULL", "null", "None", "NaN", "nan")
"""Texts that mean null wherever they are found, unless the program says which do."""
DELIMITERS = ",;\t|"
FLAGS = (
    ("no", "yes"),
    ("No", "Yes"),
    ("NO", "YES"),
    ("n", "y"),
    ("N", "Y"),
    ("f", "t"),
    ("F", "T"),
)
CLOSED = 20
OPEN = 200


def describe(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the rows of a source are, or why they cannot be read."""
    try:
        rows, told = _read(request)
    except (OSError, ValueError, pl.exceptions.PolarsError, database.DatabaseError) as error:
        return {"error": database.first_line(error)}
    texts = request["kind"] in ("csv", "ndjson", "sqlite")
    columns = [_column(rows[name], texts=texts) for name in rows.columns]
    return {
        "error": None,
        "seen": rows.height,
        "key": _key(rows, columns, whole=told["total"] == rows.height),
        "columns": columns,
        **told,
    }


def _read(request: Mapping[str, Any]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The rows or the first of them, how many there are if that is known, and how text was read."""
    path, limit, kind = Path(request["path"] or ""), request["sample"], request["kind"]
    told: dict[str, Any] = {"null": [], "delimiter": ",", "total": None}
    if kind == "csv":
        return _csv(path, request, told)
    if kind == "ndjson":
        rows = pl.read_ndjson(_head(path, limit).encode(), infer_schema_length=None)
    elif kind == "parquet":
        scan = pl.scan_parquet(path, glob=False)
        told["total"] = scan.select(pl.len()).collect().item()
        rows = (scan if limit is None else scan.head(limit)).collect()
    elif kind == "arrow":
        rows = table.arrow(path)
        told["total"] = rows.height
        rows = rows if limit is None else rows.head(limit)
    else:
        rows, told["total"] = _database(request, path, limit)
    if limit is None or rows.height < limit:
        told["total"] = rows.height
    return rows, told


def _database(
    request: Mapping[str, Any], path: Path, limit: int | None
) -> tuple[pl.DataFrame, int | None]:
    chosen = request["rows"]
    select = database.selection(table=chosen.get("table"), query=chosen.get("query"))
    if request["kind"] == "postgres":
        uri = peek.address(request["variable"])
        total = database.postgres(uri, f"select count(*) as n from ({select}) as source").item()
        part = select if limit is None else f"select * from ({select}) as source limit {limit}"
        return database.postgres(uri, part), total
    peek.require_file(path)
    read = database.sqlite if request["kind"] == "sqlite" else database.duckdb
    total = read(path, f"select count(*) as n from ({select}) as source").item()
    if limit is None:
        return read(path, select), total
    if request["kind"] == "sqlite":
        return database.sqlite(path, select, limit=limit), total
    return read(path, f"select * from ({select}) as source limit {limit}"), total


def _csv(
    path: Path, request: Mapping[str, Any], told: dict[str, Any]
) -> tuple[pl.DataFrame, dict[str, Any]]:
    delimiter = request["delimiter"]
    if delimiter is None:
        first = _head(path, 0).partition("\n")[0]
        delimiter = max(DELIMITERS, key=first.count)
    names = table.header_of(path, delimiter)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the header has {', '.join(twice)} more than once")
    rows = pl.read_csv(
        _head(path, request["sample"]).encode(),
        separator=delimiter,
        has_header=request["header"],
        infer_schema=False,
        empty_string_is_null=False,
        truncate_ragged_lines=request["sample"] is not None,
    )
    null = request["null"]
    if null is None:
        found = {text for name in rows.columns for text in ABSENT if (rows[name] == text).any()}
        null = [text for text in ABSENT if text in found or text == ""]
    rows = rows.with_columns(table.without(rows, null))
    if request["sample"] is None or rows.height < request["sample"]:
        told["total"] = rows.height
    return rows, {**told, "null": null, "delimiter": delimiter}


def _head(path: Path, limit: int | None) -> str:
    """The text of a header and so many rows, or all of it."""
    with table.open_text(path) as file:
        lines = file if limit is None else itertools.islice(file, limit + 1)
        return "".join(lines)


def _column(cells: pl.Series, *, texts: bool) -> dict[str, Any]:
    kind, typed, more = _kind(cells, texts=texts)
    present = typed.drop_nulls()
    found: dict[str, Any] = {
        "name": cells.name,
        "type": kind,
        "nullable": present.len() < cells.len(),
        "null_rate": 0.0 if cells.is_empty() else 1 - present.len() / cells.len(),
        "levels": None,
        "low": None,
        "high": None,
        "mean": None,
        "deviation": None,
        "distinct": 0,
        "flag": None,
        "naive": False,
        **more,
    }
    if kind in ("int", "float") and not present.is_empty():
        found |= {"low": present.min(), "high": present.max(), "mean": present.mean()}
        found["deviation"] = present.std() if present.len() > 1 else 0.0
    if kind not in ("float", "list", "other"):
        found["distinct"] = present.n_unique()
    return found


def _kind(cells: pl.Series, *, texts: bool) -> tuple[str, pl.Series, dict[str, Any]]:
    """The type that all cells have, the cells as that type, and what more is to be said of it."""
    dtype = cells.dtype
    if dtype == pl.String:
        return _text(cells, texts=texts)
    if dtype.is_integer():
        return "int", cells.cast(pl.Int64), {}
    if dtype.is_float():
        finite = cells.is_nan() | cells.is_infinite()
        return "float", cells.cast(pl.Float64).set(finite.fill_null(False), None), {}
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision or 38}, {dtype.scale})", cells, {}
    if isinstance(dtype, pl.Datetime):
        return "timestamp", cells, {"naive": dtype.time_zone is None}
    if isinstance(dtype, pl.Enum | pl.Categorical):
        return _words(cells.cast(pl.String))
    if isinstance(dtype, pl.List) and dtype.inner.is_numeric():
        return f"list[{'int' if dtype.inner.is_integer() else 'float'}]", cells, {}
    plain = {pl.Boolean: "bool", pl.Date: "date", pl.Null: "string"}
    if isinstance(dtype, pl.Duration):
        return "duration", cells, {}
    return plain.get(dtype.base_type(), "other"), cells, {}


def _text(cells: pl.Series, *, texts: bool) -> tuple[str, pl.Series, dict[str, Any]]:
    present = cells.drop_nulls()
    if present.is_empty() or not texts:
        return _words(cells)
    if not present.str.contains(r"^[+-]?0[0-9]").any():
        # A number does not start with a needless zero: such digits are a code.
        for kind in ("bool", "int", "float"):
            read = _as(cells, kind)
            if read is not None:
                return kind, read, {}
    read = _as(cells, "date")
    if read is not None:
        return "date", read, {}
    read = _as(cells, "timestamp")
    if read is not None:
        return "timestamp", read, {"naive": _as(cells, "timestamp", zone=None) is None}
    for flag in FLAGS:
        if set(present.unique()) == set(flag):
            typed = cells.replace_strict(list(flag), [False, True], default=None)
            return "bool", typed, {"flag": list(flag)}
    return _words(cells)


def _as(cells: pl.Series, kind: Kind, *, zone: str | None = "UTC") -> pl.Series | None:
    """The cells as a kind, if all that are present can be read so."""
    column = Column(cells.name, kind)
    frame = cells.to_frame()
    value = parse.read(column, pl.String(), zone)
    if value is None:
        return None
    absent = parse.is_absent(column, pl.String())
    read = frame.select(value.alias("value"), absent.alias("absent"))
    if read.filter(pl.col("value").is_null() & ~pl.col("absent")).height > 0:
        return None
    return read["value"].rename(cells.name)


def _words(cells: pl.Series) -> tuple[str, pl.Series, dict[str, Any]]:
    """Text: one of a few levels, one of many, or any."""
    distinct = sorted(cells.drop_nulls().unique())
    often = len(cells) >= 5 * len(distinct) > 0
    if len(distinct) <= CLOSED and often:
        return "category", cells, {"levels": distinct}
    return ("category" if len(distinct) <= OPEN and often else "string"), cells, {}


def _key(rows: pl.DataFrame, columns: Sequence[Mapping[str, Any]], *, whole: bool) -> list[str]:
    """The first column, or the fewest, that tell rows apart; more than one only in enough rows."""
    usable = ("int", "string", "category", "timestamp", "date")
    names = [item["name"] for item in columns if item["type"] in usable and not item["nullable"]]
    if rows.height < 2:
        return []
    most = 3 if whole and rows.height >= 100 else 1
    for size in range(1, most + 1):
        for chosen in itertools.combinations(names[:8], size):
            bound = math.prod(item["distinct"] for item in columns if item["name"] in chosen)
            if bound >= rows.height and not rows.select(list(chosen)).is_duplicated().any():
                return list(chosen)
    return []


if __name__ == "__main__":
    print(json.dumps([describe(request) for request in json.load(sys.stdin)], default=str))

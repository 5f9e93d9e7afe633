"""Says what the rows of a source are like, from the first of them or from all: what a schema is drafted from.

Standard input holds a JSON list of sources, standard output what was found of each. Texts are read as
what all of their cells can be read as, by the rules by which rows are read later.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mlp_runtime import checks, database, expr, parse, table
from mlp_runtime.schema import Column, Kind, is_picture

NULLS = ("NA", "N/A", "NULL", "null", "None", "\\N")
"""Texts that mean null, where a column without them is no text."""

DELIMITERS = (",", ";", "\t", "|")
LEVELS = 1_000
"""Values of a text that are told; one with more is no category."""

CLOSED = 20
"""A category with as many levels is closed, if each of them is frequent."""

_FREQUENT = 10
_KEYS = ("id", "key", "code", "number")
_NAMING = ("int", "string", "date", "timestamp")
# At most so many columns are tried, so many together.
_MOST = 10
_TOGETHER = 4
_TEXTS: tuple[Kind, ...] = ("bool", "int", "float", "date", "timestamp")
_TIMES: tuple[Kind, ...] = ("date", "timestamp")


def draft(request: Mapping[str, Any]) -> dict[str, Any]:
    """What one source's rows are like, or why they can't be read."""
    try:
        rows, more = _read(request)
    except (
        OSError,
        ValueError,
        EOFError,
        pl.exceptions.PolarsError,
        database.DatabaseError,
    ) as error:
        return {"error": database.first_line(error)}
    limit = request["limit"]
    null = request["null"]
    if request["kind"] == "csv":
        null = _nulls(rows) if null is None else null
        rows = rows.with_columns(table.without(rows, null))
    columns = [_column(rows[name], request["kind"]) for name in rows.columns]
    return {
        "error": None,
        "rows": rows.height,
        "whole": limit is None or rows.height < limit,
        "null": null or [""],
        "key": _key(columns, rows),
        "columns": columns,
        **more,
    }


def _read(request: Mapping[str, Any]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The first rows, and how a text is laid out."""
    path, kind, limit = Path(request["path"] or ""), request["kind"], request["limit"]
    if kind == "csv":
        return _csv(path, request)
    if kind == "ndjson":
        with table.open_text(path) as file:
            head = "".join(itertools.islice(file, limit))
        return pl.read_ndjson(head.encode(), infer_schema_length=None), {}
    if kind in ("parquet", "arrow"):
        found = pl.read_parquet(path, n_rows=limit) if kind == "parquet" else table.arrow(path)
        return (found if limit is None else found.head(limit)), {}
    select = database.selection(table=request["table"], query=request["query"])
    if kind == "sqlite":
        _require_file(path)
        return database.sqlite(path, select, limit=limit), {}
    if limit is not None:
        select = f"select * from ({select}) as source limit {limit}"
    if kind == "duckdb":
        _require_file(path)
        return database.duckdb(path, select), {}
    uri = os.environ.get(request["variable"])
    if not uri:
        raise ValueError(f"the variable {request['variable']}, which holds the address, is not set")
    return database.postgres(uri, select), {}


def _require_file(path: Path) -> None:
    """A database library would make a new file, or speak of something else."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path.name}")


def _csv(path: Path, request: Mapping[str, Any]) -> tuple[pl.DataFrame, dict[str, Any]]:
    delimiter, header, limit = request["delimiter"], request["header"], request["limit"]
    member = request.get("member")
    if delimiter is None:
        with table.open_text(path, member) as file:
            first = file.readline()
        # The first of those that are there most often, so a comma where there is none at all.
        delimiter = max(DELIMITERS, key=first.count)
    source: Path | bytes = table.csv_source(path, member)
    if limit is not None:
        with table.open_text(path, member) as file:
            source = "".join(itertools.islice(file, limit + header)).encode()
    rows = pl.read_csv(
        source,
        has_header=header,
        separator=delimiter,
        infer_schema=False,
        empty_string_is_null=False,
        truncate_ragged_lines=limit is not None,
    )
    return rows, {"delimiter": delimiter}


def _nulls(rows: pl.DataFrame) -> list[str]:
    """The empty text, and texts that are all that keeps some column from being other than text."""
    found = {""}
    for name in rows.columns:
        values = rows[name].drop_nulls()
        present = set(NULLS) & set(values.filter(values.is_in(list(NULLS))).unique())
        others = values.filter(~values.is_in([*NULLS, ""]))
        if present and not others.is_empty() and _kind(others, _TEXTS)[0] != "string":
            found |= present
    return sorted(found)


def _column(values: pl.Series, source: str) -> dict[str, Any]:
    """What one column is like."""
    known = values.drop_nulls()
    kind, zoned = _kind(known, {"csv": _TEXTS, "ndjson": _TIMES, "sqlite": _TIMES}.get(source, ()))
    found: dict[str, Any] = {
        "name": values.name,
        "kind": kind,
        "zoned": zoned,
        "nulls": values.null_count() / max(len(values), 1),
        "unique": known.n_unique() == len(values) > 1
        if known.dtype.is_nested() is False
        else False,
        "text": values.dtype == pl.String,
        "levels": None,
        "closed": False,
    }
    if kind == "bytes" and not known.is_empty():
        pictures = known.to_frame().select(is_picture(pl.col(known.name))).to_series().all()
        found["kind"] = "image" if pictures else "bytes"
    elif kind == "string":
        found |= _levels(known)
    elif kind in ("int", "float", "decimal"):
        numbers = pl.select(_as(known, kind)).to_series() if known.dtype == pl.String else known
        numbers = numbers.cast(pl.Float64).drop_nans()
        found |= {
            "low": numbers.min(),
            "high": numbers.max(),
            "mean": numbers.mean(),
            "std": numbers.std(),
        }
    if isinstance(known.dtype, pl.Decimal):
        found |= {"digits": known.dtype.precision or 38, "scale": known.dtype.scale}
    if isinstance(known.dtype, pl.List | pl.Array):
        inner = known.explode()
        found["item"] = _kind(inner.drop_nulls(), ())[0]
    return found


def _levels(known: pl.Series) -> dict[str, Any]:
    levels = known.cast(pl.String).unique().sort()
    if len(levels) > LEVELS or known.is_empty():
        return {}
    closed = len(levels) <= CLOSED and len(levels) * _FREQUENT <= len(known)
    return {"levels": levels.to_list(), "closed": closed}


def _kind(known: pl.Series, texts: Sequence[Kind]) -> tuple[str, bool]:
    """The kind of all values, and whether times among them say their zone."""
    dtype = known.dtype
    if known.is_empty() and dtype in (pl.String, pl.Null):
        return "null", True
    if dtype == pl.String:
        return _kind_of_texts(known, texts)
    if isinstance(dtype, pl.Datetime):
        return "timestamp", dtype.time_zone is not None
    simple: list[tuple[bool, str]] = [
        (dtype == pl.Boolean, "bool"),
        (dtype.is_integer(), "int"),
        (dtype.is_float(), "float"),
        (dtype.is_decimal(), "decimal"),
        (dtype == pl.Date, "date"),
        (isinstance(dtype, pl.Duration), "duration"),
        (isinstance(dtype, pl.Categorical | pl.Enum), "string"),
        (dtype == pl.Binary, "bytes"),
        (isinstance(dtype, pl.List | pl.Array), "list"),
    ]
    return next((kind for fits, kind in simple if fits), "other"), True


def _kind_of_texts(known: pl.Series, texts: Sequence[Kind]) -> tuple[str, bool]:
    # A number with zeros before it is a name made of digits.
    if known.str.contains(r"^[+-]?0[0-9]").any() and known.str.contains(r"^[0-9]+$").all():
        return "string", True
    for kind in texts:
        read = pl.select(_as(known, kind)).to_series()
        absent = parse.is_absent(Column(known.name, kind), pl.String())
        missing = known.to_frame().select(absent).to_series()
        if (read.is_not_null() | missing).all() and not missing.all():
            zoned = pl.select(_as(known, kind, None)).to_series().is_not_null().all()
            return kind, kind != "timestamp" or zoned
    return "string", True


def _as(known: pl.Series, kind: str, timezone: str | None = "UTC") -> pl.Expr:
    """Texts as values of a kind; what can't be read is null."""
    column = Column(known.name, kind)  # type: ignore[arg-type]
    value = parse.read(column, pl.String(), timezone)
    if value is None:
        return pl.lit(known.clear())
    return pl.lit(known.to_frame().select(value.alias(known.name)).to_series())


def _key(columns: Sequence[Mapping[str, Any]], rows: pl.DataFrame) -> list[str]:
    """The column that tells rows apart, and is called or placed so that it is meant to; else the fewest that do so
    together.
    """
    able = [
        item["name"]
        for index, item in enumerate(columns)
        if item["unique"]
        and item["kind"] in ("int", "string")
        and (index == 0 or item["name"].lower().endswith(_KEYS))
    ]
    return able[:1] or _compound(columns, rows)


def _compound(columns: Sequence[Mapping[str, Any]], rows: pl.DataFrame) -> list[str]:
    """Columns that are never null, none of which measures anything, and that name each row once."""
    if rows.height < 2:
        return []
    able = [
        item["name"]
        for item in columns
        if item["nulls"] == 0 and item["kind"] in _NAMING and not item["unique"]
    ][:_MOST]
    sizes = {name: rows[name].n_unique() for name in able}
    able = [name for name in able if sizes[name] > 1]
    for count in range(2, _TOGETHER + 1):
        for names in itertools.combinations(able, count):
            # Too few values to tell all rows apart are not looked at.
            if math.prod(sizes[name] for name in names) < rows.height:
                continue
            if rows.select(pl.struct(expr.columns(names)).n_unique()).item() == rows.height:
                return list(names)
    return []


if __name__ == "__main__":
    print(json.dumps(checks.plain([draft(request) for request in json.load(sys.stdin)])))

"""Compares declared schemas with what their sources say of themselves, before any run.

Headers, footers and catalogs are read, never all rows. Text, and SQLite, whose columns hold values of
any type, say little there, so their first rows are looked at. Standard input holds a JSON list of
datasets, as the plan describes them; standard output says of each what does not fit.
"""

from __future__ import annotations

import difflib
import json
import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import polars as pl

from mlp_runtime import database, table
from mlp_runtime.schema import Bounds, Column, Kind, Schema, Wide

SAMPLE = 1000


@dataclass(frozen=True, kw_only=True)
class Peek:
    """What a source says of itself: its columns, some rows or none, and where nulls may be or are."""

    names: Sequence[str]
    rows: pl.DataFrame
    where: str
    nullable: Mapping[str, str] = field(default_factory=dict)
    texts: Sequence[str] = ()


def peek(request: Mapping[str, Any], schema: Schema) -> Peek:
    """Look at a source of any kind."""
    path = Path(request["path"] or "")
    if request["server"] is not None:
        return _postgres(request["server"])
    format = request["ingest"]["format"]
    kind = format["kind"]
    if kind == "csv":
        return _csv(path, format, schema)
    if kind == "ndjson":
        return _ndjson(path)
    if kind in ("sqlite", "duckdb"):
        return (_sqlite if kind == "sqlite" else _duckdb)(path, format["rows"])
    return _parquet(path) if kind == "parquet" else _arrow(path)


def compare(request: Mapping[str, Any]) -> dict[str, Any]:
    """What of a declared schema its source does not have, or why it cannot be looked at."""
    schema = schema_of(request["ingest"])
    try:
        seen = peek(request, schema)
    except (OSError, ValueError, pl.exceptions.PolarsError, database.DatabaseError) as error:
        return {"error": database.first_line(error), "findings": []}
    found: list[dict[str, Any]] = []
    for column in schema.parts:
        count = list(seen.names).count(column.source_name)
        if count == 0:
            found.append(
                _finding(column, "missing", seen.where, _near(column.source_name, seen.names))
            )
        elif count > 1:
            found.append(_finding(column, "twice", f"{seen.where} has it {count} times"))
        elif column.source_name in seen.nullable and not column.nullable:
            found.append(_finding(column, "nullable", seen.nullable[column.source_name]))
        elif column.source_name in seen.texts and _wants_no_text(column):
            found.append(_finding(column, "text", f"text in {seen.where}"))
    by_name = {column.name: column for column in schema.parts}
    for outcome in table.look(seen.rows, schema):
        if outcome.rule == "type" and outcome.count is None:
            column = by_name[outcome.columns[0]]
            has = _in_words(seen.rows.schema[column.source_name])
            told = f"{column.name} is {column.kind}, and {seen.where} has {has}"
        else:
            told = outcome.line()
        found.append(_finding(by_name[outcome.columns[0]], outcome.rule, told))
    return {"error": None, "findings": found}


def _in_words(dtype: pl.DataType) -> str:
    """A type of a file in the words of the language, where it has one."""
    if isinstance(dtype, pl.List | pl.Array):
        inner = dtype.inner
        return f"lists of {_in_words(inner if isinstance(inner, pl.DataType) else inner())}"
    if isinstance(dtype, pl.Datetime):
        return "timestamp" if dtype.time_zone else "timestamp without an offset"
    simple = [
        (dtype.is_integer(), "int"),
        (dtype.is_float(), "float"),
        (dtype.is_decimal(), f"{dtype}".lower()),
        (dtype == pl.String, "text"),
        (dtype == pl.Boolean, "bool"),
        (dtype == pl.Date, "date"),
        (dtype == pl.Binary, "bytes"),
        (isinstance(dtype, pl.Duration), "duration"),
        (isinstance(dtype, pl.Categorical | pl.Enum), "category"),
    ]
    return next((word for fits, word in simple if fits), str(dtype))


def schema_of(ingest: Mapping[str, Any]) -> Schema:
    """The schema of a dataset as the plan describes it."""
    return Schema(
        dataset=ingest["dataset"],
        columns=[_column(item) for item in ingest["schema"]],
        key=ingest["key"],
        timestamp=ingest["timestamp"],
        timezone=ingest["timezone"],
    )


def _column(item: Mapping[str, Any]) -> Column:
    kind, bounds, reading, wide = (
        item["dtype"],
        item["range"],
        item["parse"] or {},
        item.get("wide"),
    )
    flag = reading.get("flag")
    inner = kind.get("item")
    return Column(
        item["name"],
        cast(Kind, kind["type"]),
        source=item["source_name"],
        nullable=item["nullable"],
        levels=kind.get("levels"),
        within=None if bounds is None else Bounds(**bounds),
        matches=item["matches"],
        format=reading.get("format"),
        epoch=reading.get("epoch"),
        flag=None if flag is None else (flag[0], flag[1]),
        digits=kind.get("digits", 38),
        scale=kind.get("scale", 0),
        item=None if inner is None else Column("", inner["type"], nullable=kind["nullable"]),
        wide=None if wide is None else Wide(**wide),
    )


def _csv(path: Path, format: Mapping[str, Any], schema: Schema) -> Peek:
    member = format.get("member")
    names = table.header_of(path, format["delimiter"], member)
    if not format["header"]:
        declared = [column.source_name for column in schema.parts]
        if len(declared) != len(names):
            raise ValueError(f"it has {len(names)} columns, {len(declared)} are declared")
        names = declared
    # Only so many lines are read; a cell that spans lines may be cut, with the row that it is in.
    with table.open_text(path, member) as file:
        head = "".join(line for line, _ in zip(file, range(SAMPLE), strict=False))
    rows = pl.read_csv(
        head.encode(),
        has_header=format["header"],
        separator=format["delimiter"],
        infer_schema=False,
        empty_string_is_null=False,
        truncate_ragged_lines=True,
        new_columns=names if len(set(names)) == len(names) else None,
    )
    rows = rows.with_columns(table.without(rows, format["null"]))
    return Peek(names=names, rows=rows, where="the header")


def _ndjson(path: Path) -> Peek:
    with table.open_text(path) as file:
        head = "".join(line for line, _ in zip(file, range(SAMPLE), strict=False))
    rows = pl.read_ndjson(head.encode(), infer_schema_length=None)
    return Peek(names=rows.columns, rows=rows, where=f"the first {rows.height} lines")


def _parquet(path: Path) -> Peek:
    types = pl.read_parquet_schema(path)
    import duckdb

    # The footer counts the nulls of each part of a column.
    query = "select path_in_schema, sum(stats_null_count) from parquet_metadata(?) group by 1"
    try:
        counts = duckdb.execute(query, [str(path)]).fetchall()
    except duckdb.Error as error:
        raise database.DatabaseError(database.first_line(error)) from error
    nulls = {name: f"{int(count)} nulls by the footer" for name, count in counts if count}
    rows = pl.DataFrame(schema=types)
    texts = _texts(rows)
    return Peek(names=list(types), rows=rows, where="the footer", nullable=nulls, texts=texts)


def _arrow(path: Path) -> Peek:
    with path.open("rb") as start:
        as_file = start.read(6) == b"ARROW1"
    empty = (
        pl.DataFrame(schema=pl.read_ipc_schema(path))
        if as_file
        else pl.read_ipc_stream(path, n_rows=0)
    )
    where = "the schema in the file"
    return Peek(names=empty.columns, rows=empty, where=where, texts=_texts(empty))


def _texts(rows: pl.DataFrame) -> list[str]:
    return [name for name, dtype in rows.schema.items() if dtype == pl.String]


def _sqlite(path: Path, rows: Mapping[str, str]) -> Peek:
    require_file(path)
    select = database.selection(table=rows.get("table"), query=rows.get("query"))
    found = database.sqlite(path, select, limit=SAMPLE)
    unknown = [name for name in found.columns if found[name].null_count() == found.height]
    found = found.with_columns(pl.lit(None).alias(name) for name in unknown)
    nullable: dict[str, str] = {}
    if "table" in rows:
        try:
            with closing(database.sqlite_connection(path)) as connection:
                query = 'select name from pragma_table_info(?) where "notnull" = 0 and pk = 0'
                names = [name for (name,) in connection.execute(query, (rows["table"],))]
        except sqlite3.Error as error:
            raise database.DatabaseError(str(error)) from error
        nullable = dict.fromkeys(names, "null is allowed by the table")
    return Peek(names=found.columns, rows=found, where=_where(rows), nullable=nullable)


def _duckdb(path: Path, rows: Mapping[str, str]) -> Peek:
    import duckdb

    require_file(path)
    select = database.selection(table=rows.get("table"), query=rows.get("query"))
    empty = database.duckdb(path, f"select * from ({select}) limit 0")
    nullable: dict[str, str] = {}
    if "table" in rows:
        name = rows["table"].rpartition(".")[2]
        query = "select column_name from duckdb_columns() where table_name = ? and is_nullable"
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                names = [item for (item,) in connection.execute(query, [name]).fetchall()]
        except duckdb.Error as error:
            raise database.DatabaseError(database.first_line(error)) from error
        nullable = dict.fromkeys(names, "null is allowed by the table")
    where = _where(rows)
    texts = _texts(empty)
    return Peek(names=empty.columns, rows=empty, where=where, nullable=nullable, texts=texts)


def _postgres(server: Mapping[str, Any]) -> Peek:
    uri = address(server["variable"])
    rows = server["rows"]
    select = database.selection(table=rows.get("table"), query=rows.get("query"))
    columns, nullable = database.postgres_catalog(uri, select, rows.get("table"))
    types = {name: database.POSTGRES.get(kind, pl.String()) for name, kind in columns}
    return Peek(
        names=list(types),
        rows=pl.DataFrame(schema=types),
        where=_where(rows),
        nullable=dict.fromkeys(nullable, "null is allowed by the table"),
        texts=[name for name, kind in columns if kind in ("text", "varchar", "bpchar")],
    )


def _near(name: str, names: Sequence[str]) -> str | None:
    folded = {item.casefold(): item for item in names}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return folded[close[0]] if close else None


def address(variable: str) -> str:
    """The address of a server, from the variable that holds it."""
    uri = os.environ.get(variable)
    if not uri:
        raise ValueError(f"the variable {variable}, which holds the address, is not set")
    return uri


def require_file(path: Path) -> None:
    """A database library would make a new file, or speak of something else."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path.name}")


def _where(rows: Mapping[str, str]) -> str:
    return f"the table {rows['table']}" if "table" in rows else "the query"


def _wants_no_text(column: Column) -> bool:
    read_from_text = column.format is not None or column.flag is not None
    return column.kind not in ("string", "category") and not read_from_text


def _finding(column: Column, rule: str, text: str, close: str | None = None) -> dict[str, Any]:
    name = column.name.partition("[")[0]
    return {
        "column": name,
        "source": column.source_name,
        "rule": rule,
        "text": text,
        "near": close,
    }


if __name__ == "__main__":
    print(json.dumps([compare(request) for request in json.load(sys.stdin)]))

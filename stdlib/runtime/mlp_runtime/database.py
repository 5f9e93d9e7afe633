"""Rows of databases, with the types that they have there: SQLite, DuckDB, PostgreSQL.

A file is read as its bytes are: what a write-ahead log still holds is in none of them, so a database
with such a log is refused instead of read in part. Rows of a server have no order of their own, so
they are sorted by all their columns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from mlp_runtime import expr

_EXACT = 2**53
POSTGRES: dict[str, pl.DataType] = {
    "bool": pl.Boolean(),
    "int2": pl.Int64(),
    "int4": pl.Int64(),
    "int8": pl.Int64(),
    "float4": pl.Float64(),
    "float8": pl.Float64(),
    "date": pl.Date(),
    "bytea": pl.Binary(),
    "timestamp": pl.Datetime("us"),
    "timestamptz": pl.Datetime("us", "UTC"),
    "_int2": pl.List(pl.Int64),
    "_int4": pl.List(pl.Int64),
    "_int8": pl.List(pl.Int64),
    "_float4": pl.List(pl.Float64),
    "_float8": pl.List(pl.Float64),
}
"""What is taken as it is; everything else is taken as the text that the server prints."""


class DatabaseError(Exception):
    """A database that cannot be read, in words."""


def selection(*, table: str | None, query: str | None) -> str:
    """The query that gives the rows: all of a table, whose name may hold its schema's, or its own."""
    if query is not None:
        return query.strip().rstrip(";")
    return f"select * from {'.'.join(_quoted(part) for part in (table or '').split('.'))}"


def sqlite(path: Path, select: str, *, limit: int | None = None) -> pl.DataFrame:
    """What a query gives, or its first rows. A column is of the type that all its values have, else text."""
    require_settled(path, "-wal", "run `pragma wal_checkpoint(truncate)` in it")
    try:
        with closing(sqlite_connection(path)) as connection:
            cursor = connection.execute(select)
            names = [item[0] for item in cursor.description or ()]
            rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
            flags = _sqlite_flags(connection, select)
    except sqlite3.Error as error:
        raise DatabaseError(str(error)) from error
    _require_distinct(names)
    return pl.DataFrame(
        [
            _sqlite_column(name, [row[index] for row in rows], flag=name in flags)
            for index, name in enumerate(names)
        ]
    )


def sqlite_connection(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even beside the file."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def duckdb(path: Path, select: str) -> pl.DataFrame:
    """What a query gives, in the order in which one thread finds it."""
    import duckdb as engine

    require_settled(path, ".wal", "run `checkpoint` in it")
    try:
        with engine.connect(str(path), read_only=True, config={"threads": 1}) as connection:
            found = pl.DataFrame(connection.sql(select))
    except engine.Error as error:
        raise DatabaseError(first_line(error)) from error
    _require_distinct(found.columns)
    return found


def postgres(uri: str, select: str) -> pl.DataFrame:
    """What a query gives at one moment, sorted by all columns."""
    import psycopg

    try:
        with psycopg.connect(uri, options="-c TimeZone=UTC", connect_timeout=20) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            columns = postgres_columns(connection, select)
            _require_distinct([name for name, _ in columns])
            taken = ", ".join(
                _quoted(name) + ("" if kind in POSTGRES else "::text") for name, kind in columns
            )
            rows = connection.execute(f"select {taken} from ({select}) as source").fetchall()
    except psycopg.Error as error:
        raise DatabaseError(_without_address(first_line(error), uri)) from error
    found = pl.DataFrame(
        [
            pl.Series(name, [row[index] for row in rows], dtype=POSTGRES.get(kind, pl.String()))
            for index, (name, kind) in enumerate(columns)
        ]
    )
    order = [name for name, dtype in found.schema.items() if not isinstance(dtype, pl.List)]
    return found.sort(expr.columns(order)) if order else found


def postgres_columns(connection: Any, select: str) -> list[tuple[str, str]]:
    """Names and types of what a query gives, without running it."""
    described = connection.execute(f"select * from ({select}) as source limit 0").description or ()
    types = connection.adapters.types
    found = []
    for item in described:
        known = types.get(item.type_code)
        array = known is not None and known.array_oid == item.type_code and item.type_code
        found.append((item.name, f"{'_' if array else ''}{known.name}" if known else "other"))
    return found


def postgres_catalog(
    uri: str, select: str, table: str | None
) -> tuple[list[tuple[str, str]], list[str]]:
    """Names and types of what a query gives, and those of a table that may be null."""
    import psycopg

    try:
        with psycopg.connect(uri, connect_timeout=20) as connection:
            connection.read_only = True
            columns = postgres_columns(connection, select)
            nullable: list[str] = []
            if table is not None:
                named = ".".join(_quoted(part) for part in table.split("."))
                query = (
                    "select attname from pg_attribute where attrelid = %s::regclass "
                    "and attnum > 0 and not attnotnull and not attisdropped"
                )
                nullable = [name for (name,) in connection.execute(query, [named]).fetchall()]
    except psycopg.Error as error:
        raise DatabaseError(_without_address(first_line(error), uri)) from error
    return columns, nullable


def require_settled(path: Path, ending: str, remedy: str) -> None:
    """Fail where changes lie in a log beside the file, which the file's digest does not cover."""
    log = path.with_name(path.name + ending)
    if log.exists() and log.stat().st_size > 0:
        raise DatabaseError(f"{log.name} holds changes that are not in {path.name} yet: {remedy}")


def first_line(error: Exception) -> str:
    """What an error says first."""
    return str(error).strip().partition("\n")[0]


def _sqlite_flags(connection: sqlite3.Connection, select: str) -> set[str]:
    """Columns that a table declares to be boolean; SQLite stores 0 and 1 in them."""
    names = [name for (name,) in connection.execute("select name from sqlite_master")]
    table = next((name for name in names if select == selection(table=name, query=None)), None)
    if table is None:
        return set()
    declared = connection.execute("select name, type from pragma_table_info(?)", (table,))
    return {name for name, kind in declared if kind.upper().startswith("BOOL")}


def _sqlite_column(name: str, values: Sequence[Any], *, flag: bool) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int}:
        if flag and set(values) <= {0, 1, None}:
            return pl.Series(name, [None if item is None else item == 1 for item in values])
        return pl.Series(name, values, dtype=pl.Int64)
    whole = all(abs(value) <= _EXACT for value in values if type(value) is int)
    if kinds <= {int, float} and whole:
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if kinds == {bytes}:
        return pl.Series(name, values, dtype=pl.Binary)
    texts = [None if value is None else str(value) for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def _require_distinct(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise DatabaseError(f"the query gives {', '.join(twice)} more than once; name each column")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _without_address(message: str, uri: str) -> str:
    """The message, even if it repeats an address that cannot be read, without what is secret."""
    secrets = [uri, uri.rpartition("@")[0], uri.rpartition("@")[0].rpartition(":")[2]]
    for secret in secrets:
        if len(secret) > 2:
            message = message.replace(secret, "…")
    return message

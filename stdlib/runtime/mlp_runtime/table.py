"""Tables: strict reading of sources, canonical order, Parquet with the same bytes every time."""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import polars as pl

from mlp_runtime import database, expr, parse
from mlp_runtime.checks import ROW, Outcome, examples
from mlp_runtime.schema import PICTURES, Column, Schema, is_picture
from mlp_runtime.step import DATA_FAILED, Failure

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"


def read_csv(
    path: Path,
    schema: Schema,
    *,
    null: Sequence[str],
    delimiter: str = ",",
    header: bool = True,
    member: str | None = None,
) -> tuple[pl.DataFrame, list[Outcome]]:
    """Read comma-separated text, plain, gzip or in a zip, there called `member` if the zip holds
    several; check every cell against the schema.
    """
    try:
        names = header_of(path, delimiter, member)
        source = csv_source(path, member)
    except (OSError, UnicodeError, EOFError, zipfile.BadZipFile, ValueError) as error:
        raise _data_failure(schema, f"{path.name} cannot be read: {error}") from error
    if header:
        _find_columns(schema, names, f"the header of {path.name}")
    elif len(names) != len(schema.parts):
        declared = len(schema.parts)
        raise _data_failure(
            schema, f"{path.name} has {len(names)} columns, {declared} are declared"
        )
    else:
        names = [column.source_name for column in schema.parts]
    try:
        raw = pl.read_csv(
            source,
            has_header=header,
            new_columns=names,
            separator=delimiter,
            infer_schema=False,
            empty_string_is_null=False,
        )
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
        raise _data_failure(schema, f"{path.name} is no valid CSV: {_first_line(error)}") from error
    texts = raw.select(expr.columns(column.source_name for column in schema.parts))
    return check(texts.with_columns(without(texts, null)), schema)


def read_parquet(path: Path, schema: Schema) -> tuple[pl.DataFrame, list[Outcome]]:
    """Read a Parquet file and check it against the schema."""
    try:
        raw = pl.read_parquet(path)
    except pl.exceptions.ComputeError as error:
        raise _data_failure(schema, f"{path.name} is no Parquet: {_first_line(error)}") from error
    _find_columns(schema, raw.columns, path.name)
    return check(raw, schema)


def read_ndjson(path: Path, schema: Schema) -> tuple[pl.DataFrame, list[Outcome]]:
    """Read one JSON object a line and check it against the schema; times and days are texts."""
    try:
        raw = pl.read_ndjson(path, infer_schema_length=None)
    except pl.exceptions.ComputeError as error:
        message = f"{path.name} is not one JSON object a line: {_first_line(error)}"
        raise _data_failure(schema, message) from error
    _find_columns(schema, raw.columns, path.name)
    return check(raw, schema)


def read_arrow(path: Path, schema: Schema) -> tuple[pl.DataFrame, list[Outcome]]:
    """Read an Arrow IPC file, or stream, and check it against the schema."""
    try:
        raw = arrow(path)
    except pl.exceptions.ComputeError as error:
        raise _data_failure(schema, f"{path.name} is no Arrow: {_first_line(error)}") from error
    _find_columns(schema, raw.columns, path.name)
    return check(raw, schema)


def arrow(path: Path) -> pl.DataFrame:
    """An Arrow IPC file, or stream."""
    with path.open("rb") as start:
        as_file = start.read(6) == b"ARROW1"
    return pl.read_ipc(path) if as_file else pl.read_ipc_stream(path)


def read_sqlite(
    path: Path, schema: Schema, *, table: str | None = None, query: str | None = None
) -> tuple[pl.DataFrame, list[Outcome]]:
    """Read a table, or what a query gives, of an SQLite file and check it against the schema."""
    return _read_database(database.sqlite, path, schema, table, query)


def read_duckdb(
    path: Path, schema: Schema, *, table: str | None = None, query: str | None = None
) -> tuple[pl.DataFrame, list[Outcome]]:
    """Read a table, or what a query gives, of a DuckDB file and check it against the schema."""
    return _read_database(database.duckdb, path, schema, table, query)


def _read_database(
    read: Callable[[Path, str], pl.DataFrame],
    path: Path,
    schema: Schema,
    table: str | None,
    query: str | None,
) -> tuple[pl.DataFrame, list[Outcome]]:
    try:
        raw = read(path, database.selection(table=table, query=query))
    except database.DatabaseError as error:
        raise _data_failure(schema, f"{path.name} cannot be read: {error}") from error
    _find_columns(schema, raw.columns, "the query" if table is None else f"the table {table}")
    return check(raw, schema)


def scan(path: Path) -> pl.LazyFrame:
    """A stored table, to be read as far as it is used."""
    return pl.scan_parquet(path, glob=False)


def read(path: Path) -> pl.DataFrame:
    """A stored table."""
    return pl.read_parquet(path, glob=False)


def collect(rows: pl.LazyFrame) -> pl.DataFrame:
    """The rows themselves. In memory, because only there sums of floats are the same each time."""
    return rows.collect(engine="in-memory")


def write(rows: pl.DataFrame, path: Path) -> None:
    """Store a table: equal tables give equal bytes."""
    rows.rechunk().write_parquet(
        path, compression="zstd", compression_level=3, row_group_size=131_072, statistics=True
    )


def write_csv(rows: pl.DataFrame, path: Path) -> None:
    """Store a table as text that is read back as it was: times in UTC, texts in quotes, nothing where a value is null."""
    moments = pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    rows.with_columns(moments).write_csv(path, quote_style="non_numeric", null_value="")


def read_back_csv(path: Path, schema: pl.Schema) -> pl.DataFrame:
    """What `write_csv` stored, if its columns are these; otherwise as text, which has another schema."""
    text = pl.read_csv(path, infer_schema=False, glob=False)
    if text.columns != list(schema):
        return text
    return text.select(_read_back(name, dtype) for name, dtype in schema.items())


def _read_back(name: str, dtype: pl.DataType) -> pl.Expr:
    value = expr.column(name)
    if isinstance(dtype, pl.Datetime):
        return value.str.to_datetime(time_unit="us", time_zone="UTC")
    if dtype == pl.Date:
        return value.str.to_date()
    if dtype == pl.Boolean:
        return value.replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
    return value.cast(dtype)


def without(raw: pl.DataFrame, null: Sequence[str]) -> list[pl.Expr]:
    """The columns, null where the text is one of those that mean null."""
    if not null:
        return []
    return [
        pl.when(~expr.column(name).is_in(list(null))).then(expr.column(name)).alias(name)
        for name in raw.columns
    ]


def header_of(path: Path, delimiter: str, member: str | None = None) -> list[str]:
    """The fields of the first line."""
    with open_text(path, member) as file:
        return next(csv.reader(file, delimiter=delimiter), [])


def open_text(path: Path, member: str | None = None) -> TextIO:
    """The text of a file that is plain, gzip, or in a zip: as `member`, unless that holds nothing else."""
    with path.open("rb") as start:
        magic = start.read(4)
    if member is not None or magic == _ZIP:
        text = io.BytesIO(_of_zip(path, member))
        return io.TextIOWrapper(text, encoding="utf-8-sig", newline="")
    if magic[:2] == _GZIP:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open("rt", encoding="utf-8-sig", newline="")


def csv_source(path: Path, member: str | None = None) -> Path | bytes:
    """What Polars reads: the file itself, which may be gzip, or what a zip holds."""
    with path.open("rb") as start:
        packed = start.read(4) == _ZIP
    return _of_zip(path, member) if packed or member is not None else path


def _of_zip(path: Path, member: str | None) -> bytes:
    """A file in a zip, which may be gzip itself; which one need not be said of a lone one."""
    with zipfile.ZipFile(path) as packed:
        names = [item.filename for item in packed.infolist() if not item.is_dir()]
        if member is None and len(names) != 1:
            told = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            raise ValueError(
                f"the zip holds {len(names)} files, so its member must be named: {told}"
            )
        name = names[0] if member is None else member
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"the zip holds no file {name}{hint}")
        content = packed.read(name)
    return gzip.decompress(content) if content[:2] == _GZIP else content


def _find_columns(schema: Schema, names: Sequence[str], where: str) -> None:
    """Fail unless every declared column is there, once."""
    problems = []
    for column in schema.parts:
        name = column.source_name
        if names.count(name) > 1:
            problems.append(f"  {name} is there {names.count(name)} times")
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            problems.append(f"  {name} is missing" + (f"; did you mean {near[0]}?" if near else ""))
    if problems:
        raise _data_failure(schema, "\n".join([f"declared columns are not in {where}", *problems]))


def check(raw: pl.DataFrame, schema: Schema) -> tuple[pl.DataFrame, list[Outcome]]:
    """Type every column, check every rule, put rows in canonical order."""
    raw = raw.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    outcomes: list[Outcome] = []
    typed = [pl.col(ROW)]
    for column in schema.columns:
        read = _read_wide if column.wide is not None else _read_column
        value, found = read(raw, column, schema.timezone)
        outcomes += found
        typed.append(value.alias(column.name))
    rows = raw.select(typed)
    failed = {name for item in outcomes if not item.passed for name in item.columns}
    for column in schema.columns:
        if column.name not in failed:
            outcomes += _rules(rows, column)
    outcomes += _key(rows, schema)
    return _in_order(rows, schema), outcomes


def look(raw: pl.DataFrame, schema: Schema) -> list[Outcome]:
    """What fails of the declared columns that some rows have, or of their types if there is no row."""
    raw = raw.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    outcomes: list[Outcome] = []
    for column in schema.parts:
        if column.source_name in raw.columns:
            value, found = _read_column(raw, column, schema.timezone)
            if all(item.passed for item in found):
                cells = raw.select(pl.col(ROW), value.alias(column.name))
                found += _rules(cells, replace(column, unique=False))
            outcomes += found
    return [item for item in outcomes if not item.passed]


def _read_column(
    raw: pl.DataFrame, column: Column, timezone: str | None
) -> tuple[pl.Expr, list[Outcome]]:
    """One column as its kind, and what is found of its cells."""
    dtype = raw.schema[column.source_name]
    value = parse.read(column, dtype, timezone)
    if value is None:
        return pl.lit(None, dtype=column.physical), [_mismatch(column, dtype)]
    return value, _readable(raw, column, dtype, value, timezone)


def _read_wide(
    raw: pl.DataFrame, column: Column, timezone: str | None
) -> tuple[pl.Expr, list[Outcome]]:
    """The vector of a wide column: each cell is checked as its own column, and what fails is told of each."""
    values: list[pl.Expr] = []
    failed: list[Outcome] = []
    for part in column.parts:
        value, found = _read_column(raw, part, timezone)
        bad = [item for item in found if not item.passed]
        if not bad:
            cells = raw.select(pl.col(ROW), value.alias(part.name))
            bad = [item for item in _rules(cells, part) if not item.passed]
        failed += bad
        values.append(value.cast(pl.Float64))
    kept = f"{column.name} is {len(values)} {'values' if column.within is None else f'values in {column.within}'}"
    whole = Outcome(rule="type", text=kept, passed=not failed, columns=[column.name])
    return pl.concat_list(values), [*failed, whole] if failed else [whole]


def _mismatch(column: Column, dtype: pl.DataType) -> Outcome:
    return Outcome(
        rule="type",
        text=f"{column.name} is {column.kind}, but the file holds {dtype}",
        passed=False,
        columns=[column.name],
    )


def _readable(
    raw: pl.DataFrame, column: Column, dtype: pl.DataType, value: pl.Expr, timezone: str | None
) -> list[Outcome]:
    """Cells that are not of the column's kind, and absent cells where none may be."""
    absent = parse.is_absent(column, dtype)
    cells = [pl.col(ROW), expr.column(column.source_name).alias(column.name)]
    wanted = _wanted(column, timezone)
    found = []
    bad = raw.filter(value.is_null() & ~absent).select(cells)
    found.append(_outcome("type", f"{column.name} is {wanted}", bad, column))
    if not column.nullable:
        bad = raw.filter(absent).select(cells)
        found.append(_outcome("null", f"{column.name} is not null", bad, column))
    return found


def _wanted(column: Column, timezone: str | None) -> str:
    if column.flag is not None:
        return f"{column.flag[0]} or {column.flag[1]}"
    if column.epoch is not None:
        return f"a count of {column.epoch} since 1970"
    if column.format is not None:
        return f"{parse.WANTED[column.kind]} like {column.format}"
    if column.kind == "timestamp" and timezone is None:
        return "a timestamp with an offset"
    return parse.WANTED[column.kind]


def _rules(rows: pl.DataFrame, column: Column) -> list[Outcome]:
    """The declared rules of one column whose cells could all be read."""
    if column.wide is not None:
        return []
    value = expr.column(column.name)
    found: list[tuple[str, str, pl.Expr]] = []
    if column.levels is not None:
        known = ", ".join(column.levels)
        found.append(("category", f"{column.name} is one of {known}", ~value.is_in(column.levels)))
    if column.size is not None:
        text = f"{column.name} is {column.size} numbers"
        found.append(("type", text, value.list.len() != column.size))
    if column.within is not None:
        text = f"{column.name} in {column.within}"
        found.append(("range", text, column.within.outside(value)))
    if column.kind == "image":
        text = f"{column.name} is a picture: {', '.join(PICTURES)}"
        found.append(("image", text, ~is_picture(value)))
    if column.matches is not None:
        text = f"{column.name} matches {column.matches}"
        found.append(("matches", text, ~value.str.contains(f"^(?:{column.matches})$")))
    if column.unique:
        text = f"{column.name} is unique"
        found.append(("unique", text, value.is_duplicated() & value.is_not_null()))
    return [_outcome(rule, text, rows.filter(bad), column) for rule, text, bad in found]


def _outcome(rule: str, text: str, bad: pl.DataFrame, column: Column) -> Outcome:
    return Outcome(
        rule=rule,
        text=text,
        passed=bad.is_empty(),
        columns=[column.name],
        count=bad.height,
        examples=examples(bad, [column.name], hidden=[column.name] if column.tags else []),
    )


def _key(rows: pl.DataFrame, schema: Schema) -> list[Outcome]:
    """A key is present and there once; a time is present."""
    found = []
    if schema.key:
        key = expr.columns(schema.key)
        bad = rows.filter(
            pl.struct(key).is_duplicated() | pl.any_horizontal(item.is_null() for item in key)
        )
        text = f"({', '.join(schema.key)}) identifies a row"
        found.append(
            Outcome(
                rule="key",
                text=text,
                passed=bad.is_empty(),
                columns=list(schema.key),
                count=bad.height,
                examples=examples(bad, list(schema.key), hidden=schema.hidden),
            )
        )
    return found


def _in_order(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """By time, then key, then place in the source."""
    first = [] if schema.timestamp is None else [schema.timestamp]
    order = [*first, *(name for name in schema.key if name not in first), ROW]
    return rows.sort(expr.columns(order), maintain_order=True)


def _data_failure(schema: Schema, message: str) -> Failure:
    return Failure(f"{schema.dataset}: {message}", code=DATA_FAILED)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

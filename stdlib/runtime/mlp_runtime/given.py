"""Rows that a test gives, read by the same rules as a dataset's source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from mlp_runtime import expr, parse, table
from mlp_runtime.checks import ROW, Outcome
from mlp_runtime.schema import Column, Schema

Row = Mapping[str, Any]

CODES = {
    "type": "MLP0301",
    "null": "MLP0302",
    "category": "MLP0303",
    "range": "MLP0316",
    "matches": "MLP0316",
    "unique": "MLP0316",
    "key": "MLP0316",
}
"""The code that stands for each rule by which rows are refused."""


@dataclass(frozen=True)
class Read:
    """A table as a run would hold it, and what is wrong with it."""

    rows: pl.DataFrame
    refused: Sequence[Outcome]

    @property
    def codes(self) -> set[str]:
        """The codes of what is wrong."""
        return {CODES[item.rule] for item in self.refused if item.rule in CODES}


def read(schema: Schema, rows: Sequence[Row]) -> Read:
    """Check rows against a schema; columns that no row has are null, whatever they are declared."""
    present = [item for item in schema.columns if any(item.name in row for row in rows)]
    there = {item.name for item in present}
    known = Schema(
        dataset=schema.dataset,
        columns=[_lenient(item, rows) for item in present],
        key=schema.key if there.issuperset(schema.key) else (),
        timestamp=schema.timestamp if schema.timestamp in there else None,
        # A day alone is a midnight somewhere.
        timezone=schema.timezone or "UTC",
    )
    raw = pl.DataFrame([cells for item in known.columns for cells in _raw(item, rows)])
    if not present:
        raw = pl.DataFrame({"__none__": [None] * len(rows)})
    checked, outcomes = table.check(raw, known)
    absent = [
        pl.lit(None, dtype=item.physical).alias(item.name)
        for item in schema.columns
        if item.name not in there
    ]
    names = [ROW, *(item.name for item in schema.columns)]
    whole = checked.with_columns(absent).select(expr.columns(names))
    # Of a wide column each number is told of by itself.
    wide = [[item.name] for item in known.columns if item.wide is not None]
    return Read(whole, [item for item in outcomes if not item.passed and item.columns not in wide])


def values(column: Column, cells: Sequence[Any]) -> list[Any]:
    """Literals as the values that a column holds."""
    return _parsed(column, cells) or list(cells)


def _parsed(column: Column, cells: Sequence[Any]) -> list[Any] | None:
    """Cells as the column's kind, null where one cannot be read; None if none can."""
    raw = pl.DataFrame([_cells(column, cells)])
    value = parse.read(column, raw.schema[column.name], "UTC")
    return None if value is None else raw.select(value.alias(column.name)).to_series().to_list()


def _lenient(column: Column, rows: Sequence[Row]) -> Column:
    """The column as rows of a test give it: by name and value, and not in each row."""
    lacking = any(column.name not in row for row in rows)
    asked = any(column.name in row and row[column.name] is None for row in rows)
    # The numbers of a wide one are columns of the source.
    source = None if column.wide is None else f"{column.name}[{{}}]"
    plain = replace(column, source=source, format=None, epoch=None, flag=None)
    return replace(plain, nullable=True) if lacking and not asked else plain


def _raw(column: Column, rows: Sequence[Row]) -> list[pl.Series]:
    """The columns that a source would have for this one."""
    cells = [row.get(column.name) for row in rows]
    if column.wide is None:
        return [_cells(column, cells)]
    return [
        _cells(part, [_number(cell, place, part) for cell in cells])
        for place, part in enumerate(column.parts)
    ]


def _number(cell: Any, place: int, part: Column) -> Any:
    """One number of a vector, which is a float wherever it is written."""
    if not isinstance(cell, list):
        return cell
    number = cell[place] if place < len(cell) else None
    if part.kind == "int" and isinstance(number, float) and number.is_integer():
        return int(number)
    return number


def _cells(column: Column, cells: Sequence[Any]) -> pl.Series:
    """Cells with the type that a file would give them; mixed ones are text."""
    cells = [str(cell) if isinstance(cell, Decimal) else cell for cell in cells]
    known = [cell for cell in cells if cell is not None]
    if not known:
        return pl.Series(column.source_name, cells, dtype=pl.Null)
    kinds = {type(cell) for cell in known}
    if kinds == {list}:
        return _lists(column, cells)
    for choice, dtype in _TYPES:
        if kinds <= choice:
            return pl.Series(column.source_name, cells, dtype=dtype, strict=False)
    texts = [None if cell is None else str(cell) for cell in cells]
    return pl.Series(column.source_name, texts, dtype=pl.String)


def _lists(column: Column, cells: Sequence[list[Any] | None]) -> pl.Series:
    """Lists of items of their type; text, which is no list, where one of them cannot be read."""
    if column.kind != "list" or column.item is None:
        return pl.Series(column.source_name, cells, dtype=pl.List(pl.Float64), strict=False)
    item = replace(column.item, name="item")
    items = [value for cell in cells for value in cell or []]
    read = _parsed(item, items)
    if read is None or any(
        new is None and old is not None for new, old in zip(read, items, strict=True)
    ):
        texts = [None if cell is None else str(cell) for cell in cells]
        return pl.Series(column.source_name, texts, dtype=pl.String)
    parsed = iter(read)
    lists = [None if cell is None else [next(parsed) for _ in cell] for cell in cells]
    return pl.Series(column.source_name, lists, dtype=pl.List(item.physical))


_TYPES: Sequence[tuple[set[type], type[pl.DataType]]] = (
    ({bool}, pl.Boolean),
    ({int}, pl.Int64),
    ({int, float}, pl.Float64),
    ({str}, pl.String),
)

"""Rows that a test gives, read by the same rules as a dataset's source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from mlp_runtime import expr, parse, table
from mlp_runtime.checks import ROW, Outcome
from mlp_runtime.schema import PHYSICAL, Column, Kind, Schema

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
    raw = pl.DataFrame([_cells(item, rows) for item in present])
    if not present:
        raw = pl.DataFrame({"__none__": [None] * len(rows)})
    known = Schema(
        dataset=schema.dataset,
        columns=[_lenient(item, rows) for item in present],
        key=schema.key if there.issuperset(schema.key) else (),
        timestamp=schema.timestamp if schema.timestamp in there else None,
        # A day alone is a midnight somewhere.
        timezone=schema.timezone or "UTC",
    )
    checked, outcomes = table.check(raw, known)
    absent = [
        pl.lit(None, dtype=PHYSICAL[item.kind]).alias(item.name)
        for item in schema.columns
        if item.name not in there
    ]
    names = [ROW, *(item.name for item in schema.columns)]
    whole = checked.with_columns(absent).select(expr.columns(names))
    return Read(whole, [item for item in outcomes if not item.passed])


def values(name: str, kind: Kind, cells: Sequence[Any]) -> list[Any]:
    """Literals as the values that a column of this kind holds."""
    column = Column(name, kind, nullable=True)
    raw = pl.DataFrame([_cells(column, [{name: cell} for cell in cells])])
    value = parse.read(column, raw.schema[name], "UTC")
    if value is None:
        return list(cells)
    return raw.select(value.alias(name)).to_series().to_list()


def _lenient(column: Column, rows: Sequence[Row]) -> Column:
    """The column as rows of a test give it: by name and value, and not in each row."""
    lacking = any(column.name not in row for row in rows)
    asked = any(column.name in row and row[column.name] is None for row in rows)
    plain = replace(column, source=None, format=None, epoch=None, flag=None)
    return replace(plain, nullable=True) if lacking and not asked else plain


def _cells(column: Column, rows: Sequence[Row]) -> pl.Series:
    """The column's cells with the type that a file would give them; mixed ones are text."""
    cells = [row.get(column.name) for row in rows]
    known = [cell for cell in cells if cell is not None]
    if not known:
        return pl.Series(column.name, cells, dtype=pl.Null)
    kinds = {type(cell) for cell in known}
    if kinds == {list}:
        return pl.Series(column.name, cells, dtype=_list_type(known))
    for choice, dtype in _TYPES:
        if kinds <= choice:
            return pl.Series(column.name, cells, dtype=dtype, strict=False)
    texts = [None if cell is None else str(cell) for cell in cells]
    return pl.Series(column.name, texts, dtype=pl.String)


_TYPES: Sequence[tuple[set[type], type[pl.DataType]]] = (
    ({bool}, pl.Boolean),
    ({int}, pl.Int64),
    ({int, float}, pl.Float64),
    ({str}, pl.String),
)


def _list_type(cells: Sequence[list[Any]]) -> pl.List:
    texts = any(isinstance(item, str) for cell in cells for item in cell)
    return pl.List(pl.String if texts else pl.Float64)

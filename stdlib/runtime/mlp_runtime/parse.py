"""Reads raw columns as the declared kinds; what can't be read becomes null and is reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from mlp_runtime import expr
from mlp_runtime.schema import PHYSICAL, Column, Kind

_INTEGER = r"^[+-]?[0-9]+$"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NAN = r"^(?i)[+-]?nan$"
_MOMENT = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,9})?))?)?"
    r"\s*(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?$"
)
_SPAN = r"^(-?[0-9]+)(us|ms|s|m|h|d|w)$"
_SPANS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_EPOCHS = {"s": 1_000_000, "ms": 1_000, "us": 1}

WANTED = {
    "bool": "true or false",
    "int": "an integer",
    "float": "a number",
    "string": "text",
    "category": "text",
    "date": "a date",
    "timestamp": "a timestamp",
    "duration": "a duration",
    "bytes": "bytes, in a text as base64",
    "image": "a picture, in a text as base64",
    "vector": "a list of numbers",
    "list": "a list of values of its type",
    "decimal": "a number with as many digits as declared",
}
"""What people are told was expected."""


def read(column: Column, raw: pl.DataType, timezone: str | None) -> pl.Expr | None:
    """The column as its kind, from one of type `raw`; None where that type can't be read so."""
    source = expr.column(column.source_name)
    if column.flag is not None:
        return _flag(source, column, raw)
    if column.epoch is not None:
        return _epoch(source, raw, column.epoch)
    if raw == pl.String:
        return _TEXT[column.kind](source, column, timezone)
    if raw == pl.Null:
        return source.cast(column.physical)
    return _typed(source, column, raw, timezone)


def is_absent(column: Column, raw: pl.DataType) -> pl.Expr:
    """Whether the raw cell stands for no value: null, or NaN where a float is wanted."""
    source = expr.column(column.source_name)
    if column.kind == "float" and raw == pl.String:
        return source.is_null() | source.str.contains(_NAN).fill_null(False)
    if column.kind == "float" and raw.is_float():
        return source.is_null() | source.is_nan().fill_null(False)
    return source.is_null()


def _integer(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    return pl.when(source.str.contains(_INTEGER)).then(source).cast(pl.Int64, strict=False)


def _float(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    # A number too large for a float would read as infinite, so it counts as unreadable.
    number = pl.when(source.str.contains(_NUMBER)).then(source).cast(pl.Float64, strict=False)
    return expr.finite(number)


def _bool(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    lower = source.str.to_lowercase()
    return pl.when(lower.is_in(["true", "false"])).then(lower == "true")


def _text(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    return source


def _date(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    return source.str.to_date(column.format or "%Y-%m-%d", strict=False)


def _timestamp(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    if column.format is None:
        return _iso(source, timezone)
    if "%z" in column.format or "%:z" in column.format or "%#z" in column.format:
        return source.str.to_datetime(column.format, time_unit="us", time_zone="UTC", strict=False)
    if any(item in column.format for item in ("%H", "%I", "%T", "%R", "%s", "%X", "%c")):
        return _local(source.str.to_datetime(column.format, time_unit="us", strict=False), timezone)
    return _local(source.str.to_date(column.format, strict=False).cast(pl.Datetime("us")), timezone)


def _iso(source: pl.Expr, timezone: str | None) -> pl.Expr:
    """ISO 8601 with or without an offset; a day alone is its midnight."""
    part = {index: source.str.extract(_MOMENT, index) for index in range(1, 5)}
    text = pl.concat_str(
        part[1], pl.lit("T"), part[2].fill_null("00:00"), pl.lit(":"), part[3].fill_null("00")
    )
    clock = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    offset = part[4].str.replace("^Z$", "+0000").str.replace_all(":", "").str.pad_end(5, "0")
    minutes = (
        offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(3, 2).cast(pl.Int64)
    ) * pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    moved = (clock - pl.duration(minutes=minutes)).dt.replace_time_zone("UTC")
    return pl.when(part[4].is_null()).then(_local(clock, timezone)).otherwise(moved)


def _local(clock: pl.Expr, timezone: str | None) -> pl.Expr:
    """A clock's reading as an instant, the earlier of two; without a zone there is none."""
    if timezone is None:
        return pl.lit(None, dtype=PHYSICAL["timestamp"])
    placed = clock.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return placed.dt.convert_time_zone("UTC")


def _duration(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    unit = source.str.extract(_SPAN, 2).replace_strict(
        list(_SPANS), list(_SPANS.values()), default=None, return_dtype=pl.Int64
    )
    count = source.str.extract(_SPAN, 1).cast(pl.Int64, strict=False)
    return (count * unit).cast(PHYSICAL["duration"])


def _vector(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    """`1.0 2.0 3.0`, as a cell can hold."""
    parts = source.str.strip_chars("[] ").str.replace_all(r"[,\s]+", " ").str.split(" ")
    return parts.cast(PHYSICAL["vector"], strict=False)


def _decimal(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    """Exact: a text with more digits than there is room for is not read."""
    whole, after = column.digits - column.scale, column.scale
    fits = rf"^[+-]?0*[0-9]{{0,{whole}}}(\.[0-9]{{0,{after}}}0*)?$"
    number = pl.when(source.str.contains(fits) & source.str.contains("[0-9]")).then(source)
    return number.cast(column.physical, strict=False)


def _bytes(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    """Base64, as JSON and CSV carry bytes."""
    return source.str.decode("base64", strict=False)


def _list(source: pl.Expr, column: Column, timezone: str | None) -> pl.Expr:
    """A JSON array, as a cell can hold."""
    item = column.item

    def lists(cells: pl.Series) -> pl.Series:
        values = [None if cell is None else _array(cell, item) for cell in cells]
        return pl.Series(cells.name, values, dtype=column.physical)

    return source.map_batches(lists, return_dtype=column.physical, is_elementwise=True)


_JSON: dict[Kind, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "string": (str,),
    "category": (str,),
}
"""What JSON holds for items of each kind."""


def _array(cell: str, item: Column | None) -> list[Any] | None:
    """The items of a JSON array; None if the text is none, or holds anything else."""
    try:
        values = json.loads(cell)
    except json.JSONDecodeError:
        return None
    kind: Kind = "string" if item is None else item.kind
    wanted = _JSON.get(kind, ())
    nulls = item is not None and item.nullable
    if not isinstance(values, list):
        return None
    for value in values:
        if value is None and nulls:
            continue
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "bool"):
            return None
    return [float(value) if kind == "float" and value is not None else value for value in values]


_TEXT: dict[str, Callable[[pl.Expr, Column, str | None], pl.Expr]] = {
    "bool": _bool,
    "int": _integer,
    "float": _float,
    "string": _text,
    "category": _text,
    "date": _date,
    "timestamp": _timestamp,
    "duration": _duration,
    "bytes": _bytes,
    "image": _bytes,
    "vector": _vector,
    "list": _list,
    "decimal": _decimal,
}


def _flag(source: pl.Expr, column: Column, raw: pl.DataType) -> pl.Expr:
    """One of two values, false first; numbers of a text file are compared as text."""
    low, high = column.flag or (False, True)
    text = source.cast(pl.String)
    if raw.is_float():
        text = source.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(text == str(low)).then(pl.lit(False)).when(text == str(high)).then(pl.lit(True))


def _epoch(source: pl.Expr, raw: pl.DataType, unit: str) -> pl.Expr | None:
    if raw == pl.String:
        source = pl.when(source.str.contains(_INTEGER)).then(source).cast(pl.Int64, strict=False)
    elif not raw.is_integer():
        return None
    return (
        (source.cast(pl.Int64) * _EPOCHS[unit]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )


def _typed(
    source: pl.Expr, column: Column, raw: pl.DataType, timezone: str | None
) -> pl.Expr | None:
    """A column whose file knows types: widened where that loses nothing, else refused."""
    wanted = column.physical
    if column.kind == "list":
        return _typed_list(source, column, raw)
    if column.kind == "decimal":
        return _typed_decimal(source, column, raw)
    if column.kind == "timestamp" and isinstance(raw, pl.Datetime | pl.Date):
        zone = raw.time_zone if isinstance(raw, pl.Datetime) else None
        clock = source.cast(pl.Datetime("us", zone))
        return clock.dt.convert_time_zone("UTC") if zone else _local(clock, timezone)
    if column.kind == "float" and raw.is_float():
        return expr.finite(source.cast(pl.Float64))
    numbers = raw.is_integer() or raw.is_decimal()
    vector = isinstance(raw, pl.List | pl.Array) and raw.inner.is_numeric()
    fits = {
        "bool": raw == pl.Boolean,
        "int": raw.is_integer(),
        "float": numbers,
        "string": isinstance(raw, pl.Categorical | pl.Enum),
        "category": isinstance(raw, pl.Categorical | pl.Enum),
        "date": raw == pl.Date,
        "duration": isinstance(raw, pl.Duration),
        "bytes": raw == pl.Binary,
        "image": raw == pl.Binary,
        "vector": vector,
    }
    return source.cast(wanted, strict=False) if fits.get(column.kind, False) else None


def _typed_decimal(source: pl.Expr, column: Column, raw: pl.DataType) -> pl.Expr | None:
    """Integers and decimals: null where a value has more digits than there is room for."""
    if not (raw.is_integer() or raw.is_decimal()):
        return None
    value = source.cast(column.physical, strict=False)
    return pl.when(value == source).then(value)


def _typed_list(source: pl.Expr, column: Column, raw: pl.DataType) -> pl.Expr | None:
    """A list whose items widen to those declared; null where one of them is null and none may be."""
    item = column.item
    if item is None or not isinstance(raw, pl.List | pl.Array):
        return None
    inner = raw.inner
    if not isinstance(inner, pl.DataType):
        inner = inner()
    read_item = replace(item, name="")
    value = source.cast(pl.List(inner))
    if inner == item.physical:
        items = pl.element()
    elif inner == pl.Null:
        items = pl.element().cast(item.physical)
    else:
        typed = _typed(pl.element(), read_item, inner, None)
        if typed is None:
            return None
        items = typed
    if item.kind == "float":
        items = expr.finite(items)
    value = value.list.eval(items)
    if item.nullable:
        return value
    return pl.when(~value.list.eval(pl.element().is_null()).list.any()).then(value)

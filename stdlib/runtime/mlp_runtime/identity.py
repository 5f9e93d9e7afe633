"""What identifies a row: its key as bytes, and the digests of many.

A key's bytes are those of its fields, each its length in bytes, a colon and its text: the name of its
Python type, a space and its value as Python writes it. `key_bytes` is that definition; `numbers` does the
same for whole columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlp_runtime import expr
from mlp_runtime.step import Failure

_WIDTH = 8
# So many keys are held as text at once.
_SLICE = 1_000_000

Numbers = NDArray[np.uint64]


def key_bytes(fields: Sequence[Any]) -> bytes:
    """The bytes that stand for a key."""
    return b"".join(_field(item) for item in fields)


def numbers(rows: pl.DataFrame, key: Sequence[str], *, prefix: bytes = b"") -> Numbers:
    """The first eight bytes of the SHA-256 of `prefix` and each row's key, as a number."""
    fields = [_length_and_text(rows, name) for name in key]
    message = pl.concat_str([pl.lit(prefix.decode()), *fields]).cast(pl.Binary)
    keys = rows.select(expr.columns(key))
    sha256 = hashlib.sha256
    found = [np.empty(0, dtype=np.uint64)]
    for part in keys.iter_slices(_SLICE):
        messages = part.select(message.alias("message")).to_series().to_list()
        digests = b"".join([sha256(item).digest() for item in messages])
        found.append(np.frombuffer(digests, dtype=">u8")[::4].astype(np.uint64))
    return np.concatenate(found)


def save_digests(rows: pl.DataFrame, key: Sequence[str], path: Path) -> None:
    """Write eight bytes of each key's SHA-256, sorted: enough to tell a row from others."""
    path.write_bytes(np.sort(numbers(rows, key)).astype(">u8").tobytes())


def count_known(rows: pl.DataFrame, key: Sequence[str], path: Path) -> int:
    """How many of the rows are among those whose digests `path` holds."""
    stored = path.read_bytes()
    whole = len(stored) - len(stored) % _WIDTH
    known = np.frombuffer(stored[:whole], dtype=">u8").astype(np.uint64)
    return int(np.isin(numbers(rows, key), known).sum())


def _field(value: Any) -> bytes:
    text = _text(value).encode()
    return b"%d:%b" % (len(text), text)


_TEXTS: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    float: repr,
    str: str,
    date: lambda value: str(value.isoformat()),
    datetime: lambda value: str(value.isoformat()),
    timedelta: lambda value: f"{value // timedelta(microseconds=1)}us",
    Decimal: str,
}


def _text(value: Any) -> str:
    return "null" if value is None else f"{type(value).__name__} {_TEXTS[type(value)](value)}"


def _length_and_text(rows: pl.DataFrame, name: str) -> pl.Expr:
    """What `_field` gives, of a column."""
    kind, value = _texts(expr.column(name), name, rows.schema[name])
    text = pl.concat_str([pl.lit(f"{kind} "), value]).fill_null("null")
    return pl.concat_str([text.str.len_bytes().cast(pl.String), pl.lit(":"), text])


def _texts(value: pl.Expr, name: str, dtype: pl.DataType) -> tuple[str, pl.Expr]:
    """The name of the Python type of a column's values, and what Python writes of each."""
    if dtype == pl.String:
        return "str", value
    if dtype.is_integer():
        return "int", value.cast(pl.String)
    if dtype == pl.Boolean:
        return "bool", value.cast(pl.String)
    if dtype == pl.Date:
        return "date", value.dt.strftime("%Y-%m-%d")
    if isinstance(dtype, pl.Datetime):
        return "datetime", _moments(value, zoned=dtype.time_zone is not None)
    if isinstance(dtype, pl.Duration):
        return "timedelta", value.dt.total_microseconds().cast(pl.String) + "us"
    if dtype.is_float() or dtype.is_decimal():
        python = "float" if dtype.is_float() else "Decimal"
        return python, value.map_batches(_written, return_dtype=pl.String, is_elementwise=True)
    raise Failure(f"{name} tells no rows apart: it holds values of type {dtype}")


def _moments(value: pl.Expr, *, zoned: bool) -> pl.Expr:
    """ISO 8601 with as many digits as are needed, as Python's `isoformat`."""
    digits = value.dt.microsecond().cast(pl.String).str.zfill(6)
    parts = [
        value.dt.strftime("%Y-%m-%dT%H:%M:%S"),
        pl.when(value.dt.microsecond() == 0).then(pl.lit("")).otherwise("." + digits),
    ]
    if zoned:
        parts.append(value.dt.strftime("%:z"))
    return pl.concat_str(parts)


def _written(values: pl.Series) -> pl.Series:
    """Numbers as Python writes them."""
    written: Iterator[str | None] = (
        None if value is None else _TEXTS[type(value)](value) for value in values.to_list()
    )
    return pl.Series(values.name, list(written), dtype=pl.String)

"""What identifies a row: its key as bytes, and the digests of many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mlp_runtime import expr

_WIDTH = 8


def key_bytes(fields: Sequence[Any]) -> bytes:
    """The bytes that stand for a key: each field as its length, a colon and its text."""
    return b"".join(_field(item) for item in fields)


def keys(rows: pl.DataFrame, key: Sequence[str]) -> Iterator[bytes]:
    """The key of each row."""
    return (key_bytes(fields) for fields in rows.select(expr.columns(key)).iter_rows())


def save_digests(rows: pl.DataFrame, key: Sequence[str], path: Path) -> None:
    """Write eight bytes of each key's SHA-256, sorted: enough to tell a row from others."""
    path.write_bytes(b"".join(sorted(_digest(item) for item in keys(rows, key))))


def count_known(rows: pl.DataFrame, key: Sequence[str], path: Path) -> int:
    """How many of the rows are among those whose digests `path` holds."""
    stored = path.read_bytes()
    known = {stored[at : at + _WIDTH] for at in range(0, len(stored), _WIDTH)}
    return sum(_digest(item) in known for item in keys(rows, key))


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:_WIDTH]


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
}


def _text(value: Any) -> str:
    return "null" if value is None else f"{type(value).__name__} {_TEXTS[type(value)](value)}"

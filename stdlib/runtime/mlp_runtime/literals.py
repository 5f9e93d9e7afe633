"""Values and rows as the language writes them, ready to paste into a program."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

WIDTH = 100

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def written(value: Any) -> str:
    """One value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # `1e-07` and `1e+16` are spelled so in Python only.
        return re.sub(r"e([+-]?)\+?0*(\d)", _exponent, repr(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime):
        return json.dumps(value.isoformat().replace("+00:00", "Z"))
    if isinstance(value, date):
        return json.dumps(value.isoformat())
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, Mapping):
        return record(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(written(item) for item in value)}]"
    return text(str(value))


def text(value: str) -> str:
    """A text in quotes."""
    marks = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    letters = (marks.get(letter) or _visible(letter) for letter in value)
    return f'"{"".join(letters)}"'


def name(value: str) -> str:
    """A name, in backticks where it is no word."""
    return value if _WORD.fullmatch(value) else f"`{value}`"


def record(row: Mapping[str, Any]) -> str:
    """A row on one line."""
    return f"{{ {', '.join(fields(row))} }}"


def fields(row: Mapping[str, Any]) -> list[str]:
    """The fields of a row: `name: value`."""
    return [f"{name(key)}: {written(value)}" for key, value in row.items()]


def given(dataset: str, rows: Sequence[Mapping[str, Any]], indent: str = "  ") -> str:
    """A statement `given DATASET = [ … ]`."""
    head = f"{indent}given {name(dataset)} = ["
    whole = f"{head}{', '.join(record(row) for row in rows)}]"
    if len(whole) <= WIDTH:
        return whole
    lines = [f"{indent}  {record(row)}," for row in rows]
    return "\n".join([head, *lines, f"{indent}]"])


def arguments(function: str, rows: Sequence[Mapping[str, Any]], indent: str = "  ") -> str:
    """Statements `given ARGUMENT = [ … ]`, one value for each call of a function."""
    names = dict.fromkeys(key for row in rows for key in row)
    lists = {key: written([row.get(key) for row in rows]) for key in names}
    return "\n".join(f"{indent}given {name(key)} = {cells}" for key, cells in lists.items())


def _visible(letter: str) -> str:
    return letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}"


def _exponent(found: re.Match[str]) -> str:
    return f"e{'-' if found[1] == '-' else ''}{found[2]}"


def _decimal(value: Decimal) -> str:
    """A number where a float holds it as it is, else a text."""
    exact = f"{value:f}"
    return exact if Decimal(repr(float(exact))) == value else text(exact)


def _duration(value: timedelta) -> str:
    microseconds = value // timedelta(microseconds=1)
    units = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
    for unit, length in units.items():
        if microseconds % length == 0:
            return f"{microseconds // length}{unit}"
    return f"{microseconds // 1_000}ms"

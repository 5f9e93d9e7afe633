"""Numbers, values and counts as people read them."""

from __future__ import annotations

import json
from typing import Any


def number(value: float | None) -> str:
    """To four significant digits; whole numbers in full."""
    if value is None:
        return "undefined"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """`12.3ms`, `4.2s`, `90m`, `30h`, `9.1d`: in the largest unit of which there are two."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0)):
        if abs(seconds) >= 2 * length:
            return f"{number(seconds / length)}{unit}"
    return f"{number(seconds * 1000)}ms"


def size(count: int) -> str:
    """`800 bytes`, `12.3Ki`, `47.5Mi`."""
    for unit, length in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if count >= length:
            return f"{number(count / length)}{unit}"
    return f"{count} bytes"


def shown(value: Any) -> str:
    """A cell's value as programs write it: `null`, `true`, text in quotes."""
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def count(amount: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{amount} {noun}{'' if amount == 1 else 's'}"

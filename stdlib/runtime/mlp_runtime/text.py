"""Numbers, values and counts as people read them."""

from __future__ import annotations

import json
from typing import Any


def number(value: float | None) -> str:
    """To four significant digits; whole numbers in full."""
    if value is None:
        return "undefined"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def shown(value: Any) -> str:
    """A cell's value as programs write it: `null`, `true`, text in quotes."""
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def count(amount: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{amount} {noun}{'' if amount == 1 else 's'}"

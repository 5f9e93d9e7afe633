"""The declarations of the standard library as the compiler reads them, loaded from JSON.

The file is a list of objects, one per declaration, with these keys (those that do not concern a kind are empty):

    kind       "fn", "fitted", "metric", "expectation" or "trainer"
    name       "log1p", "sklearn.ridge"
    tasks      ["binary", "multiclass"]
    settings   the block's plain settings by name, strings and names as text: {"polars": "{x}.log1p()", "seed":
               "random_state"}; a range as an object
    args       the signature's parameters: {"name", "type", "default", "has_default", "range", "const", "variadic"}
    result     the signature's result type, or null; "result_range" its range, or null
    params     the fields of `params`: {"name", "type", "default", "has_default", "range"}
    state      the fields of `state`, likewise
    accepts    ["nulls", "weights"]
    fixed      {"verbosity": -1}
    examples   see `check_examples.py`

Types are text as written, with one space around each bar: `int | float | enum["sqrt", "log2"]?`. A range is {"low",
"low_open", "high", "high_open"}, where a bound that is null is infinite.
"""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
from pathlib import Path
from typing import Any, TypeAlias

# The runtime is no installed package: it is copied into each build.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))

Declaration: TypeAlias = dict[str, Any]
Range: TypeAlias = dict[str, Any]


def load(path: Path) -> list[Declaration]:
    """All declarations of a file; none at all is an error, since then nothing would be checked."""
    found: list[Declaration] = json.loads(path.read_text())
    if not found:
        raise ValueError(f"{path} holds no declaration")
    return found


def of_kind(declarations: list[Declaration], kind: str) -> list[Declaration]:
    """The declarations of one kind, of which there must be some."""
    found = [item for item in declarations if item["kind"] == kind]
    if not found:
        raise ValueError(f"there is no {kind}")
    return found


def imported(path: str) -> Any:
    """What `module:name` names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def fill(template: str, values: dict[str, str]) -> str:
    """A template with its names replaced; braces that hold no such name stay as they are."""
    pattern = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))
    return (
        re.sub(rf"\{{({pattern})\}}", lambda match: values[match[1]], template)
        if values
        else template
    )


def within(value: float, bounds: Range | None) -> bool:
    """Does a number lie in a range?"""
    if bounds is None:
        return True
    low, high = bounds["low"], bounds["high"]
    above = low is None or value > low or (value == low and not bounds["low_open"])
    below = high is None or value < high or (value == high and not bounds["high_open"])
    return above and below


def shown(bounds: Range | None) -> str:
    """A range as it is written."""
    if bounds is None:
        return "any"
    low = "" if bounds["low"] is None else f"{bounds['low']}{'<' if bounds['low_open'] else ''}"
    high = (
        "" if bounds["high"] is None else f"{'<' if bounds['high_open'] else '='}{bounds['high']}"
    )
    return f"{low}..{high}"


def alternatives(declared: str) -> tuple[set[str], set[str], bool]:
    """A type's plain alternatives, the names of its enum, and whether null is one too."""
    nullable = declared.endswith("?")
    names = set(re.findall(r'"([^"]*)"', declared))
    plain = {
        part.strip().rstrip("?") for part in re.sub(r"enum\[[^\]]*\]\??", "", declared).split("|")
    }
    return plain - {""}, names, nullable


def same_number(left: float, right: float) -> bool:
    """Equal to the last bits, for results of different summation orders."""
    return math.isclose(left, right, rel_tol=1e-12, abs_tol=1e-12)

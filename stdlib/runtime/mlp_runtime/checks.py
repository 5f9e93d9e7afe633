"""Checks on data: what each row and the whole table must meet, with the rows to blame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from mlp_runtime import expr, files, formats
from mlp_runtime.step import DATA_FAILED, Failure
from mlp_runtime.text import count, shown

EXAMPLES = 5
ROW = "__row__"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one check."""

    rule: str
    text: str
    passed: bool
    columns: Sequence[str] = ()
    fails: bool = True
    count: int | None = None
    measured: Any = None
    examples: Sequence[dict[str, Any]] = ()
    origin: str | None = None

    def line(self) -> str:
        """One readable line."""
        parts = [self.text]
        if self.measured is not None:
            parts.append(f"measured {shown(self.measured)}")
        if self.count is not None:
            parts.append(count(self.count, "row"))
        if self.examples:
            parts.append(", ".join(_example(item) for item in self.examples))
        return ": ".join(parts)

    def record(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "rule": self.rule,
            "text": self.text,
            "columns": list(self.columns),
            "passed": self.passed,
            "fails": self.fails,
            "count": self.count,
            "measured": plain(self.measured),
            "examples": [plain(item) for item in self.examples],
            "origin": self.origin,
        }


class Expectation:
    """Something that the rows of a table are expected to meet."""

    def check(self, rows: pl.DataFrame) -> Outcome:
        """Whether they do."""
        raise NotImplementedError


@dataclass(frozen=True)
class Rows(Expectation):
    """A condition that each row meets; null counts as met."""

    text: str
    condition: pl.Expr
    columns: Sequence[str] = field(default_factory=list)
    origin: str | None = None
    fails: bool = True

    def check(self, rows: pl.DataFrame) -> Outcome:
        """Find the rows that do not meet it."""
        bad = rows.filter(~self.condition.fill_null(True))
        return Outcome(
            rule="rows",
            text=self.text,
            passed=bad.is_empty(),
            columns=self.columns,
            fails=self.fails,
            count=bad.height,
            examples=examples(bad, self.columns),
            origin=self.origin,
        )


@dataclass(frozen=True)
class Table(Expectation):
    """A condition on values over the whole table; null is not met."""

    text: str
    condition: pl.Expr
    measured: pl.Expr | None = None
    offending: pl.Expr | None = None
    columns: Sequence[str] = field(default_factory=list)
    origin: str | None = None
    fails: bool = True

    def check(self, rows: pl.DataFrame) -> Outcome:
        """Measure, and find the rows to blame where the check says which."""
        passed = _one(rows, self.condition) is True
        bad = None
        if not passed and self.offending is not None:
            bad = rows.filter(self.offending)
        return Outcome(
            rule="table",
            text=self.text,
            passed=passed,
            columns=self.columns,
            fails=self.fails,
            count=None if bad is None else bad.height,
            measured=None if self.measured is None else _one(rows, self.measured),
            examples=() if bad is None else examples(bad, self.columns),
            origin=self.origin,
        )


def check(rows: pl.DataFrame, expectations: Sequence[Expectation]) -> list[Outcome]:
    """The outcome of every expectation, in order."""
    return [expectation.check(rows) for expectation in expectations]


def settle(outcomes: Sequence[Outcome], path: Path, *, of: str) -> str:
    """Write all outcomes; fail with those that must hold and do not, else give a summary."""
    failed = [item for item in outcomes if not item.passed and item.fails]
    warned = [item for item in outcomes if not item.passed and not item.fails]
    record = {
        "format": formats.CHECKS,
        "of": of,
        "passed": not failed,
        "checks": [item.record() for item in outcomes],
    }
    files.write_json(path, record)
    if failed:
        head = f"{of}: {len(failed)} of {len(outcomes)} checks failed"
        raise Failure("\n".join([head, *(f"  {item.line()}" for item in failed)]), code=DATA_FAILED)
    held = f"{len(outcomes) - len(warned)} checks hold"
    return "; ".join([held, *(f"warning: {item.line()}" for item in warned)])


def examples(bad: pl.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The first offending rows: their number in the source, from 1, and their values."""
    kept = [name for name in columns if name in bad.columns]
    head = bad.head(EXAMPLES).select(expr.columns([ROW, *kept]))
    return [
        {"row": row[0] + 1, "values": dict(zip(kept, row[1:], strict=True))} for row in head.rows()
    ]


def plain(value: Any) -> Any:
    """`value` in JSON's own types."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _example(item: dict[str, Any]) -> str:
    values = ", ".join(shown(value) for value in item["values"].values())
    return f"{values} (row {item['row']})"


def _one(rows: pl.DataFrame, value: pl.Expr) -> Any:
    """The one value that an aggregate gives."""
    return rows.select(value.alias("value")).to_series().item()

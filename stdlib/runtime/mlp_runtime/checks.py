"""Checks on data: what each row and the whole table must meet, with the rows to blame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from mlp_runtime import expr, files, formats
from mlp_runtime.profile import ColumnProfile, Profile
from mlp_runtime.schema import Schema
from mlp_runtime.step import DATA_FAILED, Failure
from mlp_runtime.text import count, shown

EXAMPLES = 5
ROW = "__row__"
MEASURED = "measured"
"""The column that holds a distance while its bound is looked at."""

Against = Literal["reference", "previous"]


class Hidden:
    """Stands for a value that must not be shown."""

    def __str__(self) -> str:
        """What people see in its place."""
        return "(hidden)"


HIDDEN = Hidden()


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
    note: str | None = None

    def line(self) -> str:
        """One readable line."""
        parts = [self.text]
        if self.measured is not None:
            parts.append(f"measured {shown(self.measured)}")
        if self.note is not None:
            parts.append(self.note)
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
            "note": self.note,
        }


@dataclass(frozen=True, kw_only=True)
class Given:
    """What expectations look at beside the rows: hidden columns, and earlier profiles by what they are called."""

    hidden: Collection[str] = ()
    profiles: Mapping[Against, Profile | None] = field(default_factory=dict)


class Expectation:
    """Something that the rows of a table are expected to meet."""

    def check(self, rows: pl.DataFrame, given: Given) -> Outcome:
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

    def check(self, rows: pl.DataFrame, given: Given) -> Outcome:
        """Find the rows that do not meet it."""
        bad = rows.filter(~self.condition.fill_null(True))
        return Outcome(
            rule="rows",
            text=self.text,
            passed=bad.is_empty(),
            columns=self.columns,
            fails=self.fails,
            count=bad.height,
            examples=examples(bad, self.columns, hidden=given.hidden),
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

    def check(self, rows: pl.DataFrame, given: Given) -> Outcome:
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
            examples=() if bad is None else examples(bad, self.columns, hidden=given.hidden),
            origin=self.origin,
        )


@dataclass(frozen=True)
class Distance(Expectation):
    """A bound on how far a column is from an earlier profile; met where there is no profile to compare with yet."""

    text: str
    measure: Callable[..., float | None]
    bound: pl.Expr
    column: str = field(kw_only=True)
    against: Against = field(kw_only=True)
    arguments: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    origin: str | None = field(default=None, kw_only=True)
    fails: bool = field(default=True, kw_only=True)

    def check(self, rows: pl.DataFrame, given: Given) -> Outcome:
        """Measure the distance; null is not within any bound."""
        profile = given.profiles.get(self.against)
        earlier = None if profile is None else profile.columns.get(self.column)
        if earlier is None:
            return self._outcome(True, note=f"no {_EARLIER[self.against]} to compare with yet")
        measured = self._distance(rows, earlier)
        held = pl.DataFrame({MEASURED: pl.Series([measured], dtype=pl.Float64)})
        passed = _one(held, self.bound) is True
        return self._outcome(
            passed, measured, note="nothing to compare" if measured is None else None
        )

    def _distance(self, rows: pl.DataFrame, earlier: ColumnProfile) -> float | None:
        values = rows.select(expr.column(self.column)).to_series()
        return self.measure(values, earlier, **self.arguments)

    def _outcome(self, passed: bool, measured: Any = None, note: str | None = None) -> Outcome:
        return Outcome(
            rule="distance",
            text=self.text,
            passed=passed,
            columns=[self.column],
            fails=self.fails,
            measured=measured,
            origin=self.origin,
            note=note,
        )


_EARLIER: Mapping[Against, str] = {"reference": "reference", "previous": "previous run"}


def check(
    rows: pl.DataFrame,
    expectations: Sequence[Expectation],
    schema: Schema,
    *,
    reference: Profile | None = None,
    previous: Profile | None = None,
) -> list[Outcome]:
    """The outcome of every expectation, in order."""
    profiles: dict[Against, Profile | None] = {"reference": reference, "previous": previous}
    given = Given(hidden=schema.hidden, profiles=profiles)
    return [expectation.check(rows, given) for expectation in expectations]


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
    noted = [
        f"{item.text}: {item.note}" for item in outcomes if item.passed and item.note is not None
    ]
    return "; ".join([held, *(f"warning: {item.line()}" for item in warned), *noted])


def examples(
    bad: pl.DataFrame, columns: Sequence[str], *, hidden: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The first offending rows: their number in the source, from 1, and their values as far as they may be shown."""
    kept = [name for name in columns if name in bad.columns]
    head = bad.head(EXAMPLES).select(expr.columns([ROW, *kept]))
    return [{"row": row[0] + 1, "values": _values(kept, row[1:], hidden)} for row in head.rows()]


def _values(names: Sequence[str], row: Sequence[Any], hidden: Collection[str]) -> dict[str, Any]:
    pairs = zip(names, row, strict=True)
    shown = (
        (name, f"{len(value)} bytes" if isinstance(value, bytes) else value)
        for name, value in pairs
    )
    return {name: HIDDEN if name in hidden else value for name, value in shown}


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

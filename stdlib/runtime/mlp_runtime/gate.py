"""Decides whether a model may go on: requirements over a report's numbers, with evidence."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlp_runtime import files, formats
from mlp_runtime.step import Failure, Result
from mlp_runtime.text import number

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class NoChampion(Exception):
    """A requirement compares with a champion, and there is none yet."""


class Undefined(Exception):
    """A quantity has no value on these rows; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The numbers that a gate knows."""

    report: Mapping[str, Any]
    champion: Mapping[str, Any] | None
    min_rows: int

    def judged(self, metric: str, column: str) -> dict[str, float]:
        """The metric in each slice with enough rows."""
        slices = self.report["slices"].get(column, [])
        enough = [item for item in slices if item["rows"] >= self.min_rows]
        found = {_name(item["value"]): item["metrics"][metric] for item in enough}
        defined = {name: value for name, value in found.items() if value is not None}
        if not defined:
            raise Undefined(f"no slice by {column} has {self.min_rows} rows and a {metric}")
        return defined


@dataclass(frozen=True)
class Measured:
    """A number and how it is told."""

    value: float
    told: str


class Quantity:
    """A number that a gate can know. Several readings, one per slice, must all hold."""

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its values."""
        raise NotImplementedError

    def __add__(self, other: Quantity | float) -> Quantity:
        """The sum."""
        return _Binary("+", self, _quantity(other))

    def __sub__(self, other: Quantity | float) -> Quantity:
        """The difference."""
        return _Binary("-", self, _quantity(other))

    def __mul__(self, other: Quantity | float) -> Quantity:
        """The product."""
        return _Binary("*", self, _quantity(other))

    def __truediv__(self, other: Quantity | float) -> Quantity:
        """The quotient."""
        return _Binary("/", self, _quantity(other))


@dataclass(frozen=True)
class Number(Quantity):
    """A constant."""

    value: float

    def readings(self, evidence: Evidence) -> list[Measured]:
        """The constant."""
        return [Measured(self.value, f"{self.value:g}")]


@dataclass(frozen=True)
class Metric(Quantity):
    """A metric of the report."""

    name: str

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its value on all rows."""
        value = _defined(evidence.report, self.name)
        return [Measured(value, f"{self.name} {number(value)}")]


@dataclass(frozen=True)
class MetricBy(Quantity):
    """A metric in each slice of a column that has enough rows."""

    name: str
    column: str

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its value in each judged slice."""
        return [
            Measured(value, f"{self.name} {number(value)} ({self.column} {where})")
            for where, value in evidence.judged(self.name, self.column).items()
        ]


@dataclass(frozen=True)
class Gap(Quantity):
    """Largest minus smallest value of a metric over the judged slices."""

    name: str
    column: str

    def readings(self, evidence: Evidence) -> list[Measured]:
        """The gap."""
        values = evidence.judged(self.name, self.column)
        low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
        value = values[high] - values[low]
        told = f"gap of {self.name} by {self.column} {number(value)} ({low} to {high})"
        return [Measured(value, told)]


@dataclass(frozen=True)
class Champion(Quantity):
    """A metric of the champion on the same rows."""

    name: str

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its value."""
        if evidence.champion is None:
            raise NoChampion
        if "refused" in evidence.champion:
            raise Undefined(str(evidence.champion["refused"]))
        value = _defined(evidence.champion, self.name)
        return [Measured(value, f"champion's {self.name} {number(value)}")]


@dataclass(frozen=True)
class _Binary(Quantity):
    symbol: str
    left: Quantity
    right: Quantity

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Every reading of the left side with every one of the right."""
        return [
            Measured(_apply(self.symbol, left, right), f"{left.told} {self.symbol} {right.told}")
            for left in self.left.readings(evidence)
            for right in self.right.readings(evidence)
        ]


@dataclass(frozen=True)
class Requirement:
    """One line of a gate: `left compare right`, as written in `text`."""

    text: str
    left: Quantity
    compare: str
    right: Quantity
    origin: str | None = None

    def judge(self, evidence: Evidence) -> dict[str, Any]:
        """Whether it holds, with a line that says why."""
        try:
            told = [
                _line(left, self.compare, right)
                for left in self.left.readings(evidence)
                for right in self.right.readings(evidence)
            ]
        except NoChampion:
            told = [(True, f"{self.text}  passed: no champion yet")]
        except Undefined as reason:
            told = [(False, f"{self.text}  refused: {reason}")]
        passed = all(held for held, _ in told)
        lines = [line for _, line in told]
        return {"text": self.text, "passed": passed, "lines": lines, "origin": self.origin}


def decide(
    name: str,
    requirements: Sequence[Requirement],
    *,
    metrics: Path,
    verdict: Path,
    min_rows: int,
    champion: Mapping[str, Any] | None = None,
) -> Result:
    """Judge every requirement, write the verdict, and say whether the gate refuses."""
    report = files.read_json(metrics, format=formats.METRICS)
    evidence = Evidence(report=report, champion=champion, min_rows=min_rows)
    judged = [requirement.judge(evidence) for requirement in requirements]
    passed = all(item["passed"] for item in judged)
    record = {
        "format": formats.VERDICT,
        "gate": name,
        "passed": passed,
        "requirements": judged,
        "model": report["model"],
        "champion": None if champion is None else champion["model"],
    }
    files.write_json(verdict, record)
    return Result(summary=_summary(judged), metrics=_numbers(report), refused=not passed)


def _summary(judged: Sequence[Mapping[str, Any]]) -> str:
    """How many requirements hold, and the lines of those that do not."""
    held = sum(item["passed"] for item in judged)
    refusals = [line for item in judged for line in item["lines"] if "  refused" in line]
    return "; ".join([f"{held} of {len(judged)} requirements hold", *refusals])


def _line(left: Measured, compare: str, right: Measured) -> tuple[bool, str]:
    held = _COMPARE[compare](left.value, right.value)
    outcome = "passed" if held else "refused"
    return held, f"{left.told} {compare} {right.told}  {outcome}"


def _apply(symbol: str, left: Measured, right: Measured) -> float:
    try:
        return _ARITHMETIC[symbol](left.value, right.value)
    except ZeroDivisionError as error:
        raise Undefined(f"{right.told} is 0 and divides") from error


def _defined(report: Mapping[str, Any], name: str) -> float:
    if name not in report["metrics"]:
        raise Failure(f"the report {report['report']} holds no {name}")
    value = report["metrics"][name]
    if value is None:
        raise Undefined(f"{name} is undefined on these rows")
    return float(value)


def _numbers(report: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in report["metrics"].items() if value is not None}


def _quantity(value: Quantity | float) -> Quantity:
    return value if isinstance(value, Quantity) else Number(value)


def _name(value: Any) -> str:
    return "null" if value is None else str(value)

"""What the requirements of a gate compare: numbers of the report, of the champion, and what is measured beside them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from mlp_runtime import text
from mlp_runtime.resampling import Paired
from mlp_runtime.step import Failure
from mlp_runtime.text import number

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
    """The numbers that a gate knows; latencies are seconds, the fastest first, and sizes bytes."""

    report: Mapping[str, Any]
    champion: Mapping[str, Any] | None
    min_rows: int
    latencies: Sequence[float] = ()
    model_size: int = 0
    ages: Mapping[str, timedelta | None] = field(default_factory=dict)
    rows: Paired | None = None

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
    """A number and how it is told; `where` says in which slice, and what is `fleeting` differs each time."""

    value: float
    told: str
    where: str | None = None
    fleeting: bool = False


class Quantity:
    """A number that a gate can know. Several readings, one per slice, must all hold."""

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its values."""
        raise NotImplementedError

    def names(self) -> dict[str, set[str]]:
        """The metrics that it reads, and by which columns."""
        return {}

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

    def names(self) -> dict[str, set[str]]:
        """The metric."""
        return {self.name: set()}


@dataclass(frozen=True)
class MetricBy(Quantity):
    """A metric in each slice of a column that has enough rows."""

    name: str
    column: str

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its value in each judged slice."""
        return [
            Measured(value, f"{self.name} {number(value)} ({self.column} {where})", where)
            for where, value in evidence.judged(self.name, self.column).items()
        ]

    def names(self) -> dict[str, set[str]]:
        """The metric by the column."""
        return {self.name: {self.column}}


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

    def names(self) -> dict[str, set[str]]:
        """The metric by the column."""
        return {self.name: {self.column}}


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

    def names(self) -> dict[str, set[str]]:
        """The metric."""
        return {self.name: set()}


@dataclass(frozen=True)
class Duration(Quantity):
    """A bound on a span of time, in milliseconds."""

    milliseconds: int

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its seconds."""
        seconds = self.milliseconds / 1000
        return [Measured(seconds, text.duration(seconds))]


@dataclass(frozen=True)
class Size(Quantity):
    """A bound on a size, in bytes."""

    bytes: int

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its bytes."""
        return [Measured(self.bytes, text.size(self.bytes))]


@dataclass(frozen=True)
class Latency(Quantity):
    """The time in which this share of single predictions is made, as measured just now."""

    share: float

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its seconds."""
        seconds = float(np.quantile(evidence.latencies, self.share))
        told = f"latency p{self.share * 100:.0f} {text.duration(seconds)}"
        return [Measured(seconds, told, fleeting=True)]


@dataclass(frozen=True)
class ModelSize(Quantity):
    """What the packaged model takes on a disk."""

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its bytes."""
        return [Measured(evidence.model_size, f"model size {text.size(evidence.model_size)}")]


@dataclass(frozen=True)
class Freshness(Quantity):
    """The age of a dataset's newest row."""

    dataset: str

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Its seconds."""
        age = evidence.ages[self.dataset]
        if age is None:
            raise Undefined(f"{self.dataset} has no rows")
        seconds = age.total_seconds()
        return [Measured(seconds, f"age of {self.dataset} {text.duration(seconds)}")]


@dataclass(frozen=True)
class _Binary(Quantity):
    symbol: str
    left: Quantity
    right: Quantity

    def readings(self, evidence: Evidence) -> list[Measured]:
        """Every reading of the left side with every one of the right."""
        return [
            Measured(
                _apply(self.symbol, left, right),
                f"{left.told} {self.symbol} {right.told}",
                where(left, right),
            )
            for left in self.left.readings(evidence)
            for right in self.right.readings(evidence)
        ]

    def names(self) -> dict[str, set[str]]:
        """Those of both sides."""
        return both(self.left.names(), self.right.names())


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


def _quantity(value: Quantity | float) -> Quantity:
    return value if isinstance(value, Quantity) else Number(value)


def _name(value: Any) -> str:
    return "null" if value is None else str(value)


def where(left: Measured, right: Measured) -> str | None:
    places = [item.where for item in (left, right) if item.where is not None]
    return " and ".join(places) if places else None


def both(left: Mapping[str, set[str]], right: Mapping[str, set[str]]) -> dict[str, set[str]]:
    return {
        name: left.get(name, set()) | right.get(name, set()) for name in left.keys() | right.keys()
    }

"""What is known of a model once it has been judged: plain data, which reports and records are made of."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from mlp_runtime.design import Codes, Numbers
from mlp_runtime.model import Model
from mlp_runtime.scores import Metric
from mlp_runtime.text import number


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The rows that share one value of a column."""

    value: Any
    rows: int
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Fold:
    """The record of one fold's model on the rows that it left out."""

    rows: int
    values: Mapping[str, float | None]
    slices: Mapping[str, Sequence[Slice]]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A model's record on one part, or by its folds: then each value is the mean over them."""

    report: str
    part: str
    model: Model
    metrics: Sequence[Metric]
    values: Mapping[str, float | None]
    slices: Mapping[str, Sequence[Slice]]
    truth: Numbers | Codes
    predicted: Numbers | Codes
    predictions: pl.DataFrame
    folds: Sequence[Fold] = ()
    min_rows: int = 100

    @property
    def numbers(self) -> dict[str, float]:
        """The metrics that are defined, for the step's result."""
        return {name: value for name, value in self.values.items() if value is not None}

    @property
    def gaps(self) -> dict[str, dict[str, float | None]]:
        """For each column how far the metrics of its slices lie apart; slices of few rows do not count."""
        return {column: self._gaps(items) for column, items in self.slices.items()}

    def _gaps(self, items: Sequence[Slice]) -> dict[str, float | None]:
        counted = [item for item in items if item.rows >= self.min_rows]
        return {name: _gap([item.metrics[name] for item in counted]) for name in self.values}

    @property
    def rows(self) -> int:
        """How many rows were judged."""
        return self.predictions.height

    @property
    def spread(self) -> dict[str, float | None]:
        """The standard deviation of each metric over the folds."""
        return {name: _spread(fold.values[name] for fold in self.folds) for name in self.values}

    def summary(self) -> str:
        """`roc_auc 0.91, log_loss 0.31 on 104 rows of test`, `roc_auc 0.91 ± 0.02 over 5 folds`."""
        if not self.folds:
            told = ", ".join(f"{name} {number(value)}" for name, value in self.values.items())
            return f"{told} on {self.rows} rows of {self.part}"
        spread = self.spread
        told = ", ".join(
            f"{name} {number(value)} ± {number(spread[name])}"
            for name, value in self.values.items()
        )
        return f"{told} over {len(self.folds)} folds"


Interval = tuple[float, float]
Intervals = Mapping[str, Interval | None]


@dataclass(frozen=True, kw_only=True)
class Certainty:
    """How sure the numbers are: an interval for each metric; slices in the order of `Judged`."""

    confidence: float
    samples: int
    metrics: Intervals
    slices: Mapping[str, Sequence[Intervals]]
    gaps: Mapping[str, Intervals]


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """How much one input matters, and how far that differed from time to time."""

    name: str
    mean: float
    spread: float | None = None


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much each input matters, in the order of the model's inputs."""

    method: Literal["permutation", "shap"]
    of: str
    count: int
    inputs: Sequence[Weighed]


def _spread(values: Iterable[float | None]) -> float | None:
    """The sample standard deviation of those that are defined."""
    known = [value for value in values if value is not None]
    return statistics.stdev(known) if len(known) > 1 else None


def _gap(values: Sequence[float | None]) -> float | None:
    """The largest less the smallest of those that are defined, of which it takes two."""
    known = [value for value in values if value is not None]
    return max(known) - min(known) if len(known) > 1 else None

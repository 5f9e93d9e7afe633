"""What a model says of some rows beside what is true of them, and what metrics make of that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlp_runtime import design, expr
from mlp_runtime.design import Codes, Numbers
from mlp_runtime.model import Model
from mlp_runtime.step import Failure

Needs = Literal["label", "probability", "value"]
Better = Literal["higher", "lower"]

PREDICTION = "__prediction__"
PROBABILITY = "__probability__"
FOLD = "__fold__"
"""Columns of tables of predictions."""


@dataclass(frozen=True)
class Metric:
    """A metric under the name by which it is reported."""

    name: str
    measure: Callable[..., float]
    needs: Needs = field(kw_only=True)
    better: Better = field(kw_only=True)
    arguments: Mapping[str, Any] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Truth and predictions of some rows."""

    truth: Numbers | Codes
    predicted: Numbers | Codes
    probabilities: Numbers | None
    weights: Numbers | None

    def of(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Scores:
        """Those of the chosen rows, by flags or by places, of which one may come twice."""
        return Scores(
            truth=self.truth[chosen],
            predicted=self.predicted[chosen],
            probabilities=None if self.probabilities is None else self.probabilities[chosen],
            weights=None if self.weights is None else self.weights[chosen],
        )

    def measure(self, metrics: Sequence[Metric]) -> dict[str, float | None]:
        """Each metric; None where these rows leave it undefined."""
        return {metric.name: self._one(metric) for metric in metrics}

    def _one(self, metric: Metric) -> float | None:
        weight = {} if self.weights is None else {"weight": self.weights}
        value = metric.measure(self.truth, self.given(metric), **weight, **metric.arguments)
        return float(value) if math.isfinite(value) else None

    def given(self, metric: Metric) -> Numbers | Codes:
        """What the metric reads of these predictions."""
        if metric.needs != "probability":
            return self.predicted
        if self.probabilities is None:
            raise Failure(f"{metric.name} needs probabilities; this model gives none")
        return self.probabilities[:, 1] if self.probabilities.shape[1] == 2 else self.probabilities


def scores_of(predictions: pl.DataFrame, model: Model) -> Scores:
    """Truth and predictions as a table of predictions holds them."""
    label, answer = model.label, predictions[PREDICTION]
    chances = [f"{PROBABILITY}{name}" for name in model.classes]
    has_chances = bool(chances) and set(chances) <= set(predictions.columns)
    return Scores(
        truth=design.truth(predictions, label),
        predicted=(
            answer.to_numpy() if label.task == "regression" else design.codes(answer, label)
        ),
        probabilities=(
            np.column_stack([predictions[name].to_numpy() for name in chances])
            if has_chances
            else None
        ),
        weights=design.weights(predictions, model.features.WEIGHT),
    )


def members(rows: pl.DataFrame, column: str) -> list[tuple[Any, NDArray[np.bool_]]]:
    """Each value of a column as reports show it, null last, and which rows have it."""
    values = rows.select(expr.column(column)).to_series()
    found = []
    for value in values.unique().sort(nulls_last=True).to_list():
        chosen = values.is_null() if value is None else (values == value).fill_null(False)
        is_plain = value is None or isinstance(value, bool | int | str)
        found.append((value if is_plain else str(value), chosen.to_numpy()))
    return found

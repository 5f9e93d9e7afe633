"""How sure a comparison is: would it hold on other rows like these?

Both models are judged on the same rows. From these, samples of the same size are drawn with replacement
by a seed of the plan, and both are judged again on each: a paired bootstrap. Of two accuracies, McNemar's
exact test tells the same from the rows that only one of the models has right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn import config_context

from mlp_runtime import metrics, model, table
from mlp_runtime.judged import Judged
from mlp_runtime.scores import Metric, Scores, members, scores_of

DRAWS = 1000
"""Samples that are drawn."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The rows that judge a model, and what it said of them."""

    model: Path
    predictions: Path
    metrics: Sequence[Metric]
    seed: int

    def beside(self, champion: Judged | None) -> Paired:
        """These rows with what a champion says of the same ones."""
        held = model.load(self.model)
        own = table.read(self.predictions)
        theirs = None
        if champion is not None:
            key = held.features.KEY
            order = own.select(key).join(
                champion.predictions, on=key, how="left", maintain_order="left"
            )
            theirs = scores_of(order, champion.model)
        return Paired(
            own=scores_of(own, held),
            champion=theirs,
            rows=own,
            metrics={metric.name: metric for metric in self.metrics},
            seed=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class Paired:
    """What two models say of the same rows; or one, where there is no other."""

    own: Scores
    champion: Scores | None
    rows: pl.DataFrame
    metrics: Mapping[str, Metric]
    seed: int

    def draws(
        self, names: Sequence[str], slices: Mapping[str, Sequence[Any]]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
        """The record of both models on each sample: these metrics, and by these values of columns."""
        wanted = [self.metrics[name] for name in names]
        chosen = {
            column: [(value, mask) for value, mask in members(self.rows, column) if value in values]
            for column, values in slices.items()
        }
        generator = np.random.default_rng(self.seed)
        for _ in range(DRAWS):
            places = generator.integers(0, self.rows.height, self.rows.height)
            # What was checked once for these rows is not checked again for each sample of them.
            with config_context(assume_finite=True, skip_parameter_validation=True):
                own = _record(self.own, places, wanted)
                own["slices"] = {
                    column: [_slice(self.own, places, mask, value, wanted) for value, mask in found]
                    for column, found in chosen.items()
                }
                theirs = None if self.champion is None else _record(self.champion, places, wanted)
            yield own, theirs

    def right_alone(self, name: str) -> tuple[int, int] | None:
        """How many rows this model alone has right, and how many the champion alone.

        None unless the metric is the accuracy of rows that all count the same.
        """
        metric = self.metrics[name]
        if metric.measure is not metrics.accuracy or self.champion is None:
            return None
        if self.own.weights is not None or self.champion.weights is not None:
            return None
        own = self.own.predicted == self.own.truth
        champion = self.champion.predicted == self.champion.truth
        return int(np.sum(own & ~champion)), int(np.sum(champion & ~own))


def mcnemar(own: int, champion: int) -> float:
    """The chance of as many rows for one of two equal models, of those that they disagree on."""
    from scipy.stats import binom

    return float(binom.sf(own - 1, own + champion, 0.5))


def _record(scores: Scores, places: NDArray[np.int64], wanted: Sequence[Metric]) -> dict[str, Any]:
    return {"report": "sample", "metrics": scores.of(places).measure(wanted)}


def _slice(
    scores: Scores,
    places: NDArray[np.int64],
    mask: NDArray[np.bool_],
    value: Any,
    wanted: Sequence[Metric],
) -> dict[str, Any]:
    inside = places[mask[places]]
    none: dict[str, float | None] = {metric.name: None for metric in wanted}
    found = scores.of(inside).measure(wanted) if len(inside) else none
    return {"value": value, "rows": len(inside), "metrics": found}

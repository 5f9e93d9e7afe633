"""How sure the numbers of a report are: what they would be on other rows like these.

From the rows that judge, samples of as many are drawn with replacement by a seed of the plan: the
bootstrap. Between the quantiles of a metric over the samples lies what it may well be.
Where a model is judged by folds, samples are drawn within each of them.
"""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl

from mlp_runtime import resampled
from mlp_runtime.design import Numbers
from mlp_runtime.judged import Certainty, Interval, Judged
from mlp_runtime.resampled import Groups
from mlp_runtime.scores import FOLD, Scores, members, scores_of

DRAWS = 1000
"""Samples that are drawn."""


def around(judged: Judged, *, confidence: float, seed: int, samples: int = DRAWS) -> Certainty:
    """The intervals around each number of a report."""
    names = [metric.name for metric in judged.metrics]
    whole = _drawn(judged, None, seed, samples)
    by_slice = {column: _drawn(judged, column, seed, samples) for column in judged.slices}
    return Certainty(
        confidence=confidence,
        samples=samples,
        metrics=dict(zip(names, _between(whole[:, :, 0], confidence), strict=True)),
        slices={
            column: [
                dict(zip(names, _between(drawn[:, :, index], confidence), strict=True))
                for index in range(drawn.shape[2])
            ]
            for column, drawn in by_slice.items()
        },
        gaps={
            column: dict(
                zip(names, _between(_gaps(drawn, judged, column), confidence), strict=True)
            )
            for column, drawn in by_slice.items()
        },
    )


def _drawn(judged: Judged, column: str | None, seed: int, samples: int) -> Numbers:
    """Sample by metric by slice; over folds the mean of those that define it."""
    parts = [_sampled(judged, part, column, seed, samples) for part in _folds(judged.predictions)]
    return parts[0] if len(parts) == 1 else _mean_of_known(np.stack(parts))


def _folds(predictions: pl.DataFrame) -> list[pl.DataFrame]:
    if FOLD not in predictions.columns:
        return [predictions]
    return predictions.partition_by(FOLD, maintain_order=True)


def _sampled(
    judged: Judged, part: pl.DataFrame, column: str | None, seed: int, samples: int
) -> Numbers:
    scores = scores_of(part, judged.model)
    groups = _groups(judged, part, column)
    measures = [resampled.prepare(metric, scores, groups) for metric in judged.metrics]
    own = _own_weights(scores, part.height)
    # The same samples for the whole and for each column: what is told of one set of rows agrees.
    generator = np.random.default_rng([seed, int(part[FOLD][0]) if FOLD in part.columns else 0])
    values = np.empty((samples, len(measures), groups.count))
    for sample in range(samples):
        places = generator.integers(0, part.height, part.height)
        weights = np.bincount(places, minlength=part.height) * own
        for index, measure in enumerate(measures):
            values[sample, index] = measure(weights)
    return np.where(np.isfinite(values), values, np.nan)


def _own_weights(scores: Scores, height: int) -> Numbers:
    return np.ones(height) if scores.weights is None else scores.weights


def _groups(judged: Judged, part: pl.DataFrame, column: str | None) -> Groups:
    """All rows as one group, or the rows of each slice in the report's order."""
    codes = np.zeros(part.height, dtype=np.int64)
    if column is None:
        return Groups(of=codes, count=1)
    values = [item.value for item in judged.slices[column]]
    for value, chosen in members(part, column):
        codes[chosen] = values.index(value)
    return Groups(of=codes, count=len(values))


def _gaps(drawn: Numbers, judged: Judged, column: str) -> Numbers:
    """Sample by metric: the largest value less the smallest, over the slices that count."""
    counts = [item.rows >= judged.min_rows for item in judged.slices[column]]
    if sum(counts) < 2:
        return np.full(drawn.shape[:2], np.nan)
    kept = drawn[:, :, counts]
    gaps: Numbers = kept.max(axis=2) - kept.min(axis=2)
    return gaps


def _mean_of_known(parts: Numbers) -> Numbers:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mean: Numbers = np.nanmean(parts, axis=0)
    return mean


def _between(values: Numbers, confidence: float) -> list[Interval | None]:
    """For each metric the interval; none where fewer than half of the samples define it."""
    found: list[Interval | None] = []
    for drawn in values.T:
        known = drawn[~np.isnan(drawn)]
        if 2 * len(known) < len(drawn):
            found.append(None)
            continue
        low, high = np.quantile(known, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
        found.append((float(low), float(high)))
    return found

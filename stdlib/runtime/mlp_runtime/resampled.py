"""Metrics of many samples of the same rows, and of many groups of them at once.

A sample is how often each row is in it, times the row's own weight. What a metric has to know of the rows
themselves is worked out once (their losses, their classes, their order), so that a sample costs a few
passes over them, for all groups together. Sums are taken row by row, so that they are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context

from mlp_runtime import metrics
from mlp_runtime.design import Codes, Numbers
from mlp_runtime.scores import Metric, Scores

_ALMOST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The group of each row, from 0 on."""

    of: Codes
    count: int

    def sum(self, values: Numbers) -> Numbers:
        """The sum of the values of each group."""
        return _sums(self.of, values, self.count)


def _sums(places: Codes, values: Numbers, count: int = 0) -> Numbers:
    """The sum of the values at each place."""
    return np.asarray(np.bincount(places, weights=values, minlength=count), dtype=np.float64)


class Resampled(Protocol):
    """A metric that is ready for samples."""

    def __call__(self, weights: Numbers) -> Numbers:
        """Its value for each group, NaN where the sample leaves it undefined."""


def prepare(metric: Metric, scores: Scores, groups: Groups) -> Resampled:
    """The metric of these rows in the form that is fastest for it."""
    truth, given = scores.truth, scores.given(metric)
    if metric.measure in _LOSSES:
        loss, finish = _LOSSES[metric.measure]
        return _Mean(loss=loss(truth, given, **metric.arguments), finish=finish, groups=groups)
    if metric.measure in _COUNTS:
        return _counted(metric, truth.astype(np.int64), given, groups)
    if metric.measure in _RANKS:
        return _ranked(metric, truth.astype(np.int64), given.astype(np.float64), groups)
    return _One(metric=metric, truth=truth, given=given, groups=groups)


def _ratio(part: Numbers, whole: Numbers) -> Numbers:
    """NaN where the whole is nothing."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0.0)


def _or_zero(part: Numbers, whole: Numbers) -> Numbers:
    """0 where the whole is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)


# Means of what each row loses.


@dataclass(frozen=True, kw_only=True)
class _Mean:
    loss: Numbers
    finish: Callable[[Numbers], Numbers]
    groups: Groups

    def __call__(self, weights: Numbers) -> Numbers:
        mean = _ratio(self.groups.sum(weights * self.loss), self.groups.sum(weights))
        return self.finish(mean)


def _accuracy(truth: Codes, given: Codes) -> Numbers:
    right: Numbers = (truth == given).astype(np.float64)
    return right


def _log_loss(truth: Codes, given: Numbers) -> Numbers:
    if given.ndim == 1:
        own: Numbers = np.where(truth == 1, given, 1.0 - given)
    else:
        own = given[np.arange(len(truth)), truth] / given.sum(axis=1)
    loss: Numbers = -np.log(np.clip(own, _ALMOST, 1.0 - _ALMOST))
    return loss


def _brier(truth: Codes, given: Numbers) -> Numbers:
    if given.ndim == 1:
        squared: Numbers = (given - truth) ** 2
        return squared
    wanted = np.eye(given.shape[1])[truth]
    summed: Numbers = np.sum((given - wanted) ** 2, axis=1)
    return summed


def _distance(truth: Numbers, given: Numbers) -> Numbers:
    return np.abs(given - truth)


def _squared(truth: Numbers, given: Numbers) -> Numbers:
    squared: Numbers = (given - truth) ** 2
    return squared


def _error(truth: Numbers, given: Numbers) -> Numbers:
    return given - truth


def _selected(truth: Codes, given: Numbers, *, threshold: float = 0.5) -> Numbers:
    return (given >= threshold).astype(np.float64)


def _as_it_is(values: Numbers) -> Numbers:
    return values


_LOSSES: Mapping[
    Callable[..., float], tuple[Callable[..., Numbers], Callable[[Numbers], Numbers]]
] = {
    metrics.accuracy: (_accuracy, _as_it_is),
    metrics.log_loss: (_log_loss, _as_it_is),
    metrics.brier: (_brier, _as_it_is),
    metrics.mae: (_distance, _as_it_is),
    metrics.mse: (_squared, _as_it_is),
    metrics.rmse: (_squared, np.sqrt),
    metrics.mean_error: (_error, _as_it_is),
    metrics.selection_rate: (_selected, _as_it_is),
}


# What can be said from how often each class is taken for each.


@dataclass(frozen=True, kw_only=True)
class _Counted:
    cell: Codes
    classes: int
    formula: Callable[[Numbers], Numbers]
    groups: int

    def __call__(self, weights: Numbers) -> Numbers:
        size = self.classes**2
        counts = _sums(self.cell, weights, self.groups * size)
        return self.formula(counts.reshape(self.groups, self.classes, self.classes))


def _counted(metric: Metric, truth: Codes, given: Numbers | Codes, groups: Groups) -> _Counted:
    arguments = dict(metric.arguments)
    if metric.needs == "probability":
        guess = (given >= arguments.pop("threshold", 0.5)).astype(np.int64)
    else:
        guess = given.astype(np.int64)
    classes = max(2, int(max(truth.max(), guess.max())) + 1)
    formula = _COUNTS[metric.measure]
    return _Counted(
        cell=(groups.of * classes + truth) * classes + guess,
        classes=classes,
        formula=lambda counts: formula(counts, **arguments),
        groups=groups.count,
    )


@dataclass(frozen=True)
class _Sides:
    """Per group and class: true and predicted rows, and those that are both."""

    true: Numbers
    predicted: Numbers
    both: Numbers

    @classmethod
    def of(cls, counts: Numbers) -> _Sides:
        return cls(
            counts.sum(axis=2), counts.sum(axis=1), np.diagonal(counts, axis1=1, axis2=2).copy()
        )

    @property
    def precision(self) -> Numbers:
        return _or_zero(self.both, self.predicted)

    @property
    def recall(self) -> Numbers:
        return _or_zero(self.both, self.true)

    @property
    def f1(self) -> Numbers:
        return _or_zero(2.0 * self.both, self.true + self.predicted)

    def macro(self, score: Numbers) -> Numbers:
        """The mean over classes that occur in truth or prediction."""
        occurs = (self.true + self.predicted > 0.0).astype(np.float64)
        return _ratio((score * occurs).sum(axis=1), occurs.sum(axis=1))

    def weighted(self, score: Numbers) -> Numbers:
        """The mean over classes by their true rows."""
        return _ratio((score * self.true).sum(axis=1), self.true.sum(axis=1))


def _balanced(counts: Numbers) -> Numbers:
    sides = _Sides.of(counts)
    occurs = (sides.true > 0.0).astype(np.float64)
    return _ratio((sides.recall * occurs).sum(axis=1), occurs.sum(axis=1))


def _f_beta(counts: Numbers, *, beta: float = 2.0) -> Numbers:
    sides, square = _Sides.of(counts), beta**2
    positive = (1.0 + square) * sides.both[:, 1]
    return _or_zero(positive, square * sides.true[:, 1] + sides.predicted[:, 1])


def _jaccard(counts: Numbers) -> Numbers:
    sides = _Sides.of(counts)
    return _or_zero(sides.both[:, 1], sides.true[:, 1] + sides.predicted[:, 1] - sides.both[:, 1])


def _share(counts: Numbers, true: int, predicted: int) -> Numbers:
    """Of the rows of one class, those that are taken for it or for the other."""
    return _ratio(counts[:, true, predicted].copy(), counts[:, true, :].sum(axis=1))


_COUNTS: Mapping[Callable[..., float], Callable[..., Numbers]] = {
    metrics.balanced_accuracy: _balanced,
    metrics.macro_precision: lambda counts: _Sides.of(counts).macro(_Sides.of(counts).precision),
    metrics.macro_recall: lambda counts: _Sides.of(counts).macro(_Sides.of(counts).recall),
    metrics.macro_f1: lambda counts: _Sides.of(counts).macro(_Sides.of(counts).f1),
    metrics.weighted_precision: lambda counts: _Sides.of(counts).weighted(
        _Sides.of(counts).precision
    ),
    metrics.weighted_recall: lambda counts: _Sides.of(counts).weighted(_Sides.of(counts).recall),
    metrics.weighted_f1: lambda counts: _Sides.of(counts).weighted(_Sides.of(counts).f1),
    metrics.precision: lambda counts: _Sides.of(counts).precision[:, 1],
    metrics.recall: lambda counts: _share(counts, 1, 1),
    metrics.specificity: lambda counts: _share(counts, 0, 0),
    metrics.false_positive_rate: lambda counts: _share(counts, 0, 1),
    metrics.false_negative_rate: lambda counts: _share(counts, 1, 0),
    metrics.f1: lambda counts: _Sides.of(counts).f1[:, 1],
    metrics.f_beta: _f_beta,
    metrics.jaccard: _jaccard,
}


# What can be said from the order of the rows by their probability.


@dataclass(frozen=True, kw_only=True)
class _Ranked:
    """Rows in the order of group and score; rows of a group with the same score are one level."""

    order: NDArray[np.int64]
    positive: Numbers
    level: Codes
    group: Codes
    groups: int
    formula: Callable[[Numbers, Numbers, Numbers, Numbers], Numbers]

    @classmethod
    def of(cls, truth: NDArray[np.bool_], score: Numbers, groups: Groups, formula: Any) -> _Ranked:
        order = np.lexsort((score, groups.of))
        by_group, by_score = groups.of[order], score[order]
        begins = np.ones(len(order), dtype=np.bool_)
        begins[1:] = (by_group[1:] != by_group[:-1]) | (by_score[1:] != by_score[:-1])
        return cls(
            order=order,
            positive=truth[order].astype(np.float64),
            level=np.cumsum(begins) - 1,
            group=by_group[begins],
            groups=groups.count,
            formula=formula,
        )

    def __call__(self, weights: Numbers) -> Numbers:
        ordered = weights[self.order]
        all_rows = _sums(self.level, ordered)
        positives = _sums(self.level, ordered * self.positive)
        negatives = all_rows - positives
        total = _sums(self.group, positives, self.groups)
        others = _sums(self.group, negatives, self.groups)
        parts = self.formula(
            positives, negatives, self._above(positives, total), self._above(negatives, others)
        )
        summed = _sums(self.group, parts, self.groups)
        both: Numbers = np.where((total > 0.0) & (others > 0.0), 1.0, np.nan)
        whole = total * others if self.formula is _area else total
        return _ratio(summed, whole) * both

    def _above(self, of_level: Numbers, of_group: Numbers) -> Numbers:
        """How much of the group has a higher score than the level."""
        upto = np.cumsum(of_level)
        ends = np.cumsum(of_group)
        above: Numbers = np.maximum(ends[self.group] - upto, 0.0)
        return above


def _area(
    positives: Numbers, negatives: Numbers, positives_above: Numbers, negatives_above: Numbers
) -> Numbers:
    """Pairs in the right order; those of one level are right by half."""
    return negatives * (positives_above + 0.5 * positives)


def _precisions(
    positives: Numbers, negatives: Numbers, positives_above: Numbers, negatives_above: Numbers
) -> Numbers:
    """The precision down to each level, for each positive of it."""
    found = positives_above + positives
    return positives * _or_zero(found, found + negatives_above + negatives)


_RANKS: Mapping[Callable[..., float], tuple[Any, Callable[[Numbers], Numbers]]] = {
    metrics.roc_auc: (_area, _as_it_is),
    metrics.average_precision: (_precisions, _as_it_is),
    metrics.gini: (_area, lambda values: 2.0 * values - 1.0),
}


def _ranked(metric: Metric, truth: Codes, given: Numbers, groups: Groups) -> Resampled:
    """Two classes, or each against the rest: then the mean of those that have both sides."""
    formula, finish = _RANKS[metric.measure]
    sides = (
        [(truth == 1, given)]
        if given.ndim == 1
        else [(truth == code, given[:, code]) for code in range(given.shape[1])]
    )
    ranked = [_Ranked.of(is_one, score, groups, formula) for is_one, score in sides]

    def measure(weights: Numbers) -> Numbers:
        values = np.vstack([one(weights) for one in ranked])
        known = ~np.isnan(values)
        return finish(
            _ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))
        )

    return measure


# Any other, users' own among them.


@dataclass(frozen=True, kw_only=True)
class _One:
    """One group after the other."""

    metric: Metric
    truth: Numbers | Codes
    given: Numbers | Codes
    groups: Groups

    def __call__(self, weights: Numbers) -> Numbers:
        values = np.full(self.groups.count, np.nan)
        # What was checked once for these rows is not checked again for each sample of them.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            for group in range(self.groups.count):
                chosen = np.flatnonzero((self.groups.of == group) & (weights > 0.0))
                if len(chosen):
                    values[group] = self.metric.measure(
                        self.truth[chosen],
                        self.given[chosen],
                        weight=weights[chosen],
                        **self.metric.arguments,
                    )
        return values

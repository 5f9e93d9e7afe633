"""Samples are measured as the metrics themselves measure; intervals hold what they say; the same seed, the same bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import models
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from mlp_runtime import evaluate, intervals, metrics, model, resampled, table
from mlp_runtime.judged import Judged
from mlp_runtime.resampled import Groups
from mlp_runtime.scores import Metric, Needs, Scores
from mlp_runtime.signature import Label

LABELS = [
    metrics.accuracy,
    metrics.balanced_accuracy,
    metrics.matthews,
    metrics.macro_precision,
    metrics.macro_recall,
    metrics.macro_f1,
    metrics.weighted_precision,
    metrics.weighted_recall,
    metrics.weighted_f1,
]
CHANCES = [
    metrics.precision,
    metrics.recall,
    metrics.specificity,
    metrics.f1,
    metrics.f_beta,
    metrics.jaccard,
    metrics.false_positive_rate,
    metrics.false_negative_rate,
    metrics.selection_rate,
    metrics.ks_statistic,
]
ANY_CHANCES = [
    metrics.roc_auc,
    metrics.average_precision,
    metrics.gini,
    metrics.log_loss,
    metrics.brier,
]
VALUES = [metrics.mae, metrics.mse, metrics.rmse, metrics.mean_error, metrics.r2]


def _scores(classes: int, generator: np.random.Generator, rows: int = 200) -> Scores:
    truth = generator.integers(0, classes, rows)
    # Few different chances, so that many rows tie.
    raw = generator.integers(1, 9, (rows, classes)) + 4.0 * np.eye(classes)[truth]
    chances = raw / raw.sum(axis=1, keepdims=True)
    return Scores(
        truth=truth, predicted=chances.argmax(axis=1), probabilities=chances, weights=None
    )


def _metric(measure: Callable[..., float], needs: Needs) -> Metric:
    return Metric(measure.__name__, measure, needs=needs, better="higher")


def _agree(scores: Scores, metric: Metric, generator: np.random.Generator) -> None:
    rows = len(scores.truth)
    groups = Groups(of=generator.integers(0, 4, rows), count=5)
    measure = resampled.prepare(metric, scores, groups)
    for own in (np.ones(rows), generator.uniform(0.1, 3.0, rows)):
        weights = np.bincount(generator.integers(0, rows, rows), minlength=rows) * own
        found = measure(weights)
        for group in range(4):
            chosen = (groups.of == group) & (weights > 0)
            wanted = replace(scores.of(chosen), weights=weights[chosen]).measure([metric])
            value = wanted[metric.name]
            assert (
                math.isnan(found[group]) if value is None else found[group] == pytest.approx(value)
            )
        assert math.isnan(found[4]) or found[4] == 0.0, "a group without rows"


@pytest.mark.parametrize("measure", LABELS)
@pytest.mark.parametrize("classes", [2, 3])
def test_samples_of_labels(measure: Callable[..., float], classes: int) -> None:
    generator = np.random.default_rng(classes)
    _agree(_scores(classes, generator), _metric(measure, "label"), generator)


@pytest.mark.parametrize("measure", CHANCES)
def test_samples_of_two_classes(measure: Callable[..., float]) -> None:
    generator = np.random.default_rng(1)
    _agree(_scores(2, generator), _metric(measure, "probability"), generator)


@pytest.mark.parametrize("measure", ANY_CHANCES)
@pytest.mark.parametrize("classes", [2, 4])
def test_samples_of_probabilities(measure: Callable[..., float], classes: int) -> None:
    generator = np.random.default_rng(classes)
    _agree(_scores(classes, generator), _metric(measure, "probability"), generator)


@pytest.mark.parametrize("measure", VALUES)
def test_samples_of_numbers(measure: Callable[..., float]) -> None:
    generator = np.random.default_rng(2)
    truth = generator.normal(3.0, 2.0, 200)
    guess = truth + generator.normal(0.0, 1.0, 200)
    scores = Scores(truth=truth, predicted=guess, probabilities=None, weights=None)
    _agree(scores, _metric(measure, "value"), generator)


def test_one_class_is_undefined() -> None:
    scores = _scores(2, np.random.default_rng(3))
    groups = Groups(of=scores.truth, count=2)
    measure = resampled.prepare(_metric(metrics.roc_auc, "probability"), scores, groups)
    assert np.isnan(measure(np.ones(len(scores.truth)))).all()


METRICS = [
    Metric("roc_auc", metrics.roc_auc, needs="probability", better="higher"),
    Metric("accuracy", metrics.accuracy, needs="label", better="higher"),
]


def _judged(folder: Path, min_rows: int = 40) -> Judged:
    rows = models.data(240)
    noisy = rows.with_columns(late=rows["late"] ^ (rows["id"] % 7 == 0))
    estimator = HistGradientBoostingClassifier(max_iter=10, random_state=1)
    package = models.trained(folder, estimator, Label("late", "binary"), noisy)
    return evaluate.judge(
        model.load(package),
        noisy,
        METRICS,
        report="r",
        part="test",
        slices=["kind", "flag"],
        min_rows=min_rows,
    )


def test_intervals_of_a_report(tmp_path: Path) -> None:
    judged = _judged(tmp_path)
    told = intervals.around(judged, confidence=0.9, seed=5, samples=200)
    for name, value in judged.numbers.items():
        interval = told.metrics[name]
        assert interval is not None and interval[0] <= value <= interval[1]
    assert [item.value for item in judged.slices["kind"]] == ["a", "b", None]
    assert len(told.slices["kind"]) == 3
    assert all(item["accuracy"] is not None for item in told.slices["kind"])
    gap, around = judged.gaps["kind"]["accuracy"], told.gaps["kind"]["accuracy"]
    assert gap is not None and around is not None and gap <= around[1]
    assert intervals.around(judged, confidence=0.9, seed=5, samples=200) == told
    assert intervals.around(judged, confidence=0.9, seed=6, samples=200) != told


def test_wider_where_more_sure(tmp_path: Path) -> None:
    judged = _judged(tmp_path)
    some, most = (
        intervals.around(judged, confidence=share, seed=5, samples=200).metrics["accuracy"]
        for share in (0.5, 0.99)
    )
    assert some is not None and most is not None
    assert most[0] < some[0] < some[1] < most[1]


def test_few_rows_are_no_gap(tmp_path: Path) -> None:
    judged = _judged(tmp_path, min_rows=100)
    told = intervals.around(judged, confidence=0.9, seed=5, samples=50)
    assert judged.gaps["kind"] == {"roc_auc": None, "accuracy": None}
    assert told.gaps["kind"] == {"roc_auc": None, "accuracy": None}
    assert judged.gaps["flag"]["accuracy"] is not None
    record = evaluate.record(judged, told)
    assert record["gaps"]["min_rows"] == 100
    assert record["intervals"]["slices"]["kind"][2]["accuracy"] is not None


def test_intervals_by_folds(tmp_path: Path) -> None:
    rows = models.data(120)
    noisy = rows.with_columns(late=rows["late"] ^ (rows["id"] % 7 == 0))
    estimator = HistGradientBoostingClassifier(max_iter=10, random_state=1)
    loaded = model.load(models.trained(tmp_path, estimator, Label("late", "binary"), noisy))
    paths = []
    for index, held in enumerate([noisy[:60], noisy[60:]]):
        paths.append(tmp_path / f"{index}.parquet")
        table.write(evaluate.out_of_fold(loaded, held), paths[-1])
    judged = evaluate.judge_folds(
        loaded, noisy, paths, METRICS, report="r", part="validation", slices=["kind"], min_rows=10
    )
    told = intervals.around(judged, confidence=0.9, seed=5, samples=200)
    for name, value in judged.numbers.items():
        interval = told.metrics[name]
        assert interval is not None and interval[0] <= value <= interval[1]
    assert len(told.slices["kind"]) == 3
    assert told.gaps["kind"]["accuracy"] is not None

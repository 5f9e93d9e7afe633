"""The metrics against scikit-learn, against plain definitions, and on rows that leave them undefined."""

import inspect
import math
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import metrics as sk

from mlp_runtime import metrics

RANDOM = np.random.default_rng(11)
ROWS = 60
CLASSES = 3

BINARY_TRUTH = RANDOM.integers(0, 2, ROWS)
PROBABILITY = np.clip(BINARY_TRUTH * 0.3 + RANDOM.random(ROWS) * 0.7, 0.01, 0.99).round(2)
MULTI_TRUTH = RANDOM.integers(0, CLASSES, ROWS)
MULTI_LABEL = np.where(RANDOM.random(ROWS) < 0.6, MULTI_TRUTH, RANDOM.integers(0, CLASSES, ROWS))
MULTI_PROBABILITY = RANDOM.dirichlet(np.ones(CLASSES), ROWS)
NUMBERS = RANDOM.gamma(2.0, size=ROWS) + 0.1
GUESSES = NUMBERS * RANDOM.uniform(0.5, 1.5, ROWS)
WEIGHT = RANDOM.integers(1, 4, ROWS)

Metric = Callable[..., float]

LABEL = ["accuracy", "balanced_accuracy", "matthews", "cohen_kappa"]
MACRO = [
    f"{average}_{score}"
    for average in ("macro", "weighted")
    for score in ("precision", "recall", "f1")
]
THRESHOLD = ["precision", "recall", "specificity", "f1", "f_beta", "jaccard"]
RATES = ["false_positive_rate", "false_negative_rate", "selection_rate"]
CALIBRATION = ["expected_calibration_error", "maximum_calibration_error"]
SCORES = ["roc_auc", "average_precision", "log_loss", "brier", *CALIBRATION]
RANKING = ["gini", "ks_statistic", "lift"]
ERRORS = [
    "mae",
    "mse",
    "rmse",
    "rmsle",
    "median_absolute_error",
    "max_error",
    "mape",
    "smape",
    "wape",
    "mean_error",
]
FIT = ["r2", "explained_variance", "d2_absolute_error", "correlation", "pinball_loss"]
DEVIANCES = ["poisson_deviance", "gamma_deviance"]

Case = tuple[str, npt.ArrayLike, npt.ArrayLike]
CASES: list[Case] = [
    *((name, BINARY_TRUTH, (PROBABILITY >= 0.5).astype(int)) for name in LABEL),
    *((name, MULTI_TRUTH, MULTI_LABEL) for name in LABEL + MACRO),
    *((name, BINARY_TRUTH, PROBABILITY) for name in THRESHOLD + RATES + SCORES + RANKING),
    *((name, MULTI_TRUTH, MULTI_PROBABILITY) for name in [*SCORES, "top_k"]),
    *((name, NUMBERS, GUESSES) for name in ERRORS + FIT + DEVIANCES),
]
# The median of weighted rows is not that of repeated rows where the half lies between two of them.
REPEATABLE = [
    case for case in CASES if case[0] not in ("median_absolute_error", "d2_absolute_error")
]


def call(name: str, *args: object, **kwargs: object) -> float:
    """A metric by name, with warnings as errors."""
    measure: Metric = getattr(metrics, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return measure(*args, **kwargs)


def public() -> Iterator[str]:
    """The names of all metrics."""
    for name, value in vars(metrics).items():
        if (
            inspect.isfunction(value)
            and not name.startswith("_")
            and value.__module__ == metrics.__name__
        ):
            yield name


def test_every_metric_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == set(public())


@pytest.mark.parametrize(("name", "truth", "given"), CASES)
def test_gives_a_finite_float(name: str, truth: npt.ArrayLike, given: npt.ArrayLike) -> None:
    value = call(name, truth, given)
    assert isinstance(value, float)
    assert math.isfinite(value)


@pytest.mark.parametrize(("name", "truth", "given"), CASES)
def test_lists_do_as_well_as_arrays(name: str, truth: npt.ArrayLike, given: npt.ArrayLike) -> None:
    assert call(name, np.asarray(truth).tolist(), np.asarray(given).tolist()) == call(
        name, truth, given
    )


@pytest.mark.parametrize(("name", "truth", "given"), REPEATABLE)
def test_a_weight_is_a_number_of_rows(
    name: str, truth: npt.ArrayLike, given: npt.ArrayLike
) -> None:
    repeated = call(name, np.repeat(truth, WEIGHT, axis=0), np.repeat(given, WEIGHT, axis=0))
    assert call(name, truth, given, weight=WEIGHT) == pytest.approx(repeated, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("name", "truth", "given"), CASES)
def test_a_row_of_weight_zero_does_not_count(
    name: str, truth: npt.ArrayLike, given: npt.ArrayLike
) -> None:
    kept = np.arange(ROWS) >= 10
    alone = call(name, np.asarray(truth)[kept], np.asarray(given)[kept])
    assert call(name, truth, given, weight=kept.astype(float)) == pytest.approx(
        alone, rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize(("name", "truth", "given"), CASES)
def test_no_rows_give_nan(name: str, truth: npt.ArrayLike, given: npt.ArrayLike) -> None:
    assert math.isnan(call(name, np.asarray(truth)[:0], np.asarray(given)[:0]))


@pytest.mark.parametrize("name", ["roc_auc", "gini", "ks_statistic", "average_precision", "lift"])
def test_one_class_leaves_a_ranking_undefined(name: str) -> None:
    assert math.isnan(call(name, [0, 0, 0], [0.1, 0.2, 0.9]))


@pytest.mark.parametrize("name", ["r2", "explained_variance", "d2_absolute_error", "correlation"])
def test_a_constant_truth_leaves_the_explained_share_undefined(name: str) -> None:
    assert math.isnan(call(name, [2.0, 2.0, 2.0], [1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    ("name", "truth"), [("recall", 0), ("false_negative_rate", 0), ("specificity", 1)]
)
def test_a_rate_of_no_rows_is_undefined(name: str, truth: int) -> None:
    assert math.isnan(call(name, [truth, truth], [0.2, 0.8]))


def test_precision_without_a_predicted_positive_is_zero() -> None:
    assert call("precision", [0, 1], [0.1, 0.2]) == 0.0


@pytest.mark.parametrize(
    ("name", "truth", "given"), [("rmsle", 0.0, -1.0), ("poisson_deviance", 1.0, 0.0)]
)
def test_values_outside_the_domain_give_nan(name: str, truth: float, given: float) -> None:
    assert math.isnan(call(name, [truth], [given]))


def test_ratios_of_nothing_are_undefined() -> None:
    assert math.isnan(call("mape", [0.0], [1.0]))
    assert math.isnan(call("wape", [0.0], [1.0]))
    assert call("smape", [0.0], [0.0]) == 0.0


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_agrees_with_scikit_learn(weight: npt.NDArray[np.int64] | None) -> None:
    label = (PROBABILITY >= 0.4).astype(int)
    expected = {
        "precision": sk.precision_score(BINARY_TRUTH, label, sample_weight=weight),
        "recall": sk.recall_score(BINARY_TRUTH, label, sample_weight=weight),
        "f1": sk.f1_score(BINARY_TRUTH, label, sample_weight=weight),
        "jaccard": sk.jaccard_score(BINARY_TRUTH, label, sample_weight=weight),
    }
    for name, value in expected.items():
        assert call(name, BINARY_TRUTH, PROBABILITY, threshold=0.4, weight=weight) == pytest.approx(
            value
        ), name
    balanced = sk.balanced_accuracy_score(BINARY_TRUTH, label, sample_weight=weight)
    assert call("balanced_accuracy", BINARY_TRUTH, label, weight=weight) == pytest.approx(balanced)
    brier = sk.brier_score_loss(BINARY_TRUTH, PROBABILITY, sample_weight=weight)
    assert call("brier", BINARY_TRUTH, PROBABILITY, weight=weight) == pytest.approx(brier)
    area = sk.roc_auc_score(
        MULTI_TRUTH, MULTI_PROBABILITY, multi_class="ovr", average="macro", sample_weight=weight
    )
    assert call("roc_auc", MULTI_TRUTH, MULTI_PROBABILITY, weight=weight) == pytest.approx(area)
    best = sk.top_k_accuracy_score(MULTI_TRUTH, MULTI_PROBABILITY, k=2, sample_weight=weight)
    assert call("top_k", MULTI_TRUTH, MULTI_PROBABILITY, k=2, weight=weight) == pytest.approx(best)


def test_a_class_that_is_absent_is_left_out_of_the_mean() -> None:
    truth, probability = (
        [0, 0, 1, 1],
        [[0.8, 0.1, 0.1], [0.3, 0.4, 0.3], [0.4, 0.5, 0.1], [0.1, 0.9, 0.0]],
    )
    first, second = (
        sk.roc_auc_score(np.equal(truth, code), np.array(probability)[:, code]) for code in (0, 1)
    )
    assert call("roc_auc", truth, probability) == pytest.approx((first + second) / 2)


def test_calibration_error_by_hand() -> None:
    truth, probability = [0, 1, 1, 1], [0.2, 0.2, 0.9, 0.9]
    assert call("expected_calibration_error", truth, probability, bins=2) == pytest.approx(0.2)
    assert call("maximum_calibration_error", truth, probability, bins=2) == pytest.approx(0.3)
    certain = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    assert call("expected_calibration_error", [1, 2], certain) == pytest.approx(0.5)


def test_lift_counts_a_tie_at_the_cut_in_part() -> None:
    assert call("lift", [1, 1, 0, 0], [0.9, 0.5, 0.5, 0.1], top=0.5) == pytest.approx(1.5)
    assert call("lift", [1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], top=0.25) == pytest.approx(1.0)
    assert call("lift", BINARY_TRUTH, PROBABILITY, top=1.0) == pytest.approx(1.0)


def test_equal_probabilities_count_the_first_classes() -> None:
    assert call("top_k", [0, 2], [[1 / 3] * 3] * 2, k=1) == 0.5
    assert call("top_k", [0, 2], [[1 / 3] * 3] * 2, k=9) == 1.0


def test_labels_do_as_probabilities() -> None:
    label = (PROBABILITY >= 0.5).astype(float)
    assert call("recall", BINARY_TRUTH, label) == call("recall", BINARY_TRUTH, PROBABILITY)
    assert call("log_loss", [0, 1], [0.0, 1.0]) == pytest.approx(0.0, abs=1e-12)
    assert math.isfinite(call("log_loss", [0, 1], [1.0, 0.0]))

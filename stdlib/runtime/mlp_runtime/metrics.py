"""The metrics of the standard library: truth and prediction in, one float out.

The truth is class codes (0 to k - 1; 1 is the positive class) or numbers. Where probabilities are asked for, they are
those of the positive class (shape [n]) or of all classes (shape [n, k]); a model that gives labels only may pass these
as 0.0 and 1.0. What the rows leave undefined is NaN, never an error: a slice may hold no row, or one class only.
"""

import functools
import math
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

Values: TypeAlias = npt.ArrayLike
Weight: TypeAlias = npt.ArrayLike | None
Floats: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.int64]
P = ParamSpec("P")


def _metric(
    measure: Callable[Concatenate[Values, Values, P], float],
) -> Callable[Concatenate[Values, Values, P], float]:
    """Gives NaN for no rows, and a Python float for anything a library computes; infinity is NaN too."""

    @functools.wraps(measure)
    def measured(y_true: Values, y_given: Values, /, *args: P.args, **kwargs: P.kwargs) -> float:
        if np.size(y_true) == 0:
            return math.nan
        value = float(measure(y_true, y_given, *args, **kwargs))
        return value if math.isfinite(value) else math.nan

    return measured


def _floats(values: Values) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _codes(values: Values) -> Codes:
    return np.asarray(values, dtype=np.int64)


def _weights(weight: Weight, rows: int) -> Floats:
    return np.ones(rows) if weight is None else _floats(weight)


def _mean(values: Floats, weight: Weight) -> float:
    weights = _weights(weight, len(values))
    return _ratio(float(np.sum(values * weights)), float(np.sum(weights)))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


# Classes, by label.


@_metric
def accuracy(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Share of the rows that are classified right."""
    return float(sk.accuracy_score(_codes(y_true), _codes(y_pred), sample_weight=weight))


@_metric
def balanced_accuracy(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean of the recalls of the classes that occur in the truth."""
    truth = _codes(y_true)
    recalls = sk.recall_score(
        truth, _codes(y_pred), labels=np.unique(truth), average="macro", sample_weight=weight
    )
    return float(recalls)


@_metric
def matthews(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Correlation of truth and prediction; NaN if either is constant."""
    truth, predicted = _codes(y_true), _codes(y_pred)
    if np.all(truth == truth[0]) or np.all(predicted == predicted[0]):
        return math.nan
    return float(sk.matthews_corrcoef(truth, predicted, sample_weight=weight))


@_metric
def cohen_kappa(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Agreement beyond chance; NaN if truth and prediction are the same constant."""
    truth, predicted = _codes(y_true), _codes(y_pred)
    if np.all(truth == truth[0]) and np.all(predicted == truth[0]):
        return math.nan
    return float(sk.cohen_kappa_score(truth, predicted, sample_weight=weight))


def _averaged(
    score: Callable[..., float], average: str, y_true: Values, y_pred: Values, weight: Weight
) -> float:
    """A score of each class that occurs in truth or prediction, averaged; 0 where a class leaves it undefined."""
    return float(
        score(
            _codes(y_true), _codes(y_pred), average=average, sample_weight=weight, zero_division=0.0
        ),
    )


@_metric
def macro_precision(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean of the classes' precisions."""
    return _averaged(sk.precision_score, "macro", y_true, y_pred, weight)


@_metric
def macro_recall(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean of the classes' recalls."""
    return _averaged(sk.recall_score, "macro", y_true, y_pred, weight)


@_metric
def macro_f1(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean of the classes' F1."""
    return _averaged(sk.f1_score, "macro", y_true, y_pred, weight)


@_metric
def weighted_precision(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean of the classes' precisions, by their rows."""
    return _averaged(sk.precision_score, "weighted", y_true, y_pred, weight)


@_metric
def weighted_recall(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean of the classes' recalls, by their rows."""
    return _averaged(sk.recall_score, "weighted", y_true, y_pred, weight)


@_metric
def weighted_f1(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean of the classes' F1, by their rows."""
    return _averaged(sk.f1_score, "weighted", y_true, y_pred, weight)


# Two classes, by a threshold on the probability.


def _positive(y_prob: Values, threshold: float) -> Codes:
    return (_floats(y_prob) >= threshold).astype(np.int64)


@_metric
def precision(
    y_true: Values, y_prob: Values, *, weight: Weight = None, threshold: float = 0.5
) -> float:
    """Share of the predicted positives that are positive; 0 if none is predicted."""
    predicted = _positive(y_prob, threshold)
    return float(
        sk.precision_score(_codes(y_true), predicted, sample_weight=weight, zero_division=0.0)
    )


@_metric
def recall(
    y_true: Values, y_prob: Values, *, weight: Weight = None, threshold: float = 0.5
) -> float:
    """Share of the positives that are found; NaN if there is none."""
    predicted = _positive(y_prob, threshold)
    return float(
        sk.recall_score(_codes(y_true), predicted, sample_weight=weight, zero_division=math.nan)
    )


@_metric
def specificity(
    y_true: Values, y_prob: Values, *, weight: Weight = None, threshold: float = 0.5
) -> float:
    """Share of the negatives that are left alone; NaN if there is none."""
    predicted = _positive(y_prob, threshold)
    return float(
        sk.recall_score(
            _codes(y_true), predicted, pos_label=0, sample_weight=weight, zero_division=math.nan
        )
    )


@_metric
def f1(y_true: Values, y_prob: Values, *, weight: Weight = None, threshold: float = 0.5) -> float:
    """Harmonic mean of precision and recall."""
    predicted = _positive(y_prob, threshold)
    return float(sk.f1_score(_codes(y_true), predicted, sample_weight=weight, zero_division=0.0))


@_metric
def f_beta(
    y_true: Values,
    y_prob: Values,
    *,
    weight: Weight = None,
    beta: float = 2.0,
    threshold: float = 0.5,
) -> float:
    """Weighted harmonic mean of precision and recall; above 1, `beta` favours recall."""
    predicted = _positive(y_prob, threshold)
    return float(
        sk.fbeta_score(
            _codes(y_true), predicted, beta=beta, sample_weight=weight, zero_division=0.0
        )
    )


@_metric
def jaccard(
    y_true: Values, y_prob: Values, *, weight: Weight = None, threshold: float = 0.5
) -> float:
    """Positives both true and predicted, among those that are either."""
    predicted = _positive(y_prob, threshold)
    return float(
        sk.jaccard_score(_codes(y_true), predicted, sample_weight=weight, zero_division=0.0)
    )


@_metric
def false_positive_rate(
    y_true: Values, y_prob: Values, *, weight: Weight = None, threshold: float = 0.5
) -> float:
    """Share of the negatives that are taken for positives; NaN if there is none."""
    return 1.0 - specificity(y_true, y_prob, weight=weight, threshold=threshold)


@_metric
def false_negative_rate(
    y_true: Values, y_prob: Values, *, weight: Weight = None, threshold: float = 0.5
) -> float:
    """Share of the positives that are missed; NaN if there is none."""
    return 1.0 - recall(y_true, y_prob, weight=weight, threshold=threshold)


@_metric
def selection_rate(
    y_true: Values, y_prob: Values, *, weight: Weight = None, threshold: float = 0.5
) -> float:
    """Share of the rows that are predicted positive; the truth has no part in it."""
    return _mean(_positive(y_prob, threshold).astype(np.float64), weight)


# Probabilities.


def _one_vs_rest(
    score: Callable[..., float], y_true: Values, y_prob: Values, weight: Weight
) -> float:
    """A score for two classes, or the mean of each class against the rest, over the classes that have both sides."""
    truth, probability = _codes(y_true), _floats(y_prob)
    if probability.ndim == 1:
        sides = [(truth == 1, probability)]
    else:
        sides = [(truth == code, probability[:, code]) for code in range(probability.shape[1])]
    scores = [
        score(side, scores, sample_weight=weight)
        for side, scores in sides
        if side.any() and not side.all()
    ]
    return float(np.mean(scores)) if scores else math.nan


def _all_classes(y_prob: Values) -> Floats:
    """Probabilities of every class, each row summing to one."""
    probability = _floats(y_prob)
    if probability.ndim == 1:
        return np.column_stack([1.0 - probability, probability])
    normalised: Floats = probability / probability.sum(axis=1, keepdims=True)
    return normalised


@_metric
def roc_auc(y_true: Values, y_prob: Values, *, weight: Weight = None) -> float:
    """Area under the ROC curve; with several classes the mean of each against the rest."""
    return _one_vs_rest(sk.roc_auc_score, y_true, y_prob, weight)


@_metric
def average_precision(y_true: Values, y_prob: Values, *, weight: Weight = None) -> float:
    """Area under the precision-recall curve; with several classes the mean of each against the rest."""
    return _one_vs_rest(sk.average_precision_score, y_true, y_prob, weight)


@_metric
def log_loss(y_true: Values, y_prob: Values, *, weight: Weight = None) -> float:
    """Mean negative log likelihood of the true class."""
    probability = _all_classes(y_prob)
    return float(
        sk.log_loss(
            _codes(y_true), probability, labels=range(probability.shape[1]), sample_weight=weight
        ),
    )


@_metric
def brier(y_true: Values, y_prob: Values, *, weight: Weight = None) -> float:
    """Mean squared error of the probabilities; with several classes summed over them."""
    truth, probability = _codes(y_true), _floats(y_prob)
    if probability.ndim == 1:
        return _mean((probability - truth) ** 2, weight)
    wanted = np.eye(probability.shape[1])[truth]
    return _mean(np.sum((probability - wanted) ** 2, axis=1), weight)


@_metric
def gini(y_true: Values, y_prob: Values, *, weight: Weight = None) -> float:
    """Twice the area under the ROC curve, less one."""
    return 2.0 * roc_auc(y_true, y_prob, weight=weight) - 1.0


@_metric
def ks_statistic(y_true: Values, y_prob: Values, *, weight: Weight = None) -> float:
    """Largest distance between the score distributions of positives and negatives."""
    truth = _codes(y_true)
    if np.all(truth == truth[0]):
        return math.nan
    false_positives, true_positives, _ = sk.roc_curve(truth, _floats(y_prob), sample_weight=weight)
    return float(np.max(np.abs(true_positives - false_positives)))


def _calibration_gaps(
    y_true: Values, y_prob: Values, weight: Weight, bins: int
) -> tuple[Floats, Floats]:
    """For each bin with rows in it: its weight, and how far mean probability and observed share lie apart."""
    truth, probability = _codes(y_true), _floats(y_prob)
    if probability.ndim == 1:
        confidence, right = probability, truth == 1
    else:
        confidence, right = probability.max(axis=1), probability.argmax(axis=1) == truth
    place = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    weights = _weights(weight, len(truth))
    total = np.bincount(place, weights=weights, minlength=bins)
    expected = np.bincount(place, weights=weights * confidence, minlength=bins)
    observed = np.bincount(place, weights=weights * right, minlength=bins)
    filled = total > 0
    return _floats(total[filled]), np.abs(expected - observed)[filled] / total[filled]


@_metric
def expected_calibration_error(
    y_true: Values, y_prob: Values, *, weight: Weight = None, bins: int = 10
) -> float:
    """Mean distance between predicted probability and observed share, over bins of equal width."""
    total, gaps = _calibration_gaps(y_true, y_prob, weight, bins)
    return _ratio(float(np.sum(total * gaps)), float(np.sum(total)))


@_metric
def maximum_calibration_error(
    y_true: Values, y_prob: Values, *, weight: Weight = None, bins: int = 10
) -> float:
    """Largest distance between predicted probability and observed share, over bins of equal width."""
    _, gaps = _calibration_gaps(y_true, y_prob, weight, bins)
    return float(np.max(gaps)) if len(gaps) else math.nan


@_metric
def lift(y_true: Values, y_prob: Values, *, weight: Weight = None, top: float = 0.1) -> float:
    """Share of positives among the highest scores against that among all rows; a tie at the cut counts in part."""
    positive, score = _floats(y_true), _floats(y_prob)
    weights = _weights(weight, len(score))
    order = np.argsort(-score, kind="stable")
    wanted = top * float(np.sum(weights))
    reached = int(np.searchsorted(np.cumsum(weights[order]), wanted * (1.0 - 1e-12)))
    cut = score[order][min(reached, len(order) - 1)]
    above, tied = weights * (score > cut), weights * (score == cut)
    part = _ratio(wanted - float(np.sum(above)), float(np.sum(tied)))
    found = float(np.sum(positive * above)) + part * float(np.sum(positive * tied))
    return _ratio(_ratio(found, wanted), _mean(positive, weight))


@_metric
def top_k(y_true: Values, y_prob: Values, *, weight: Weight = None, k: int = 5) -> float:
    """Share of the rows whose class is among the k most probable; of equal ones the first classes count."""
    truth, probability = _codes(y_true), _floats(y_prob)
    best = np.argsort(-probability, axis=1, kind="stable")[:, :k]
    return _mean(np.any(best == truth[:, None], axis=1).astype(np.float64), weight)


# Numbers.


@_metric
def mae(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean distance between prediction and truth."""
    return float(sk.mean_absolute_error(_floats(y_true), _floats(y_pred), sample_weight=weight))


@_metric
def mse(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean squared distance between prediction and truth."""
    return float(sk.mean_squared_error(_floats(y_true), _floats(y_pred), sample_weight=weight))


@_metric
def rmse(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Root of the mean squared distance."""
    return float(sk.root_mean_squared_error(_floats(y_true), _floats(y_pred), sample_weight=weight))


@_metric
def rmsle(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Root of the mean squared distance of the logarithms of one plus each; NaN from -1 downward."""
    truth, predicted = _floats(y_true), _floats(y_pred)
    if min(truth.min(), predicted.min()) <= -1.0:
        return math.nan
    return rmse(np.log1p(truth), np.log1p(predicted), weight=weight)


@_metric
def r2(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Share of the variance that is explained; NaN if the truth is constant."""
    truth = _floats(y_true)
    if np.all(truth == truth[0]):
        return math.nan
    return float(sk.r2_score(truth, _floats(y_pred), sample_weight=weight))


@_metric
def explained_variance(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Share of the variance that is explained, a constant error left aside; NaN if the truth is constant."""
    truth = _floats(y_true)
    if np.all(truth == truth[0]):
        return math.nan
    return float(sk.explained_variance_score(truth, _floats(y_pred), sample_weight=weight))


@_metric
def d2_absolute_error(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Share of the mean distance from the median that is explained; NaN if the truth is constant."""
    truth = _floats(y_true)
    if np.all(truth == truth[0]):
        return math.nan
    return float(sk.d2_absolute_error_score(truth, _floats(y_pred), sample_weight=weight))


@_metric
def median_absolute_error(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Median distance between prediction and truth."""
    return float(sk.median_absolute_error(_floats(y_true), _floats(y_pred), sample_weight=weight))


@_metric
def max_error(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Largest distance between prediction and truth; rows of weight 0 do not count."""
    errors = np.abs(_floats(y_true) - _floats(y_pred))
    counted = errors[_weights(weight, len(errors)) > 0]
    return float(np.max(counted)) if len(counted) else math.nan


@_metric
def mape(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean distance as a share of the truth; rows whose truth is 0 are left out, NaN if none remains."""
    truth, predicted = _floats(y_true), _floats(y_pred)
    kept = truth != 0.0
    return _mean(
        np.abs((truth - predicted)[kept] / truth[kept]), _weights(weight, len(truth))[kept]
    )


@_metric
def smape(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean distance as a share of the mean size of truth and prediction; 0 where both are 0."""
    truth, predicted = _floats(y_true), _floats(y_pred)
    size = np.abs(truth) + np.abs(predicted)
    return _mean(2.0 * np.abs(truth - predicted) / np.where(size == 0.0, 1.0, size), weight)


@_metric
def wape(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Sum of the distances as a share of the sum of the truth's sizes; NaN if that is 0."""
    truth, predicted = _floats(y_true), _floats(y_pred)
    return _ratio(_mean(np.abs(truth - predicted), weight), _mean(np.abs(truth), weight))


@_metric
def mean_error(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean of prediction minus truth: the bias."""
    return _mean(_floats(y_pred) - _floats(y_true), weight)


@_metric
def correlation(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Pearson's correlation between prediction and truth; NaN if either is constant."""
    truth, predicted = _floats(y_true), _floats(y_pred)
    if np.all(truth == truth[0]) or np.all(predicted == predicted[0]):
        return math.nan
    truth, predicted = truth - _mean(truth, weight), predicted - _mean(predicted, weight)
    spread = math.sqrt(_mean(truth**2, weight)) * math.sqrt(_mean(predicted**2, weight))
    return float(np.clip(_ratio(_mean(truth * predicted, weight), spread), -1.0, 1.0))


@_metric
def pinball_loss(
    y_true: Values, y_pred: Values, *, weight: Weight = None, quantile: float = 0.5
) -> float:
    """Loss of a predicted quantile."""
    return float(
        sk.mean_pinball_loss(_floats(y_true), _floats(y_pred), alpha=quantile, sample_weight=weight)
    )


@_metric
def poisson_deviance(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean Poisson deviance; NaN where a prediction is not positive or a truth is negative."""
    truth, predicted = _floats(y_true), _floats(y_pred)
    if truth.min() < 0.0 or predicted.min() <= 0.0:
        return math.nan
    return float(sk.mean_poisson_deviance(truth, predicted, sample_weight=weight))


@_metric
def gamma_deviance(y_true: Values, y_pred: Values, *, weight: Weight = None) -> float:
    """Mean gamma deviance; NaN where a prediction or truth is not positive."""
    truth, predicted = _floats(y_true), _floats(y_pred)
    if truth.min() <= 0.0 or predicted.min() <= 0.0:
        return math.nan
    return float(sk.mean_gamma_deviance(truth, predicted, sample_weight=weight))

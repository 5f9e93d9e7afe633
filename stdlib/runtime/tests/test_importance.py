"""Shuffled inputs: what matters is told from what does not, the same each time."""

from __future__ import annotations

from pathlib import Path

import models
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mlp_runtime import evaluate, importance, metrics, model, report
from mlp_runtime.judged import Importance, Judged, Weighed
from mlp_runtime.scores import Metric
from mlp_runtime.signature import Label
from mlp_runtime.step import Failure

AREA = Metric("roc_auc", metrics.roc_auc, needs="probability", better="higher")
ACCURACY = Metric("accuracy", metrics.accuracy, needs="label", better="higher")
DISTANCE = Metric("mae", metrics.mae, needs="value", better="lower")


def _judged(folder: Path, label: Label, metric: Metric, rows: pl.DataFrame) -> Judged:
    kind = (
        HistGradientBoostingRegressor
        if label.task == "regression"
        else HistGradientBoostingClassifier
    )
    package = models.trained(folder, kind(max_iter=20, random_state=1), label, rows)
    return evaluate.judge(model.load(package), rows, [metric], report="r", part="test")


@pytest.mark.parametrize(
    ("label", "metric"),
    [
        (Label("late", "binary"), AREA),
        (Label("species", "multiclass", levels=["Adelie", "Gentoo", "Chinstrap"]), ACCURACY),
        (Label("rides", "regression"), DISTANCE),
    ],
)
def test_what_matters(tmp_path: Path, label: Label, metric: Metric) -> None:
    rows = models.data(200)
    judged = _judged(tmp_path, label, metric, rows)
    found = importance.by_permutation(judged, rows, repeats=3, seed=4)
    by_name = {item.name: item.mean for item in found.inputs}
    assert list(by_name) == ["z", "kind", "flag", "vector"]
    assert by_name["z"] > 0.1 and by_name["z"] == max(by_name.values())
    assert by_name["flag"] == pytest.approx(0.0, abs=0.1)
    assert importance.by_permutation(judged, rows, repeats=3, seed=4) == found
    assert importance.by_permutation(judged, rows, repeats=3, seed=5) != found


def test_an_undefined_metric_weighs_nothing(tmp_path: Path) -> None:
    rows = models.data(200)
    judged = _judged(tmp_path, Label("late", "binary"), AREA, rows)
    late = rows.filter(pl.col("late"))
    alone = evaluate.judge(judged.model, late, [AREA], report="r", part="test")
    with pytest.raises(Failure, match="roc_auc is undefined on these rows"):
        importance.by_permutation(alone, late, repeats=1, seed=1)


def test_the_page_shows_importance_and_escapes_names(tmp_path: Path) -> None:
    judged = _judged(tmp_path, Label("late", "binary"), AREA, models.data(200))
    inputs = [Weighed(name="<b>", mean=0.3, spread=0.1), Weighed(name="y", mean=-0.1)]
    told = Importance(method="permutation", of="roc_auc", count=5, inputs=inputs)
    page = report.page(judged, explained=[told], curves=["roc"])
    assert "what roc_auc loses when an input is shuffled, 5 times" in page
    assert "&lt;b&gt;" in page and "<b></text>" not in page
    assert "Calibration" not in page
    whole = report.page(judged)
    for curve in ("ROC", "Precision and recall", "Calibration", "Confusion matrix"):
        assert f"<figcaption>{curve}" in whole

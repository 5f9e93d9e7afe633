"""Shapley values by the real library: what matters is told from what does not, the same each time."""

from __future__ import annotations

from pathlib import Path

import models
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mlp_runtime import evaluate, metrics, model
from mlp_runtime.scores import Metric
from mlp_runtime.signature import Label

pytest.importorskip("shap")

AREA = Metric("roc_auc", metrics.roc_auc, needs="probability", better="higher")
ACCURACY = Metric("accuracy", metrics.accuracy, needs="label", better="higher")
DISTANCE = Metric("mae", metrics.mae, needs="value", better="lower")


@pytest.mark.parametrize(
    ("label", "metric"),
    [
        (Label("late", "binary"), AREA),
        (Label("species", "multiclass", levels=["Adelie", "Gentoo", "Chinstrap"]), ACCURACY),
        (Label("rides", "regression"), DISTANCE),
    ],
)
def test_what_moves_predictions(tmp_path: Path, label: Label, metric: Metric) -> None:
    from mlp_runtime import shapley

    rows = models.data(200)
    kind = (
        HistGradientBoostingRegressor
        if label.task == "regression"
        else HistGradientBoostingClassifier
    )
    package = models.trained(tmp_path, kind(max_iter=10, random_state=1), label, rows)
    judged = evaluate.judge(model.load(package), rows, [metric], report="r", part="test")
    found = shapley.values(judged, rows, sample=30, seed=4)
    by_name = {item.name: item.mean for item in found.inputs}
    assert list(by_name) == ["z", "kind", "flag", "vector"]
    assert by_name["z"] > 0.05 and by_name["z"] == max(by_name.values())
    assert found.count == 30
    assert shapley.values(judged, rows, sample=30, seed=4) == found
    assert shapley.values(judged, rows, sample=30, seed=5) != found


def test_values_of_a_line_are_its_slopes(tmp_path: Path) -> None:
    """Of a linear model they are known: by how much each input differs from the mean of the others."""
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    from mlp_runtime import design, shapley

    rows = models.data(40)
    line = make_pipeline(SimpleImputer(), LinearRegression())
    package = models.trained(tmp_path, line, Label("rides", "regression"), rows)
    loaded = model.load(package)
    judged = evaluate.judge(loaded, rows, [DISTANCE], report="r", part="test")
    found = shapley.values(judged, rows, sample=100, seed=1)
    blocks = design.blocks(
        loaded.features.transform(rows, loaded.transform), loaded.signature.inputs
    )
    slope = loaded.estimator[-1].coef_[0]
    z = blocks[0][:, 0]
    assert found.inputs[0].mean == pytest.approx(float(np.mean(np.abs(slope * (z - z.mean())))))

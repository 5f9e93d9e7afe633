"""Judging, reporting, deciding, registering."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from models import FEATURES, data, trained
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

from mlp_runtime import (
    evaluate,
    files,
    gate,
    metrics,
    model,
    quantity,
    registry,
    report,
    split,
    table,
)
from mlp_runtime.gate import Requirement
from mlp_runtime.judged import Judged
from mlp_runtime.quantity import Champion, Gap, MetricBy, Number, Quantity
from mlp_runtime.scores import Metric
from mlp_runtime.signature import Label
from mlp_runtime.step import Failure, Result

METRICS = [
    Metric("accuracy", metrics.accuracy, needs="label", better="higher"),
    Metric("log_loss", metrics.log_loss, needs="probability", better="lower"),
]
SPECIES = Label("species", "multiclass")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A model trained on the first 60 rows."""
    folder = tmp_path / "trained"
    folder.mkdir()
    return trained(folder, DecisionTreeClassifier(max_depth=2, random_state=1), SPECIES, data(60))


def judged(package: Path, rows: pl.DataFrame, chosen: list[Metric] = METRICS) -> Judged:
    """The model judged on rows, by kind."""
    return evaluate.judge(
        model.load(package), rows, chosen, report="report", part="test", slices=["kind", "flag"]
    )


def test_metrics_are_also_given_by_slice(package: Path, tmp_path: Path) -> None:
    rows = data(120)[60:]
    found = judged(package, rows)
    evaluate.write(found, metrics=tmp_path / "m.json", predictions=tmp_path / "p.parquet")
    numbers = files.read_json(tmp_path / "m.json", format="mlp-metrics/v1")
    loaded = model.load(package)
    right = loaded.predict(rows) == rows["species"]
    assert numbers["metrics"]["accuracy"] == pytest.approx(right.mean())
    assert [item["value"] for item in numbers["slices"]["kind"]] == ["a", "b", None]
    assert [item["value"] for item in numbers["slices"]["flag"]] == [False, True]
    for item in numbers["slices"]["kind"]:
        mask = rows["kind"].is_null() if item["value"] is None else rows["kind"] == item["value"]
        assert item["rows"] == 20
        assert item["metrics"]["accuracy"] == pytest.approx(
            right.filter(mask.fill_null(False)).mean()
        )
    predictions = pl.read_parquet(tmp_path / "p.parquet")
    assert predictions.columns == [
        "id",
        "kind",
        "flag",
        "species",
        "__prediction__",
        "__probability__Adelie",
        "__probability__Chinstrap",
        "__probability__Gentoo",
    ]
    assert (predictions["__prediction__"] == predictions["species"]).to_list() == right.to_list()


def test_what_a_slice_leaves_undefined_is_null(package: Path) -> None:
    def undefined_for_some(y_true: Any, y_pred: Any) -> float:
        return float("nan") if len(y_true) < 50 else 1.0

    rows = data(120)[60:]
    found = judged(package, rows, [Metric("m", undefined_for_some, needs="label", better="higher")])
    assert found.values == {"m": 1.0}
    assert {item.metrics["m"] for item in found.slices["kind"]} == {None}


def test_a_metric_of_probabilities_needs_them(tmp_path: Path) -> None:
    package = trained(tmp_path, LabelsOnly(), SPECIES, data(60))
    with pytest.raises(Failure, match="log_loss needs probabilities; this model gives none"):
        judged(package, data(60))


class LabelsOnly:
    """A classifier that always says the first class and gives no probabilities."""

    def fit(self, x: Any, y: Any) -> None:
        """Nothing to learn."""

    def predict(self, x: Any) -> Any:
        """The first class."""
        return np.zeros(len(x), dtype=np.int64)


def test_the_page_is_whole_and_escapes_what_it_shows(package: Path, tmp_path: Path) -> None:
    rows = data(120)[60:].with_columns(kind=pl.lit("<script>alert(1)</script>"))
    found = judged(package, rows)
    report.write(found, tmp_path / "one.html")
    report.write(found, tmp_path / "two.html")
    page = (tmp_path / "one.html").read_text()
    assert page == (tmp_path / "two.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    for told in ("accuracy", "Confusion matrix", "data.x", "By kind", model.load(package).digest):
        assert told in page


def test_the_page_of_a_regression(tmp_path: Path) -> None:
    rows = data(60).with_columns(kind=pl.lit("a"))
    package = trained(tmp_path, LinearRegression(), Label("rides", "regression"), rows)
    rmse = Metric("rmse", metrics.rmse, needs="value", better="lower")
    found = judged(package, rows, [rmse])
    assert "Predicted and true" in report.page(found)
    assert "Residuals" in report.page(found)
    assert "__probability" not in "".join(found.predictions.columns)


def by_folds(folder: Path, rows: pl.DataFrame, parts: list[pl.DataFrame]) -> Judged:
    """The judgement of a model by predictions that it made for each of some folds."""
    package = trained(folder, DecisionTreeClassifier(max_depth=2, random_state=1), SPECIES, rows)
    loaded = model.load(package)
    paths = []
    for index, held in enumerate(parts):
        paths.append(folder / f"{index}.parquet")
        table.write(evaluate.out_of_fold(loaded, held), paths[-1])
    return evaluate.judge_folds(
        loaded, rows, paths, METRICS, report="r", part="validation", slices=["kind"]
    )


def test_folds_give_the_mean_and_the_spread_of_each_metric(tmp_path: Path) -> None:
    rows = data(120)
    parts = [rows[:50], rows[50:90], rows[90:]]
    found = by_folds(tmp_path, rows, parts)
    loaded = model.load(tmp_path / "model")
    alone = [
        evaluate.judge(loaded, part, METRICS, report="r", part="validation", slices=["kind"])
        for part in parts
    ]
    for name in ("accuracy", "log_loss"):
        values = [one.numbers[name] for one in alone]
        assert found.numbers[name] == pytest.approx(np.mean(values), abs=1e-12)
        assert found.spread[name] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    assert [fold.values for fold in found.folds] == [one.values for one in alone]
    kinds = [[item.metrics["accuracy"] for item in one.slices["kind"]] for one in alone]
    assert [item.value for item in found.slices["kind"]] == ["a", "b", None]
    assert [item.metrics["accuracy"] for item in found.slices["kind"]] == pytest.approx(
        np.mean(kinds, axis=0)
    )
    assert [item.rows for item in found.slices["kind"]] == [40, 40, 40]
    evaluate.write(found, metrics=tmp_path / "m.json", predictions=tmp_path / "p.parquet")
    record = files.read_json(tmp_path / "m.json", format="mlp-metrics/v1")
    assert [fold["rows"] for fold in record["folds"]] == [50, 40, 30]
    assert record["spread"] == found.spread
    assert pl.read_parquet(tmp_path / "p.parquet")["__fold__"].value_counts(sort=True).rows() == [
        (1, 50),
        (2, 40),
        (3, 30),
    ]
    assert "± " in found.summary()
    assert "over 3 folds" in found.summary()


def test_the_page_shows_each_fold(tmp_path: Path) -> None:
    rows = data(120)
    page = report.page(by_folds(tmp_path, rows, [rows[:60], rows[60:]]))
    for told in ("judged by 2 folds: 120 predictions", "standard deviation", "By fold"):
        assert told in page


NUMBERS: dict[str, Any] = {
    "format": "mlp-metrics/v1",
    "report": "report",
    "rows": 355,
    "model": "m1",
    "metrics": {"accuracy": 0.9864, "auc": None},
    "slices": {
        "island": [
            {"value": "Biscoe", "rows": 200, "metrics": {"accuracy": 0.99, "auc": None}},
            {"value": None, "rows": 150, "metrics": {"accuracy": 0.91, "auc": None}},
            {"value": "Tiny", "rows": 5, "metrics": {"accuracy": 0.1, "auc": None}},
        ]
    },
}
ACCURACY = quantity.Metric("accuracy")


def decide(
    tmp_path: Path, *requirements: Requirement, champion: dict[str, Any] | None = None, **more: Any
) -> tuple[Result, list[str]]:
    """The result, and all lines of the verdict."""
    files.write_json(tmp_path / "m.json", NUMBERS)
    result = gate.decide(
        "release",
        requirements,
        metrics=tmp_path / "m.json",
        verdict=tmp_path / "v.json",
        min_rows=100,
        champion=None if champion is None else evaluate.Champion(champion),
        **more,
    )
    verdict = json.loads((tmp_path / "v.json").read_text())
    assert verdict["passed"] is not result.refused
    return result, [line for item in verdict["requirements"] for line in item["lines"]]


def require(left: Quantity, compare: str, right: Quantity) -> Requirement:
    """A requirement called `r`."""
    return Requirement("r", left, compare, right)


def test_each_requirement_is_told_with_its_evidence(tmp_path: Path) -> None:
    result, lines = decide(
        tmp_path,
        require(ACCURACY, ">=", Number(0.95)),
        require(MetricBy("accuracy", "island"), ">=", Number(0.9)),
        require(Gap("accuracy", "island"), "<=", Number(0.1)),
    )
    assert not result.refused
    assert lines == [
        "accuracy 0.9864 >= 0.95  passed",
        "accuracy 0.99 (island Biscoe) >= 0.9  passed",
        "accuracy 0.91 (island null) >= 0.9  passed",
        "gap of accuracy by island 0.08 (null to Biscoe) <= 0.1  passed",
    ]
    assert result.summary == "3 of 3 requirements hold"


def test_one_slice_is_enough_to_refuse(tmp_path: Path) -> None:
    result, lines = decide(
        tmp_path,
        require(MetricBy("accuracy", "island"), ">=", Number(0.95)),
        require(ACCURACY, ">", Number(0.5)),
    )
    assert result.refused
    assert lines[1] == "accuracy 0.91 (island null) >= 0.95  refused"
    assert result.summary == (
        "1 of 2 requirements hold; accuracy 0.91 (island null) >= 0.95  refused"
    )


def test_what_is_undefined_is_refused_with_the_reason(tmp_path: Path) -> None:
    result, lines = decide(
        tmp_path,
        require(quantity.Metric("auc"), ">=", Number(0.5)),
        require(MetricBy("auc", "island"), ">=", Number(0.5)),
        require(ACCURACY, ">=", ACCURACY / (ACCURACY - ACCURACY)),
    )
    assert result.refused
    assert lines == [
        "r  refused: auc is undefined on these rows",
        "r  refused: no slice by island has 100 rows and a auc",
        "r  refused: accuracy 0.9864 - accuracy 0.9864 is 0 and divides",
    ]


def test_a_metric_that_the_report_does_not_hold_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="the report report holds no f1"):
        decide(tmp_path, require(quantity.Metric("f1"), ">=", Number(0.5)))


def test_the_champion(tmp_path: Path) -> None:
    at_least = require(ACCURACY, ">=", Champion("accuracy") - 0.005)
    assert decide(tmp_path, at_least)[1] == ["r  passed: no champion yet"]
    held = {"model": "m0", "metrics": {"accuracy": 0.99}}
    result, lines = decide(tmp_path, at_least, champion=held)
    assert not result.refused
    assert lines == ["accuracy 0.9864 >= champion's accuracy 0.99 - 0.005  passed"]
    refused = {"model": "m0", "refused": "the champion was trained on 3 of these 9 rows"}
    result, lines = decide(tmp_path, at_least, champion=refused)
    assert result.refused
    assert lines == ["r  refused: the champion was trained on 3 of these 9 rows"]


def champion(package: Path | None, rows: pl.DataFrame, tmp_path: Path, **more: Any) -> Any:
    """The champion judged on rows, all of which are the test part."""
    rows.write_parquet(tmp_path / "data.parquet")
    parts = rows.select("id").with_columns(pl.lit("test").alias(split.PART))
    parts.write_parquet(tmp_path / "parts.parquet")
    return evaluate.champion(
        package,
        datasets=more.get("datasets", {"data": tmp_path / "data.parquet"}),
        parts=tmp_path / "parts.parquet",
        part="test",
        metrics=METRICS,
        report="report",
    )


def test_the_champion_is_judged_on_the_same_rows(package: Path, tmp_path: Path) -> None:
    later = data(120)[60:]
    assert champion(None, later, tmp_path) is None
    found = champion(package, later, tmp_path)
    assert found.record["metrics"] == evaluate.record(judged(package, later))["metrics"]


def test_a_champion_that_cannot_be_judged_fairly_says_why(package: Path, tmp_path: Path) -> None:
    later = data(120)[60:]
    cases: list[tuple[pl.DataFrame, dict[str, Any], str]] = [
        (data(61), {}, "was trained on 60 of these 61 rows"),
        (later, {"datasets": {}}, "reads data, which this run does not"),
    ]
    for rows, more, told in cases:
        assert told in champion(package, rows, tmp_path, **more).record["refused"]
    drops = trained_with(
        FEATURES.replace("return data\n", 'return data.filter(pl.col("id") > 70)\n'), tmp_path
    )
    assert "leaves out 11 of these rows" in champion(drops, later, tmp_path).record["refused"]
    wants = trained_with(
        FEATURES.replace("return data\n", 'return data.with_columns(q=pl.col("gone"))\n'), tmp_path
    )
    assert "can't read these rows" in champion(wants, later, tmp_path).record["refused"]
    other_key = trained_with(FEATURES.replace('KEY = ["id"]', 'KEY = ["id", "x"]'), tmp_path)
    assert "tells rows apart by id, x" in champion(other_key, later, tmp_path).record["refused"]


def trained_with(features: str, tmp_path: Path) -> Path:
    """A package whose features module is another, sealed anew."""
    folder = tmp_path / f"other-{abs(hash(features))}"
    folder.mkdir()
    package = trained(folder, DecisionTreeClassifier(random_state=1), SPECIES, data(60))
    (package / "features.py").write_text(features)
    (package / "hashes.json").unlink()
    from mlp_runtime import package as packages

    packages.seal(package)
    return package


def test_only_a_model_that_its_gate_let_through_is_registered(
    package: Path, tmp_path: Path
) -> None:
    digest = files.digest(package)
    verdict = {
        "format": "mlp-verdict/v1",
        "gate": "release",
        "passed": True,
        "model": digest,
        "requirements": [],
    }

    def register(**changed: Any) -> Result:
        files.write_json(tmp_path / "v.json", {**verdict, **changed})
        return registry.register(
            "species",
            alias="champion",
            model=package,
            registration=tmp_path / "r.json",
            verdict=tmp_path / "v.json",
        )

    assert register().summary == f"species {digest[:12]} for the alias champion"
    record = files.read_json(tmp_path / "r.json", format="mlp-registration/v1")
    assert (record["version_digest"], record["gate"]) == (digest, "release")
    with pytest.raises(Failure, match="is about another model"):
        register(model="other")
    with pytest.raises(Failure, match="the gate release refused this model"):
        register(passed=False)

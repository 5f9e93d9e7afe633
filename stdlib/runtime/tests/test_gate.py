"""Requirements beyond plain bounds: how sure, how fast, how large, how fresh."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from models import data, trained
from sklearn.dummy import DummyClassifier
from sklearn.tree import DecisionTreeClassifier

from mlp_runtime import (
    cutoff,
    evaluate,
    files,
    gate,
    latency,
    metrics,
    model,
    resampling,
    split,
    text,
)
from mlp_runtime.gate import Requirement
from mlp_runtime.quantity import (
    Champion,
    Duration,
    Freshness,
    Gap,
    Latency,
    MetricBy,
    ModelSize,
    Number,
    Quantity,
    Size,
)
from mlp_runtime.quantity import Metric as Reported
from mlp_runtime.resampling import Sample, mcnemar
from mlp_runtime.scores import Metric
from mlp_runtime.signature import Label
from mlp_runtime.step import Result

METRICS = [
    Metric("accuracy", metrics.accuracy, needs="label", better="higher"),
    Metric("log_loss", metrics.log_loss, needs="probability", better="lower"),
]
SPECIES = Label("species", "multiclass")
ROWS = 400
ACCURACY, LOSS = Reported("accuracy"), Reported("log_loss")


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many samples as make the point."""
    monkeypatch.setattr(resampling, "DRAWS", 200)


class Judged:
    """A model judged on later rows, its champion on the same, and a gate that compares them."""

    def __init__(self, folder: Path, own: Any, champion: Any | None) -> None:
        """Train both on the first rows and judge them on the others."""
        self.folder = folder
        # What no model can know: without it the deeper trees would be right on every row.
        odd = pl.when(pl.col("id") % 7 == 0).then(pl.lit("Gentoo"))
        rows = data(ROWS).with_columns(odd.otherwise(pl.col("species")).alias("species"))
        self.later = rows[100:]
        self.model = self._train("own", own, rows[:100])
        judged = self._judge(self.model)
        evaluate.write(judged, metrics=folder / "m.json", predictions=folder / "p.parquet")
        self.champion = None
        if champion is not None:
            held = self._judge(self._train("champion", champion, rows[:100]))
            # Rows in another order are still the same rows.
            self.champion = evaluate.Champion(evaluate.record(held), held)

    def _train(self, name: str, estimator: Any, rows: pl.DataFrame) -> Path:
        (self.folder / name).mkdir()
        return trained(self.folder / name, estimator, SPECIES, rows)

    def _judge(self, package: Path) -> evaluate.Judged:
        return evaluate.judge(
            model.load(package), self.later, METRICS, report="r", part="test", slices=["kind"]
        )

    def decide(self, *requirements: Requirement, **more: Any) -> tuple[Result, dict[str, Any]]:
        """The result and the verdict."""
        result = gate.decide(
            "release",
            requirements,
            metrics=self.folder / "m.json",
            verdict=self.folder / "v.json",
            min_rows=50,
            champion=self.champion,
            sample=Sample(
                model=self.model, predictions=self.folder / "p.parquet", metrics=METRICS, seed=7
            ),
            **more,
        )
        return result, json.loads((self.folder / "v.json").read_text())


def sure(left: Quantity, compare: str, right: Quantity, confidence: float = 0.95) -> Requirement:
    """A requirement that must hold on other rows too."""
    return Requirement("r", left, compare, right, confidence=confidence)


def tree(depth: int) -> DecisionTreeClassifier:
    """A tree that is the better the deeper it is."""
    return DecisionTreeClassifier(max_depth=depth, min_samples_leaf=10, random_state=1)


def test_a_better_model_is_better_on_most_samples(tmp_path: Path) -> None:
    judged = Judged(tmp_path, tree(4), DummyClassifier(strategy="prior"))
    result, verdict = judged.decide(
        sure(ACCURACY, ">=", Champion("accuracy")),
        sure(ACCURACY, ">=", Champion("accuracy") + 0.01),
    )
    [first, second] = verdict["requirements"]
    assert not result.refused
    [evidence] = first["evidence"]
    assert evidence["test"] == "paired bootstrap"
    assert 0 < evidence["low"] <= evidence["difference"] <= evidence["high"]
    assert evidence["share"] == 1.0
    assert first["confidence"] == 0.95
    assert "passed: so in 100.0% of 200 samples" in second["lines"][0]
    assert verdict["rows"] == ROWS - 100
    # The same seed draws the same samples.
    before = (tmp_path / "v.json").read_bytes()
    judged.decide(
        sure(ACCURACY, ">=", Champion("accuracy")),
        sure(ACCURACY, ">=", Champion("accuracy") + 0.01),
    )
    assert (tmp_path / "v.json").read_bytes() == before


def test_the_same_model_is_not_better_but_no_worse(tmp_path: Path) -> None:
    judged = Judged(tmp_path, tree(3), tree(3))
    result, verdict = judged.decide(sure(LOSS, "<", Champion("log_loss")))
    assert result.refused
    assert "refused, 0.95 is asked for: so in 0.0% of 200 samples" in result.summary
    assert not judged.decide(sure(LOSS, "<=", Champion("log_loss")))[0].refused
    assert judged.decide(sure(ACCURACY, ">", Champion("accuracy")))[0].refused
    assert verdict["champion"] == verdict["model"]


def test_two_accuracies_are_compared_by_the_rows_that_one_has_right(tmp_path: Path) -> None:
    judged = Judged(tmp_path, tree(4), tree(1))
    _, verdict = judged.decide(sure(ACCURACY, ">", Champion("accuracy")))
    [evidence] = verdict["requirements"][0]["evidence"]
    assert evidence["test"] == "McNemar"
    rows = verdict["rows"]
    alone = evidence["right_alone"] - evidence["champion_right_alone"]
    assert (evidence["left"] - evidence["right"]) * rows == pytest.approx(alone)
    assert evidence["p"] == mcnemar(evidence["right_alone"], evidence["champion_right_alone"])


@pytest.mark.parametrize(
    ("own", "champion", "chance"), [(0, 0, 1.0), (1, 0, 0.5), (5, 0, 1 / 32), (3, 1, 5 / 16)]
)
def test_mcnemar_is_exact(own: int, champion: int, chance: float) -> None:
    assert mcnemar(own, champion) == pytest.approx(chance)


def test_without_a_champion_there_is_nothing_to_be_sure_of(tmp_path: Path) -> None:
    judged = Judged(tmp_path, tree(2), None)
    result, verdict = judged.decide(sure(LOSS, "<", Champion("log_loss")))
    assert not result.refused
    assert verdict["requirements"][0]["lines"] == ["r  passed: no champion yet"]


def test_a_bound_holds_surely_in_each_slice_and_for_the_gap(tmp_path: Path) -> None:
    judged = Judged(tmp_path, tree(4), None)
    _, verdict = judged.decide(
        sure(MetricBy("accuracy", "kind"), ">", Number(0.0)),
        sure(Gap("accuracy", "kind"), "<=", Number(1.0)),
        sure(ACCURACY, ">=", ACCURACY),
    )
    by_slice, by_gap, same = verdict["requirements"]
    assert [item["slice"] for item in by_slice["evidence"]] == ["a", "b", "null"]
    for item in by_slice["evidence"]:
        assert item["low"] <= item["left"] <= item["high"]
    assert by_gap["evidence"][0]["low"] >= -1.0
    assert same["evidence"][0]["high"] == 0.0
    loose = judged.decide(sure(MetricBy("accuracy", "kind"), ">=", Number(0.99999)))[0]
    assert loose.refused


def test_an_interval_covers_what_it_says(tmp_path: Path) -> None:
    judged = Judged(tmp_path, tree(3), None)
    _, verdict = judged.decide(sure(ACCURACY, ">=", Number(0.0), 0.975))
    [evidence] = verdict["requirements"][0]["evidence"]
    share, rows = evidence["left"], ROWS - 100
    expected = 1.96 * np.sqrt(share * (1 - share) / rows)
    assert (evidence["high"] - evidence["low"]) / 2 == pytest.approx(expected, rel=0.2)


def test_latency_is_told_and_never_kept(tmp_path: Path) -> None:
    judged = Judged(tmp_path, tree(2), None)
    judged.later.write_parquet(tmp_path / "rows.parquet")
    parts = judged.later.select("id").with_columns(pl.lit("test").alias(split.PART))
    parts.write_parquet(tmp_path / "parts.parquet")
    taken = latency.measure(
        judged.model, rows=tmp_path / "rows.parquet", parts=tmp_path / "parts.parquet", part="test"
    )
    assert len(taken) == latency.CALLS
    assert taken == sorted(taken)
    assert taken[0] > 0.0
    fast = Requirement("latency(p95) < 1m", Latency(0.95), "<", Duration(60_000))
    result, verdict = judged.decide(fast, latencies=taken)
    [requirement] = verdict["requirements"]
    assert requirement["lines"] == ["latency(p95) < 1m  passed"]
    assert requirement["evidence"] == []
    assert result.metrics["latency_p95"] == pytest.approx(np.quantile(taken, 0.95))
    assert "ms < 60s  passed" in result.summary
    again = judged.decide(fast, latencies=[value * 2 for value in taken])[1]
    assert again == verdict


def test_a_model_has_a_size(tmp_path: Path) -> None:
    judged = Judged(tmp_path, tree(2), None)
    size = files.size(judged.model)
    assert size == sum(path.stat().st_size for path in judged.model.rglob("*") if path.is_file())
    _, verdict = judged.decide(
        Requirement("model_size < 1Ki", ModelSize(), "<", Size(1024)), model_size=size
    )
    [requirement] = verdict["requirements"]
    assert requirement["lines"] == [f"model size {text.size(size)} < 1Ki  refused"]
    assert requirement["evidence"] == [{"left": size, "right": 1024}]


def test_data_is_as_old_as_its_newest_row(tmp_path: Path) -> None:
    moments = [datetime(2025, 1, day, 12, tzinfo=UTC) for day in (3, 9, 5)]
    pl.DataFrame({"at": moments}).cast(pl.Datetime("us", "UTC")).write_parquet(
        tmp_path / "t.parquet"
    )
    pl.DataFrame({"at": [moment.date() for moment in moments]}).write_parquet(
        tmp_path / "d.parquet"
    )
    age = cutoff.age(tmp_path / "t.parquet", "2025-01-11", time="at")
    assert age == timedelta(days=1, hours=12)
    days = cutoff.age(tmp_path / "d.parquet", "2025-01-11", time="at", zone="America/New_York")
    assert days == timedelta(days=2)
    pl.DataFrame({"at": moments}).clear().write_parquet(tmp_path / "none.parquet")
    assert cutoff.age(tmp_path / "none.parquet", "2025-01-11", time="at") is None

    judged = Judged(tmp_path, tree(2), None)
    week = Requirement("freshness(flights) < 1d", Freshness("flights"), "<", Duration(86_400_000))
    _, verdict = judged.decide(week, ages={"flights": age})
    assert verdict["requirements"][0]["lines"] == ["age of flights 36h < 24h  refused"]
    _, verdict = judged.decide(week, ages={"flights": None})
    assert verdict["requirements"][0]["lines"] == [
        "freshness(flights) < 1d  refused: flights has no rows"
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0123, "12.3ms"), (4.2, "4.2s"), (5400, "90m"), (108_000, "30h"), (786_240, "9.1d")],
)
def test_spans_of_time_are_told_in_units_that_fit(seconds: float, told: str) -> None:
    assert text.duration(seconds) == told

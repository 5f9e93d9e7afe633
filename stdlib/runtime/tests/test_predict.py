"""Batch scoring: by the model's own features, after a look at today's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
from models import FEATURES, INPUTS, data, features_module
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mlp_runtime import design, model, predict, table
from mlp_runtime.model import Training
from mlp_runtime.predict import Champion, Scored
from mlp_runtime.signature import Input, Label
from mlp_runtime.step import Failure

SPECIES = Label("species", "multiclass")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 3, 12, tzinfo=UTC)

# As a build makes it: what a label needs is not read to predict.
TEXT = (
    FEATURES.replace(
        "    return data\n", '    return data.filter(pl.col("species").is_not_null())\n'
    )
    + '''

def predict_rows(data: pl.LazyFrame) -> pl.LazyFrame:
    """Without labels."""
    return data.drop("species", "late", "rides", strict=False)
'''
)


def held(folder: Path, label: Label = SPECIES, estimator: Any = None) -> Champion:
    """Version 3 of a model, trained on 60 rows."""
    features = features_module(folder, TEXT)
    state = {"z": {"mean": 10.0, "std": 4.0}}
    rows = data(60)
    learned = design.learn(features.transform(rows, state), inputs=INPUTS, label=label, nulls=True)
    tree = estimator or DecisionTreeClassifier(max_depth=3, random_state=1)
    tree.fit(learned.x, learned.y)
    training = Training(trainer="t", python=f"{type(tree).__module__}:T", hyperparameters={})
    model.save(
        folder / "v3", tree, learned, training, rows=rows, features=features, transform=state
    )
    return predict.champion(folder / "v3", of="birds", alias="champion")


def today(**changed: Any) -> ModuleType:
    """Today's features, which are those of the model unless something changed."""
    facts = {"INPUTS": INPUTS, "LABEL": SPECIES, "KEY": ["id"], "DATASETS": ["data"], **changed}
    return cast(ModuleType, SimpleNamespace(**facts))


def scored(folder: Path, champion: Champion, rows: pl.DataFrame, **how: Any) -> Scored:
    """Rows scored from a file."""
    table.write(rows, folder / "data.parquet")
    how = {"today": today(), "now": NOON, **how}
    return predict.score(champion, {"data": folder / "data.parquet"}, **how)


def test_predictions_are_those_of_the_model_with_version_and_time(tmp_path: Path) -> None:
    champion = held(tmp_path)
    rows = data(90).drop("species", "late", "rides")
    found = scored(tmp_path, champion, rows, timestamp="x")
    assert found.rows.columns == [
        "id",
        "x",
        "prediction",
        "probability_Adelie",
        "probability_Chinstrap",
        "probability_Gentoo",
        "version",
        "scored_at",
    ]
    assert found.rows["id"].to_list() == list(range(90))
    assert found.rows["prediction"].to_list() == champion.model.predict(rows).to_list()
    chances = found.rows.select(pl.col("^probability_.*$")).to_numpy()
    assert chances.tolist() == champion.model.predict_proba(rows).tolist()
    assert set(found.rows["version"]) == {3}
    assert set(found.rows["scored_at"]) == {NOON}
    assert found.summary() == "90 rows scored by version 3 of birds"


def test_new_rows_are_added_to_what_was_there(tmp_path: Path) -> None:
    champion = held(tmp_path)
    first = scored(tmp_path, champion, data(50), which="new")
    table.write(first.rows, tmp_path / "before.parquet")
    again = {"which": "new", "previous": tmp_path / "before.parquet", "now": LATER}
    second = scored(tmp_path, champion, data(80)[10:], **again)
    assert second.rows["id"].to_list() == list(range(80))
    assert second.rows["scored_at"].to_list() == [NOON] * 50 + [LATER] * 30
    assert second.rows[:50].equals(first.rows)
    assert second.summary() == "30 rows scored by version 3 of birds; 50 before"
    table.write(second.rows, tmp_path / "before.parquet")
    third = scored(tmp_path, champion, data(80), **again)
    assert third.rows.equals(second.rows)
    assert third.count == 0


def test_what_only_the_label_needs_is_not_read_to_predict(tmp_path: Path) -> None:
    champion = held(tmp_path)
    features: Any = champion.model.features
    features.DATASETS = ["data", "endings"]
    table.write(data(30), tmp_path / "data.parquet")
    table.write(pl.DataFrame({"id": range(20)}), tmp_path / "endings.parquet")

    def rows(data: pl.LazyFrame, endings: pl.LazyFrame) -> pl.LazyFrame:
        return data.join(endings, on="id", how="semi", maintain_order="left")

    features.rows = rows
    datasets = {name: tmp_path / f"{name}.parquet" for name in features.DATASETS}
    how: Any = {"today": today(), "now": NOON}
    assert predict.score(champion, datasets, **how).rows.height == 30
    still_open = predict.score(champion, datasets, which="unlabelled", **how)
    assert still_open.rows["id"].to_list() == list(range(20, 30))


def test_rows_with_a_label_are_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    rows = data(30).with_columns(species=pl.when(pl.col("id") < 20).then("species"))
    found = scored(tmp_path, held(tmp_path), rows, which="unlabelled")
    assert found.rows["id"].to_list() == list(range(20, 30))


@pytest.mark.parametrize(
    ("label", "estimator", "kind"),
    [
        (SPECIES, DecisionTreeClassifier(random_state=1), pl.String),
        (Label("late", "binary"), DecisionTreeClassifier(random_state=1), pl.Boolean),
        (Label("rides", "regression"), DecisionTreeRegressor(random_state=1), pl.Float64),
    ],
)
def test_no_rows_give_no_predictions_in_the_same_columns(
    tmp_path: Path, label: Label, estimator: Any, kind: Any
) -> None:
    champion = held(tmp_path, label, estimator)
    some, none = (
        scored(tmp_path, champion, rows, today=today(LABEL=label))
        for rows in (data(9), data(9)[:0])
    )
    assert none.rows.is_empty()
    assert none.rows.schema == some.rows.schema
    assert none.rows.schema["prediction"] == kind


def test_a_model_that_does_not_go_with_todays_features_is_refused(tmp_path: Path) -> None:
    inputs = [
        Input("z", "int", nullable=True),
        Input("kind", "category", nullable=True),
        Input("flag", "bool", nullable=True),
    ]
    changed = today(INPUTS=inputs, LABEL=Label("late", "binary"), KEY=["id", "x"])
    with pytest.raises(Failure) as failure:
        scored(tmp_path, held(tmp_path), data(5), today=changed)
    assert str(failure.value).splitlines() == [
        "version 3 of birds does not go with today's features:",
        "z was float and is int",
        "flag was never null and may be now",
        "it reads vector, which is no column any more",
        "it predicts species (multiclass), and the label is late (binary)",
        "it tells rows apart by id",
    ]


def test_what_cannot_be_read_or_added_to_is_told(tmp_path: Path) -> None:
    champion = held(tmp_path)
    with pytest.raises(Failure, match="it reads data, which today's features do not"):
        predict.score(champion, {}, today=today())
    with pytest.raises(Failure, match="version 3 of birds can't read today's datasets"):
        scored(tmp_path, champion, data(9).drop("species"), which="unlabelled")
    table.write(pl.DataFrame({"id": [1], "guess": ["a"]}), tmp_path / "before.parquet")
    with pytest.raises(Failure, match="have other columns: guess String, prediction String"):
        scored(tmp_path, champion, data(9), which="new", previous=tmp_path / "before.parquet")


def test_without_a_version_there_is_nothing_to_score_with() -> None:
    with pytest.raises(Failure, match="no version of birds is its champion yet"):
        predict.champion(None, of="birds", alias="champion")

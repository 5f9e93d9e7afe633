"""Models: packaged, verified, loaded without the code that trained them, the same bytes each time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from models import INPUTS, STATE, data, features_module, trained
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from mlp_runtime import design, files, identity, model
from mlp_runtime.design import Data
from mlp_runtime.signature import Input, Label
from mlp_runtime.step import Failure

SPECIES = Label("species", "multiclass")
LATE = Label("late", "binary")
RIDES = Label("rides", "regression")

QUIET = {"verbosity": -1, "min_child_samples": 2, "n_estimators": 5, "n_jobs": 1}
CASES: dict[str, tuple[Callable[[Data], Any], Label]] = {
    "tree": (lambda _: DecisionTreeClassifier(random_state=1), SPECIES),
    "hgb": (
        lambda learned: HistGradientBoostingClassifier(
            max_iter=3, categorical_features=learned.is_category, random_state=1
        ),
        LATE,
    ),
    "hgb number": (lambda _: HistGradientBoostingRegressor(max_iter=3, random_state=1), RIDES),
    "xgboost": (
        lambda learned: XGBClassifier(
            n_estimators=3,
            enable_categorical=True,
            feature_types=learned.feature_types,
            random_state=1,
            n_jobs=1,
        ),
        SPECIES,
    ),
    "xgboost two": (lambda _: XGBClassifier(n_estimators=3, random_state=1, n_jobs=1), LATE),
    "xgboost number": (lambda _: XGBRegressor(n_estimators=3, random_state=1, n_jobs=1), RIDES),
    "lightgbm": (lambda _: LGBMClassifier(**QUIET), SPECIES),
    "lightgbm two": (lambda _: LGBMClassifier(**QUIET), LATE),
    "lightgbm number": (lambda _: LGBMRegressor(**QUIET), RIDES),
}


@pytest.mark.parametrize("case", CASES)
def test_a_package_predicts_what_the_estimator_did(tmp_path: Path, case: str) -> None:
    make, label = CASES[case]
    rows = data()
    kept: list[Any] = []

    def keep(learned: Data) -> Any:
        kept.append(make(learned))
        return kept[0]

    loaded = model.load(trained(tmp_path, keep, label, rows))
    x = loaded.matrix(rows)
    predicted = loaded.predict(rows)
    assert predicted.name == label.name
    if label.task == "regression":
        assert np.allclose(predicted.to_numpy(), kept[0].predict(x), rtol=1e-6)
        assert loaded.classes == []
        return
    own = kept[0].predict(x)
    assert loaded.codes(rows).tolist() == own.tolist()
    assert np.allclose(loaded.predict_proba(rows), kept[0].predict_proba(x), atol=1e-6)
    if label.task == "binary":
        assert predicted.dtype == pl.Boolean
        assert loaded.classes == ["false", "true"]
    else:
        assert loaded.classes == ["Adelie", "Chinstrap", "Gentoo"]
        assert int((predicted == rows["species"]).sum()) > 72


@pytest.mark.parametrize("case", CASES)
def test_the_same_training_gives_the_same_bytes(tmp_path: Path, case: str) -> None:
    make, label = CASES[case]
    digests = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        digests.append(files.digest(trained(tmp_path / name, make, label, data())))
    assert digests[0] == digests[1]


def test_a_fresh_process_needs_only_package_and_runtime(tmp_path: Path) -> None:
    rows = data()
    package = trained(tmp_path, DecisionTreeClassifier(random_state=1), SPECIES, rows)
    expected = model.load(package).predict(rows).to_list()
    (tmp_path / "test_features.py").unlink()
    rows.write_parquet(tmp_path / "rows.parquet")
    program = (
        "import json, sys, pathlib, polars as pl\nfrom mlp_runtime import model\n"
        "loaded = model.load(pathlib.Path(sys.argv[1]))\n"
        "print(json.dumps(loaded.predict(pl.read_parquet(sys.argv[2])).to_list()))"
    )
    runtime = Path(model.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program, str(package), str(tmp_path / "rows.parquet")],
        env={"PYTHONPATH": str(runtime), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize("file", ["weights.joblib", "features.py", "transform.json", "extra"])
def test_a_changed_package_is_refused_before_it_is_used(tmp_path: Path, file: str) -> None:
    package = trained(tmp_path, DecisionTreeClassifier(random_state=1), SPECIES, data())
    with (package / file).open("ab") as opened:
        opened.write(b" ")
    with pytest.raises(Failure, match=f"was changed since it was made: {file}"):
        model.load(package)


def test_the_signature_tells_inputs_levels_and_training(tmp_path: Path) -> None:
    package = trained(tmp_path, DecisionTreeClassifier(random_state=1), SPECIES, data())
    record = files.read_json(package / "signature.json", format="mlp-model/v1")
    assert record["inputs"][0] == {
        "name": "z",
        "kind": "float",
        "nullable": False,
        "sources": ["data.x"],
        "levels": None,
    }
    assert record["inputs"][1]["levels"] == ["a", "b"]
    assert record["label"]["levels"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert record["training"]["rows"] == 120
    assert set(record["training"]["packages"]) == {"polars", "numpy", "sklearn"}


def test_training_rows_are_told_from_others(tmp_path: Path) -> None:
    package = trained(tmp_path, DecisionTreeClassifier(random_state=1), SPECIES, data(60))
    path = package / "training_rows.bin"
    assert identity.count_known(data(60), ["id"], path) == 60
    assert identity.count_known(data(100), ["id"], path) == 60
    assert identity.count_known(data(100)[60:], ["id"], path) == 0


def learned(rows: pl.DataFrame, *inputs: Input, label: Label = RIDES, nulls: bool = True) -> Data:
    """The design of some inputs."""
    return design.learn(rows, inputs=inputs, label=label, nulls=nulls)


def test_the_design_matrix(tmp_path: Path) -> None:
    rows = features_module(tmp_path).transform(data(4), STATE)
    made = learned(rows, *INPUTS)
    nan = float("nan")
    expected = [
        [-2.5, 0.0, 1.0, 0.0, 1.0],
        [-2.25, 1.0, 0.0, 1.0, 1.0],
        [-2.0, nan, 1.0, 2.0, 1.0],
        [-1.75, 0.0, 0.0, 3.0, 1.0],
    ]
    assert np.array_equal(made.x, np.array(expected), equal_nan=True)
    assert made.feature_types == ["q", "c", "q", "q", "q"]
    assert made.category_indices == [1]
    assert made.x.flags["C_CONTIGUOUS"]


def test_an_unseen_level_is_null_to_the_model() -> None:
    rows = data(6)
    made = learned(rows, Input("kind", "category"))
    later = rows.with_columns(kind=pl.lit("unseen"))
    assert np.isnan(design.matrix(later, made.signature.inputs)).all()


def test_declared_levels_keep_their_order_and_lose_what_never_occurs() -> None:
    label = Label("species", "multiclass", levels=["Gentoo", "Emperor", "Adelie", "Chinstrap"])
    made = learned(data(20), Input("x", "float"), label=label)
    assert made.signature.label.levels == ["Gentoo", "Adelie", "Chinstrap"]
    assert made.y.tolist()[:8] == [1, 1, 1, 1, 1, 1, 1, 0]


def test_vectors_of_null_and_of_no_length() -> None:
    vectors = pl.Series([[1.0, 2.0], None], dtype=pl.Array(pl.Float64, 2))
    rows = pl.DataFrame({"v": vectors, "rides": [1.0, 2.0]})
    made = learned(rows, Input("v", "vector"))
    assert np.array_equal(made.x, [[1.0, 2.0], [np.nan, np.nan]], equal_nan=True)
    empty = pl.DataFrame(
        {"v": pl.Series([[], []], dtype=pl.Array(pl.Float64, 0)), "rides": [1.0, 2.0]}
    )
    assert learned(empty, Input("v", "vector")).x.shape == (2, 0)
    uneven = pl.DataFrame({"v": [[1.0], [1.0, 2.0]], "rides": [1.0, 2.0]})
    with pytest.raises(Failure, match="the vectors of v differ in length"):
        learned(uneven, Input("v", "vector"))


def test_nulls_that_a_trainer_does_not_take_are_told() -> None:
    with pytest.raises(Failure, match="kind is null in 2 training rows"):
        learned(data(6), Input("kind", "category"), nulls=False)


def test_labels_that_cannot_be_learned() -> None:
    rows = data(6)
    one = rows.with_columns(late=pl.lit(True))
    with pytest.raises(Failure, match="late is true in the whole training part"):
        learned(one, Input("x", "float"), label=LATE)
    none = rows.with_columns(rides=pl.lit(None, dtype=pl.Float64))
    with pytest.raises(Failure, match="the label rides is null in 6 rows"):
        learned(none, Input("x", "float"))
    made = learned(data(20), Input("x", "float"), label=SPECIES)
    strange = rows.with_columns(species=pl.lit("Emperor"))
    with pytest.raises(Failure, match="species holds Emperor, which the model never saw"):
        design.truth(strange, made.signature.label)


def test_weights_must_be_there_and_not_negative() -> None:
    rows = pl.DataFrame({"w": [1, 0, 2]})
    found = design.weights(rows, "w")
    assert found is not None
    assert found.tolist() == [1.0, 0.0, 2.0]
    for bad in ([1, None], [1, -1]):
        with pytest.raises(Failure, match="null or negative"):
            design.weights(pl.DataFrame({"w": bad}), "w")

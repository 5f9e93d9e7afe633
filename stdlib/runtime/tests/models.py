"""Small models for tests: data, a features module on disk, trained packages."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

from mlp_runtime import design, model
from mlp_runtime.model import Training
from mlp_runtime.signature import Input, Label

FEATURES = '''
"""Features of tests."""

from __future__ import annotations

import polars as pl

from mlp_runtime import fitted

DATASETS = ["data"]
PREDICT_DATASETS = ["data"]
KEY = ["id"]
WEIGHT = None


def rows(data: pl.LazyFrame) -> pl.LazyFrame:
    """As they are."""
    return data


def transform(rows: pl.DataFrame, state: fitted.Transform) -> pl.DataFrame:
    """One fitted column."""
    return rows.with_columns(z=(pl.col("x") - state["z"]["mean"]) / state["z"]["std"])
'''

STATE = {"z": {"mean": 10.0, "std": 4.0}}

INPUTS = [
    Input("z", "float", sources=["data.x"]),
    Input("kind", "category", nullable=True),
    Input("flag", "bool"),
    Input("vector", "vector"),
]


def data(count: int = 120) -> pl.DataFrame:
    """Rows whose class and number show in `x` and `kind`."""
    index = range(count)
    return pl.DataFrame(
        {
            "id": list(index),
            "x": [float(i % 20) for i in index],
            "kind": [["a", "b", None][i % 3] for i in index],
            "flag": [i % 2 == 0 for i in index],
            "vector": pl.Series(
                [[float(i % 5), 1.0] for i in index], dtype=pl.Array(pl.Float64, 2)
            ),
            "species": [["Adelie", "Gentoo", "Chinstrap"][i % 20 // 7] for i in index],
            "late": [i % 20 > 9 for i in index],
            "rides": [float(i % 20) * 2.0 + i % 3 for i in index],
        }
    )


def features_module(folder: Path, text: str = FEATURES) -> ModuleType:
    """The features module, from a file."""
    path = folder / "test_features.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("features.test_features", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(folder: Path, estimator: Any, label: Label, rows: pl.DataFrame, **fit: Any) -> Path:
    """A package of a model that was trained on `rows`."""
    features = features_module(folder)
    learned = design.learn(features.transform(rows, STATE), inputs=INPUTS, label=label, nulls=True)
    if callable(estimator):
        estimator = estimator(learned)
    estimator.fit(learned.x, learned.y, **fit)
    training = Training(
        trainer="t", python=f"{type(estimator).__module__}:T", hyperparameters={"C": 1.0}, seed=1
    )
    package = folder / "model"
    model.save(package, estimator, learned, training, rows=rows, features=features, transform=STATE)
    sys.modules.pop("features.test_features", None)
    return package

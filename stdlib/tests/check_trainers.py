"""Fits a trainer with its example's hyperparameters on every kind of data that it accepts, twice.

Used by `check_examples.py`. The data are small and seeded; a warning is a failure, since it would stand in the log of
every run.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import sklearn.exceptions

from declarations import Declaration, imported

Matrix: TypeAlias = npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[Any]

SEED = 7
ROWS = 160


def fit_trainer(trainer: Declaration) -> Iterator[str]:
    """Everything that goes wrong, for each task and kind of data."""
    for example in trainer["examples"]:
        for task in trainer["tasks"]:
            for data in ("plain", *(kind for kind in trainer["accepts"] if kind in PREPARE)):
                try:
                    yield from fit_twice(trainer, example, task, data)
                except Exception as error:
                    yield f"{task}, {data}: {type(error).__name__}: {error}"


def fit_twice(trainer: Declaration, example: dict[str, Any], task: str, data: str) -> Iterator[str]:
    """Two fits with one seed give the same predictions; of classes, the codes that it was given."""
    x, y = sample(task)
    answers = []
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Examples are small on purpose, so solvers may stop early.
            warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
            matrix, fit, build = (
                PREPARE[data](trainer, x.copy(), y.copy())
                if data in PREPARE
                else (x.copy(), {}, {})
            )
            model = imported(trainer["settings"]["python"])(**arguments(trainer, example) | build)
            model.fit(matrix, y, **fit)
            answers.append(np.asarray(model.predict(matrix)))
    if not np.array_equal(answers[0], answers[1]):
        yield f"{task}, {data}: two fits differ"
    if task != "regression" and not set(answers[0].tolist()) <= set(y.tolist()):
        yield f"{task}, {data}: predicts {sorted(set(answers[0].tolist()))}"
    if answers[0].shape != y.shape:
        yield f"{task}, {data}: predictions have shape {answers[0].shape}"


def arguments(trainer: Declaration, example: dict[str, Any]) -> dict[str, Any]:
    """All constructor arguments: every declared default, the example's values, seed, threads and the fixed ones."""
    settings = trainer["settings"]
    found: dict[str, Any] = {param["name"]: param["default"] for param in trainer["params"]}
    found.update(example)
    found.update(trainer["fixed"])
    if "seed" in settings:
        found[settings["seed"]] = SEED
    if "threads" in settings:
        found[settings["threads"]] = 1
    return found


def sample(task: str) -> tuple[Matrix, Labels]:
    """Features between 0 and 1, and a label of the task that depends on them; numbers are positive."""
    random = np.random.default_rng(SEED)
    x = random.random((ROWS, 4))
    score = x[:, 0] + x[:, 1] * 0.5 + random.random(ROWS) * 0.1
    if task == "regression":
        return x, score + 0.5
    cuts = [0.75] if task == "binary" else [0.5, 1.0]
    return x, np.digitize(score, cuts)


def with_nulls(
    trainer: Declaration, x: Matrix, y: Labels
) -> tuple[Matrix, dict[str, Any], dict[str, Any]]:
    """Some values are NaN."""
    x[::7, 2] = np.nan
    return x, {}, {}


def with_weights(
    trainer: Declaration, x: Matrix, y: Labels
) -> tuple[Matrix, dict[str, Any], dict[str, Any]]:
    """Rows count differently."""
    return x, {"sample_weight": np.linspace(0.5, 2.0, len(y))}, {}


def with_validation(
    trainer: Declaration, x: Matrix, y: Labels
) -> tuple[Matrix, dict[str, Any], dict[str, Any]]:
    """Rows held back for early stopping."""
    family = trainer["name"].split(".")[0]
    if family == "sklearn":
        return x, {"X_val": x[:40], "y_val": y[:40]}, {"early_stopping": True}
    if family == "lightgbm":
        return x, {"eval_X": x[:40], "eval_y": y[:40]}, {}
    return x, {"eval_set": [(x[:40], y[:40])], "verbose": False}, {}


def with_categories(
    trainer: Declaration, x: Matrix, y: Labels
) -> tuple[Matrix, dict[str, Any], dict[str, Any]]:
    """The last column holds codes of categories."""
    x[:, 3] = np.floor(x[:, 3] * 4)
    how = trainer["settings"]["categories"]
    if how == "mask":
        return x, {}, {"categorical_features": [False, False, False, True]}
    if how == "feature_types":
        return x, {}, {"feature_types": ["q", "q", "q", "c"]}
    return x, {"categorical_feature": [3]}, {}


PREPARE = {
    "nulls": with_nulls,
    "weights": with_weights,
    "validation": with_validation,
    "categories": with_categories,
}

"""A model as a folder that needs none of the code which trained it.

weights.*          what the estimator learned
signature.json     inputs with types and sources, label, classes, trainer, hyperparameters, packages
transform.json     state of the fitted columns
features.py        how rows become features: the module that training used
code/              the user's files that features or estimator call, if any
training_rows.bin  digests of the training rows' keys, which tell other rows from them
hashes.json        SHA-256 of every other file, checked before any of them is used
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from mlp_runtime import design, files, fitted, formats, identity, package, user, weights
from mlp_runtime.design import Codes, Data, Numbers
from mlp_runtime.signature import Label, Signature


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a model came to be; stored with it."""

    trainer: str
    python: str
    hyperparameters: Mapping[str, Any]
    seed: int | None = None
    threads: int = 1


def save(
    folder: Path,
    estimator: Any,
    data: Data,
    training: Training,
    *,
    rows: pl.DataFrame,
    features: ModuleType,
    transform: fitted.Transform | None = None,
) -> None:
    """Write the package; `rows` are those of the training part."""
    folder.mkdir(parents=True)
    name = features.__name__.rpartition(".")[2]
    _copy_code(features, folder)
    fitted.save(transform or {}, folder / "transform.json", features=name)
    record = {
        "format": formats.MODEL,
        "features": name,
        **data.signature.record(),
        "training": _record(training, rows.height),
        "weights": weights.save(estimator, folder),
        "code": user.loaded(),
    }
    files.write_json(folder / "signature.json", record)
    identity.save_digests(rows, features.KEY, folder / "training_rows.bin")
    package.seal(folder)


def load(folder: Path) -> Model:
    """Read a package, after checking that no file of it has changed."""
    package.verify(folder)
    record = package.signature(folder)
    for file in record["code"]:
        user.module(folder / "features.py", file)
    return Model(
        record=record,
        signature=Signature.of(record),
        estimator=weights.load(record["weights"], folder),
        features=_module(folder),
        transform=fitted.load(folder / "transform.json"),
        digest=files.digest(folder),
    )


@dataclass(frozen=True, kw_only=True)
class Model:
    """A loaded model."""

    record: dict[str, Any]
    signature: Signature
    estimator: Any
    features: ModuleType
    transform: fitted.Transform
    digest: str

    @property
    def label(self) -> Label:
        """What it predicts."""
        return self.signature.label

    @property
    def classes(self) -> list[str]:
        """Its classes in the order of probabilities; none for a number."""
        return list(self.label.levels or ())

    @property
    def has_probabilities(self) -> bool:
        """Whether it gives probabilities."""
        return hasattr(self.estimator, "predict_proba")

    def matrix(self, rows: pl.DataFrame) -> Numbers:
        """The numbers its estimator reads, from rows as the features module makes them."""
        return design.matrix(self.features.transform(rows, self.transform), self.signature.inputs)

    def predict(self, rows: pl.DataFrame) -> pl.Series:
        """Predicted classes by name, or numbers."""
        if self.label.task == "regression":
            return pl.Series(self.label.name, self.values(rows))
        return design.named(self.codes(rows), self.label)

    def values(self, rows: pl.DataFrame) -> Numbers:
        """Predicted numbers."""
        return values_of(self.estimator, self.matrix(rows))

    def codes(self, rows: pl.DataFrame) -> Codes:
        """Predicted classes by position."""
        return codes_of(self.estimator, self.matrix(rows))

    def predict_proba(self, rows: pl.DataFrame) -> Numbers:
        """The probability of each class, a row per row."""
        return chances_of(self.estimator, self.matrix(rows))

    def answers(self, rows: pl.DataFrame) -> tuple[Numbers | Codes, Numbers | None]:
        """Predictions, classes by position, and their probabilities where it has them."""
        return answers(self.estimator, self.matrix(rows), self.label)


def answers(estimator: Any, x: Numbers, label: Label) -> tuple[Numbers | Codes, Numbers | None]:
    """What an estimator says of rows: predictions, classes by position, and their probabilities."""
    chances = chances_of(estimator, x) if hasattr(estimator, "predict_proba") else None
    regression = label.task == "regression"
    return values_of(estimator, x) if regression else codes_of(estimator, x), chances


def values_of(estimator: Any, x: Numbers) -> Numbers:
    """Predicted numbers."""
    return np.asarray(estimator.predict(x), dtype=np.float64).reshape(-1)


def codes_of(estimator: Any, x: Numbers) -> Codes:
    """Predicted classes by position."""
    return np.asarray(estimator.predict(x), dtype=np.int64).reshape(-1)


def chances_of(estimator: Any, x: Numbers) -> Numbers:
    """The probability of each class, a row per row."""
    given = np.asarray(estimator.predict_proba(x), dtype=np.float64)
    return np.column_stack([1.0 - given, given]) if given.ndim == 1 else given


def _record(training: Training, rows: int) -> dict[str, Any]:
    return {
        "trainer": training.trainer,
        "python": training.python,
        "hyperparameters": dict(training.hyperparameters),
        "seed": training.seed,
        "threads": training.threads,
        "rows": rows,
        "packages": _versions(training.python),
    }


def _versions(python: str) -> dict[str, str]:
    """Versions of the libraries that shaped the model."""
    name = python.partition(":")[0].partition(".")[0]
    version = getattr(sys.modules.get(name), "__version__", None)
    found = {} if version is None else {name: str(version)}
    return {"polars": pl.__version__, "numpy": np.__version__, **found}


def _copy_code(features: ModuleType, folder: Path) -> None:
    """The features module, and the user's files if any of them was called."""
    shutil.copyfile(Path(str(features.__file__)), folder / "features.py")
    if user.loaded():
        code = user.folder(Path(str(features.__file__)))
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(code, folder / "code", copy_function=shutil.copyfile, ignore=ignored)


def _module(folder: Path) -> ModuleType:
    """The package's own features module, under a name of its own."""
    name = f"mlp_model_{files.digest(folder / 'features.py')[:16]}"
    spec = importlib.util.spec_from_file_location(name, folder / "features.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder / 'features.py'} can't be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

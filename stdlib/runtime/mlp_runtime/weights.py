"""Stores what an estimator learned, in its library's own format where it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def save(estimator: Any, folder: Path) -> dict[str, str]:
    """Write the weights; give the record with which they are read again."""
    format = _format(estimator)
    name, write, _ = _FORMATS[format]
    write(estimator, folder / name)
    return {"format": format, "file": name}


def load(record: dict[str, str], folder: Path) -> Any:
    """Read the weights."""
    _, _, read = _FORMATS[record["format"]]
    return read(folder / record["file"])


def _format(estimator: Any) -> str:
    library = type(estimator).__module__.partition(".")[0]
    if library == "xgboost":
        return f"xgboost:{type(estimator).__name__}"
    if library == "lightgbm":
        return f"lightgbm:{type(estimator).__name__}"
    return "joblib"


def _save_joblib(estimator: Any, path: Path) -> None:
    import joblib

    joblib.dump(estimator, path)


def _load_joblib(path: Path) -> Any:
    import joblib

    return joblib.load(path)


def _save_xgboost(estimator: Any, path: Path) -> None:
    estimator.save_model(path)


def _load_xgboost(kind: str) -> Callable[[Path], Any]:
    def load(path: Path) -> Any:
        import xgboost

        estimator = getattr(xgboost, kind)()
        estimator.load_model(path)
        return estimator

    return load


def _save_lightgbm(estimator: Any, path: Path) -> None:
    estimator.booster_.save_model(path)


@dataclass(frozen=True)
class LightgbmRegressor:
    """A LightGBM model that predicts numbers."""

    booster: Any

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predicted numbers."""
        return np.asarray(self.booster.predict(x), dtype=np.float64)


@dataclass(frozen=True)
class LightgbmClassifier:
    """A LightGBM model that predicts classes."""

    booster: Any

    def predict_proba(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of all classes."""
        given = np.asarray(self.booster.predict(x), dtype=np.float64)
        return np.column_stack([1.0 - given, given]) if given.ndim == 1 else given

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """The most probable class."""
        return np.asarray(self.predict_proba(x).argmax(axis=1), dtype=np.int64)


def _load_lightgbm(kind: Callable[[Any], Any]) -> Callable[[Path], Any]:
    def load(path: Path) -> Any:
        import lightgbm

        return kind(lightgbm.Booster(model_file=path))

    return load


_FORMATS: dict[str, tuple[str, Callable[[Any, Path], None], Callable[[Path], Any]]] = {
    "joblib": ("weights.joblib", _save_joblib, _load_joblib),
    "xgboost:XGBClassifier": ("weights.ubj", _save_xgboost, _load_xgboost("XGBClassifier")),
    "xgboost:XGBRegressor": ("weights.ubj", _save_xgboost, _load_xgboost("XGBRegressor")),
    "lightgbm:LGBMClassifier": ("weights.txt", _save_lightgbm, _load_lightgbm(LightgbmClassifier)),
    "lightgbm:LGBMRegressor": ("weights.txt", _save_lightgbm, _load_lightgbm(LightgbmRegressor)),
}

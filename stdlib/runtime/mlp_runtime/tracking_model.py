"""A package as a model of MLflow: this file is the model's code, and MLflow runs it where the model is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from mlflow.models import ModelSignature, set_model
from mlflow.pyfunc import PythonModel
from mlflow.types.schema import Array, ColSpec, DataType, Schema

from mlp_runtime import model


class Scorer(PythonModel):  # type: ignore[misc]
    """Says what the package says of rows as its features module makes them."""

    def load_context(self, context: Any) -> None:
        """Load the package and the types of its rows."""
        self.held = model.load(Path(context.artifacts["model"]))
        self.types = pl.read_parquet_schema(context.artifacts["rows"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """The prediction for each row, and the probability of each class."""
        rows = pl.DataFrame(
            [_series(name, model_input[name], dtype) for name, dtype in self.types.items()]
        )
        told: dict[str, Any] = {"prediction": self.held.predict(rows).to_list()}
        if self.held.has_probabilities:
            chances = self.held.predict_proba(rows)
            told |= {
                f"probability_{name}": chances[:, place].tolist()
                for place, name in enumerate(self.held.classes)
            }
        return pd.DataFrame(told)


def _series(name: str, column: pd.Series[Any], dtype: pl.DataType) -> pl.Series:
    """A column as the features module knows it: what pandas calls missing is null."""
    values = [None if _is_missing(value) else value for value in column.to_list()]
    return pl.Series(name, values, strict=False).cast(dtype)


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or value != value


@dataclass(frozen=True)
class Described:
    """What MLflow shows of a model."""

    signature: ModelSignature
    example: pd.DataFrame
    artifacts: Mapping[str, str]


def described(entry: Mapping[str, Any], folder: Path) -> Described:
    """Signature and example of a model from rows that it learned from."""
    path = folder / entry["model"]["example"]
    rows = pl.read_parquet(path)
    columns = [ColSpec(_kind(dtype), name) for name, dtype in rows.schema.items()]
    held = model.load(folder / "model")
    answer: list[ColSpec] = [ColSpec(_answers(held), "prediction")]
    if held.has_probabilities:
        answer += [ColSpec(DataType.double, f"probability_{name}") for name in held.classes]
    shown = pd.DataFrame({name: _plain(rows[name]) for name in rows.columns})
    return Described(ModelSignature(Schema(columns), Schema(answer)), shown, {"rows": str(path)})


def _answers(held: model.Model) -> DataType:
    kinds = {"binary": DataType.boolean, "multiclass": DataType.string}
    return kinds.get(held.label.task, DataType.double)


def _plain(column: pl.Series) -> list[Any]:
    """Numbers in floating point, since pandas has no other for those that may be missing."""
    is_number = column.dtype.is_numeric()
    return (column.cast(pl.Float64) if is_number else column).to_list()


def _kind(dtype: pl.DataType) -> Any:
    """The type of a column as MLflow calls it."""
    if dtype == pl.Boolean:
        return DataType.boolean
    if dtype.is_numeric():
        return DataType.double
    if dtype.is_temporal():
        return DataType.datetime
    if isinstance(dtype, pl.List | pl.Array):
        return Array(_kind(dtype.inner))  # type: ignore[arg-type]
    return DataType.string


set_model(Scorer())

"""Scores rows with a registered model: by its own features, after comparing them with today's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Literal

import polars as pl

from mlp_runtime import expr, table
from mlp_runtime.model import Model, load
from mlp_runtime.signature import Input
from mlp_runtime.step import Failure
from mlp_runtime.text import count as counted

Which = Literal["all", "new", "unlabelled"]

_INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The version that holds an alias."""

    name: str
    version: int
    model: Model


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A table of predictions, of which `count` are from now."""

    rows: pl.DataFrame
    count: int
    champion: Champion

    def summary(self) -> str:
        """`12 rows scored by version 3 of late_rides; 40 before`."""
        by = f"version {self.champion.version} of {self.champion.name}"
        told = f"{counted(self.count, 'row')} scored by {by}"
        before = self.rows.height - self.count
        return told if before == 0 else f"{told}; {before} before"


def champion(folder: Path | None, *, of: str, alias: str) -> Champion:
    """The version in `folder`, which is called by its number; fail if nothing holds the alias."""
    if folder is None:
        raise Failure(f"no version of {of} is its {alias} yet: train and register one first")
    return Champion(name=of, version=int(folder.name.removeprefix("v")), model=load(folder))


def score(
    champion: Champion,
    datasets: Mapping[str, Path],
    *,
    today: ModuleType,
    timestamp: str | None = None,
    which: Which = "all",
    previous: Path | None = None,
    previous_format: Literal["parquet", "csv"] = "parquet",
    now: datetime | None = None,
) -> Scored:
    """Score the rows of today's datasets: all, those that `previous` lacks and with what it holds,
    or those without a label.

    Fail if the model reads or predicts something else than today's features say.
    """
    _agree(champion, today, datasets)
    features = champion.model.features
    given = {name: table.scan(datasets[name]) for name in features.DATASETS}
    asked = [given[name] for name in features.PREDICT_DATASETS]
    rows = _collect(champion, features.predict_rows(*asked))
    carried = list(dict.fromkeys([*today.KEY, *([] if timestamp is None else [timestamp])]))
    moment = now or datetime.now(UTC).replace(microsecond=0)
    before = None
    if previous is not None:
        none = _none(champion, rows.clear(), carried, moment)
        csv = previous_format == "csv"
        before = table.read_back_csv(previous, none.schema) if csv else table.read(previous)
        if before.schema != none.schema:
            told = _differences(before, none)
            raise Failure(f"the predictions of before have other columns: {told}")
        rows = _without(rows, before, features)
    if which == "unlabelled":
        rows = _without(rows, _collect(champion, features.rows(*given.values())), features)
    made = _predictions(champion, rows, carried, moment)
    if before is None:
        return Scored(rows=made, count=made.height, champion=champion)
    return Scored(rows=pl.concat([before, made]), count=made.height, champion=champion)


def _agree(champion: Champion, today: ModuleType, datasets: Mapping[str, Path]) -> None:
    """Fail unless the model's signature goes with today's features, naming all that differs."""
    held = champion.model
    inputs = {item.name: item for item in today.INPUTS}
    found = [_difference(item, inputs.get(item.name)) for item in held.signature.inputs]
    problems = [problem for problem in found if problem is not None]
    if (held.label.name, held.label.task) != (today.LABEL.name, today.LABEL.task):
        problems.append(
            f"it predicts {held.label.name} ({held.label.task}), "
            f"and the label is {today.LABEL.name} ({today.LABEL.task})"
        )
    if list(held.features.KEY) != list(today.KEY):
        problems.append(f"it tells rows apart by {', '.join(held.features.KEY)}")
    missing = [name for name in held.features.DATASETS if name not in datasets]
    if missing:
        problems.append(f"it reads {', '.join(missing)}, which today's features do not")
    if problems:
        raise Failure(
            "\n".join([f"{_named(champion)} does not go with today's features:", *problems])
        )


def _difference(held: Input, today: Input | None) -> str | None:
    """How an input differs from what the model was trained on."""
    if today is None:
        return f"it reads {held.name}, which is no column any more"
    if today.kind != held.kind:
        return f"{held.name} was {held.kind} and is {today.kind}"
    if today.nullable and not held.nullable:
        return f"{held.name} was never null and may be now"
    return None


def _collect(champion: Champion, rows: pl.LazyFrame) -> pl.DataFrame:
    try:
        return table.collect(rows)
    except (pl.exceptions.ColumnNotFoundError, pl.exceptions.SchemaError) as error:
        first = str(error).partition("\n")[0]
        raise Failure(f"{_named(champion)} can't read today's datasets: {first}") from error


def _without(rows: pl.DataFrame, others: pl.DataFrame, features: ModuleType) -> pl.DataFrame:
    """The rows whose key is not among those of others."""
    known = others.select(expr.columns(features.KEY))
    return rows.join(known, on=list(features.KEY), how="anti", maintain_order="left")


def _predictions(
    champion: Champion, rows: pl.DataFrame, carried: Sequence[str], now: datetime
) -> pl.DataFrame:
    """Key and time, prediction, probabilities, version, when."""
    held = champion.model
    if rows.is_empty():
        return _none(champion, rows, carried, now)
    columns = [held.predict(rows).alias("prediction")]
    if held.has_probabilities:
        chances = held.predict_proba(rows)
        columns += [
            pl.Series(f"probability_{name}", chances[:, index], dtype=pl.Float64)
            for index, name in enumerate(held.classes)
        ]
    told = rows.select(expr.columns(carried)).with_columns(columns)
    return told.with_columns(
        pl.lit(champion.version, dtype=pl.Int64).alias("version"),
        pl.lit(now, dtype=_INSTANT).alias("scored_at"),
    )


def _none(
    champion: Champion, rows: pl.DataFrame, carried: Sequence[str], now: datetime
) -> pl.DataFrame:
    """No predictions, in the columns that some would have."""
    kinds = {"binary": pl.Boolean, "multiclass": pl.String, "regression": pl.Float64}
    held = champion.model
    chances = held.classes if held.has_probabilities else []
    return rows.select(
        *expr.columns(carried),
        pl.lit(None, dtype=kinds[held.label.task]).alias("prediction"),
        *(pl.lit(None, dtype=pl.Float64).alias(f"probability_{name}") for name in chances),
        pl.lit(champion.version, dtype=pl.Int64).alias("version"),
        pl.lit(now, dtype=_INSTANT).alias("scored_at"),
    )


def _differences(before: pl.DataFrame, made: pl.DataFrame) -> str:
    """Columns that only one of two tables has so."""
    told = {f"{name} {dtype}" for name, dtype in before.schema.items()} ^ {
        f"{name} {dtype}" for name, dtype in made.schema.items()
    }
    return ", ".join(sorted(told))


def _named(champion: Champion) -> str:
    return f"version {champion.version} of {champion.name}"

"""Sweeps: points, which are models with hyperparameters, chosen among by rows that train none of them.

A point is fitted on the training part and measured on the validation part; with folds, once for each
of them, and the mean counts. The best is fitted once more: as it was, or on all but the test part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

from mlp_runtime import design, files, fitted, formats, model, split, table
from mlp_runtime.design import Codes, Data, Numbers
from mlp_runtime.model import Training
from mlp_runtime.scores import Metric, Scores
from mlp_runtime.step import Failure, Result
from mlp_runtime.text import number, shown


@dataclass(frozen=True)
class Candidate:
    """A model of a sweep."""

    fit: Callable[[Data, Mapping[str, Any], int, int], Any]
    trainer: str = field(kw_only=True)
    python: str = field(kw_only=True)
    nulls: bool = field(default=False, kw_only=True)
    alone: bool = field(default=False, kw_only=True)
    """Whether it is code of the user, of which no two calls run at once."""


@dataclass(frozen=True)
class Sweep:
    """What is chosen among, and by what: the first of the objectives decides."""

    name: str
    features: ModuleType = field(kw_only=True)
    candidates: Mapping[str, Candidate] = field(kw_only=True)
    objectives: Sequence[Metric] = field(kw_only=True)
    fit_columns: Callable[[pl.DataFrame], fitted.Transform] | None = field(
        default=None, kw_only=True
    )
    columns: Callable[[pl.DataFrame, fitted.Transform], pl.DataFrame] | None = field(
        default=None, kw_only=True
    )
    folds: int = field(default=0, kw_only=True)
    refit: bool = field(default=False, kw_only=True)

    def state(self, training: pl.DataFrame) -> fitted.Transform:
        """What the fitted columns learn of the rows that train."""
        return {} if self.fit_columns is None else self.fit_columns(training)

    def learned(self, training: pl.DataFrame, state: fitted.Transform) -> pl.DataFrame:
        """The rows that train as models see them."""
        if self.columns is not None:
            return self.columns(training, state)
        seen: pl.DataFrame = self.features.transform(training, state)
        return seen

    def data(self, seen: pl.DataFrame, candidate: Candidate) -> Data:
        """What a model learns from."""
        return design.learn(
            seen,
            inputs=self.features.INPUTS,
            label=self.features.LABEL,
            weight=self.features.WEIGHT,
            nulls=candidate.nulls,
        )


@dataclass(frozen=True)
class Point:
    """A model with its hyperparameters."""

    candidate: str
    hyperparameters: Mapping[str, Any]
    seed: int


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a split with their parts."""

    rows: pl.DataFrame
    parts: pl.DataFrame

    @classmethod
    def read(cls, rows: Path, parts: Path) -> Rows:
        """Read both."""
        return cls(rows=table.read(rows), parts=table.read(parts))

    def part(self, *names: str, fold: int | None = None) -> pl.DataFrame:
        """The rows of some parts in their order."""
        found = [split.part(self.rows, self.parts, name, fold=fold) for name in names]
        if len(found) == 1:
            return found[0]
        return self.rows.join(
            pl.concat(found),
            on=self.rows.columns,
            how="semi",
            nulls_equal=True,
            maintain_order="left",
        )


class Division:
    """Rows that train and rows that judge, ready for every point: each is prepared once."""

    def __init__(self, sweep: Sweep, training: pl.DataFrame, held: pl.DataFrame) -> None:
        """Fit the fitted columns on the rows that train."""
        state = sweep.state(training)
        seen = sweep.learned(training, state)
        applied = sweep.features.transform(held, state)
        self._data = cache(lambda nulls: sweep.data(seen, _any_with(sweep, nulls=nulls)))
        self._held = cache(lambda nulls: self._judging(held, applied, self._data(nulls)))
        self._weights = design.weights(held, sweep.features.WEIGHT)
        self._objectives = sweep.objectives

    def prepare(self, candidates: Sequence[Candidate]) -> None:
        """Make the matrices now, before several threads ask for them."""
        for candidate in candidates:
            self._held(candidate.nulls)

    def measure(self, candidate: Candidate, point: Point, threads: int) -> dict[str, float | None]:
        """Fit a point and measure it."""
        data = self._data(candidate.nulls)
        x, truth = self._held(candidate.nulls)
        estimator = candidate.fit(data, point.hyperparameters, point.seed, threads)
        predicted, probabilities = model.answers(estimator, x, data.signature.label)
        scores = Scores(
            truth=truth, predicted=predicted, probabilities=probabilities, weights=self._weights
        )
        return scores.measure(self._objectives)

    @staticmethod
    def _judging(
        held: pl.DataFrame, applied: pl.DataFrame, data: Data
    ) -> tuple[Numbers, Numbers | Codes]:
        x = design.matrix(applied, data.signature.inputs)
        return x, design.truth(held, data.signature.label)


def _any_with(sweep: Sweep, *, nulls: bool) -> Candidate:
    return next(item for item in sweep.candidates.values() if item.nulls == nulls)


def divisions(sweep: Sweep, rows: Rows) -> list[Division]:
    """Where points are measured: the validation part, or each fold."""
    folds = [None] if sweep.folds == 0 else list(range(1, sweep.folds + 1))
    return [
        Division(sweep, rows.part("train", fold=fold), rows.part("validation", fold=fold))
        for fold in folds
    ]


def measured(sweep: Sweep, over: Sequence[Division], point: Point, threads: int) -> dict[str, Any]:
    """The record of a point: its values, or why it has none."""
    told: dict[str, Any] = {
        "candidate": point.candidate,
        "hyperparameters": dict(point.hyperparameters),
        "seed": point.seed,
    }
    candidate = sweep.candidates[point.candidate]
    try:
        found = [division.measure(candidate, point, threads) for division in over]
    except Exception as error:  # What a library says of hyperparameters that do not go together.
        return {**told, "state": "failed", "error": f"{type(error).__name__}: {error}"}
    values = {item.name: _mean([one[item.name] for one in found]) for item in sweep.objectives}
    undefined = [name for name, value in values.items() if value is None]
    if undefined:
        return {**told, "state": "failed", "error": f"{', '.join(undefined)} is undefined"}
    told |= {"state": "complete", "values": values}
    return told if len(found) == 1 else {**told, "folds": found}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if len(known) == len(values) else None


def try_point(sweep: Sweep, rows: Rows, point: Point, *, threads: int, trial: Path) -> Result:
    """Measure one point and write its record."""
    record = measured(sweep, divisions(sweep, rows), point, threads)
    files.write_json(trial, {"format": formats.TRIAL, "sweep": sweep.name, **record})
    values = record.get("values", {})
    told = ", ".join(f"{name} {number(value)}" for name, value in values.items())
    return Result(summary=told or record["error"], metrics=values)


def choose(
    sweep: Sweep, rows: Rows, trials_: Sequence[Path], *, threads: int, model: Path, trials: Path
) -> Result:
    """Take the best of points that were measured and fit it."""
    records = [files.read_json(path, format=formats.TRIAL) for path in trials_]
    for record in records:
        del record["format"], record["sweep"]
    return settle(sweep, rows, records, threads=threads, model=model, trials=trials)


def settle(
    sweep: Sweep,
    rows: Rows,
    records: Sequence[Mapping[str, Any]],
    *,
    threads: int,
    model: Path,
    trials: Path,
) -> Result:
    """Write all records and the model of the best."""
    numbered = [{"number": place, **record} for place, record in enumerate(records, start=1)]
    complete = [record for record in numbered if record["state"] == "complete"]
    if not complete:
        errors = "\n".join(f"trial {item['number']}: {item['error']}" for item in numbered)
        raise Failure(f"no trial of {sweep.name} could be measured:\n{errors}")
    best = min(complete, key=lambda record: _rank(sweep, record))
    _mark_front(sweep, complete)
    told = {
        "format": formats.TRIALS,
        "sweep": sweep.name,
        "objectives": [{"name": item.name, "better": item.better} for item in sweep.objectives],
        "best": best["number"],
        "trials": numbered,
    }
    files.write_json(trials, told)
    height = _fit(
        sweep, rows, Point(best["candidate"], best["hyperparameters"], best["seed"]), threads, model
    )
    return Result(
        summary=_summary(sweep, numbered, best),
        metrics=best["values"],
        rows={"train": height},
    )


def _rank(sweep: Sweep, record: Mapping[str, Any]) -> tuple[float, ...]:
    """Less is better: by the objectives in order, then the earlier one."""
    values = [record["values"][item.name] for item in sweep.objectives]
    signed = [
        -value if item.better == "higher" else value
        for item, value in zip(sweep.objectives, values, strict=True)
    ]
    return (*signed, record["number"])


def _mark_front(sweep: Sweep, records: Sequence[dict[str, Any]]) -> None:
    """Of several objectives: say which points no other one beats in all of them."""
    if len(sweep.objectives) < 2:
        return
    ranks = [_rank(sweep, record)[:-1] for record in records]
    for record, mine in zip(records, ranks, strict=True):
        record["front"] = not any(
            theirs != mine and all(a <= b for a, b in zip(theirs, mine, strict=True))
            for theirs in ranks
        )


def _fit(sweep: Sweep, rows: Rows, point: Point, threads: int, folder: Path) -> int:
    """Fit a point and package it; give how many rows it learned from."""
    everything = sweep.refit and sweep.folds == 0
    training = rows.part("train", "validation") if everything else rows.part("train")
    state = sweep.state(training)
    candidate = sweep.candidates[point.candidate]
    data = sweep.data(sweep.learned(training, state), candidate)
    estimator = candidate.fit(data, point.hyperparameters, point.seed, threads)
    made = Training(
        trainer=candidate.trainer,
        python=candidate.python,
        hyperparameters=point.hyperparameters,
        seed=point.seed,
        threads=threads,
    )
    model.save(
        folder,
        estimator,
        data,
        made,
        rows=training,
        features=sweep.features,
        transform=state if sweep.fit_columns is not None else None,
    )
    return training.height


def _summary(sweep: Sweep, records: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> str:
    """`trial 7 of 20: log_loss 0.31 with max_depth 5`: what differs among the trials is told."""
    values = ", ".join(f"{name} {number(value)}" for name, value in best["values"].items())
    alike = [item for item in records if item["candidate"] == best["candidate"]]
    given = best["hyperparameters"]
    differ = [
        name
        for name in given
        if any(item["hyperparameters"].get(name) != given[name] for item in alike)
    ]
    told = ", ".join(f"{name} {shown(given[name])}" for name in differ)
    counted = {
        state: [item["state"] for item in records].count(state) for state in ("pruned", "failed")
    }
    more = "".join(f"; {count} {state}" for state, count in counted.items() if count)
    of = f" of {best['candidate']}" if len(sweep.candidates) > 1 else ""
    point = f" with {told}" if told else ""
    return f"trial {best['number']} of {len(records)}{of}: {values}{point}{more}"

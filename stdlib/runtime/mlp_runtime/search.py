"""Searches for hyperparameters in which a point follows from those before, by Optuna.

Points are asked for in batches, in order; those of a batch are measured side by side; what they gave
is told in order. So the same seed gives the same points whatever takes longer, and a search that was
killed goes on by telling again what its journal holds.
"""

from __future__ import annotations

import hashlib
import json
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import optuna
from optuna.trial import TrialState
from threadpoolctl import threadpool_limits

from mlp_runtime import sweep as sweeps
from mlp_runtime.progress import Journal
from mlp_runtime.step import Result
from mlp_runtime.sweep import Division, Point, Rows, Sweep
from mlp_runtime.text import number

Given = Mapping[str, Any]


class Condition(Protocol):
    """Says where a dimension has a value."""

    def holds(self, given: Given) -> bool:
        """Whether it has one beside these."""


@dataclass(frozen=True)
class Is:
    """A dimension has one of these values."""

    dimension: str
    values: Sequence[Any]

    def holds(self, given: Given) -> bool:
        """A dimension without a value has none of them."""
        return self.dimension in given and given[self.dimension] in self.values


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Compares:
    """The number of a dimension compares with another."""

    dimension: str
    comparison: Literal["<", "<=", ">", ">="]
    bound: float

    def holds(self, given: Given) -> bool:
        """A dimension without a number compares with none."""
        value = given.get(self.dimension)
        return value is not None and _COMPARE[self.comparison](value, self.bound)


@dataclass(frozen=True)
class Not:
    """Another condition does not hold."""

    inner: Condition

    def holds(self, given: Given) -> bool:
        """Not so."""
        return not self.inner.holds(given)


@dataclass(frozen=True)
class And:
    """Both hold."""

    left: Condition
    right: Condition

    def holds(self, given: Given) -> bool:
        """Both."""
        return self.left.holds(given) and self.right.holds(given)


@dataclass(frozen=True)
class Or:
    """One of them holds, or both."""

    left: Condition
    right: Condition

    def holds(self, given: Given) -> bool:
        """One of them or both."""
        return self.left.holds(given) or self.right.holds(given)


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: Sequence[Any]

    def ask(self, trial: optuna.Trial, name: str) -> Any:
        """Optuna knows values by their places: those may be lists."""
        return self.values[trial.suggest_categorical(name, list(range(len(self.values))))]


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`."""

    low: int
    high: int
    log: bool = field(default=False, kw_only=True)

    def ask(self, trial: optuna.Trial, name: str) -> int:
        """A whole number."""
        value: int = trial.suggest_int(name, self.low, self.high, log=self.log)
        return value


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`."""

    low: float
    high: float
    log: bool = field(default=False, kw_only=True)

    def ask(self, trial: optuna.Trial, name: str) -> float:
        """A number."""
        value: float = trial.suggest_float(name, self.low, self.high, log=self.log)
        return value


@dataclass(frozen=True)
class Dimension:
    """A hyperparameter that is searched."""

    name: str
    domain: Choice | Whole | Number
    when: Condition | None = field(default=None, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where points are looked for, and how."""

    sampler: Literal["tpe", "cma_es", "gp", "nsga2"]
    trials: int
    parallel: int
    spaces: Mapping[str, Sequence[Dimension]]


def search(
    sweep: Sweep,
    rows: Rows,
    search: Search,
    *,
    fixed: Mapping[str, Mapping[str, Any]],
    seed: int,
    threads: int,
    model: Path,
    trials: Path,
) -> Result:
    """Look for the best point, then fit it."""
    over = sweeps.divisions(sweep, rows)
    for division in over:
        division.prepare(list(sweep.candidates.values()))
    study = _study(sweep, search, seed)
    journal = Journal(sweep.name)
    while len(study.trials) < search.trials:
        first = len(study.trials)
        batch = [study.ask() for _ in range(min(search.parallel, search.trials - first))]
        points = [_point(search, fixed, trial, seed) for trial in batch]
        known = _known(journal, first, points)
        records = known + _measured(sweep, over, points[len(known) :], threads)
        for record in records[len(known) :]:
            journal.add(record)
        for trial, record in zip(batch, records, strict=True):
            _tell(sweep, study, trial, record)
    records = journal.records[: search.trials]
    return sweeps.settle(sweep, rows, records, threads=threads, model=model, trials=trials)


def _study(sweep: Sweep, search: Search, seed: int) -> optuna.Study:
    """A study in memory. Its name is fixed, for some of Optuna hashes it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    directions = [
        "maximize" if item.better == "higher" else "minimize" for item in sweep.objectives
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.create_study(
            study_name=sweep.name, sampler=_sampler(search, seed), directions=directions
        )


def _sampler(search: Search, seed: int) -> optuna.samplers.BaseSampler:
    match search.sampler:
        case "tpe":
            conditional = len(search.spaces) > 1 or any(
                item.when is not None for space in search.spaces.values() for item in space
            )
            return optuna.samplers.TPESampler(
                seed=seed,
                multivariate=True,
                group=conditional,
                constant_liar=search.parallel > 1,
            )
        case "cma_es":
            return optuna.samplers.CmaEsSampler(seed=seed)
        case "gp":
            return optuna.samplers.GPSampler(seed=seed, deterministic_objective=True)
        case "nsga2":
            return optuna.samplers.NSGAIISampler(seed=seed)


def _point(
    search: Search, fixed: Mapping[str, Mapping[str, Any]], trial: optuna.Trial, seed: int
) -> Point:
    """The point that a trial stands for."""
    names = list(search.spaces)
    chosen = names[0] if len(names) == 1 else trial.suggest_categorical("model", names)
    given: dict[str, Any] = {}
    for dimension in search.spaces[chosen]:
        if dimension.when is None or dimension.when.holds(given):
            name = dimension.name if len(names) == 1 else f"{chosen}.{dimension.name}"
            given[dimension.name] = dimension.domain.ask(trial, name)
    return Point(chosen, {**fixed[chosen], **given}, _seed(seed, trial.number))


def _seed(seed: int, trial: int) -> int:
    """The seed of a trial: no two share one."""
    digest = hashlib.sha256(f"mlp-trial/v1\0{seed}\0{trial}\0".encode()).digest()
    return int.from_bytes(digest[:4])


def _known(journal: Journal, first: int, points: Sequence[Point]) -> list[dict[str, Any]]:
    """The records of points that were measured before the step was killed."""
    known = journal.records[first : first + len(points)]
    for place, (record, point) in enumerate(zip(known, points, strict=False)):
        asked = (point.candidate, json.loads(json.dumps(point.hyperparameters)), point.seed)
        if (record["candidate"], record["hyperparameters"], record["seed"]) != asked:
            journal.cut(first + place)
            return known[:place]
    return known


def _measured(
    sweep: Sweep, over: Sequence[Division], points: Sequence[Point], threads: int
) -> list[dict[str, Any]]:
    """Measure points side by side; each has its share of the threads."""
    alone = any(sweep.candidates[point.candidate].alone for point in points)
    workers = 1 if alone else max(1, min(len(points), threads))
    each = max(1, threads // workers)

    def measure(point: Point) -> dict[str, Any]:
        # Threads of OpenMP are counted for each thread that starts them.
        with threadpool_limits(limits=each, user_api="openmp"):
            return sweeps.measured(sweep, over, point, each)

    if workers == 1:
        return [measure(point) for point in points]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(measure, points))


def _tell(
    sweep: Sweep, study: optuna.Study, trial: optuna.Trial, record: Mapping[str, Any]
) -> None:
    if record["state"] == "failed":
        study.tell(trial, state=TrialState.FAIL)
        print(f"trial {trial.number + 1}: {record['error']}")
        return
    values = [record["values"][item.name] for item in sweep.objectives]
    study.tell(trial, values)
    named = zip(sweep.objectives, values, strict=True)
    told = ", ".join(f"{item.name} {number(value)}" for item, value in named)
    print(f"trial {trial.number + 1}: {told}")

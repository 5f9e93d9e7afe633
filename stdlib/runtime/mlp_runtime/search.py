"""Searches for hyperparameters in which a point follows from those before, by Optuna.

Points are asked for in batches, in order; those of a batch are measured side by side; what they gave
is told in order. So the same seed gives the same points whatever takes longer, and a search that was
killed goes on by telling again what its journal holds.

Where trials stop early, all of a batch are measured after so many rounds of training before any goes on.
"""

from __future__ import annotations

import hashlib
import json
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True)
class Prune:
    """Which trials stop after fewer rounds of training than `most`: `least` of them, `factor` times as many, …"""

    pruner: Literal["asha", "hyperband", "median"]
    resource: str = field(kw_only=True)
    least: int = field(kw_only=True)
    most: int = field(kw_only=True)
    factor: int = field(kw_only=True)

    @property
    def rungs(self) -> list[int]:
        """After how many rounds trials are measured."""
        found, rounds = [], self.least
        while rounds < self.most:
            found.append(rounds)
            rounds *= self.factor
        return [*found, self.most]


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where points are looked for, and how."""

    sampler: Literal["tpe", "cma_es", "gp", "nsga2"]
    trials: int
    parallel: int
    spaces: Mapping[str, Sequence[Dimension]]
    prune: Prune | None = None


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
    bench = _Bench(sweep, over, threads)
    study = _study(sweep, search, seed)
    records: list[dict[str, Any]] = []
    while len(records) < search.trials:
        batch = [study.ask() for _ in range(min(search.parallel, search.trials - len(records)))]
        points = [_point(search, fixed, trial, seed) for trial in batch]
        if search.prune is None:
            found = bench.measure(batch, points)
        else:
            found = _halved(search.prune, bench, batch, points)
        for trial, record in zip(batch, found, strict=True):
            _tell(sweep, study, trial, record)
        records += found
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
            study_name=sweep.name,
            sampler=_sampler(search, seed),
            pruner=_pruner(search.prune),
            directions=directions,
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


def _pruner(prune: Prune | None) -> optuna.pruners.BasePruner:
    if prune is None:
        return optuna.pruners.NopPruner()
    match prune.pruner:
        case "asha":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=prune.least, reduction_factor=prune.factor
            )
        case "hyperband":
            return optuna.pruners.HyperbandPruner(
                min_resource=prune.least, max_resource=prune.most, reduction_factor=prune.factor
            )
        case "median":
            return optuna.pruners.MedianPruner()


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


class _Bench:
    """Measures points side by side, each once: what was measured before a kill is in the journal."""

    def __init__(self, sweep: Sweep, over: Sequence[Division], threads: int) -> None:
        self._sweep = sweep
        self._over = over
        self._threads = threads
        self._journal = Journal(sweep.name)
        self._known = {(item["trial"], item["rounds"]): item for item in self._journal.records}

    def measure(
        self, trials: Sequence[optuna.Trial], points: Sequence[Point], rounds: int | None = None
    ) -> list[dict[str, Any]]:
        """The records of the points, in order; of as many rounds of training as their hyperparameters say."""
        alone = any(self._sweep.candidates[point.candidate].alone for point in points)
        workers = 1 if alone else max(1, min(len(points), self._threads))

        def one(trial: optuna.Trial, point: Point) -> dict[str, Any]:
            known = self._known.get((trial.number, rounds))
            if known is not None and known["asked"] == _plain(point):
                record: dict[str, Any] = known["record"]
                return record
            # Threads of OpenMP are counted for each thread that starts them.
            each = max(1, self._threads // workers)
            with threadpool_limits(limits=each, user_api="openmp"):
                record = sweeps.measured(self._sweep, self._over, point, each)
            done = {"trial": trial.number, "rounds": rounds, "asked": _plain(point)}
            self._journal.add({**done, "record": record})
            return record

        if workers == 1:
            return [one(trial, point) for trial, point in zip(trials, points, strict=True)]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(one, trials, points))


def _plain(point: Point) -> Any:
    """A point as JSON gives it back."""
    return json.loads(json.dumps([point.candidate, point.hyperparameters, point.seed]))


def _halved(
    prune: Prune, bench: _Bench, trials: Sequence[optuna.Trial], points: Sequence[Point]
) -> list[dict[str, Any]]:
    """The records of a batch whose trials stop early: each says what it gave after how many rounds."""
    found: dict[int, dict[str, Any]] = {}
    told: dict[int, list[dict[str, Any]]] = {place: [] for place in range(len(points))}
    for rounds in prune.rungs:
        alive = [place for place in told if place not in found]
        cut = [
            replace(
                points[place],
                hyperparameters={**points[place].hyperparameters, prune.resource: rounds},
            )
            for place in alive
        ]
        records = bench.measure([trials[place] for place in alive], cut, rounds)
        for place, record in zip(alive, records, strict=True):
            if record["state"] == "complete":
                told[place].append({"rounds": rounds, "values": record["values"]})
                trials[place].report(next(iter(record["values"].values())), rounds)
            if record["state"] == "failed" or rounds == prune.most:
                found[place] = record
            elif trials[place].should_prune():
                found[place] = {**record, "state": "pruned"}
    return [
        {
            **found[place],
            "hyperparameters": dict(points[place].hyperparameters),
            "rungs": told[place],
        }
        for place in told
    ]


def _tell(
    sweep: Sweep, study: optuna.Study, trial: optuna.Trial, record: Mapping[str, Any]
) -> None:
    name = f"trial {trial.number + 1}"
    if record["state"] == "failed":
        study.tell(trial, state=TrialState.FAIL)
        print(f"{name}: {record['error']}")
        return
    values = [record["values"][item.name] for item in sweep.objectives]
    named = zip(sweep.objectives, values, strict=True)
    told = ", ".join(f"{item.name} {number(value)}" for item, value in named)
    if record["state"] == "pruned":
        study.tell(trial, state=TrialState.PRUNED)
        print(f"{name}: {told} after {record['rungs'][-1]['rounds']} rounds, stopped")
        return
    study.tell(trial, values)
    print(f"{name}: {told}")

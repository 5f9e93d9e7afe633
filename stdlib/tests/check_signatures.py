"""Every trainer and metric says what the installed library says: names, defaults, types, ranges, abilities.

    python check_signatures.py DECLARATIONS.json

The JSON is a list of declarations; `declarations.py` describes it. Read here: of a trainer `name`, `tasks`, `params`
(`name`, `type`, `default`, `range`), `settings` (`python`, `package`, `seed`, `threads`, `categories`), `accepts` and
`fixed`; of a metric `name`, `params` and `settings` (`python`, `needs`).

Both directions are checked: what is declared exists, and what the constructor takes is declared, or filled by a setting,
or stands in EXCLUDED with a reason. Prints each difference and exits with 1 if there is one.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import sklearn.base
import xgboost
from packaging.requirements import Requirement
from sklearn.utils import _param_validation as validation

from declarations import Declaration, Range, alternatives, imported, load, of_kind, shown, within

EXCLUDED: dict[str, str] = {
    "callbacks": "code, not a setting",
    "copy_X": "whether the trainer may overwrite its matrix; the step still needs it",
    "covariance_estimator": "an estimator object",
    "estimator": "an estimator object",
    "metric_params": "a dict, for distances that are not offered",
    "solver_options": "a dict that depends on the installed SciPy",
    "verbose": "what is printed, not what is learned",
    "warm_start": "keeps state between fits of one object; a step fits once",
    "sklearn.logistic_regression.n_jobs": "deprecated in 1.8, without effect",
    "sklearn.logistic_regression.penalty": "deprecated in 1.8; l1_ratio and C say the same",
    "sklearn.gradient_boosting_classifier.criterion": "deprecated in 1.9, one value is left",
    "sklearn.gradient_boosting_regressor.criterion": "deprecated in 1.9, one value is left",
    "sklearn.svc.probability": "deprecated in 1.9; calibration does it",
    "sklearn.svc.random_state": "seeds `probability`, which is not offered",
    "sklearn.dummy_classifier.constant": "a label, which the strategies that are offered do not need",
    "lightgbm.regressor.class_weight": "a regression has no classes",
    "xgboost.classifier.device": "the package is the build for CPUs",
    "xgboost.regressor.device": "the package is the build for CPUs",
    "xgboost.classifier.sampling_method": "its other value needs a GPU",
    "xgboost.regressor.sampling_method": "its other value needs a GPU",
    "xgboost.classifier.missing": "nulls arrive as NaN, which is the default",
    "xgboost.regressor.missing": "nulls arrive as NaN, which is the default",
    "xgboost.classifier.validate_parameters": "the names are checked by the compiler",
    "xgboost.regressor.validate_parameters": "the names are checked by the compiler",
}
"""Constructor arguments that are not declared, and why: by name, or by trainer and name."""

NOT_OFFERED: dict[str, dict[str, str]] = {
    "metric": {
        "precomputed": "the rows are features, not distances",
        "pyfunc": "code",
        "haversine": "takes exactly two columns",
        "mahalanobis": "needs metric_params",
        "seuclidean": "needs metric_params",
        "nan_euclidean": "the trainer takes no nulls otherwise",
        "infinity": "another name of chebyshev",
        "p": "another name of minkowski",
    },
    "kernel": {"precomputed": "the rows are features, not distances"},
    "solver": {
        "interior-point": "gone from SciPy 1.11 on",
        "revised simplex": "gone from SciPy 1.11 on",
    },
    "strategy": {"constant": "its value would be a label"},
}
"""Values of an enum that the library takes and the declaration does not, and why."""

ABILITIES_BY_HAND: dict[str, str] = {
    "sklearn.dummy_classifier.nulls": "never looks at the features, so their tags say nothing",
    "sklearn.dummy_regressor.nulls": "never looks at the features, so their tags say nothing",
}
"""Accepted kinds of data that the library's own tags deny, and why that is right."""


class Findings:
    """Collects differences, and remembers which exceptions were needed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.used: set[str] = set()

    def add(self, where: str, text: str) -> None:
        """Note a difference."""
        self.lines.append(f"{where}: {text}")

    def excused(self, table: dict[str, Any], *keys: str) -> bool:
        """Is there an exception under one of the keys?"""
        found = [key for key in keys if key in table]
        self.used.update(found)
        return bool(found)


def constructor(trainer: Declaration) -> dict[str, Any]:
    """What the constructor takes by name, with its defaults."""
    build = imported(trainer["settings"]["python"])
    chain = [build, xgboost.XGBModel] if issubclass(build, xgboost.XGBModel) else [build]
    parameters: dict[str, Any] = {}
    for each in chain:
        for name, parameter in inspect.signature(each.__init__).parameters.items():
            if name != "self" and parameter.kind is not parameter.VAR_KEYWORD:
                parameters.setdefault(name, parameter.default)
    return parameters


def check_names(trainer: Declaration, found: Findings) -> None:
    """Declared and taken arguments are the same, but for the exceptions."""
    name, settings = trainer["name"], trainer["settings"]
    taken = constructor(trainer)
    declared = {param["name"] for param in trainer["params"]}
    native = (
        set(lightgbm.basic._ConfigAliases._get_all_param_aliases())
        if name.startswith("lightgbm.")
        else set()
    )
    for extra in sorted(declared - set(taken) - native):
        found.add(name, f"declares {extra}, which the constructor does not take")
    filled = {settings[key] for key in ("seed", "threads") if key in settings}
    for absent in sorted((filled | set(trainer["fixed"])) - set(taken) - native):
        found.add(name, f"fills {absent}, which the constructor does not take")
    filled |= set(trainer["fixed"])
    if "categories" in settings:
        filled |= {"mask": {"categorical_features"}, "feature_types": {"feature_types"}}.get(
            settings["categories"], set()
        )
    for both in sorted(declared & filled):
        found.add(name, f"declares {both}, which a setting fills")
    for missing in sorted(set(taken) - declared - filled):
        if not found.excused(EXCLUDED, missing, f"{name}.{missing}"):
            found.add(name, f"does not declare {missing}")


def check_defaults(trainer: Declaration, found: Findings) -> None:
    """A declared default is the constructor's, and lies in the declared range."""
    taken = constructor(trainer)
    for param in trainer["params"]:
        where, default = f"{trainer['name']}.{param['name']}", param["default"]
        if not param["has_default"]:
            found.add(where, "has no default")
        wanted = taken.get(param["name"], default)
        wanted = list(wanted) if isinstance(wanted, tuple) else wanted
        if wanted != default or isinstance(wanted, bool) != isinstance(default, bool):
            found.add(where, f"defaults to {default!r}, in the library to {wanted!r}")
        if (
            isinstance(default, (int, float))
            and not isinstance(default, bool)
            and not within(default, param["range"])
        ):
            found.add(where, f"default {default} outside {shown(param['range'])}")


def check_constraints(trainer: Declaration, found: Findings) -> None:
    """Types and ranges are those that scikit-learn itself enforces."""
    constraints = getattr(imported(trainer["settings"]["python"]), "_parameter_constraints", None)
    if constraints is None:
        return
    for param in trainer["params"]:
        where = f"{trainer['name']}.{param['name']}"
        rules = [
            rule for rule in constraints[param["name"]] if not isinstance(rule, validation.Hidden)
        ]
        plain, names, nullable = alternatives(param["type"])
        check_enum(where, param["name"], names, rules, found)
        if nullable and None not in rules:
            found.add(where, "takes null, which the library refuses")
        if "bool" in plain and "boolean" not in rules:
            found.add(where, "takes a bool, which the library refuses")
        intervals = [rule for rule in rules if isinstance(rule, validation.Interval)]
        if intervals and not plain & {"list[int]", "list[float]"}:
            wanted = hull(intervals)
            if not same_range(param["range"], wanted):
                found.add(where, f"range {shown(param['range'])}, in the library {shown(wanted)}")
            kinds = {"int" if "Integral" in str(rule.type) else "float" for rule in intervals}
            if kinds != plain & {"int", "float"}:
                found.add(where, f"takes {param['type']}, in the library {sorted(kinds)}")


def check_enum(where: str, param: str, names: set[str], rules: list[Any], found: Findings) -> None:
    """The names of an enum are those that the library takes, but for the exceptions."""
    taken: set[str] = set()
    for rule in rules:
        if isinstance(rule, validation.StrOptions):
            taken |= set(rule.options) - set(rule.deprecated)
    for extra in sorted(names - taken):
        found.add(where, f"offers {extra!r}, which the library refuses")
    if not names and str in rules:
        return
    for missing in sorted(taken - names):
        if not found.excused(NOT_OFFERED.get(param, {}), missing):
            found.add(where, f"does not offer {missing!r}")


def hull(intervals: list[Any]) -> Range:
    """The smallest range that holds all intervals."""
    lows = [
        (-math.inf if rule.left is None else rule.left, rule.closed in ("right", "neither"))
        for rule in intervals
    ]
    highs = [
        (math.inf if rule.right is None else rule.right, rule.closed in ("right", "both"))
        for rule in intervals
    ]
    (low, low_open), (high, high_closed) = min(lows), max(highs)
    return {
        "low": None if low == -math.inf else low,
        "low_open": low_open,
        "high": None if high == math.inf else high,
        "high_open": not high_closed,
    }


def same_range(declared: Range | None, wanted: Range) -> bool:
    """Are two ranges the same set of numbers?"""
    left = declared or {"low": None, "low_open": False, "high": None, "high_open": False}
    ends = [
        (left[end], wanted[end], left[f"{end}_open"], wanted[f"{end}_open"])
        for end in ("low", "high")
    ]
    return all(
        mine == other and (mine is None or my_open == open_) for mine, other, my_open, open_ in ends
    )


def abilities(build: Any) -> Iterator[tuple[str, bool]]:
    """What the library says about the data it can take."""
    fit = inspect.signature(build.fit).parameters
    yield "weights", "sample_weight" in fit
    yield "validation", "X_val" in fit or "eval_set" in fit
    if issubclass(build, sklearn.base.BaseEstimator):
        tags = build().__sklearn_tags__().input_tags
        yield "nulls", tags.allow_nan
        yield "sparse", tags.sparse


def check_abilities(trainer: Declaration, found: Findings) -> None:
    """`accepts`, `seed`, `tasks` and `package` agree with the installed library."""
    name, build, accepts = (
        trainer["name"],
        imported(trainer["settings"]["python"]),
        trainer["accepts"],
    )
    for ability, able in abilities(build):
        if (ability in accepts) != able and not found.excused(
            ABILITIES_BY_HAND, f"{name}.{ability}"
        ):
            found.add(
                name, f"{'accepts' if ability in accepts else 'does not accept'} {ability}: wrong"
            )
    if ("categories" in accepts) != ("categories" in trainer["settings"]):
        found.add(name, "`accepts { categories }` and `categories = …` go together")
    classifies = sklearn.base.is_classifier(build())
    if ("regression" in trainer["tasks"]) == classifies:
        found.add(name, f"is for {trainer['tasks']}: wrong")
    resource = trainer["settings"].get("resource")
    if resource is not None and resource not in {param["name"] for param in trainer["params"]}:
        found.add(name, f"rations {resource}, which is not declared")
    requirement = Requirement(trainer["settings"]["package"])
    installed = importlib.metadata.version(requirement.name)
    if not requirement.specifier.contains(installed):
        found.add(name, f"needs {requirement}, checked with {installed}")


def check_metric(metric: Declaration, found: Findings) -> None:
    """A metric's function takes truth, prediction, weight and exactly the declared parameters."""
    name = metric["name"]
    parameters = dict(inspect.signature(imported(metric["settings"]["python"])).parameters)
    wanted = ["y_true", "y_prob" if metric["settings"]["needs"] == "probability" else "y_pred"]
    if list(parameters)[:2] != wanted:
        found.add(name, f"takes {list(parameters)[:2]} instead of {wanted}")
    taken = {key: value.default for key, value in list(parameters.items())[2:]}
    declared = {"weight": None} | {param["name"]: param["default"] for param in metric["params"]}
    if taken != declared:
        found.add(name, f"declares {declared}, the function takes {taken}")


def main(path: str) -> int:
    """Check all, print the differences."""
    declarations, found = load(Path(path)), Findings()
    trainers, metrics = of_kind(declarations, "trainer"), of_kind(declarations, "metric")
    for trainer in trainers:
        check_names(trainer, found)
        check_defaults(trainer, found)
        check_constraints(trainer, found)
        check_abilities(trainer, found)
    for metric in metrics:
        check_metric(metric, found)
    exceptions = {
        *EXCLUDED,
        *ABILITIES_BY_HAND,
        *(value for table in NOT_OFFERED.values() for value in table),
    }
    for unused in sorted(exceptions - found.used):
        found.add(unused, "an exception that nothing needs")
    for line in found.lines:
        print(line)
    print(f"{len(trainers)} trainers, {len(metrics)} metrics, {len(found.lines)} differences")
    return 1 if found.lines else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

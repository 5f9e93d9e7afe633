"""Every example of the standard library holds, and every function keeps its declared types, ranges and nulls.

    python check_examples.py DECLARATIONS.json

The JSON is a list of declarations; `declarations.py` describes it. The examples are, by kind:

    fn           compiled Polars expressions, each of which must give true: ["pl.lit(0.0).log1p() == pl.lit(0.0)"]; they
                 may use `pl`, `expr`, `functions` and `fitted`
    fitted       records as written: [{"x": […], "gives": […], "strategy": "mean"}]
    metric       records as written: [{"truth": […], "predicted": […], "value": 0.5, "threshold": 0.3}]
    expectation  [{"columns": {"x": {"type": "float", "values": […]}}, "polars": "pl.col(\"x\").mean()", "offending":
                 null, "value": 1.5}], with constants filled in; a type variable may stand as the type. A distance has
                 "python" in its settings and the columns "x" and "earlier"
    trainer      records as written: [{"max_iter": 20}]

Prints each failure and exits with 1 if there is one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from check_functions import TYPES, probe_function
from check_trainers import fit_trainer
from declarations import Declaration, fill, imported, load, of_kind, same_number, within

Failures = Iterator[str]

MODULES = ("encoding", "expr", "fitted", "functions", "neighbours", "profile", "vectors")
"""What a template may name."""

profile = importlib.import_module("mlp_runtime.profile")

NAMES = {"pl": pl} | {name: importlib.import_module(f"mlp_runtime.{name}") for name in MODULES}


def compiled(expression: str) -> pl.Expr:
    """The Polars expression that a text stands for."""
    result: pl.Expr = eval(expression, dict(NAMES))
    return result


def alike(left: Any, right: Any) -> bool:
    """Equal, where floats may differ in their last bits."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            alike(a, b) for a, b in zip(left, right, strict=True)
        )
    if isinstance(left, float) and isinstance(right, (int, float)):
        return same_number(left, right)
    return type(left) is type(right) and bool(left == right)


def column(values: list[Any], declared: str = "any") -> pl.Series:
    """A column of example values; moments are written as text."""
    if declared == "timestamp":
        return pl.Series(values, dtype=pl.String).str.to_datetime(time_unit="us", time_zone="UTC")
    return pl.Series(values, dtype=TYPES.get(declared))


def columns(function: Declaration, example: dict[str, Any]) -> dict[str, pl.Series]:
    """The example's columns by parameter, in order; those of a variadic one are `more 0`, `more 1`, …"""
    found: dict[str, pl.Series] = {}
    for arg in function["args"]:
        name = arg["name"]
        if arg["const"] or name == function["settings"].get("target"):
            continue
        if arg["variadic"]:
            found |= {f"{name} {at}": column(each) for at, each in enumerate(example[name])}
        else:
            found[name] = column(example[name])
    return found


def run_function(function: Declaration) -> Failures:
    """Each example gives true and nothing else."""
    for example in function["examples"]:
        try:
            given = pl.DataFrame({"row": [0]}).select(compiled(example)).to_series().to_list()
        except pl.exceptions.PolarsError as error:
            given = [f"{type(error).__name__}: {error}"]
        if given != [True]:
            yield f"{example} gives {given}"
    yield from probe_function(function, compiled)


def run_fitted(function: Declaration) -> Failures:
    """Fitted on the example's values and applied to them, it gives what the example says."""
    settings = function["settings"]
    for example in function["examples"]:
        constants = {arg["name"]: arg["default"] for arg in function["args"] if arg["const"]}
        constants |= {name: example[name] for name in constants if name in example}
        target = settings.get("target")
        learned_from = {} if target is None else {target: column(example[target])}
        taken = columns(function, example)
        fit = imported(f"mlp_runtime.{settings['fit'].replace('.', ':')}")
        state = fit(*taken.values(), **learned_from, **constants)
        wanted = [field["name"] for field in function["state"]]
        if list(state) != wanted:
            yield f"{settings['fit']} returns {list(state)}, declared are {wanted}"
            continue
        values = {name: repr(value) for name, value in (constants | state).items()}
        for arg in function["args"]:
            own = [name for name in taken if name.partition(" ")[0] == arg["name"]]
            if own:
                values[arg["name"]] = ", ".join(f"pl.col({name!r})" for name in own)
        given = (
            pl.DataFrame(taken)
            .select(compiled(fill(settings["polars"], values)))
            .to_series()
            .to_list()
        )
        if not alike(given, example["gives"]):
            yield f"gives {given} instead of {example['gives']}"


def run_metric(metric: Declaration) -> Failures:
    """The example's value, within the range, whether weights are absent or equal."""
    measure: Callable[..., float] = imported(metric["settings"]["python"])
    for example in metric["examples"]:
        truth, predicted, value = example["truth"], example["predicted"], example["value"]
        settings = {
            name: example[name] for name in example if name not in ("truth", "predicted", "value")
        }
        for weight in (None, [1.0] * len(truth), [2.0] * len(truth)):
            given = measure(truth, predicted, weight=weight, **settings)
            if not isinstance(given, float) or not same_number(given, value):
                yield f"gives {given} instead of {value} with weight {weight}"
        if not within(value, metric["settings"].get("range")):
            yield f"{value} lies outside the declared range"


def run_expectation(expectation: Declaration) -> Failures:
    """One value of the declared type over the table; the mask, if any, has one truth value a row."""
    if "python" in expectation["settings"]:
        yield from run_distance(expectation)
        return
    for example in expectation["examples"]:
        table = pl.DataFrame(
            {
                name: column(each["values"], each["type"])
                for name, each in example["columns"].items()
            }
        )
        given = table.select(compiled(example["polars"]))
        if given.shape != (1, 1) or not alike(given.item(), example["value"]):
            yield f"{example['polars']} gives {given.to_series().to_list()} instead of {example['value']}"
        declared = TYPES.get(expectation["result"].rstrip("?"))
        if declared is not None and given.dtypes != [declared]:
            yield f"{example['polars']} is {given.dtypes}, declared is {expectation['result']}"
        if isinstance(example["value"], (int, float)) and not within(
            example["value"], expectation["result_range"]
        ):
            yield f"{example['value']} lies outside the declared range"
        if example["offending"] is not None:
            mask = table.select(compiled(example["offending"])).to_series()
            if mask.dtype != pl.Boolean or len(mask) != len(table):
                yield f"{example['offending']} is no mask of rows"


def run_distance(expectation: Declaration) -> Failures:
    """The distance of the present values from a profile of the earlier ones."""
    measure: Callable[..., float | None] = imported(expectation["settings"]["python"])
    takes = expectation["settings"]["takes"]
    for example in expectation["examples"]:
        now, then = (column(example["columns"][name]["values"]) for name in ("x", "earlier"))
        number = now.dtype.is_numeric() and takes != "levels"
        given = measure(now, profile.column_profile(then, "number" if number else "level"))
        if not alike(given, example["value"]):
            yield f"gives {given} instead of {example['value']}"
        if not within(example["value"], expectation["result_range"]):
            yield f"{example['value']} lies outside the declared range"


RUNNERS: dict[str, Callable[[Declaration], Failures]] = {
    "fn": run_function,
    "fitted": run_fitted,
    "metric": run_metric,
    "expectation": run_expectation,
    "trainer": fit_trainer,
}


def main(path: str) -> int:
    """Run all examples, print the failures."""
    declarations, failures, examples = load(Path(path)), 0, 0
    for kind, run in RUNNERS.items():
        for declaration in of_kind(declarations, kind):
            examples += len(declaration["examples"])
            found = list(run(declaration))
            if not declaration["examples"]:
                found.append("has no example")
            failures += len(found)
            for text in found:
                print(f"{kind} {declaration['name']}: {text}")
    print(f"{len(declarations)} declarations, {examples} examples, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

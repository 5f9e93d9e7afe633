"""Probes of a function beyond its examples: type, nulls, finiteness and range of the result on many arguments.

Used by `check_examples.py`. A function's template (`settings.polars`) is filled with columns of sample values that lie
in the parameters' domains, and with one constant for each `const` parameter.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import polars as pl

from declarations import Declaration, fill, within

Compile: TypeAlias = Callable[[str], pl.Expr]

FLOATS = [0.0, 1.0, -1.0, 0.5, -0.25, 2.5, 1e-9, 89.0, -700.0, 700.0, 1e6, -1e6]
INTS = [0, 1, -1, 2, 7, -12, 365, 100_000]
MOMENTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2012, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2012, 12, 31, 12, 30, tzinfo=UTC),
    datetime(1899, 12, 31, 1, 2, 3, tzinfo=UTC),
]
SAMPLES: dict[str, list[Any]] = {
    "bool": [True, False],
    "int": INTS,
    "float": FLOATS,
    "string": ["", "a", " né\t", "12", "-1.5", "a-b-a"],
    "category": ["a", "b"],
    "date": [date(2012, 2, 29), date(1969, 12, 31)],
    "timestamp": MOMENTS,
    "duration": [timedelta(0), timedelta(days=1, microseconds=1), timedelta(seconds=-5)],
    "list[int]": [[1], [0, -7, 365], []],
    "list[float]": [[0.5], [-2.5, 1e6, 0.0], []],
    "list[string]": [["a"], ["", "né", "a"], []],
    "list[timestamp]": [MOMENTS, MOMENTS[:1], []],
    "vector": [[0.0, 1.0], [-2.5, 1e6]],
}
"""Values of each type that reach its corners."""

VARIABLES = {
    "N": ["int", "float"],
    "T": ["int", "string", "timestamp"],
    "any": ["bool", "int", "string", "timestamp"],
}
"""What stands for a type variable, one after another."""

CONSTANTS: dict[str, str] = {
    "int": "2",
    "float": "2.0",
    "N": "2",
    "string": '"a"',
    "list[string]": '["a"]',
    "unit": '"km"',
}
"""The constant of each type that is used where a parameter has no default."""

TYPES: dict[str, Any] = {
    "bool": pl.Boolean,
    "int": pl.Int64,
    "float": pl.Float64,
    "string": pl.String,
    "category": pl.String,
    "date": pl.Date,
    "timestamp": pl.Datetime("us", "UTC"),
    "duration": pl.Duration("us"),
    "list[int]": pl.List(pl.Int64),
    "list[float]": pl.List(pl.Float64),
    "list[string]": pl.List(pl.String),
    "list[timestamp]": pl.List(pl.Datetime("us", "UTC")),
    "vector": pl.List(pl.Float64),
}
"""How values of a type are held in a table."""


def probe_function(function: Declaration, compiled: Compile) -> Iterator[str]:
    """Everything that is wrong with a function, for every type that its variables can stand for."""
    columns = [arg for arg in function["args"] if not arg["const"]]
    if not columns:
        # Only constants: the examples say all.
        return
    used = {inner(arg["type"]) for arg in columns} & set(VARIABLES)
    for variable in used or {""}:
        for stand_in in VARIABLES.get(variable, [""]):
            types = {variable: stand_in}
            rows = sample_rows(columns, types)
            yield from check_rows(function, columns, types, rows, compiled)
            for place, arg in enumerate(columns):
                yield from check_null(function, columns, types, rows[0], place, arg, compiled)


def inner(declared: str) -> str:
    """A declared type without `?`, of a list that of its items."""
    return declared.rstrip("?").removeprefix("list[").removesuffix("]")


def plain(declared: str, types: dict[str, str]) -> str:
    """A declared type without `?`, its variable replaced."""
    base = declared.rstrip("?")
    variable = inner(base)
    return base.replace(variable, types[variable]) if variable in types else base


def sample_rows(columns: list[Any], types: dict[str, str]) -> list[tuple[Any, ...]]:
    """Combinations of sample values within the parameters' domains."""
    values = []
    for arg in columns:
        found = SAMPLES[plain(arg["type"], types)]
        values.append(
            [value for value in found if arg["range"] is None or within(value, arg["range"])]
        )
    return list(itertools.islice(itertools.product(*values), 2_000))


def call(
    function: Declaration, columns: list[Any], types: dict[str, str], rows: list[tuple[Any, ...]]
) -> Any:
    """The table of arguments, and the text of the call over it."""
    schema = {arg["name"]: TYPES[plain(arg["type"], types)] for arg in columns}
    values = {arg["name"]: f'pl.col("{arg["name"]}")' for arg in columns}
    for arg in function["args"]:
        if arg["const"]:
            values[arg["name"]] = (
                repr(arg["default"]) if arg["has_default"] else CONSTANTS[arg["type"]]
            )
    return pl.DataFrame(rows, schema=schema, orient="row"), fill(
        function["settings"]["polars"], values
    )


def check_rows(
    function: Declaration,
    columns: list[Any],
    types: dict[str, str],
    rows: list[tuple[Any, ...]],
    compiled: Compile,
) -> Iterator[str]:
    """On arguments inside the domains the result has its type, lies in its range, is finite, and null only if `?`."""
    table, text = call(function, columns, types, rows)
    result = table.select(compiled(text).alias("result")).to_series()
    wanted = declared(function, types)
    if result.dtype != wanted:
        yield f"{text} over {table.schema} is {result.dtype}, declared is {function['result']}"
    if len(result) != len(table):
        yield f"{text} gives {len(result)} rows for {len(table)}"
        return
    if result.null_count() and not function["result"].endswith("?"):
        yield f"{text} gives null for {rows[result.is_null().arg_true()[0]]}"
    if result.dtype.is_numeric():
        for row, value in zip(rows, result.to_list(), strict=True):
            if value is not None and not (
                abs(value) < float("inf") and within(value, function["result_range"])
            ):
                yield f"{text} gives {value} for {row}"
                return


def declared(function: Declaration, types: dict[str, str]) -> Any:
    """How values of the result are held; a vector has as many numbers as a constant says."""
    of = plain(function["result"], types)
    if not of.startswith("vector["):
        return TYPES[of]
    size = next(arg for arg in function["args"] if arg["name"] == of[7:-1])
    return pl.Array(
        pl.Float64, size["default"] if size["has_default"] else int(CONSTANTS[size["type"]])
    )


def check_null(
    function: Declaration,
    columns: list[Any],
    types: dict[str, str],
    row: tuple[Any, ...],
    place: int,
    arg: Any,
    compiled: Compile,
) -> Iterator[str]:
    """One argument null: a null result by default, and where the setting `nulls` says otherwise what that says."""
    changed = (*row[:place], None, *row[place + 1 :])
    table, text = call(function, columns, types, [changed])
    value = table.select(compiled(text).alias("result")).to_series().to_list()[0]
    policy = function["settings"].get("nulls")
    if policy is None and value is not None:
        yield f"{text} gives {value!r} for {changed}, not null"
    if policy == "coalesce" and value is None and len(row) > 1:
        yield f"{text} gives null for {changed}"
    if (
        policy == "handled"
        and arg["type"].endswith("?")
        and value is None
        and not function["result"].endswith("?")
    ):
        yield f"{text} gives null for {changed}"

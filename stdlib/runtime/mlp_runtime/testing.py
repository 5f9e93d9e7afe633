"""Tests of features: given rows in, expected values out, on the code that a run executes.

`python -m mlp_runtime.testing [--cases N] MODULE:INDEX ...` runs cases of generated modules and prints
one line of JSON for each, as soon as it is known.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

from mlp_runtime import expr, literals, table
from mlp_runtime import given as rows_given
from mlp_runtime.checks import ROW
from mlp_runtime.schema import Column, Schema

RELATIVE = 1e-6
ABSOLUTE = 1e-9
"""How far two floats may be apart and still be the same: expected values are written by hand."""

CASES = 100
"""Tables that are made up for a property."""

Tables = Mapping[str, Sequence[rows_given.Row]]
"""Rows by dataset."""

Problem = dict[str, Any]
"""What is wrong, for whoever shows it."""


@dataclass(frozen=True)
class Expected:
    """A column and its values, in the order of the base's given rows."""

    column: Column
    values: Sequence[Any]
    origin: str


@dataclass(frozen=True)
class Property:
    """A column that is true for any rows, and the names that it is made from."""

    column: str
    names: Sequence[str]
    seed: int
    origin: str


@dataclass(frozen=True)
class Case:
    """One test."""

    title: str
    features: ModuleType = field(kw_only=True)
    schemas: Mapping[str, Schema] = field(kw_only=True)
    labelled: bool = field(default=False, kw_only=True)
    function: bool = field(default=False, kw_only=True)
    given: Tables = field(default_factory=dict, kw_only=True)
    fitted: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, kw_only=True)
    expected: Sequence[Expected] = field(default_factory=list, kw_only=True)
    refused: str | None = field(default=None, kw_only=True)
    properties: Sequence[Property] = field(default_factory=list, kw_only=True)

    def read(self, tables: Tables) -> dict[str, rows_given.Read]:
        """The tables as a run would hold them; a dataset that is not given has no rows."""
        return {
            name: rows_given.read(schema, tables.get(name, []))
            for name, schema in self.schemas.items()
        }

    def values(self, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """What the features' code makes of them, in the order of the base's given rows."""
        module = self.features
        rows = module.rows
        if not self.labelled:
            rows = getattr(module, "predict_rows", rows)
        frames = [tables[name].lazy() for name in module.DATASETS]
        made = module.transform(table.collect(rows(*frames)), dict(self.fitted))
        found: pl.DataFrame = made.sort(ROW, maintain_order=True) if ROW in made.columns else made
        return found


def run(case: Case, cases: int = CASES) -> list[Problem]:
    """Everything that is wrong; nothing if the test passes."""
    try:
        if case.refused is not None:
            return _refusal(case, case.refused)
        problems = _compared(case) if case.expected else []
        for index, item in enumerate(case.properties):
            problems += _held(case, index, item, cases)
    except Exception as error:
        return [_crash(error)]
    return problems


def _refusal(case: Case, code: str) -> list[Problem]:
    """Rows that should be refused, and why else they are."""
    read = case.read(case.given)
    found = set().union(*(item.codes for item in read.values()))
    if code in found:
        return []
    lines = [outcome.line() for item in read.values() for outcome in item.refused]
    return [{"kind": "accepted", "codes": sorted(found), "lines": lines}]


def _compared(case: Case) -> list[Problem]:
    read = case.read(case.given)
    refused = [
        {"code": rows_given.CODES[outcome.rule], "text": outcome.line(), "dataset": name}
        for name, item in read.items()
        for outcome in item.refused
    ]
    if refused:
        return [{"kind": "refused", "checks": refused}]
    found = case.values({name: item.rows for name, item in read.items()})
    wanted = len(case.expected[0].values)
    if found.height != wanted:
        return [_other_count(case, found, wanted)]
    problems = []
    for index, column in enumerate(case.expected):
        cells = differences(column, found.get_column(column.column.name).to_list())
        if cells:
            problems.append({"kind": "cells", "expected": index, "cells": cells})
    return problems


def _other_count(case: Case, found: pl.DataFrame, wanted: int) -> Problem:
    """Which of the given rows came out, where that can be said."""
    kept = [row + 1 for row in found.get_column(ROW)] if ROW in found.columns else None
    names = [item.column.name for item in case.expected]
    rows = found.select(expr.columns(names)).rows()
    return {
        "kind": "count",
        "wanted": wanted,
        "found": found.height,
        "kept": kept,
        "names": names,
        "rows": [[literals.written(plain(cell)) for cell in row] for row in rows[:20]],
    }


def differences(column: Expected, found: Sequence[Any]) -> list[dict[str, Any]]:
    """The cells that are not as expected: row, from 1, and both values as they would be written."""
    wanted = rows_given.values(column.column, column.values)
    return [
        {"row": row, "expected": literals.written(left), "found": literals.written(plain(right))}
        for row, (left, right) in enumerate(zip(wanted, found, strict=True), start=1)
        if not same(left, plain(right))
    ]


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; floats within what a person would write."""
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(same(one, other) for one, other in pairs)
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if isinstance(left, float | int) and isinstance(right, float | int):
        return math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(left == right)


def plain(value: Any) -> Any:
    """A cell in Python's own types: vectors as lists."""
    if isinstance(value, pl.Series):
        return value.to_list()
    if isinstance(value, datetime | date | str) or not hasattr(value, "tolist"):
        return value
    return value.tolist()


def _held(case: Case, index: int, item: Property, cases: int) -> list[Problem]:
    """A counterexample to a property, made as small as it gets."""
    from mlp_runtime import generating

    found = generating.counterexample(case, item, cases)
    if found is None:
        return []
    written = literals.arguments if case.function else literals.given
    rows = [written(name, rows) for name, rows in found.tables.items()]
    return [
        {
            "kind": "property",
            "property": index,
            "tried": found.tried,
            "given": rows,
            "values": found.values,
            "error": found.error,
        }
    ]


def _crash(error: Exception) -> Problem:
    """An error of the code under test, with where in the build it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if "/features/" in frame.filename or "/code/" in frame.filename
    ]
    place = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else None
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return {"kind": "error", "text": f"{type(error).__name__}: {text}", "place": place}


def main(argv: Sequence[str] | None = None) -> None:
    """Run cases by their addresses and print what came of each."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--cases", type=int, default=CASES, metavar="N")
    parser.add_argument("addresses", nargs="+", metavar="MODULE:INDEX")
    args = parser.parse_args(argv)
    results = sys.stdout
    for address in args.addresses:
        module, _, index = address.rpartition(":")
        started = time.perf_counter()
        # What the code under test prints is no result.
        with contextlib.redirect_stdout(sys.stderr):
            problems = _run_at(module, int(index), args.cases)
        seconds = time.perf_counter() - started
        line = {"address": address, "problems": problems, "seconds": seconds}
        print(json.dumps(line), file=results, flush=True)


def _run_at(module: str, index: int, cases: int) -> list[Problem]:
    try:
        case: Case = importlib.import_module(module).CASES[index]
    except Exception as error:
        return [_crash(error)]
    return run(case, cases)


if __name__ == "__main__":
    main()

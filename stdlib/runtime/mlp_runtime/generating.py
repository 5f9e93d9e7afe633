"""Made-up rows for properties: by the declared schema, the same in every run; counterexamples get small."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlp_runtime import literals, patterns
from mlp_runtime.schema import Bounds, Column, Schema

if TYPE_CHECKING:
    from mlp_runtime.testing import Case, Property

ROWS = 12
"""Rows of a table, at most."""

STEPS = 400
"""Tries at making a counterexample smaller."""

Tables = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Counterexample:
    """Rows for which a property does not hold."""

    tables: Tables
    tried: int
    values: Mapping[str, str]
    error: str | None


@dataclass(frozen=True)
class _Fault:
    """Why some rows are a counterexample: the values of the row at fault, or what the code raised."""

    values: Mapping[str, str]
    error: str | None


def counterexample(case: Case, item: Property, cases: int) -> Counterexample | None:
    """The smallest rows found for which the property is false, or the code fails."""
    chance = random.Random(item.seed)
    fixed = {name: [dict(row) for row in rows] for name, rows in case.given.items()}
    for tried in range(1, cases + 1):
        tables = _tables(case.schemas, fixed, chance, size=1 + (tried * ROWS) // cases)
        fault = _fault(case, item, tables)
        if fault is not None:
            free = [name for name in tables if name not in fixed]
            small = _shrunk(case, item, tables, free)
            fault = _fault(case, item, small) or fault
            return Counterexample(small, tried, fault.values, fault.error)
    return None


def _fault(case: Case, item: Property, tables: Tables) -> _Fault | None:
    """What is wrong with the property over these rows; None too if the schema refuses them."""
    read = case.read(tables)
    if any(table.refused for table in read.values()):
        return None
    try:
        found = case.values({name: table.rows for name, table in read.items()})
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        return _Fault({}, f"{type(error).__name__}: {lines[0]}")
    bad = found.filter(~found.get_column(item.column).fill_null(True)).head(1)
    if bad.is_empty():
        return None
    from mlp_runtime.testing import plain

    values = {name: literals.written(plain(bad.get_column(name)[0])) for name in item.names}
    return _Fault(values, None)


def _tables(
    schemas: Mapping[str, Schema], fixed: Tables, chance: random.Random, size: int
) -> Tables:
    """Rows of every dataset; columns of one name draw from the same values, so that joins meet."""
    shared: dict[str, list[Any]] = {}
    tables: Tables = {}
    for name, schema in schemas.items():
        if name in fixed:
            tables[name] = fixed[name]
            continue
        rows: list[dict[str, Any]] = []
        for _ in range(chance.randint(1, size)):
            row = {column.name: _cell(column, chance, shared) for column in schema.columns}
            if not _repeats(schema, rows, row):
                rows.append(row)
        for column in schema.columns:
            shared.setdefault(column.name, [row[column.name] for row in rows])
        tables[name] = rows
    return tables


def _cell(column: Column, chance: random.Random, shared: Mapping[str, Sequence[Any]]) -> Any:
    known = [value for value in shared.get(column.name, []) if value is not None]
    if known and chance.random() < 0.6:
        return chance.choice(known)
    if column.nullable and chance.random() < 0.2:
        return None
    if column.levels is not None:
        return chance.choice(list(column.levels))
    if column.matches is not None:
        return patterns.example(column.matches, chance)
    edges = simple(column)
    if edges and chance.random() < 0.3:
        return chance.choice(edges)
    return _RANDOM[column.kind](column, chance)


def _repeats(schema: Schema, rows: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> bool:
    """Whether a row has a key, or a value of a unique column, that another one has."""
    sets = [list(schema.key)] if schema.key else []
    sets += [[column.name] for column in schema.columns if column.unique]
    return any(all(other[name] == row[name] for name in names) for names in sets for other in rows)


def simple(column: Column) -> list[Any]:
    """Values at which code breaks, the plainest first: zero, one, edges of the range."""
    if column.levels is not None:
        return list(column.levels[:1])
    if column.kind in ("int", "float"):
        within = column.within or Bounds()
        whole = column.kind == "int"
        edges = [0.0, 1.0, -1.0, *(edge for edge in (within.low, within.high) if edge is not None)]
        inside = [edge for edge in dict.fromkeys(edges) if _inside(within, edge)]
        return [int(edge) for edge in inside if edge == int(edge)] if whole else inside
    return list(_SIMPLE.get(column.kind, []))


_SIMPLE: Mapping[str, Sequence[Any]] = {
    "bool": [False, True],
    "string": ["", "a"],
    "category": ["a"],
    "date": ["2000-01-01", "2024-02-29"],
    "timestamp": ["2000-01-01T00:00:00Z", "2024-02-29T12:00:00Z"],
    "duration": ["0s", "1s"],
}


def _inside(within: Bounds, value: float) -> bool:
    above = within.low is None or (value >= within.low if within.low_closed else value > within.low)
    below = within.high is None or (
        value <= within.high if within.high_closed else value < within.high
    )
    return above and below


def _number(column: Column, chance: random.Random) -> float:
    """Between the bounds; where one is open, at any distance from the other."""
    within = column.within or Bounds()
    far = 10.0 ** chance.randint(0, 6)
    if within.low is not None and within.high is not None:
        return chance.uniform(within.low, within.high)
    if within.low is not None:
        return within.low + chance.uniform(0.0, far)
    if within.high is not None:
        return within.high - chance.uniform(0.0, far)
    return chance.uniform(-far, far)


def _float(column: Column, chance: random.Random) -> float:
    value = _number(column, chance)
    short = round(value, chance.randint(0, 6))
    return short if _inside(column.within or Bounds(), short) else value


def _int(column: Column, chance: random.Random) -> int:
    within = column.within or Bounds()
    value = round(_number(column, chance))
    return value if _inside(within, value) else int(_number(column, chance))


def _word(column: Column, chance: random.Random) -> str:
    letters = "abcdefgXYZ019 -_ÄßéŽ漢"
    return "".join(chance.choice(letters) for _ in range(chance.randint(0, 8)))


def _category(column: Column, chance: random.Random) -> str:
    return chance.choice("abcde")


def _moment(chance: random.Random) -> datetime:
    start = datetime(2012, 1, 1, tzinfo=UTC)
    return start + timedelta(minutes=chance.randint(0, 2 * 365 * 24 * 60))


_RANDOM: Mapping[str, Callable[[Column, random.Random], Any]] = {
    "bool": lambda column, chance: chance.random() < 0.5,
    "int": _int,
    "float": _float,
    "string": _word,
    "category": _category,
    "date": lambda column, chance: _moment(chance).date().isoformat(),
    "timestamp": lambda column, chance: _moment(chance).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "duration": lambda column, chance: f"{chance.randint(0, 10**6)}s",
    "vector": lambda column, chance: [chance.uniform(-1.0, 1.0) for _ in range(3)],
}


def _shrunk(case: Case, item: Property, tables: Tables, free: Sequence[str]) -> Tables:
    """Fewer rows, then plainer cells, as long as the property stays false."""
    left = STEPS
    changed = True
    while changed and left > 0:
        changed = False
        for smaller in _smaller(case, tables, free):
            left -= 1
            if left <= 0:
                break
            if _fault(case, item, smaller) is not None:
                tables = smaller
                changed = True
                break
    return tables


def _smaller(case: Case, tables: Tables, free: Sequence[str]) -> Iterator[Tables]:
    """Tables that are a step smaller, the largest steps first."""
    for name in free:
        rows = tables[name]
        length = len(rows)
        while length > 0:
            for start in range(0, len(rows), length):
                yield {**tables, name: rows[:start] + rows[start + length :]}
            length //= 2
    for name in free:
        for column in case.schemas[name].columns:
            for at, row in enumerate(tables[name]):
                for value in _plainer(column, row[column.name]):
                    plain = {**row, column.name: value}
                    yield {**tables, name: [*tables[name][:at], plain, *tables[name][at + 1 :]]}


def _plainer(column: Column, value: Any) -> Iterator[Any]:
    """Plainer values than this one, the plainest first."""
    choices = [*([None] if column.nullable else []), *simple(column)]
    for choice in choices:
        if choice == value and type(choice) is type(value):
            return
        yield choice
    if isinstance(value, float) and value != round(value):
        yield from dict.fromkeys(
            round(value, digits) for digits in (0, 1, 2) if round(value, digits) != value
        )
    if isinstance(value, float | int) and not isinstance(value, bool) and abs(value) > 2:
        half = int(value / 2)
        yield float(half) if isinstance(value, float) else half
    if isinstance(value, str) and column.kind == "string" and len(value) > 1:
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]

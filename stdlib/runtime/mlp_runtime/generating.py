"""Made-up rows for properties: by the declared schema, the same in every run; counterexamples get small."""

from __future__ import annotations

import base64
import functools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

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
            row = {
                column.name: _cell(column, chance, shared, schema.timezone)
                for column in schema.columns
            }
            if not _repeats(schema, rows, row):
                rows.append(row)
        for column in schema.columns:
            shared.setdefault(column.name, [row[column.name] for row in rows])
        tables[name] = rows
    return tables


def _cell(
    column: Column, chance: random.Random, shared: Mapping[str, Sequence[Any]], zone: str | None
) -> Any:
    known = [value for value in shared.get(column.name, []) if value is not None]
    if known and chance.random() < 0.6:
        return chance.choice(known)
    if column.nullable and column.wide is None and chance.random() < 0.2:
        return None
    return value(column, chance, zone)


def value(column: Column, chance: random.Random, zone: str | None = None) -> Any:
    """Some value that a column may hold, and not null; times are now and then where a clock in the zone jumps."""
    if column.levels is not None:
        return chance.choice(list(column.levels))
    if column.matches is not None:
        return patterns.example(column.matches, chance)
    edges = simple(column)
    if edges and chance.random() < 0.3:
        return chance.choice(edges)
    if column.kind == "timestamp" and zone is not None and chance.random() < 0.2:
        return _at_a_jump(zone, chance)
    return _RANDOM[column.kind](column, chance)


def _repeats(schema: Schema, rows: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> bool:
    """Whether a row has a key, or a value of a unique column, that another one has."""
    sets = [list(schema.key)] if schema.key else []
    sets += [[column.name] for column in schema.columns if column.unique]
    return any(all(other[name] == row[name] for name in names) for names in sets for other in rows)


def simple(column: Column) -> list[Any]:
    """Values at which code breaks, the plainest first: zero, one, edges of the range, nothing in it."""
    if column.levels is not None or column.matches is not None:
        return list((column.levels or ())[:1])
    if column.kind in ("int", "float", "decimal"):
        return [_numeric(column, edge) for edge in _edges(column) if _fits(column, edge)]
    if column.kind == "vector":
        item = _number_of(column)
        return [[_numeric(item, edge)] * _size(column) for edge in _edges(item)[:2]]
    if column.kind == "list":
        item = column.item or Column("item", "string")
        return [[], *([edge] for edge in simple(item)), *([[None]] if item.nullable else [])]
    return list(_SIMPLE.get(column.kind, []))


def _edges(column: Column) -> list[float]:
    """Zero, one and the edges of the range, as far as they lie in it."""
    within = column.within or Bounds()
    edges = [0.0, 1.0, -1.0, *(edge for edge in (within.low, within.high) if edge is not None)]
    return [edge for edge in dict.fromkeys(edges) if _inside(within, edge)]


def _fits(column: Column, number: float) -> bool:
    """Whether a number is one of the column's kind, and has no more digits than there is room for."""
    if not _inside(column.within or Bounds(), number):
        return False
    if column.kind == "int":
        return number == int(number)
    if column.kind == "decimal":
        exact = Decimal(repr(number))
        whole = 10 ** (column.digits - column.scale)
        return abs(exact) < whole and exact == round(exact, column.scale)
    return True


def _numeric(column: Column, number: float) -> Any:
    if column.kind == "int":
        return int(number)
    return Decimal(repr(number)).normalize() + 0 if column.kind == "decimal" else number


def _size(column: Column) -> int:
    """How many numbers a vector has."""
    if column.wide is not None:
        return column.wide.last - column.wide.first + 1
    return 3 if column.size is None else column.size


def _number_of(column: Column) -> Column:
    """One number of a vector, as a column."""
    kind = "float" if column.wide is None else column.wide.item
    return replace(column, kind=kind, nullable=False, wide=None, size=None)


# The smallest picture there is.
_GIF = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

_SIMPLE: Mapping[str, Sequence[Any]] = {
    "bool": [False, True],
    "string": ["", "a"],
    "category": ["a"],
    "date": ["2000-01-01", "2024-02-29"],
    "timestamp": ["2000-01-01T00:00:00Z", "2024-02-29T12:00:00Z"],
    "duration": ["0s", "1s"],
    "bytes": ["", "AA=="],
    "image": [_GIF],
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
    number = _number(column, chance)
    near = [round(number), math.floor(number), math.ceil(number), math.floor(number) + 1]
    inside = [value for value in near if _inside(column.within or Bounds(), value)]
    return inside[0] if inside else near[0]


def _decimal(column: Column, chance: random.Random) -> Decimal:
    """With fewer or as many digits after the point as there is room for."""
    most = 10.0 ** min(column.digits - column.scale, 12) - 1
    number = min(max(_number(column, chance), -most), most)
    for scale in (chance.randint(0, column.scale), column.scale):
        value = round(Decimal(repr(number)), scale)
        if _inside(column.within or Bounds(), float(value)):
            return value
    edges = [edge for edge in simple(column) if isinstance(edge, Decimal)]
    return chance.choice(edges) if edges else value


def _vector(column: Column, chance: random.Random) -> list[float | int]:
    item = _number_of(column)
    draw = _int if item.kind == "int" else _float
    if item.within is None and item.kind == "float":
        return [chance.uniform(-1.0, 1.0) for _ in range(_size(column))]
    return [draw(item, chance) for _ in range(_size(column))]


def _list(column: Column, chance: random.Random) -> list[Any]:
    item = column.item or Column("item", "string")
    return [_cell(item, chance, {}, None) for _ in range(chance.randint(0, 4))]


def _word(column: Column, chance: random.Random) -> str:
    letters = "abcdefgXYZ019 -_ÄßéŽ漢"
    return "".join(chance.choice(letters) for _ in range(chance.randint(0, 8)))


def _category(column: Column, chance: random.Random) -> str:
    return chance.choice("abcde")


@functools.cache
def _jumps(zone: str) -> Sequence[datetime]:
    """The hours in which clocks of a zone jump, in the years that times are drawn from; else its midnights."""
    hours = pl.datetime_range(
        datetime(2012, 1, 1), datetime(2014, 1, 1), "1h", time_zone="UTC", eager=True
    )
    local = hours.dt.convert_time_zone(zone)
    offset = local.dt.base_utc_offset() + local.dt.dst_offset()
    jumps = hours.filter((offset != offset.shift(1)).fill_null(False)).to_list()
    return jumps or hours.filter(local.dt.hour() == 0).to_list()


def _at_a_jump(zone: str, chance: random.Random) -> str:
    """Up to two hours before or after a clock jumps."""
    moment = chance.choice(_jumps(zone)) + timedelta(minutes=30 * chance.randint(-4, 4))
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


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
    "bytes": lambda column, chance: base64.b64encode(
        chance.randbytes(chance.randint(0, 8))
    ).decode(),
    "image": lambda column, chance: _GIF,
    "decimal": _decimal,
    "vector": _vector,
    "list": _list,
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
    # Items of a list get plainer by themselves.
    known = simple(column)[: 1 if column.kind in ("vector", "list") else None]
    choices = [*([None] if column.nullable else []), *known]
    for choice in choices:
        if choice == value and type(choice) is type(value):
            return
        yield choice
    if isinstance(value, list):
        yield from _plainer_items(column, value)
    elif isinstance(value, str) and column.kind == "string" and column.matches is None:
        if len(value) < 2:
            return
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]
    elif isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        within = column.within or Bounds()
        yield from (plain for plain in _nearer(value) if _inside(within, float(plain)))


def _nearer(value: Any) -> Iterator[Any]:
    """With fewer digits; nearer to zero by a half, a quarter and so on down to one."""
    kind = type(value)
    if kind is not int and value != round(value):
        shorter = dict.fromkeys(kind(round(value, digits)) for digits in (0, 1, 2))
        yield from (short for short in shorter if short != value)
    whole = abs(int(value))
    step = whole // 2
    while step > 0:
        nearer = whole - step
        yield kind(nearer if value > 0 else -nearer)
        step //= 2


def _plainer_items(column: Column, value: list[Any]) -> Iterator[list[Any]]:
    """Fewer items of a list; then, as of a vector, each plainer by itself."""
    item = _number_of(column) if column.kind == "vector" else column.item
    if column.kind == "list":
        for at in range(len(value)):
            yield value[:at] + value[at + 1 :]
    for at, old in enumerate(value):
        for new in _plainer(item or Column("item", "string"), old):
            yield [*value[:at], new, *value[at + 1 :]]

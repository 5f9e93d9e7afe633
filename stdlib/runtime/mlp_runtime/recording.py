"""A test from real rows: some of a dataset, those of others that they need, and what the code makes of them.

`python -m mlp_runtime.recording` reads a request as JSON and prints the parts of the test, as the language
writes them.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mlp_runtime import expr, fitted, literals, masking, parse, table, testing
from mlp_runtime.checks import ROW
from mlp_runtime.masking import Place
from mlp_runtime.schema import Column, Schema
from mlp_runtime.step import Failure

TRIED = 4
"""Rows that are looked at for each that is asked for: those that a filter drops show little."""

NUMBERS = 40
"""Values that something learned, or a cell, may have to be worth writing down unasked."""

DIGITS = 9
"""Digits of an expected float: more than a test compares, and no more than a person reads."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Link:
    """How a row leads to rows of a dataset: by equal columns, and between two times as seen from its own.

    `since` and `until` are relative to the row's time, and open where they are None; `strict` leaves out the row's own
    moment. `most` of the rows are taken, the last ones or, `ahead`, the first ones.
    """

    dataset: str
    on: Sequence[tuple[Place, str]]
    here: Place | None = None
    there: str | None = None
    since: timedelta | None = None
    until: timedelta | None = None
    strict: bool = False
    ahead: bool = False
    joined: bool = False
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be recorded. `expected` holds the fitted columns that each column needs."""

    address: str
    base: str
    tables: Mapping[str, Path]
    columns: Mapping[str, Sequence[str]]
    expected: Mapping[str, Sequence[str]]
    links: Sequence[Link] = ()
    moments: Sequence[datetime] = ()
    transform: Path | None = None
    rows: int = 3
    history: int = 3
    of: Sequence[tuple[str, str]] = ()
    masked: Sequence[Place] = ()
    asked_for: bool = False


@dataclass
class Selection:
    """Which rows of each dataset are taken, by their place in the source."""

    tables: Mapping[str, pl.DataFrame]
    taken: dict[str, set[int]] = field(default_factory=dict)

    def add(self, dataset: str, rows: pl.DataFrame) -> None:
        """Take these rows too."""
        self.taken.setdefault(dataset, set()).update(rows.get_column(ROW))

    def rows(self, dataset: str) -> pl.DataFrame:
        """Those of a dataset, in canonical order."""
        return self.tables[dataset].filter(pl.col(ROW).is_in(list(self.taken.get(dataset, ()))))

    def reach(self, link: Link, base: str, row: Mapping[str, Any], now: datetime | None) -> None:
        """Take the rows to which a link leads from a row of the base."""
        rows = self.tables[link.dataset]
        for place, theirs in link.on:
            if place.dataset == base:
                if row[place.column] is None:
                    return
                rows = rows.filter(pl.col(theirs) == row[place.column])
            else:
                known = self.rows(place.dataset).get_column(place.column)
                rows = rows.filter(pl.col(theirs).is_in(known.drop_nulls().implode()))
        if now is None and link.here is not None:
            now = _moment(row[link.here.column])
            if now is None:
                return
        if now is not None and link.there is not None:
            there = expr.column(link.there).cast(pl.Datetime("us", "UTC"))
            if link.ahead and link.until is not None:
                # Whether what lies ahead is over is told by whatever comes after it.
                everything = self.tables[link.dataset].filter(there >= now + link.until)
                self.add(link.dataset, everything.head(1))
            rows = _between(rows, there, link, now)
        if link.most is not None:
            rows = rows.head(link.most) if link.ahead else rows.tail(link.most)
        self.add(link.dataset, rows)


def _between(rows: pl.DataFrame, there: pl.Expr, link: Link, now: datetime) -> pl.DataFrame:
    if link.since is not None:
        since = now + link.since
        rows = rows.filter(there > since if link.ahead else there >= since)
    if link.until is not None:
        until = now + link.until
        rows = rows.filter(there < until if link.strict else there <= until)
    return rows


def _moment(value: Any) -> datetime | None:
    """A time of a row; a day is its midnight."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return value if isinstance(value, datetime) else None


def spread(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """That many rows from all over a table, the same each time."""
    count = min(count, rows.height)
    return rows[[(2 * place + 1) * rows.height // (2 * count) for place in range(count)]]


def record(request: Request) -> dict[str, Any]:
    """The test's parts, each as the language writes it."""
    module, _, index = request.address.rpartition(":")
    case: testing.Case = importlib.import_module(module).CASES[int(index)]
    state = {} if request.transform is None else fitted.load(request.transform)
    notes: list[str] = []
    expected = _worth_writing(request, state, notes)
    wanted = {name for names in expected.values() for name in names}
    case = replace(case, fitted={name: state[name] for name in _fitted(request) if name in state})

    tables = {name: table.read(path) for name, path in request.tables.items()}
    candidates = _candidates(request, tables[request.base], case.schemas[request.base])
    asked = _that_come_out(request, case, tables, candidates)
    given, found = _observed(request, case, tables, asked)
    names = [
        name
        for name in expected
        if _is_short(found.get_column(name), request.asked_for, name, notes)
    ]
    if found.is_empty():
        notes.append("none of these rows comes out of the features")
    return {
        "given": [[name, [literals.fields(row) for row in rows]] for name, rows in given.items()],
        "fitted": [[name, literals.record(state[name])] for name in sorted(wanted)],
        "expected": [[name, [_written(cell) for cell in found.get_column(name)]] for name in names],
        "notes": notes,
    }


def _fitted(request: Request) -> list[str]:
    return list(dict.fromkeys(name for names in request.expected.values() for name in names))


def _worth_writing(
    request: Request, state: fitted.Transform, notes: list[str]
) -> dict[str, Sequence[str]]:
    """The expected columns but those that have learned more than anybody wants to read."""
    kept = {}
    for column, names in request.expected.items():
        long = [name for name in names if _count(state.get(name, {})) > NUMBERS]
        if long and not request.asked_for:
            notes.append(f"`{column}` is left out: {long[0]} has learned too much to write down")
        else:
            kept[column] = names
    return kept


def _count(value: Any) -> int:
    """How many values something holds."""
    if isinstance(value, Mapping):
        return sum(_count(item) for item in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sum(_count(item) for item in value)
    return 1


def _is_short(cells: pl.Series, asked_for: bool, name: str, notes: list[str]) -> bool:
    longest = max((_count(testing.plain(cell)) for cell in cells), default=0)
    if longest <= NUMBERS or asked_for:
        return True
    notes.append(f"`{name}` is left out: it has {longest} numbers a row")
    return False


def _candidates(request: Request, base: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The rows of the base that have the values asked for."""
    if base.is_empty():
        raise Failure(f"{request.base} has no rows")
    rows = base
    for name, text in request.of:
        [column] = [item for item in schema.columns if item.name == name]
        rows = rows.filter(_has(column, text, schema.timezone))
    if rows.is_empty():
        asked = " and ".join(f"{name} = {text}" for name, text in request.of)
        raise Failure(f"no row of {request.base} has {asked}")
    return rows


def _has(column: Column, text: str, zone: str | None) -> pl.Expr:
    """Whether a row has the value that a text spells."""
    if text == "null":
        return expr.column(column.name).is_null()
    plain = replace(column, source=None, format=None, epoch=None, flag=None)
    spelled = pl.DataFrame({column.name: [text]})
    value = parse.read(plain, pl.String(), zone or "UTC")
    found = None if value is None else spelled.select(value.alias("value")).item()
    if found is None or column.kind in ("vector", "list"):
        raise Failure(f"{column.name} is {parse.WANTED[column.kind]}, and {text!r} is none")
    return expr.column(column.name) == pl.lit(found, dtype=column.physical)


def _that_come_out(
    request: Request,
    case: testing.Case,
    tables: Mapping[str, pl.DataFrame],
    candidates: pl.DataFrame,
) -> pl.DataFrame:
    """As many rows as are asked for: where that can be told, of those that no filter drops."""
    tried = spread(candidates, TRIED * request.rows)
    if request.moments:
        return spread(candidates, request.rows)
    given, found = _observed(request, case, tables, tried)
    places = _selected(request, tables, tried).rows(request.base).get_column(ROW)
    assert len(given[request.base]) == len(places)
    out = {places[place] for place in found.get_column(ROW)}
    kept = tried.filter(pl.col(ROW).is_in(list(out)))
    return spread(kept if kept.height else tried, request.rows)


def _selected(
    request: Request, tables: Mapping[str, pl.DataFrame], asked: pl.DataFrame
) -> Selection:
    """The rows that are asked for, and those that they need of the base and of other datasets."""
    chosen = Selection(tables)
    chosen.add(request.base, asked)
    moments: Sequence[datetime | None] = [None]
    if request.moments:
        places = spread(pl.DataFrame({"at": list(request.moments)}), 3).get_column("at")
        moments = [moment.replace(tzinfo=UTC) for moment in places]
    own = [link for link in request.links if link.dataset == request.base and not link.joined]
    others = [link for link in request.links if link not in own]
    for link in [*own, *others]:
        rows = chosen.rows(request.base) if link.joined else asked
        for row in rows.iter_rows(named=True):
            for now in moments:
                chosen.reach(link, request.base, row, now)
    return chosen


def _observed(
    request: Request,
    case: testing.Case,
    tables: Mapping[str, pl.DataFrame],
    asked: pl.DataFrame,
) -> tuple[dict[str, Rows], pl.DataFrame]:
    """The rows as a test gives them, and what the code makes of them."""
    chosen = _selected(request, tables, asked)
    given: dict[str, Rows] = {
        name: chosen.rows(name).select(expr.columns(columns)).to_dicts()
        if columns
        else [{} for _ in chosen.taken.get(name, ())]
        for name, columns in request.columns.items()
    }
    if request.masked:
        pairs = [
            (place, Place(link.dataset, theirs))
            for link in request.links
            for place, theirs in link.on
        ]
        masking.mask(given, case.schemas, request.masked, pairs)
    plain = {name: [_plain_row(row) for row in rows] for name, rows in given.items()}
    read = case.read(plain)
    refused = [item.line() for part in read.values() for item in part.refused]
    if refused:
        raise Failure(f"the rows would be refused: {refused[0]}")
    return given, case.values({name: part.rows for name, part in read.items()})


def _plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(name, cell) for name, cell in row.items()}


def _plain(name: str, cell: Any) -> Any:
    """A cell as a generated test holds it."""
    if isinstance(cell, list):
        return [_plain(name, item) for item in cell]
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        if cell % timedelta(milliseconds=1):
            raise Failure(f"{name} holds {cell}, and no literal is finer than a millisecond")
        return f"{cell // timedelta(milliseconds=1)}ms"
    return cell


def _written(cell: Any) -> str:
    return literals.written(_short(testing.plain(cell)))


def _short(value: Any) -> Any:
    """An expected value, floats with as many digits as tell."""
    if isinstance(value, float):
        return 0.0 if abs(value) < testing.ABSOLUTE / 10 else float(f"{value:.{DIGITS}g}")
    return [_short(item) for item in value] if isinstance(value, list) else value


def read_request(text: str) -> Request:
    """A request as the compiler writes it; times are milliseconds, or ISO 8601."""
    raw = json.loads(text)
    links = [_link(item) for item in raw.pop("links")]
    moments = _moments(raw.pop("spine"))
    return Request(
        links=links,
        moments=moments,
        tables={name: Path(path) for name, path in raw.pop("tables").items()},
        transform=None if raw["transform"] is None else Path(raw.pop("transform")),
        of=[(name, value) for name, value in raw.pop("of")],
        masked=[Place(dataset, column) for dataset, column in raw.pop("masked")],
        **{name: value for name, value in raw.items() if name != "transform"},
    )


def _link(raw: dict[str, Any]) -> Link:
    def span(name: str) -> timedelta | None:
        ms = raw.pop(f"{name}_ms")
        return None if ms is None else timedelta(milliseconds=ms)

    on = [(Place(*place), theirs) for place, theirs in raw.pop("on")]
    here = raw.pop("here")
    since, until = span("since"), span("until")
    place = None if here is None else Place(*here)
    return Link(on=on, here=place, since=since, until=until, **raw)


def _moments(spine: dict[str, Any] | None) -> list[datetime]:
    """The moments of a sample."""
    if spine is None:
        return []
    first, last = (datetime.fromisoformat(spine[name]) for name in ("start", "end"))
    first, last = (at if at.tzinfo else at.replace(tzinfo=UTC) for at in (first, last))
    every = timedelta(milliseconds=spine["every_ms"])
    return [first + place * every for place in range(int((last - first) / every) + 1)]


def main() -> None:
    """Record what is asked for and print it, or why that cannot be."""
    text = sys.stdin.read()
    # What the code under test prints is no result.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            answer = record(read_request(text))
        except Failure as failure:
            answer = {"refused": str(failure)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

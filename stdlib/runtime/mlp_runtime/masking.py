"""Made-up values in the place of those that must not be written down; equal ones stay equal wherever rows meet by them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlp_runtime import generating
from mlp_runtime.schema import Column, Schema

TRIES = 200
"""Draws until a value that is neither the old one nor taken already counts as out of reach."""


class Place(NamedTuple):
    """A column of a dataset."""

    dataset: str
    column: str


def mask(
    tables: Mapping[str, Sequence[dict[str, Any]]],
    schemas: Mapping[str, Schema],
    masked: Sequence[Place],
    pairs: Sequence[tuple[Place, Place]],
) -> None:
    """Replace the values of some columns, and of those that rows are matched with by `pairs`, in place."""
    for group in _groups(masked, pairs):
        columns = [_column(schemas, place) for place in group]
        known = [column for column in columns if column is not None]
        names: dict[Any, Any] = {}
        for place in group:
            for row in tables.get(place.dataset, ()):
                old = row.get(place.column)
                if old is None:
                    continue
                if _key(old) not in names:
                    names[_key(old)] = _made_up(known, old, list(names.values()))
                row[place.column] = names[_key(old)]


def _groups(masked: Sequence[Place], pairs: Sequence[tuple[Place, Place]]) -> list[list[Place]]:
    """Columns that hold the same values, each group with at least one that is masked."""
    groups: list[list[Place]] = []
    for start in masked:
        if any(start in group for group in groups):
            continue
        group = [start]
        for place in group:
            for left, right in pairs:
                for one, other in ((left, right), (right, left)):
                    if one == place and other not in group:
                        group.append(other)
        groups.append(group)
    return groups


def _column(schemas: Mapping[str, Schema], place: Place) -> Column | None:
    columns = schemas[place.dataset].columns if place.dataset in schemas else ()
    return next((column for column in columns if column.name == place.column), None)


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _made_up(columns: Sequence[Column], old: Any, taken: Sequence[Any]) -> Any:
    """A value that all of the columns may hold: a numbered name for a text, else one by chance."""
    first = next((column for column in columns if _is_bound(column)), columns[0])
    if first.kind in ("string", "category") and not _is_bound(first):
        return f"{first.name}_{len(taken) + 1}"
    chance = random.Random(f"{first.name} {len(taken)}")
    value = generating.value(first, chance)
    for _ in range(TRIES):
        if value != old and value not in taken:
            break
        value = generating.value(first, chance)
    return value


def _is_bound(column: Column) -> bool:
    """Whether a column takes some values of its kind only."""
    return any(item is not None for item in (column.levels, column.matches, column.within))

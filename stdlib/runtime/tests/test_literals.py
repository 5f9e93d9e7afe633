"""Values as the language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mlp_runtime import literals


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (-3, "-3"),
        (0.1, "0.1"),
        (1e-7, "1e-7"),
        (1.5e16, "1.5e16"),
        (-2.5e-10, "-2.5e-10"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1.123456789012345678"), '"1.123456789012345678"'),
        (date(2013, 1, 2), '"2013-01-02"'),
        (datetime(2013, 1, 2, 3, 4, 5, 250000, tzinfo=UTC), '"2013-01-02T03:04:05.250000Z"'),
        (timedelta(days=2), "2d"),
        (timedelta(minutes=90), "90m"),
        (timedelta(milliseconds=1500), "1500ms"),
        (timedelta(seconds=-5), "-5s"),
        ([1.0, None, [True]], "[1.0, null, [true]]"),
        ('a "b"\\\n\t\u0007é漢', '"a \\"b\\"\\\\\\n\\t\\u{7}é漢"'),
        ({"a": 1, "b c": "x"}, '{ a: 1, `b c`: "x" }'),
    ],
)
def test_values_are_written_as_they_would_be_typed(value: Any, text: str) -> None:
    assert literals.written(value) == text


def test_rows_are_put_on_lines_of_their_own_where_one_is_too_short() -> None:
    assert literals.given("d", []) == "  given d = []"
    assert literals.given("d", [{"a": 1}]) == "  given d = [{ a: 1 }]"
    long = literals.given("d", [{"a": "x" * 60}, {"a": "y" * 60}]).splitlines()
    assert (long[0], long[-1], len(long)) == ("  given d = [", "  ]", 4)


def test_arguments_are_lists() -> None:
    rows = [{"x": 1.0, "y": "a"}, {"x": None, "y": "b"}]
    assert literals.arguments("f", rows) == '  given x = [1.0, null]\n  given y = ["a", "b"]'

"""Users' functions and commands."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

from mlp_runtime import expr, shell, user
from mlp_runtime.step import Failure


def test_a_function_may_import_its_neighbours(tmp_path: Path) -> None:
    code = tmp_path / "code" / "lib"
    code.mkdir(parents=True)
    (code / "near_by_helper.py").write_text("N = 2\n")
    (code / "load-it.py").write_text(
        "from near_by_helper import N\ndef twice(x):\n    return x * N\n"
    )
    before = set(sys.modules)
    twice = user.function(tmp_path / "steps" / "x.py", "lib/load-it.py", "twice")
    assert twice(21) == 42
    assert "lib/load-it.py" in user.loaded()
    assert "user_lib_load_it" in set(sys.modules) - before


def test_scalars_and_whole_columns() -> None:
    frame = pl.DataFrame({"a": [1.0, None, 3.0], "b": [1, 2, 3]})
    both = [pl.col("a"), pl.col("b")]
    given = frame.select(
        scalar=expr.user(lambda a, b: a + b, both, pl.Float64()),
        whole=expr.user_vectorized(lambda a, b: a * b, both, pl.Float64()),
    )
    assert given["scalar"].to_list() == [2.0, None, 6.0]
    assert given["whole"].to_list() == [1.0, None, 9.0]


def test_names_that_polars_reads_as_patterns() -> None:
    frame = pl.DataFrame({"a": [1], "^a.*$": [2], "*": [3], "ab": [4]})
    assert frame.select(expr.columns(["^a.*$", "*"])).row(0) == (2, 3)


def test_what_is_not_finite_is_null() -> None:
    frame = pl.DataFrame({"x": [1.0, float("nan"), float("inf"), None]})
    assert frame.select(expr.finite(pl.col("x")))["x"].to_list() == [1.0, None, None, None]


@pytest.mark.parametrize("value", ["a b", "'; rm -rf /", '"$HOME"', "`x`", "$(x)", "\\", "é\n"])
def test_values_reach_a_command_as_they_are(tmp_path: Path, value: str) -> None:
    out = tmp_path / "o'ut"
    shell.run("printf %s {value} > {out}", {"value": value, "out": out})
    assert out.read_text() == value


def test_only_given_names_are_replaced() -> None:
    assert shell.filled("{a} {b} {{a} ${HOME} {", {"a": 1}) == "1 {b} {a} ${HOME} {"


def test_a_failing_command_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"exited with 1: false \| true"):
        shell.run("false | true", {})

"""Distances are what scipy and hand computations say; profiles keep what the distances need."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.spatial import distance

from mlp_runtime import distances, profile
from mlp_runtime.schema import Column, Schema

RANDOM = np.random.default_rng(7)


def numbers(values: Any) -> pl.Series:
    """A column of numbers."""
    return pl.Series("x", values, dtype=pl.Float64, strict=False)


def kept(values: Any) -> profile.ColumnProfile:
    """The profile of a column of numbers."""
    return profile.column_profile(numbers(values), "number")


def levels(*texts: str | None) -> pl.Series:
    """A column of texts."""
    return pl.Series("c", texts, dtype=pl.String)


def kept_levels(*texts: str | None) -> profile.ColumnProfile:
    """The profile of a category."""
    return profile.column_profile(levels(*texts), "level")


def test_stability_index_by_hand() -> None:
    # Two levels, 60:40 before and 40:60 now, and one that only one side has.
    then = kept_levels(*"aaaaaabbbb")
    assert distances.drift(levels(*"aaaabbbbbb"), then) == pytest.approx(2 * 0.2 * math.log(1.5))
    assert distances.drift(levels(*"aaaaaabbbb"), then) == 0.0
    new = distances.drift(levels(*"aaaaabbbbz"), then)
    assert new == pytest.approx(-0.1 * math.log(5 / 6) + (0.1 - 0.0001) * math.log(0.1 / 0.0001))


def test_stability_index_over_deciles() -> None:
    then, now = RANDOM.normal(size=5000), RANDOM.normal(0.4, 1.3, size=3000)
    edges = np.quantile(then, np.arange(1, 10) / 10, method="inverted_cdf")
    p, q = (np.bincount(np.searchsorted(edges, x)) / len(x) for x in (now, then))
    assert distances.drift(numbers(now), kept(then)) == pytest.approx(
        float(((p - q) * np.log(p / q)).sum()), rel=1e-12
    )
    expected = distance.jensenshannon(p, q, base=2)
    assert distances.jensen_shannon(numbers(now), kept(then)) == pytest.approx(expected, rel=1e-12)
    assert distances.total_variation(numbers(now), kept(then)) == pytest.approx(
        float(np.abs(p - q).sum() / 2)
    )
    hellinger = float(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2))
    assert distances.hellinger(numbers(now), kept(then)) == pytest.approx(hellinger)


@pytest.mark.parametrize("bins", [2, 5, 20, 100])
def test_groups_are_quantiles_of_the_earlier_values(bins: int) -> None:
    then, now = RANDOM.exponential(size=4001), RANDOM.exponential(1.2, size=999)
    edges = np.quantile(then, np.arange(1, bins) / bins, method="inverted_cdf")
    p, q = (np.bincount(np.searchsorted(edges, x), minlength=bins) / len(x) for x in (now, then))
    p, q = np.maximum(p, 0.0001), np.maximum(q, 0.0001)
    expected = float(((p - q) * np.log(p / q)).sum())
    assert distances.drift(numbers(now), kept(then), bins=bins) == pytest.approx(expected)


def test_a_frequent_number_is_a_group_of_its_own() -> None:
    # Deciles alone would put both numbers into one group.
    then = kept([0.0] * 5 + [1.0] * 95)
    moved = distances.drift(numbers([0.0] * 50 + [1.0] * 50), then)
    assert moved == pytest.approx(0.45 * math.log(10) + 0.45 * math.log(95 / 50))
    constant = kept([3.0] * 20)
    assert distances.drift(numbers([3.0] * 7), constant) == 0.0
    for elsewhere in ([2.0] * 20, [4.0] * 20):
        assert distances.drift(numbers(elsewhere), constant) == pytest.approx(
            2 * 0.9999 * math.log(1 / 0.0001)
        )
    # The same beside a crowd of other numbers, more than a profile keeps one by one.
    crowd = RANDOM.normal(size=900)
    assert profile.Bin(0.5, 0.5, 100) in kept([*crowd, *[0.5] * 100]).bins


def test_distribution_functions_are_exact_for_few_numbers() -> None:
    then, now = RANDOM.integers(0, 40, size=700), RANDOM.integers(5, 60, size=300)
    test = stats.ks_2samp(now, then, method="asymp")
    assert distances.ks(numbers(now), kept(then)) == pytest.approx(test.statistic, rel=1e-12)
    assert distances.wasserstein(numbers(now), kept(then)) == pytest.approx(
        stats.wasserstein_distance(now, then), rel=1e-12
    )


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.5, 3.0])
@pytest.mark.parametrize("kind", ["normal", "heavy", "rounded"])
def test_distribution_functions_are_close_for_many_numbers(shift: float, kind: str) -> None:
    then, now = RANDOM.normal(size=20_000), RANDOM.normal(shift, 1, size=5_000)
    if kind == "heavy":
        then, now = np.exp(2 * then), np.exp(2 * now)
    if kind == "rounded":
        then, now = np.round(then, 2), np.round(now, 2)
    exact, measured = stats.ks_2samp(now, then).statistic, distances.ks(numbers(now), kept(then))
    assert measured == pytest.approx(exact, abs=0.01)
    exact, measured = (
        stats.wasserstein_distance(now, then),
        distances.wasserstein(numbers(now), kept(then)),
    )
    spread = float(then.max() - then.min())
    assert measured == pytest.approx(exact, abs=0.01 * spread)
    if kind != "heavy":
        assert measured == pytest.approx(exact, abs=0.01)


def test_p_values() -> None:
    then, now = RANDOM.integers(0, 30, size=4000), RANDOM.integers(0, 31, size=4000)
    # scipy's finite-sample form comes to the same for as many values.
    expected = stats.ks_2samp(now, then, method="asymp").pvalue
    assert distances.ks_p_value(numbers(now), kept(then)) == pytest.approx(expected, abs=5e-3)
    assert distances.ks_p_value(numbers(then), kept(then)) == 1.0


def test_contingency() -> None:
    then, now = levels(*"aaaaabbbc"), levels(*"aabbbbccd")
    table = [[2, 4, 2, 1], [5, 3, 1, 0]]
    test = stats.chi2_contingency(table, correction=False)
    earlier = profile.column_profile(then, "level")
    assert distances.chi_squared(now, earlier) == pytest.approx(test.statistic)
    assert distances.chi_squared_p_value(now, earlier) == pytest.approx(test.pvalue)
    assert distances.cramers_v(now, earlier) == pytest.approx(
        stats.contingency.association(table, method="cramer")
    )
    assert distances.new_level_rate(now, earlier) == pytest.approx(1 / 9)
    assert distances.chi_squared_p_value(levels("a"), kept_levels("a", "a")) == 1.0


def test_flags_are_levels() -> None:
    then = profile.column_profile(pl.Series([True, True, False, None]), "level")
    assert (then.levels, then.nulls) == ([("false", 1), ("true", 2)], 1)
    assert distances.total_variation(pl.Series([True, False]), then) == pytest.approx(1 / 6)


def test_a_name_that_looks_like_a_pattern_is_a_name() -> None:
    for name in ("^.*$", "*"):
        values = pl.Series(name, [1.0, 2.0])
        assert distances.ks(values, profile.column_profile(values, "number")) == 0.0
        texts = pl.Series(name, ["a", None])
        assert distances.drift(texts, profile.column_profile(texts, "level")) == 0.0


def test_means_and_nulls() -> None:
    then = kept([1.0, 2.0, 3.0, None])
    assert distances.mean_shift(numbers([4.0, None]), then) == pytest.approx(2.0)
    assert distances.mean_shift(numbers([4.0]), kept([1.0, 1.0])) is None
    assert distances.null_rate_change(numbers([4.0, None]), then) == pytest.approx(0.25)
    texts = profile.column_profile(levels("a", None), "other")
    assert distances.null_rate_change(levels("b"), texts) == pytest.approx(0.5)


def test_nothing_to_compare_is_no_distance() -> None:
    nothing, some = numbers([None, math.nan]), numbers([1.0])
    for measure in (distances.drift, distances.ks, distances.wasserstein, distances.jensen_shannon):
        assert measure(nothing, kept([1.0])) is None
        assert measure(some, kept([])) is None
    assert distances.chi_squared(levels(None), kept_levels("a")) is None
    assert distances.chi_squared(levels("a"), kept_levels()) is None


def test_a_profile_is_bounded_and_whole() -> None:
    for values in (RANDOM.normal(size=10_000), RANDOM.integers(0, 300, size=10_000), [1.0] * 9):
        bins = kept(values).bins
        assert sum(item.count for item in bins) == len(values)
        assert len(bins) <= 2 * profile.BINS + 1
        assert all(item.low <= item.high for item in bins)
        assert all(left.high < right.low for left, right in pairwise(bins))
    many = kept_levels(*[f"l{index % 1500}" for index in range(4000)])
    assert len(many.levels) == profile.LEVELS
    assert sum(count for _, count in many.levels) + many.other == 4000
    # The thousand that are kept are the most frequent ones.
    assert min(count for _, count in many.levels) == 3


def test_a_profile_comes_back_as_it_was(tmp_path: Path) -> None:
    schema = Schema(
        dataset='d "1"',
        columns=[
            Column("a", "float"),
            Column("c", "category"),
            Column("t", "string"),
            Column("b", "bool"),
        ],
    )
    rows = pl.DataFrame(
        {
            "a": [0.1, None, 1e-9],
            "c": ["é", '"', None],
            "t": ["x", None, "y"],
            "b": [True, None, False],
        }
    )
    made = profile.of(rows, schema)
    path = tmp_path / "profile.json"
    profile.write(made, path)
    assert profile.read(path) == made
    assert profile.read(None) is None
    # The values of other columns are not kept, and each bin is a line.
    text = path.read_text()
    assert '"x"' not in text and "        [0.1, 0.1, 1]\n" in text

"""Vectors, powers and neighbours: as scikit-learn's where both define them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import KNNImputer
from sklearn.preprocessing import PowerTransformer, RobustScaler

from mlp_runtime import fitted, functions, neighbours, vectors
from mlp_runtime.fitted import Numbers, State
from mlp_runtime.step import Failure

RANDOM = np.random.default_rng(3)
TABLE = RANDOM.normal(size=(200, 4)) @ RANDOM.normal(size=(4, 4)) + 5.0
NAMES = ["a", "b", "c", "d"]


def frame(numbers: Numbers, names: list[str] = NAMES) -> pl.DataFrame:
    """Columns with NaN as null."""
    return pl.DataFrame(numbers, schema=names).fill_nan(None)


def project(rows: pl.DataFrame, state: State) -> list[Any]:
    """Every row along the axes."""
    columns = [pl.col(name) for name in rows.columns]
    found = vectors.projected(columns, state["mean"], state["axes"])
    return rows.select(found).to_series().to_list()


def test_components_are_those_of_scikit_learn() -> None:
    state = vectors.principal_axes(*frame(TABLE), components=2)
    wanted = PCA(2).fit(TABLE)
    np.testing.assert_allclose(np.abs(state["axes"]), np.abs(wanted.components_), atol=1e-9)
    given = np.array(project(frame(TABLE), state))
    np.testing.assert_allclose(np.abs(given), np.abs(wanted.transform(TABLE)), atol=1e-9)
    assert all(max(axis, key=abs) > 0.0 for axis in state["axes"])


def test_a_row_gives_the_same_bits_alone_and_nulls_stay() -> None:
    state = vectors.principal_axes(*frame(TABLE), components=3)
    rows = frame(TABLE).with_columns(a=pl.when(pl.col("b") > 5.0).then(pl.col("a")))
    together = project(rows, state)
    assert [project(rows[at], state)[0] for at in range(rows.height)] == together
    assert [row is None for row in together] == rows["a"].is_null().to_list()


def test_vectors_count_as_their_numbers() -> None:
    packed = pl.Series("v", TABLE[:, 1:], dtype=pl.Array(pl.Float64, 3))
    state = vectors.principal_axes(frame(TABLE)["a"], packed, components=2)
    assert state == vectors.principal_axes(*frame(TABLE), components=2)
    rows = pl.DataFrame([frame(TABLE)["a"], packed])
    assert project(rows, state) == project(frame(TABLE), state)
    with pytest.raises(Failure, match="3 components need as many rows and numbers"):
        vectors.principal_axes(*frame(TABLE[:2]), components=3)


TEXTS = ["the cat sat", "The dog sat, and the cat ran", "a bird", "", "dog dog dog bird"]


@pytest.mark.parametrize(("size", "ngrams"), [(50, 1), (50, 2), (7, 1), (4, 3)])
def test_weights_of_terms_are_those_of_scikit_learn(size: int, ngrams: int) -> None:
    state = vectors.inverse_document_frequencies(pl.Series(TEXTS), size, ngrams)
    # Given the vocabulary, since scikit-learn does not say which of equally frequent terms it keeps.
    other = TfidfVectorizer(ngram_range=(1, ngrams), vocabulary=state["terms"]).fit(TEXTS)
    asked = [*TEXTS, "CAT unheard", "dog"]
    found = vectors.tfidf(pl.col("x"), state["terms"], state["idf"], size, ngrams)
    given = pl.DataFrame({"x": asked}).select(found).to_series()
    assert given.dtype == pl.Array(pl.Float64, size)
    numbers = np.array(given.to_list())
    kept = len(state["terms"])
    np.testing.assert_allclose(numbers[:, :kept], other.transform(asked).toarray(), rtol=1e-12)
    assert not numbers[:, kept:].any()


def test_the_most_frequent_terms_are_kept_and_null_is_no_text() -> None:
    texts = pl.Series(["bb aa", None, "cc cc dd"])
    state = vectors.inverse_document_frequencies(texts, 2)
    assert state["terms"] == ["aa", "cc"]
    assert state["idf"] == [math.log(3 / 2) + 1.0] * 2
    found = vectors.tfidf(pl.col("x"), state["terms"], state["idf"], 3, 1)
    assert texts.to_frame("x").select(found).to_series()[1].to_list() == [0.0, 0.0, 0.0]


def test_terms_fall_into_buckets() -> None:
    asked = pl.DataFrame({"x": ["aa bb aa", "", None]})
    given = asked.select(functions.hash_text(pl.col("x"), 8, 2)).to_series()
    assert given.dtype == pl.Array(pl.Float64, 8)
    assert [None if row is None else sum(row) for row in given.to_list()] == [5.0, 0.0, None]
    assert functions.terms("A be, see_3 d", 2) == ["be", "see_3", "be see_3"]


POWERS = {
    "skewed": np.exp(RANDOM.normal(size=300)),
    "both sides": np.sinh(RANDOM.normal(size=300) * 2.0),
    "high powers": -np.exp(RANDOM.normal(size=300) * 0.4),
}


@pytest.mark.parametrize("name", POWERS)
def test_powers_are_those_of_scikit_learn(name: str) -> None:
    values = POWERS[name]
    power = fitted.yeo_johnson_power(pl.Series(values))["power"]
    other = PowerTransformer("yeo-johnson", standardize=False).fit(values.reshape(-1, 1))
    assert power == pytest.approx(other.lambdas_[0], rel=1e-4, abs=1e-4)
    other.lambdas_[:] = power
    wanted = other.transform(values.reshape(-1, 1)).ravel()
    given = pl.DataFrame({"x": values}).select(fitted.yeo_johnson(pl.col("x"), power)).to_series()
    np.testing.assert_allclose(given.to_numpy(), wanted, rtol=1e-9, atol=1e-12)
    if values.min() > 0.0:
        power = fitted.box_cox_power(pl.Series(values))["power"]
        other = PowerTransformer("box-cox", standardize=False).fit(values.reshape(-1, 1))
        assert power == pytest.approx(other.lambdas_[0], rel=1e-4, abs=1e-4)


def test_a_power_keeps_values_apart() -> None:
    # The likeliest power is -37: (x ** -37 - 1) / -37 is 1 / 37 for all of them.
    values = pl.Series("x", 1000.0 + RANDOM.gamma(2.0, 10.0, size=300))
    for power, apply in (
        (fitted.yeo_johnson_power(values)["power"], fitted.yeo_johnson),
        (fitted.box_cox_power(values)["power"], fitted.box_cox),
    ):
        assert -2.0 < power < 0.0
        given = values.to_frame().select(apply(pl.col("x"), power)).to_series()
        assert (
            given.sort().to_list()
            == values.sort().to_frame().select(apply(pl.col("x"), power)).to_series().to_list()
        )
        assert given.n_unique() == values.n_unique()


def test_powers_of_nothing_special() -> None:
    assert fitted.yeo_johnson_power(pl.Series([2.0, 2.0])) == {"power": 1.0}
    assert fitted.box_cox_power(pl.Series([None], dtype=pl.Float64)) == {"power": 1.0}
    both = pl.DataFrame({"x": [-1.0, 0.0, math.e - 1.0, None]})
    assert both.select(fitted.yeo_johnson(pl.col("x"), 0.0)).to_series().to_list() == [
        -1.5,
        0.0,
        pytest.approx(1.0),
        None,
    ]


def test_median_and_range_are_those_of_scikit_learn() -> None:
    state = fitted.median_range(frame(TABLE)["a"])
    other = RobustScaler().fit(TABLE[:, :1])
    assert state["median"] == pytest.approx(other.center_[0], rel=1e-12)
    assert state["range"] == pytest.approx(other.scale_[0], rel=1e-12)
    assert fitted.median_range(pl.Series([3, 3])) == {"median": 3.0, "range": 1.0}


def impute(rows: pl.DataFrame, state: State, k: int) -> list[Any]:
    """x of every row, nulls replaced."""
    others = [pl.col(name) for name in rows.columns if name != "a"]
    found = neighbours.imputed(
        pl.col("a"), others, state["values"], state["columns"], state["mean"], k
    )
    return rows.select(found).to_series().to_list()


@pytest.mark.parametrize("k", [1, 5, 500])
def test_neighbours_are_those_of_scikit_learn(k: int) -> None:
    numbers = np.where(RANDOM.random(TABLE.shape) < 0.2, np.nan, TABLE)
    numbers = numbers[~np.isnan(numbers[:, 1:]).all(axis=1)]
    rows = frame(numbers)
    state = neighbours.donors(*rows, k=k)
    wanted = KNNImputer(n_neighbors=k).fit(numbers).transform(numbers)[:, 0]
    given = impute(rows, state, k)
    shares = [item is not None for item in given]
    assert all(shares)
    if k < 500:
        np.testing.assert_allclose(given, wanted, rtol=1e-12)
    assert [impute(rows[at], state, k)[0] for at in range(rows.height)] == given


def test_nearest_first_and_the_mean_where_nothing_is_shared() -> None:
    rows = pl.DataFrame({"a": [1.0, 2.0, 4.0, None], "b": [0.0, 2.0, None, 1.0]})
    state = neighbours.donors(*rows, k=1)
    assert state == {"values": [1.0, 2.0, 4.0], "columns": [[0.0, 2.0, None]], "mean": 7.0 / 3.0}
    # Both donors are equally near.
    assert impute(rows, state, 1) == [1.0, 2.0, 4.0, 1.0]
    alone = pl.DataFrame({"a": [None], "b": [None]}, schema={"a": pl.Float64, "b": pl.Float64})
    assert impute(alone, state, 1) == [7.0 / 3.0]
    assert neighbours.donors(*rows, k=1, keep=2)["values"] == [1.0, 2.0]
    with pytest.raises(Failure, match="holds no value of a"):
        neighbours.donors(*alone, k=1)

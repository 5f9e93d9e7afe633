"""Vectors fitted on the training part: principal components of numbers, tf-idf of texts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from mlp_runtime.fitted import Numbers, State
from mlp_runtime.functions import terms
from mlp_runtime.step import Failure


def principal_axes(*columns: pl.Series, components: int) -> State:
    """The mean of each number, and the unit vectors along which the rows vary most.

    A vector counts as many numbers; rows with a null are left out. The largest number of each axis,
    by its absolute value, is positive.
    """
    numbers = _side_by_side(columns)
    numbers = numbers[~np.isnan(numbers).any(axis=1)]
    if components > min(numbers.shape):
        raise Failure(
            f"{components} components need as many rows and numbers, and the training part holds "
            f"{numbers.shape[0]} rows without nulls, of {numbers.shape[1]} numbers"
        )
    mean = numbers.mean(axis=0)
    axes: Numbers = np.linalg.svd(numbers - mean, full_matrices=False)[2][:components]
    largest = axes[np.arange(components), np.abs(axes).argmax(axis=1)]
    axes = axes * np.where(largest < 0.0, -1.0, 1.0)[:, np.newaxis]
    return {"mean": mean.tolist(), "axes": axes.tolist()}


def projected(
    columns: Sequence[pl.Expr], mean: Sequence[float], axes: Sequence[Sequence[float]]
) -> pl.Expr:
    """How far each row lies from the mean along each axis; null if any of its numbers is."""

    def project(series: Sequence[pl.Series]) -> pl.Series:
        numbers = _side_by_side(series)
        # Summed column by column, so that a row gives the same bits alone and among others.
        found = np.zeros((len(numbers), len(axes)))
        for place, axis in enumerate(axes):
            for column, (middle, weight) in enumerate(zip(mean, axis, strict=True)):
                found[:, place] += (numbers[:, column] - middle) * weight
        return _with_nulls(found, pl.Series(np.isnan(numbers).any(axis=1)))

    return pl.map_batches(columns, project, return_dtype=pl.Array(pl.Float64, len(axes)))


def inverse_document_frequencies(x: pl.Series, max_features: int = 100, ngrams: int = 1) -> State:
    """The most frequent terms, in the order of the alphabet, and ln((1 + n) / (1 + rows with it)) + 1 of each.

    Of equally frequent terms those that come first in the alphabet are kept; nulls are no texts.
    """
    texts = [terms(text, ngrams) for text in x.drop_nulls().to_list()]
    occurrences = Counter(term for text in texts for term in text)
    kept = sorted(sorted(occurrences, key=lambda term: (-occurrences[term], term))[:max_features])
    rows = Counter(term for text in texts for term in set(text))
    return {
        "terms": kept,
        "idf": [math.log((1 + len(texts)) / (1 + rows[term])) + 1.0 for term in kept],
    }


def tfidf(
    x: pl.Expr, terms_: Sequence[str], idf: Sequence[float], size: int, ngrams: int
) -> pl.Expr:
    """Occurrences of each term times its idf, scaled to length 1; as many numbers as `size`, the last ones 0."""
    places = {term: place for place, term in enumerate(terms_)}

    def weigh(text: str | None) -> list[float]:
        numbers = [0.0] * size
        for term in terms(text or "", ngrams):
            if term in places:
                numbers[places[term]] += idf[places[term]]
        length = math.sqrt(math.fsum(number * number for number in numbers)) or 1.0
        return [number / length for number in numbers]

    of = pl.Array(pl.Float64, size)
    return x.cast(pl.String).map_batches(
        lambda texts: pl.Series(texts.name, [weigh(text) for text in texts], dtype=of),
        return_dtype=of,
        is_elementwise=True,
    )


def _side_by_side(columns: Sequence[pl.Series]) -> Numbers:
    """Numbers and vectors as one table of numbers; null is NaN."""
    return np.hstack([_numbers(column) for column in columns])


def _numbers(column: pl.Series) -> Numbers:
    if not isinstance(column.dtype, pl.Array | pl.List):
        return column.cast(pl.Float64).to_numpy().reshape(-1, 1)
    rows = column.to_list()
    width = len(next((row for row in rows if row is not None), ()))
    missing = [math.nan] * width
    return np.array([missing if row is None else row for row in rows], dtype=np.float64).reshape(
        -1, width
    )


def _with_nulls(numbers: Numbers, missing: pl.Series) -> pl.Series:
    of = pl.Array(pl.Float64, numbers.shape[1])
    found = pl.DataFrame({"found": pl.Series(numbers, dtype=of)})
    return found.select(pl.when(~missing).then(pl.col("found"))).to_series()

"""Functions of the standard library that take more than one Polars expression to say. Expressions in and out."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

EARTH_RADIUS_KM = 6371.0088


def sha256(value: pl.Expr, salt: str = "") -> pl.Expr:
    """A stable pseudonym: SHA-256 of the salt and the value's text, in hexadecimal digits."""

    def digests(values: pl.Series) -> pl.Series:
        texts = [None if text is None else _digest(salt + text).hex() for text in values]
        return pl.Series(values.name, texts, dtype=pl.String)

    return value.cast(pl.String).map_batches(digests, return_dtype=pl.String, is_elementwise=True)


def hash_bucket(value: pl.Expr, buckets: int) -> pl.Expr:
    """The value's bucket, from 0 to `buckets` - 1, by the first 8 bytes of the SHA-256 of its text."""

    def numbers(values: pl.Series) -> pl.Series:
        found = [
            None if text is None else int.from_bytes(_digest(text)[:8], "big") % buckets
            for text in values
        ]
        return pl.Series(values.name, found, dtype=pl.Int64)

    return value.cast(pl.String).map_batches(numbers, return_dtype=pl.Int64, is_elementwise=True)


def keep_levels(value: pl.Expr, keep: list[str], other: str) -> pl.Expr:
    """The level where it is one of those to keep, else `other`; null stays null."""
    level = value.cast(pl.String)
    return pl.when(level.is_in(keep)).then(level).when(level.is_not_null()).then(pl.lit(other))


def haversine_km(lat1: pl.Expr, lon1: pl.Expr, lat2: pl.Expr, lon2: pl.Expr) -> pl.Expr:
    """Great-circle distance in kilometres between points given in degrees."""
    up = ((lat2 - lat1).radians() / 2.0).sin()
    across = ((lon2 - lon1).radians() / 2.0).sin()
    chord = up * up + lat1.radians().cos() * lat2.radians().cos() * across * across
    # Rounding can leave the unit interval, where the arcsine is not defined.
    return 2.0 * EARTH_RADIUS_KM * chord.clip(0.0, 1.0).sqrt().arcsin()


def element(vector: pl.Expr, place: int) -> pl.Expr:
    """The number at a place of a vector, from 0; null where there is none."""
    return vector.cast(pl.List(pl.Float64)).list.get(place, null_on_oob=True)


def dot(x: pl.Expr, y: pl.Expr) -> pl.Expr:
    """The sum of the products of the numbers of two vectors."""
    numbers = pl.List(pl.Float64)
    products = x.cast(numbers) * y.cast(numbers)
    return pl.when(products.is_not_null()).then(products.list.sum())


def norm(x: pl.Expr) -> pl.Expr:
    """The length of a vector."""
    return dot(x, x).sqrt()


def is_repeated(*columns: pl.Expr) -> pl.Expr:
    """Whether another row has the same values in all columns; one with a null in it never has."""
    whole = pl.all_horizontal(column.is_not_null() for column in columns)
    return (
        pl.struct(column.alias(str(at)) for at, column in enumerate(columns)).is_duplicated()
        & whole
    )


def is_ambiguous(x: pl.Expr, y: pl.Expr) -> pl.Expr:
    """Whether the row's value of `x` comes with several values of `y`; not where one of the two is null."""
    both = x.is_not_null() & y.is_not_null()
    return both & (pl.when(both).then(y).drop_nulls().n_unique().over(pl.when(both).then(x)) > 1)


def rank_correlation(x: pl.Expr, y: pl.Expr) -> pl.Expr:
    """Spearman's rank correlation over the rows that have both; null if either is constant."""
    both = x.is_not_null() & y.is_not_null()
    return pl.corr(x.filter(both).rank(), y.filter(both).rank()).fill_nan(None).clip(-1.0, 1.0)


def falls(x: pl.Expr, time: pl.Expr) -> pl.Expr:
    """Whether the row's value is below one of an earlier time; not where one of the two is null."""

    def mask(columns: Sequence[pl.Series]) -> pl.Series:
        rows = pl.DataFrame([columns[0].alias("x"), columns[1].alias("time")])
        peaks = rows.drop_nulls().group_by("time").agg(pl.col("x").max()).sort("time")
        earlier = peaks.select("time", peak=pl.col("x").cum_max().shift(1))
        joined = rows.join(earlier, on="time", how="left", maintain_order="left")
        return joined.select((pl.col("x") < pl.col("peak")).fill_null(False)).to_series()

    return pl.map_batches([x, time], mask, return_dtype=pl.Boolean)


def age_days(time: pl.Expr, as_of: str) -> pl.Expr:
    """Days from the latest time to a day or moment, with fractions."""
    moment = datetime.fromisoformat(as_of)
    end = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (pl.lit(end) - time.max()).dt.total_microseconds() / 86_400_000_000


def terms(text: str, ngrams: int = 1) -> list[str]:
    """The words of a text in small letters, and the runs of up to `ngrams` of them.

    A word is two or more letters, digits or underscores, as in scikit-learn's vectorizers.
    """
    words = _WORD.findall(text.lower())
    return [
        " ".join(words[start : start + size])
        for size in range(1, ngrams + 1)
        for start in range(len(words) - size + 1)
    ]


def hash_text(text: pl.Expr, buckets: int, ngrams: int = 1) -> pl.Expr:
    """How many of the text's terms fall into each bucket, by the first 8 bytes of their SHA-256."""

    def count(texts: pl.Series) -> pl.Series:
        rows = [None if item is None else _bucket_counts(item, buckets, ngrams) for item in texts]
        return pl.Series(texts.name, rows, dtype=pl.Array(pl.Float64, buckets))

    of = pl.Array(pl.Float64, buckets)
    return text.cast(pl.String).map_batches(count, return_dtype=of, is_elementwise=True)


def _bucket_counts(text: str, buckets: int, ngrams: int) -> list[float]:
    counts = [0.0] * buckets
    for term in terms(text, ngrams):
        counts[int.from_bytes(_digest(term)[:8], "big") % buckets] += 1.0
    return counts


_WORD = re.compile(r"\b\w\w+\b")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()

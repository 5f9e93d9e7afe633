"""Folds of the training part: which rows stand for which when a training row must not see its own label.

Without time, a row's fold is the SHA-256 of "mlp-folds/v1" and its key (under a group split, of its
group) modulo five, so that it never changes when other rows arrive. In time, the rows fall into five
successive blocks of about equal size, and a block learns from earlier blocks only, less the rows
whose label may not have been known when the block began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from mlp_runtime import expr, identity
from mlp_runtime.step import Failure

COUNT = 5
_DOMAIN = identity.key_bytes(["mlp-folds/v1"])


@dataclass(frozen=True)
class Fold:
    """Two masks over the training part: rows that are given values, and rows from which those are learned."""

    given: pl.Series
    learned_from: pl.Series


Folds = list[Fold]
"""Every training row is given its value by exactly one fold."""


def by_key(rows: pl.DataFrame, key: Sequence[str]) -> Folds:
    """By a hash of these columns: each fold learns from all others."""
    hashed = identity.numbers(rows, key, prefix=_DOMAIN) % np.uint64(COUNT)
    numbers = pl.Series(hashed.astype(np.int64))
    return [Fold(numbers == number, numbers != number) for number in range(COUNT)]


def by_time(rows: pl.DataFrame, timestamp: str, *, gap: timedelta) -> Folds:
    """In blocks: each learns from rows of earlier blocks that lie more than `gap` before its first moment."""
    times = rows.select(expr.column(timestamp)).to_series()
    if times.null_count() > 0:
        raise Failure(f"{timestamp} is null in {times.null_count()} rows, so they have no order")
    moments = times.sort()
    count = moments.len()
    folds: Folds = []
    start = 0
    for block in range(1, COUNT + 1):
        end = max(start, count * block // COUNT)
        while 0 < end < count and moments[end] == moments[end - 1]:
            end += 1
        if start < end:
            first, last = moments[start], moments[end - 1]
            known = times.cast(pl.Datetime("us")) + gap < pl.Series([first]).cast(pl.Datetime("us"))
            folds.append(Fold((times >= first) & (times <= last), known & (times < first)))
        start = end
    return folds

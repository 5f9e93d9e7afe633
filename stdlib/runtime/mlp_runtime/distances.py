"""How far a column's present values are from what a profile says of earlier ones.

Each measure takes the present values and the column's profile, and gives None where one of the two holds no value to
compare. Nulls take no part, except in `null_rate_change`. The present values enter as they are; the earlier ones as
their profile keeps them: exactly up to 100 different numbers or 1000 levels, beyond that as `profile` says.

Measures over *groups* compare shares. The groups of a category or flag are the profile's levels and, together, all
others. The groups of a number lie between the quantiles of the earlier values: with `bins = 10`, its deciles (inverse of
the empirical distribution function), equal ones taken once, the first group open below and the last open above, each
closed above. A number that makes up a `bins`-th of the earlier values or more is a group of its own.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlp_runtime.profile import ColumnProfile, counted, finite, named

FLOOR = 0.0001
"""A share below this counts as this in the population stability index, which no empty group then makes infinite."""

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


def drift(present: pl.Series, earlier: ColumnProfile, *, bins: int = 10) -> float | None:
    """Population stability index over groups: the sum of (p - q) ln(p / q), with shares of at least `FLOOR`.

    After N. Siddiqi, Credit Risk Scorecards (Wiley, 2006); Jeffreys' divergence of the two distributions.
    """
    shares = _shares(present, earlier, bins)
    if shares is None:
        return None
    p, q = np.maximum(shares[0], FLOOR), np.maximum(shares[1], FLOOR)
    return math.fsum((p - q) * np.log(p / q))


def jensen_shannon(present: pl.Series, earlier: ColumnProfile, *, bins: int = 10) -> float | None:
    """Jensen-Shannon distance over groups: the root of the divergence in bits, from 0 to 1.

    After J. Lin, Divergence measures based on the Shannon entropy (IEEE Trans. Inf. Theory 37, 1991), and D. Endres and
    J. Schindelin, A new metric for probability distributions (the same, 49, 2003).
    """
    shares = _shares(present, earlier, bins)
    if shares is None:
        return None
    p, q = shares
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return math.sqrt(min(max(divergence, 0.0), 1.0))


def hellinger(present: pl.Series, earlier: ColumnProfile, *, bins: int = 10) -> float | None:
    """Hellinger distance over groups, from 0 to 1: the root of half the sum of (sqrt p - sqrt q) squared.

    After E. Hellinger (J. reine angew. Math. 136, 1909).
    """
    shares = _shares(present, earlier, bins)
    if shares is None:
        return None
    p, q = shares
    return min(math.sqrt(math.fsum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2), 1.0)


def total_variation(present: pl.Series, earlier: ColumnProfile, *, bins: int = 10) -> float | None:
    """Total variation distance over groups, from 0 to 1: half the sum of |p - q|."""
    shares = _shares(present, earlier, bins)
    return None if shares is None else min(math.fsum(np.abs(shares[0] - shares[1])) / 2, 1.0)


def chi_squared(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """Pearson's statistic of the hypothesis that both tables draw their levels alike, without correction.

    After K. Pearson (Phil. Mag. 50, 1900): the sum of (observed - expected) squared / expected over the two tables and
    the groups that either holds. It grows with the number of rows.
    """
    test = _contingency(present, earlier)
    return None if test is None else test[0]


def chi_squared_p_value(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """How likely a statistic of `chi_squared` at least this large is if both tables draw their levels alike."""
    test = _contingency(present, earlier)
    if test is None:
        return None
    statistic, groups = test
    if groups == 1:
        return 1.0
    from scipy.special import chdtrc

    return float(chdtrc(groups - 1, statistic))


def cramers_v(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """The root of `chi_squared` over the number of values, from 0 to 1: it does not grow with the number of rows.

    After H. Cramér, Mathematical Methods of Statistics (Princeton, 1946), for two tables.
    """
    test = _contingency(present, earlier)
    if test is None:
        return None
    return min(math.sqrt(test[0] / (len(named(present)) + earlier.present)), 1.0)


def new_level_rate(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """Share of the values whose level the profile does not list."""
    counts = _level_counts(present, earlier)
    total = int(counts.sum())
    return int(counts[-1]) / total if total else None


def ks(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """Kolmogorov-Smirnov statistic: the greatest distance of the two empirical distribution functions, from 0 to 1.

    After N. Smirnov (Ann. Math. Statist. 19, 1948).
    """
    steps = _Steps.of(present, earlier)
    if steps is None:
        return None
    at, before = np.abs(steps.now - steps.then), np.abs(steps.now_before - steps.then_before)
    return float(max(at.max(), before.max()))


def ks_p_value(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """How likely a statistic of `ks` at least this large is if both tables draw alike, for many values.

    The limit of Kolmogorov's distribution at sqrt(n m / (n + m)) times the statistic.
    """
    distance = ks(present, earlier)
    if distance is None:
        return None
    from scipy.special import kolmogorov

    now, then = len(finite(present)), earlier.present
    return float(kolmogorov(math.sqrt(now * then / (now + then)) * distance))


def wasserstein(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """First Wasserstein distance in the column's own unit: the area between the two distribution functions.

    How far values have to be moved, on average, to make one distribution the other (L. Vaserstein, 1969).
    """
    steps = _Steps.of(present, earlier)
    if steps is None:
        return None
    # From each place to the next the present function is flat and the earlier one straight.
    starts, ends = steps.now[:-1] - steps.then[:-1], steps.now[:-1] - steps.then_before[1:]
    return math.fsum(_area(starts, ends, np.diff(steps.places)))


def mean_shift(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """How far the mean has moved, in standard deviations of the earlier values."""
    values = finite(present)
    mean = values.mean()
    if mean is None or earlier.mean is None or not earlier.std:
        return None
    return abs(float(mean) - earlier.mean) / earlier.std  # type: ignore[arg-type]


def null_rate_change(present: pl.Series, earlier: ColumnProfile) -> float | None:
    """How far the share of nulls has moved, up or down, from 0 to 1."""
    if not len(present) or not earlier.rows:
        return None
    nulls = (
        len(present) - len(finite(present)) if earlier.kind == "number" else present.null_count()
    )
    return abs(nulls / len(present) - earlier.null_rate)


class _Steps:
    """Both distribution functions at and just before each place where either may bend."""

    def __init__(
        self, places: Numbers, values: Numbers, counts: Counts, earlier: ColumnProfile
    ) -> None:
        """At `places`, of present values with their counts and of earlier ones."""
        self.places = places
        upto = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
        self.now = upto[np.searchsorted(values, places, side="right")]
        self.now_before = upto[np.searchsorted(values, places, side="left")]
        self.then, self.then_before = _earlier(places, earlier)

    @staticmethod
    def of(present: pl.Series, earlier: ColumnProfile) -> _Steps | None:
        """Those of the present values and a profile."""
        values, counts = counted(finite(present))
        if not len(values) or not earlier.bins:
            return None
        ends = [end for item in earlier.bins for end in (item.low, item.high)]
        return _Steps(np.unique(np.concatenate([values, ends])), values, counts, earlier)


def _earlier(places: Numbers, earlier: ColumnProfile) -> tuple[Numbers, Numbers]:
    """The distribution function of a profile at, and just before, each place."""
    low, high = (np.array([getattr(item, end) for item in earlier.bins]) for end in ("low", "high"))
    upto = np.concatenate([[0], np.cumsum([item.count for item in earlier.bins])])
    # The number of bins that end at or before a place, and the way into the bin that is open there.
    done = np.searchsorted(high, places, side="right")
    done_before = np.searchsorted(high, places, side="left")
    inside = np.minimum(done_before, len(low) - 1)
    width = high[inside] - low[inside]
    way = np.clip((places - low[inside]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    way = np.where((width > 0) & (done_before < len(low)), way, 0.0)
    before = upto[done_before] + way * np.diff(upto)[inside]
    at = np.where(done > done_before, upto[done], before)
    return at / upto[-1], before / upto[-1]


def _area(starts: Numbers, ends: Numbers, widths: Numbers) -> Numbers:
    """Areas between zero and straight lines from `starts` to `ends`."""
    crossing = starts * ends < 0
    total = np.abs(starts) + np.abs(ends)
    squares = np.divide(starts**2 + ends**2, total, out=np.zeros_like(total), where=total > 0)
    area: Numbers = np.where(crossing, squares, total) / 2 * widths
    return area


def _relative_entropy(p: Numbers, q: Numbers) -> float:
    """The sum of p log2(p / q), where 0 log 0 is 0."""
    held = p > 0
    return math.fsum(p[held] * np.log2(p[held] / q[held]))


def _contingency(present: pl.Series, earlier: ColumnProfile) -> tuple[float, int] | None:
    """Pearson's statistic and the number of groups that are not empty."""
    now, then = _level_counts(present, earlier), _known_counts(earlier)
    if not now.sum() or not then.sum():
        return None
    table = np.stack([now, then])
    table = table[:, table.sum(axis=0) > 0].astype(np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    return math.fsum(((table - expected) ** 2 / expected).ravel()), table.shape[1]


def _shares(
    present: pl.Series, earlier: ColumnProfile, bins: int
) -> tuple[Numbers, Numbers] | None:
    """Shares of the groups, now and then."""
    if earlier.kind == "level":
        now, then = _level_counts(present, earlier), _known_counts(earlier)
    else:
        now, then = _binned(present, earlier, bins)
    if not now.sum() or not then.sum():
        return None
    return now / now.sum(), then / then.sum()


def _known_counts(earlier: ColumnProfile) -> Counts:
    return np.array([*(count for _, count in earlier.levels), earlier.other], dtype=np.int64)


def _level_counts(present: pl.Series, earlier: ColumnProfile) -> Counts:
    """How many values have each level of the profile and, last, how many another one."""
    levels, counts = counted(named(present))
    found = dict(zip(levels.tolist(), counts.tolist(), strict=True))
    known = [found.pop(level, 0) for level, _ in earlier.levels]
    return np.array([*known, sum(found.values())], dtype=np.int64)


def _binned(present: pl.Series, earlier: ColumnProfile, bins: int) -> tuple[Counts, Counts]:
    """How many values lie in each group, now and then."""
    values = finite(present).to_numpy()
    low, high = (np.array([getattr(item, end) for item in earlier.bins]) for end in ("low", "high"))
    counts = np.array([item.count for item in earlier.bins], dtype=np.int64)
    if not len(high) or not len(values):
        return np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    upto = np.cumsum(counts)
    ranks = -(-np.arange(1, bins) * int(upto[-1]) // bins)
    frequent = high[(low == high) & (counts * bins >= upto[-1])]
    quantiles = high[np.searchsorted(upto, ranks)]
    edges = np.unique(np.concatenate([quantiles, np.nextafter(frequent, -np.inf), frequent]))
    size = len(edges) + 1
    then = np.bincount(np.searchsorted(edges, high), weights=counts, minlength=size)
    now = np.bincount(np.searchsorted(edges, values), minlength=size)
    return now.astype(np.int64), then.astype(np.int64)

"""Values as numbers of their own: how often each occurs, and what the label is on average where it does.

Values are told apart by their text. Null is a value like any other; one that was not seen in
training gets what the whole training part would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from mlp_runtime.crossfit import Folds
from mlp_runtime.fitted import State

Encodings = Sequence[float] | Sequence[Sequence[float]]


def shares(x: pl.Series) -> State:
    """The share of rows that hold each value."""
    counts = _levels(x).to_frame("level").group_by("level").len().sort("level")
    total = float(x.len()) or 1.0
    return {
        "levels": counts["level"].to_list(),
        "shares": [count / total for count in counts["len"]],
    }


def target_means(
    x: pl.Series,
    smoothing: float | None = None,
    *,
    label: pl.Series,
    classes: Sequence[str] | None = None,
) -> State:
    """The label's mean where x holds each value, drawn towards its mean over all rows.

    With n rows of a value and m as `smoothing`: (n * mean of the value + m * mean of all) / (n + m)
    (Micci-Barreca, 2001). Without it, empirical Bayes: the value's own mean weighs w and the overall
    mean 1 - w, where w = n * V / (n * V + v), V is the label's variance over all rows and v its
    variance where x holds the value. For a label of several classes there is one number per class.
    """
    names = _classes(label, classes)
    levels = _levels(x)
    found = [_means(levels, target, smoothing) for target in _targets(label, names)]
    encodings: list[Any] = [
        list(numbers) for numbers in zip(*(item[1] for item in found), strict=True)
    ]
    unseen: Any = [item[2] for item in found]
    if names is None:
        encodings, unseen = [numbers[0] for numbers in encodings], unseen[0]
    return {"levels": found[0][0], "encodings": encodings, "unseen": unseen}


def target_out_of_fold(
    x: pl.Series,
    smoothing: float | None = None,
    *,
    label: pl.Series,
    folds: Folds,
    classes: Sequence[str] | None = None,
) -> pl.Series:
    """What each training row is given: the means over rows that do not share its fold.

    A fold that has no such rows is given the mean of the whole training part.
    """
    names = _classes(label, classes)
    whole = target_means(x, smoothing, label=label, classes=names)
    pieces = []
    for fold in folds:
        state = whole | {"levels": [], "encodings": []}
        if fold.learned_from.any():
            known = label.filter(fold.learned_from)
            state = target_means(x.filter(fold.learned_from), smoothing, label=known, classes=names)
        rows = pl.DataFrame({"x": x, "at": range(x.len())}).filter(fold.given)
        pieces.append(rows.select("at", value=looked_up(pl.col("x"), **_applied(state))))
    return pl.concat(pieces).sort("at")["value"]


def looked_up(
    x: pl.Expr, levels: Sequence[str | None], numbers: Encodings, unseen: float | Sequence[float]
) -> pl.Expr:
    """The number, or numbers, of each value."""
    text = x.cast(pl.String)
    if not isinstance(unseen, Sequence):
        return _number_of(text, levels, numbers, unseen)
    columns = [[row[place] for row in numbers] for place in range(len(unseen))]  # type: ignore[index]
    found = zip(columns, unseen, strict=True)
    return pl.concat_arr([_number_of(text, levels, column, other) for column, other in found])


def _number_of(text: pl.Expr, levels: Sequence[str | None], numbers: Any, unseen: float) -> pl.Expr:
    old, new = pl.Series(levels, dtype=pl.String), pl.Series(numbers, dtype=pl.Float64)
    return text.replace_strict(old, new, default=unseen, return_dtype=pl.Float64)


def _applied(state: State) -> dict[str, Any]:
    return {
        "levels": state["levels"],
        "numbers": state["encodings"],
        "unseen": state["unseen"],
    }


def _levels(x: pl.Series) -> pl.Series:
    return x.cast(pl.String)


def _classes(label: pl.Series, declared: Sequence[str] | None) -> list[str] | None:
    """The classes of a label that is no number: those declared, or else those of the training part."""
    if declared is not None:
        return list(declared)
    if label.dtype == pl.Boolean or label.dtype.is_numeric():
        return None
    return label.cast(pl.String).drop_nulls().unique().sort().to_list()


def _targets(label: pl.Series, classes: list[str] | None) -> list[pl.Series]:
    """What is averaged: the label itself, or for each class whether it is that one."""
    if classes is None:
        return [label.cast(pl.Float64)]
    names = label.cast(pl.String)
    return [(names == name).cast(pl.Float64) for name in classes]


def _means(
    levels: pl.Series, target: pl.Series, smoothing: float | None
) -> tuple[list[str | None], list[float], float]:
    """Levels in order, the number of each, and the mean of all."""
    rows = pl.DataFrame({"level": levels, "target": target})
    target_of = pl.col("target")
    groups = (
        rows.group_by("level", maintain_order=True)
        .agg(n=pl.len().cast(pl.Float64), mean=target_of.mean(), variance=target_of.var(ddof=0))
        .sort("level")
    )
    mean: Any = target.mean() if target.len() else 0.0
    if smoothing is None:
        own = pl.col("n") * target.var(ddof=0)
        # Where nothing varies the weight is 0 / 0, and the means are equal.
        weight = (own / (own + pl.col("variance"))).fill_nan(1.0)
    else:
        weight = pl.col("n") / (pl.col("n") + smoothing)
    encoded = groups.select(weight * pl.col("mean") + (1.0 - weight) * mean).to_series()
    return groups["level"].to_list(), encoded.to_list(), float(mean)

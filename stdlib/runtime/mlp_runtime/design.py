"""From rows to the numbers that an estimator takes, and back from its answers.

Booleans, integers and floats each give a column of float64; a category gives the position of its
level (null and unseen values are NaN); a vector gives one column per number.
Classes are 0 to k - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlp_runtime import expr
from mlp_runtime.signature import TRUE_AND_FALSE, Input, Label, Signature
from mlp_runtime.step import Failure

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Data:
    """What an estimator learns from."""

    x: Numbers
    y: Numbers | Codes
    weight: Numbers | None
    signature: Signature
    is_category: list[bool]

    @property
    def feature_types(self) -> list[str]:
        """Per column of x: `c` for a category, `q` for a quantity."""
        return ["c" if is_category else "q" for is_category in self.is_category]

    @property
    def category_indices(self) -> list[int]:
        """Columns of x that hold categories."""
        return [index for index, is_category in enumerate(self.is_category) if is_category]


def learn(
    rows: pl.DataFrame,
    *,
    inputs: Sequence[Input],
    label: Label,
    weight: str | None = None,
    nulls: bool = False,
) -> Data:
    """The design of the training part: open categories take their levels from here.

    Without `nulls`, a null is an error which names the input.
    """
    known = [_with_levels(rows, item) for item in inputs]
    classes = label if label.task == "regression" else replace(label, levels=_classes(rows, label))
    columns = blocks(rows, known)
    if not nulls:
        _require_values(known, columns)
    widths = [block.shape[1] for block in columns]
    marks = zip(known, widths, strict=True)
    return Data(
        x=_side_by_side(columns, rows.height),
        y=truth(rows, classes),
        weight=weights(rows, weight),
        signature=Signature(inputs=known, label=classes),
        is_category=[item.kind == "category" for item, width in marks for _ in range(width)],
    )


def matrix(rows: pl.DataFrame, inputs: Sequence[Input]) -> Numbers:
    """The numbers of inputs whose levels are known."""
    return _side_by_side(blocks(rows, inputs), rows.height)


def blocks(rows: pl.DataFrame, inputs: Sequence[Input]) -> list[Numbers]:
    """The same by input: the columns that each of them gives."""
    return [_block(rows, item) for item in inputs]


def truth(rows: pl.DataFrame, label: Label) -> Numbers | Codes:
    """The label: a number, or the position of its class."""
    values = rows.select(expr.column(label.name)).to_series()
    if values.null_count() > 0:
        raise Failure(f"the label {label.name} is null in {values.null_count()} rows")
    if label.task == "regression":
        return values.cast(pl.Float64).to_numpy()
    return codes(values, label)


def codes(values: pl.Series, label: Label) -> Codes:
    """The positions of classes that are given by name."""
    found = _codes(values, list(label.levels or ()))
    if found.null_count() > 0:
        strange = values.filter(found.is_null()).cast(pl.String).unique().sort().to_list()
        raise Failure(f"{label.name} holds {', '.join(strange)}, which the model never saw")
    return found.to_numpy()


def weights(rows: pl.DataFrame, name: str | None) -> Numbers | None:
    """The weight of each row, which must be there and not negative."""
    if name is None:
        return None
    values = rows.select(expr.column(name)).to_series().cast(pl.Float64)
    if values.null_count() > 0 or bool((values < 0.0).any()):
        raise Failure(f"the weight {name} is null or negative in some rows")
    return values.to_numpy()


def named(codes: Codes, label: Label) -> pl.Series:
    """Classes by their names; true and false for two."""
    if label.task == "binary":
        return pl.Series(label.name, codes == 1, dtype=pl.Boolean)
    levels = pl.Series(label.name, list(label.levels or ()), dtype=pl.String)
    return levels.gather(pl.Series(codes, dtype=pl.Int64))


def _with_levels(rows: pl.DataFrame, item: Input) -> Input:
    if item.kind != "category" or item.levels is not None:
        return item
    values = rows.select(expr.column(item.name)).to_series()
    return replace(item, levels=values.drop_nulls().unique().sort().to_list())


def _classes(rows: pl.DataFrame, label: Label) -> list[str]:
    """The classes of the training part, in their declared order or else sorted."""
    values = rows.select(expr.column(label.name)).to_series().drop_nulls()
    present = values.cast(pl.String).unique().sort().to_list()
    declared = list(TRUE_AND_FALSE) if label.task == "binary" else label.levels
    classes = present if declared is None else [item for item in declared if item in present]
    if len(classes) < 2:
        found = ", ".join(classes) or "nothing"
        raise Failure(f"{label.name} is {found} in the whole training part: nothing to tell apart")
    return classes


def _codes(values: pl.Series, classes: Sequence[str]) -> pl.Series:
    return values.cast(pl.String).replace_strict(
        list(classes), list(range(len(classes))), default=None, return_dtype=pl.Int64
    )


def _block(rows: pl.DataFrame, item: Input) -> Numbers:
    """The columns of x that one input gives."""
    values = rows.select(expr.column(item.name)).to_series()
    if item.kind == "vector":
        return _flat(values)
    if item.kind == "category":
        values = _codes(values, item.levels or ())
    numbers = values.cast(pl.Float64).to_numpy()
    return numbers.reshape(-1, 1)


def _flat(values: pl.Series) -> Numbers:
    """A vector per row as a row per vector; a null vector is all NaN."""
    if values.is_empty():
        return np.empty((0, _width(values)))
    lists = values.cast(pl.List(pl.Float64))
    width = int(lists.list.len().max() or 0)  # type: ignore[arg-type]
    blank = pl.Series([[None] * width], dtype=pl.List(pl.Float64))
    filled = lists.to_frame("v").select(pl.col("v").fill_null(pl.lit(blank).first())).to_series()
    if bool((filled.list.len() != width).any()):
        raise Failure(f"the vectors of {values.name} differ in length")
    return filled.explode().to_numpy().reshape(values.len(), width)


def _width(values: pl.Series) -> int:
    return values.dtype.size if isinstance(values.dtype, pl.Array) else 0


def _side_by_side(blocks: Sequence[Numbers], height: int) -> Numbers:
    joined = np.hstack(blocks) if blocks else np.empty((height, 0))
    return np.ascontiguousarray(joined, dtype=np.float64)


def _require_values(inputs: Sequence[Input], blocks: Sequence[Numbers]) -> None:
    for item, block in zip(inputs, blocks, strict=True):
        count = int(np.isnan(block).any(axis=1).sum())
        if count > 0:
            raise Failure(
                f"{item.name} is null in {count} training rows; the trainer takes no nulls"
            )

"""Fails unless two results hold the same values; floats may differ in their last bits."""

import sys

import polars as pl

ours, theirs = pl.read_parquet(sys.argv[1]), pl.read_parquet(sys.argv[2])
assert set(theirs.columns) <= set(ours.columns), (ours.columns, theirs.columns)
assert ours.height == theirs.height, (ours.height, theirs.height)
for name in theirs.columns:
    mine, other = ours[name], theirs[name]
    if other.dtype.is_float() or mine.dtype.is_float():
        mine, other = mine.cast(pl.Float64), other.cast(pl.Float64).fill_nan(None)
        assert mine.is_null().equals(other.is_null()), f"{name}: nulls differ"
        difference = ((mine - other).abs() / other.abs().clip(1.0, None)).max() or 0.0
        assert difference < 1e-9, f"{name}: {difference}"
    else:
        assert mine.cast(other.dtype).equals(other), name

"""Encodings by frequency and by the label: as scikit-learn's where both define them, and never from a row's own label."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.preprocessing import TargetEncoder

from mlp_runtime import crossfit, encoding
from mlp_runtime.crossfit import Fold

LEVELS = ["a", "b", "c", "d"]


def table(count: int = 400, seed: int = 7) -> pl.DataFrame:
    """Rows with a level, a time and three labels that depend on it."""
    random = np.random.default_rng(seed)
    level = random.choice(LEVELS, count, p=[0.5, 0.3, 0.19, 0.01])
    noise = random.normal(size=count)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "id": range(count),
            "x": level,
            "t": [start + timedelta(hours=int(hour)) for hour in random.permutation(count) // 3],
            "number": (level == "a") * 2.0 + noise,
            "flag": noise + (level == "b") > 0.5,
            "kind": pl.Series(random.choice(["u", "v", "w"], count)),
        }
    )


def applied(x: list[Any], state: dict[str, Any]) -> list[Any]:
    """What a state of `target_means` gives."""
    found = encoding.looked_up(pl.col("x"), state["levels"], state["encodings"], state["unseen"])
    return pl.DataFrame({"x": pl.Series(x, dtype=pl.String)}).select(found).to_series().to_list()


@pytest.mark.parametrize("smoothing", [None, 0.0, 10.0])
@pytest.mark.parametrize(("label", "kind"), [("number", "continuous"), ("flag", "binary")])
def test_means_are_those_of_scikit_learn(label: str, kind: str, smoothing: float | None) -> None:
    rows = table()
    state = encoding.target_means(rows["x"], smoothing, label=rows[label])
    other = TargetEncoder(target_type=kind, smooth="auto" if smoothing is None else smoothing)
    other.fit(rows["x"].to_numpy().reshape(-1, 1), rows[label].to_numpy())
    asked = [*LEVELS, "unseen"]
    wanted = other.transform(np.array(asked, dtype=object).reshape(-1, 1)).ravel()
    assert applied(asked, state) == pytest.approx(wanted.tolist(), rel=1e-12)


def test_one_number_per_class() -> None:
    rows = table()
    state = encoding.target_means(rows["x"], label=rows["kind"])
    other = TargetEncoder(target_type="multiclass")
    other.fit(rows["x"].to_numpy().reshape(-1, 1), rows["kind"].to_numpy())
    asked = [*LEVELS, "unseen"]
    wanted = other.transform(np.array(asked, dtype=object).reshape(-1, 1))
    np.testing.assert_allclose(np.array(applied(asked, state)), wanted, rtol=1e-12)
    declared = encoding.target_means(rows["x"], label=rows["kind"], classes=["w", "none", "u", "v"])
    assert [len(item) for item in declared["encodings"]] == [4] * 4
    assert declared["unseen"][1] == 0.0


def test_null_is_a_value_and_what_is_new_gets_the_mean() -> None:
    x = pl.Series("x", ["a", None, None, "a"])
    state = encoding.target_means(x, 0.0, label=pl.Series([1.0, 5.0, 7.0, 3.0]))
    assert state == {"levels": [None, "a"], "encodings": [6.0, 2.0], "unseen": 4.0}
    assert applied(["a", None, "new"], state) == [2.0, 6.0, 4.0]
    without = encoding.target_means(x.drop_nulls(), 0.0, label=pl.Series([1.0, 3.0]))
    assert applied([None], without) == [2.0]


def test_a_row_never_sees_its_own_fold() -> None:
    rows = table()
    folds = crossfit.by_key(rows, ["id"])
    given = encoding.target_out_of_fold(rows["x"], 1.0, label=rows["number"], folds=folds)
    for fold in folds:
        assert fold.given.sum() > 50
        # Other labels in the fold change nothing that its rows are given.
        changed = pl.select(pl.when(fold.given).then(1e6).otherwise(rows["number"])).to_series()
        again = encoding.target_out_of_fold(rows["x"], 1.0, label=changed, folds=folds)
        assert again.filter(fold.given).to_list() == given.filter(fold.given).to_list()
        assert again.to_list() != given.to_list()
    each = pl.DataFrame([fold.given.cast(pl.Int8).alias(str(at)) for at, fold in enumerate(folds)])
    assert each.sum_horizontal().unique().to_list() == [1]


def test_folds_do_not_move_when_rows_arrive_and_groups_stay_together() -> None:
    few, many = (
        table(100),
        pl.concat([table(100), table(50, seed=8).with_columns(pl.col("id") + 100)]),
    )
    for one, other in zip(crossfit.by_key(few, ["id"]), crossfit.by_key(many, ["id"]), strict=True):
        assert one.given.to_list() == other.given.to_list()[:100]
    for fold in crossfit.by_key(many, ["x"]):
        inside = set(many["x"].filter(fold.given))
        assert inside.isdisjoint(many["x"].filter(fold.learned_from))


def test_in_time_a_block_learns_from_earlier_ones_only() -> None:
    rows = table()
    gap = timedelta(hours=4)
    folds = crossfit.by_time(rows, "t", gap=gap)
    assert len(folds) == crossfit.COUNT
    assert sum(int(fold.given.sum()) for fold in folds) == rows.height
    assert not folds[0].learned_from.any()
    for fold in folds[1:]:
        first = rows["t"].filter(fold.given).min()
        assert rows["t"].filter(fold.learned_from).max() + gap < first  # type: ignore[operator]
    given = encoding.target_out_of_fold(rows["x"], label=rows["number"], folds=folds)
    first_block = given.filter(folds[0].given)
    assert first_block.unique().to_list() == [pytest.approx(rows["number"].mean())]


def test_moments_are_not_divided() -> None:
    same = pl.DataFrame({"t": [datetime(2024, 1, 1)] * 7 + [datetime(2024, 1, 2)]})
    folds = crossfit.by_time(same, "t", gap=timedelta(0))
    assert [int(fold.given.sum()) for fold in folds] == [7, 1]
    assert [int(fold.learned_from.sum()) for fold in folds] == [0, 7]


def test_a_fold_without_others_gets_the_training_mean() -> None:
    everything = [Fold(pl.Series([True, True]), pl.Series([False, False]))]
    x, label = pl.Series(["a", "b"]), pl.Series([1.0, 3.0])
    assert encoding.target_out_of_fold(x, label=label, folds=everything).to_list() == [2.0, 2.0]
    kinds = pl.Series(["u", "v"])
    both = encoding.target_out_of_fold(x, label=kinds, folds=everything)
    assert both.to_list() == [[0.5, 0.5], [0.5, 0.5]]


def test_shares_of_rows() -> None:
    state = encoding.shares(pl.Series(["b", "a", "b", None]))
    assert state == {"levels": [None, "a", "b"], "shares": [0.25, 0.25, 0.5]}
    found = encoding.looked_up(pl.col("x"), state["levels"], state["shares"], 0.0)
    asked = pl.DataFrame({"x": ["b", None, "new"]}).select(found).to_series()
    assert asked.to_list() == [0.5, 0.25, 0.0]

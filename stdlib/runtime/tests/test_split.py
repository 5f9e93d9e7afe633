"""Splits are stable, keep their shares, keep groups whole and time in order."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from mlp_runtime import identity, split
from mlp_runtime.step import Failure

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
KEY = ["id"]


def rows(count: int) -> pl.DataFrame:
    """Rows with a key, a class and a group."""
    return pl.DataFrame(
        {
            "id": list(range(count)),
            "label": ["rare" if index % 10 == 0 else "common" for index in range(count)],
            "group": [index // 7 for index in range(count)],
        }
    )


def parts_of(parts: pl.DataFrame) -> dict[int, str]:
    """The part of each row."""
    return dict(parts.select("id", split.PART).iter_rows())


def test_a_row_never_changes_its_part_when_others_arrive() -> None:
    few = parts_of(split.random(rows(500), name="s", key=KEY, shares=SHARES, seed=1))
    many = parts_of(split.random(rows(2000), name="s", key=KEY, shares=SHARES, seed=1))
    assert {id: many[id] for id in few} == few


def test_assignment_is_the_documented_hash() -> None:
    def part(id: int) -> str:
        fields = ["str mlp-split/v1", "str 1", "str s", f"int {id}"]
        message = "".join(f"{len(field)}:{field}" for field in fields).encode()
        place = int.from_bytes(hashlib.sha256(message).digest()[:8], "big") / 2.0**64
        return "train" if place < 0.7 else "validation" if place < 0.85 else "test"

    parts = split.random(rows(300), name="s", key=KEY, shares=SHARES, seed=1)
    assert parts_of(parts) == {id: part(id) for id in range(300)}


def test_seed_and_name_change_the_assignment_and_shares_hold() -> None:
    base = split.random(rows(20_000), name="s", key=KEY, shares=SHARES, seed=1)
    for other in (
        split.random(rows(20_000), name="s", key=KEY, shares=SHARES, seed=2),
        split.random(rows(20_000), name="t", key=KEY, shares=SHARES, seed=1),
    ):
        assert not other.equals(base)
    counts = split.require_rows(base, SHARES)
    for part, share in SHARES.items():
        assert abs(counts[part] / 20_000 - share) < 0.01


def test_strata_keep_their_shares_to_a_row() -> None:
    data = rows(1000)
    parts = split.stratified(data, name="s", key=KEY, shares=SHARES, seed=1, column="label")
    counted = data.join(parts, on="id").group_by("label", split.PART).len()
    found = {(label, part): count for label, part, count in counted.iter_rows()}
    assert found == {
        ("rare", "train"): 70,
        ("rare", "validation"): 15,
        ("rare", "test"): 15,
        ("common", "train"): 630,
        ("common", "validation"): 135,
        ("common", "test"): 135,
    }


def test_groups_stay_together() -> None:
    data = rows(3000)
    parts = split.group(data, name="s", key=KEY, shares=SHARES, seed=1, column="group")
    per_group = data.join(parts, on="id").group_by("group").agg(pl.col(split.PART).n_unique())
    assert per_group[split.PART].max() == 1
    assert set(parts[split.PART]) == set(SHARES)


def test_keys_of_several_columns_do_not_run_together() -> None:
    keys: list[list[Any]] = [
        ["x", "yz"],
        ["xy", "z"],
        ["xyz", ""],
        ["", "xyz"],
        ["1", 2],
        [1, "2"],
        [None, "x"],
    ]
    assert len({identity.key_bytes(key) for key in keys}) == len(keys)


DAY = timedelta(days=1)
START = datetime(2013, 1, 1, tzinfo=UTC)


def days(*offsets: int) -> pl.DataFrame:
    """Rows at days after the start."""
    return pl.DataFrame({"id": range(len(offsets)), "t": [START + DAY * n for n in offsets]})


def test_time_is_cut_in_order() -> None:
    data = days(*range(10))
    parts = split.time(
        data, key=KEY, shares={"train": 0.5, "test": 0.5}, timestamp="t", gap=0 * DAY
    )
    assert parts[split.PART].to_list() == ["train"] * 5 + ["test"] * 5


def test_ties_go_to_the_earlier_part() -> None:
    data = days(0, 1, 2, 2, 2, 3)
    parts = split.time(
        data, key=KEY, shares={"train": 0.5, "test": 0.5}, timestamp="t", gap=0 * DAY
    )
    assert parts[split.PART].to_list() == ["train"] * 5 + ["test"]


def test_rows_within_the_gap_belong_to_no_part() -> None:
    data = days(*range(10))
    parts = split.time(
        data, key=KEY, shares={"train": 0.5, "test": 0.5}, timestamp="t", gap=2 * DAY
    )
    assert parts_of(parts) == {
        0: "train",
        1: "train",
        2: "train",
        3: "train",
        5: "test",
        6: "test",
        7: "test",
        8: "test",
        9: "test",
    }


def test_a_gap_reaches_over_a_short_part() -> None:
    data = days(*range(20))
    shares = {"train": 0.8, "validation": 0.1, "test": 0.1}
    parts = parts_of(split.time(data, key=KEY, shares=shares, timestamp="t", gap=4 * DAY))
    assert [parts.get(id) for id in range(11, 20)] == [
        "train",
        "train",
        None,
        None,
        None,
        None,
        None,
        "test",
        "test",
    ]


def test_too_few_moments_are_an_error() -> None:
    with pytest.raises(Failure, match="no moment is left for test"):
        split.time(days(1, 1), key=KEY, shares={"train": 0.5, "test": 0.5}, timestamp="t", gap=DAY)


def test_every_part_must_hold_rows_and_classes() -> None:
    data = pl.DataFrame({"id": [1, 2, 3], "label": ["a", "b", "a"]})
    parts = pl.DataFrame({"id": [1, 2, 3], split.PART: ["train", "train", "test"]})
    with pytest.raises(Failure, match="test holds no row with label b"):
        split.require_classes(data, parts, label="label")
    with pytest.raises(Failure, match="no row falls into validation"):
        split.require_rows(parts, SHARES)


def test_a_part_keeps_the_order_of_rows() -> None:
    data = rows(100)[::-1]
    parts = split.random(data, name="s", key=KEY, shares=SHARES, seed=1)
    train = split.part(data, parts, "train")
    assert train["id"].to_list() == sorted(train["id"].to_list(), reverse=True)
    assert train.height == parts.filter(pl.col(split.PART) == "train").height

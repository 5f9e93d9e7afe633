"""Splits are stable, keep their shares, keep groups whole and time in order."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
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


def plain_places(data: pl.DataFrame, key: list[str], prefix: bytes) -> list[float]:
    """The places of rows by the definition, one by one."""
    keys = [identity.key_bytes(fields) for fields in data.select(key).iter_rows()]
    digests = [hashlib.sha256(prefix + item).digest() for item in keys]
    return [(int.from_bytes(digest[:8], "big") >> 11) / 2.0**53 for digest in digests]


def keyed(count: int) -> pl.DataFrame:
    """Rows with keys of every type, among them nulls and texts of any script."""
    chance = random.Random(count)
    start = datetime(2012, 2, 28, 23, 59, 59, tzinfo=UTC)
    words = ["", "a", "späte Züge", "日本", "1:a", "null", None]
    return pl.DataFrame(
        {
            "text": [chance.choice(words) for _ in range(count)],
            "number": [chance.choice([None, -(2**63), 0, 7, 2**63 - 1]) for _ in range(count)],
            "share": [
                chance.choice([0.1 + 0.2, 1e300, -0.0, 5e-324, 1.0, 1e16, None])
                for _ in range(count)
            ],
            "flag": [chance.choice([True, False, None]) for _ in range(count)],
            "day": [(start + timedelta(days=chance.randint(0, 900))).date() for _ in range(count)],
            "at": [
                start + timedelta(microseconds=chance.choice([0, 1, 500_000, 10**6 * 7]))
                for _ in range(count)
            ],
            "clock": [
                datetime(1969, 12, 31, 1, 2, 3, chance.choice([0, 40])) for _ in range(count)
            ],
            "took": [
                timedelta(microseconds=chance.randint(-(10**12), 10**12)) for _ in range(count)
            ],
            "price": pl.Series(
                [Decimal("1.50"), Decimal("-0.01")] * (count // 2), dtype=pl.Decimal(10, 2)
            ),
        }
    ).with_columns(pl.col("at", "clock", "took").dt.cast_time_unit("us"))


def test_whole_columns_are_hashed_as_each_key_is() -> None:
    data = keyed(400)
    prefix = identity.key_bytes(["mlp-split/v1", "1", "s"])
    for key in [[name] for name in data.columns] + [data.columns, ["text", "number"]]:
        ours = split._places(data, key, "mlp-split/v1", 1, "s")
        assert ours.tolist() == plain_places(data, key, prefix), key
    assert split._places(data.clear(), ["text"], "mlp-split/v1", 1, "s").tolist() == []


def test_strata_and_parts_are_cut_as_by_hand() -> None:
    data = keyed(501 - 1).with_row_index("id")
    prefix = identity.key_bytes(["mlp-split/v1", "1", "s"])
    places = plain_places(data, ["id"], prefix)
    by_hand = ["test"] * data.height
    for name in reversed(SHARES):
        by_hand = [
            name if place < sum(list(SHARES.values())[: list(SHARES).index(name) + 1]) else before
            for place, before in zip(places, by_hand, strict=True)
        ]
    made = split.random(data, name="s", key=["id"], shares=SHARES, seed=1)
    assert made[split.PART].to_list() == by_hand
    strata: dict[Any, list[int]] = {}
    for index, value in enumerate(data["text"].to_list()):
        strata.setdefault(value, []).append(index)
    by_hand = [""] * data.height
    for members in strata.values():
        members.sort(key=places.__getitem__)
        start = 0
        for name, end in split._cuts(SHARES, len(members)):
            for index in members[start:end]:
                by_hand[index] = name
            start = end
    made = split.stratified(data, name="s", key=["id"], shares=SHARES, seed=1, column="text")
    assert made[split.PART].to_list() == by_hand


def test_what_tells_no_rows_apart_is_refused() -> None:
    data = pl.DataFrame({"words": [["a"], ["b"]]})
    with pytest.raises(Failure, match="words tells no rows apart"):
        split.random(data, name="s", key=["words"], shares=SHARES, seed=1)


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


def test_days_cut_at_midnight_in_the_zone() -> None:
    night = datetime(2013, 1, 4, 4, 59, tzinfo=UTC)  # still the third in New York
    data = pl.DataFrame({"id": range(4), "t": [START, night, night + timedelta(minutes=1), START]})
    cut = {"train": (None, date(2013, 1, 4)), "test": (date(2013, 1, 4), None)}

    def named(zone: str, **more: Any) -> list[Any]:
        parts = split.days(data, key=KEY, days=cut, timestamp="t", gap=0 * DAY, zone=zone, **more)
        return [parts_of(parts).get(id) for id in range(4)]

    assert named("America/New_York") == ["train", "train", "test", "train"]
    assert named("UTC") == ["train", "test", "test", "train"]


def test_days_may_end_and_leave_days_out() -> None:
    cut = {
        "train": (date(2013, 1, 2), date(2013, 1, 5)),
        "test": (date(2013, 1, 6), date(2013, 1, 8)),
    }
    data = days(*range(9)).with_columns(pl.col("t").cast(pl.Date))
    parts = parts_of(
        split.days(data, key=KEY, days=cut, timestamp="t", gap=2 * DAY, zone="Asia/Tokyo")
    )
    assert parts == {1: "train", 2: "train", 3: "train", 5: "test", 6: "test"}


def test_a_group_that_was_seen_is_left_out_later() -> None:
    data = days(*range(8)).with_columns(who=pl.Series(["a", "b", "c", None, "a", "d", None, "d"]))
    parts = split.time(
        data,
        key=KEY,
        shares={"train": 0.5, "test": 0.5},
        timestamp="t",
        gap=0 * DAY,
        group="who",
    )
    assert parts_of(parts) == {0: "train", 1: "train", 2: "train", 3: "train"} | dict.fromkeys(
        [5, 6, 7], "test"
    )


def roles(parts: pl.DataFrame, *fold: int) -> dict[int, str | None]:
    """What each row is to a fold."""
    return dict(parts.select("id", split.fold_column(*fold)).iter_rows())


def folded(data: pl.DataFrame, **how: Any) -> pl.DataFrame:
    """A random split with folds."""
    parts = split.random(data, name="s", key=KEY, shares={"train": 0.8, "test": 0.2}, seed=1)
    return split.folds(data, parts, name="s", seed=1, **how)


def test_each_training_row_judges_in_one_fold_and_test_rows_in_none() -> None:
    parts = folded(rows(2000), count=5)
    training = [id for id, part in parts_of(parts).items() if part == "train"]
    for id, part in parts_of(parts).items():
        own = sorted(str(roles(parts, fold)[id]) for fold in range(1, 6)) if id < 50 else None
        wanted = ["train"] * 4 + ["validation"] if part == "train" else ["None"] * 5
        assert own in (None, wanted)
    for fold in range(1, 6):
        held = split.part(rows(2000), parts, "validation", fold=fold)
        assert abs(held.height - len(training) / 5) < len(training) / 20
        assert held.height + split.part(rows(2000), parts, "train", fold=fold).height == len(
            training
        )


def test_a_row_never_changes_its_fold_when_others_arrive() -> None:
    few, many = folded(rows(300), count=3), folded(rows(900), count=3)
    for fold in (1, 2, 3):
        there = roles(many, fold)
        assert {id: there[id] for id in roles(few, fold)} == roles(few, fold)


def test_repeated_folds_are_divided_anew() -> None:
    parts = folded(rows(600), count=2, times=3)
    assert [name for name in parts.columns if name.startswith("__fold_")] == [
        split.fold_column(fold) for fold in range(1, 7)
    ]
    first, second = roles(parts, 1), roles(parts, 3)
    assert first != second
    assert [roles(parts, 2)[id] for id in first if first[id] == "validation"] == ["train"] * sum(
        role == "validation" for role in first.values()
    )


def test_folds_within_folds_divide_the_rest_of_each() -> None:
    parts = folded(rows(900), count=3, inner=2)
    for fold in (1, 2, 3):
        outer = roles(parts, fold)
        inner = [roles(parts, fold, choice) for choice in (1, 2)]
        for id, role in outer.items():
            pair = [found[id] for found in inner]
            assert sorted(map(str, pair)) == (
                ["train", "validation"] if role == "train" else ["None", "None"]
            )


def test_folds_keep_strata_even_and_groups_whole() -> None:
    data = rows(1000)
    even = folded(data, count=4, strata="label")
    for fold in range(1, 5):
        held = split.part(data, even, "validation", fold=fold)
        rare = held.filter(pl.col("label") == "rare").height
        training = split.part(data, even, "train").filter(pl.col("label") == "rare").height
        assert abs(rare - training / 4) < 1
    grouped = split.group(
        data, name="s", key=KEY, shares={"train": 0.8, "test": 0.2}, seed=1, column="group"
    )
    whole = split.folds(data, grouped, name="s", count=4, seed=1, group="group")
    for fold in range(1, 5):
        seen = (
            data.join(whole, on="id")
            .group_by("group")
            .agg(pl.col(split.fold_column(fold)).n_unique())
        )
        assert seen[split.fold_column(fold)].max() == 1


def forward(data: pl.DataFrame, **how: Any) -> list[tuple[list[int], list[int]]]:
    """Rows that train and rows that judge, by fold of a walk forward."""
    shares = {"train": 0.8, "test": 0.2}
    parts = split.time(data, key=KEY, shares=shares, timestamp="t", gap=how["gap"])
    parts = split.walk_forward(data, parts, timestamp="t", count=2, test=2 * DAY, **how)
    found = []
    for fold in (1, 2):
        of = roles(parts, fold)
        trains = [id for id, role in of.items() if role == "train"]
        found.append((trains, [id for id, role in of.items() if role == "validation"]))
    return found


def test_a_walk_forward_judges_successive_blocks_by_earlier_rows() -> None:
    data = days(*range(10))
    assert forward(data, gap=0 * DAY) == [([0, 1, 2, 3], [4, 5]), ([0, 1, 2, 3, 4, 5], [6, 7])]
    assert forward(data, gap=0 * DAY, window=3 * DAY) == [([1, 2, 3], [4, 5]), ([3, 4, 5], [6, 7])]
    # Row 7 lies in the gap before the test part, rows 2 and 4 in those before the blocks.
    assert forward(data, gap=2 * DAY) == [([0], [3, 4]), ([0, 1, 2], [5, 6])]


def test_a_walk_forward_judges_no_group_that_it_trained_on() -> None:
    data = days(*range(10)).with_columns(who=pl.Series(["a", "b"] * 2 + ["a", "c"] * 3))
    assert forward(data, gap=0 * DAY, group="who") == [
        ([0, 1, 2, 3], [5]),
        ([0, 1, 2, 3, 4, 5], []),
    ]


def test_every_fold_must_hold_rows_and_classes() -> None:
    few = pl.DataFrame({"id": range(8), "label": ["a", "b"] * 4})
    parts = folded(few, count=5)
    with pytest.raises(Failure, match=r"no row falls into .*validation of fold \d"):
        split.require_rows(parts, ["train", "test"])
    with pytest.raises(Failure, match=r"validation of fold \d holds no row with label [ab]"):
        split.require_classes(few, parts, label="label")
    within = folded(few, count=2, inner=4)
    with pytest.raises(Failure, match=r"of fold \d\.\d"):
        split.require_rows(within, ["train", "test"])


def test_a_part_keeps_the_order_of_rows() -> None:
    data = rows(100)[::-1]
    parts = split.random(data, name="s", key=KEY, shares=SHARES, seed=1)
    train = split.part(data, parts, "train")
    assert train["id"].to_list() == sorted(train["id"].to_list(), reverse=True)
    assert train.height == parts.filter(pl.col(split.PART) == "train").height

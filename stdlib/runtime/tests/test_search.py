"""Where dimensions have values, and after how many rounds trials are measured."""

from __future__ import annotations

from mlp_runtime.search import And, Compares, Is, Not, Or, Prune


def test_conditions_hold_for_values_only() -> None:
    dart = Is("booster", ["dart"])
    assert dart.holds({"booster": "dart"})
    assert not dart.holds({"booster": "tree"})
    assert not dart.holds({})
    assert Not(dart).holds({})
    deep = Compares("depth", ">=", 4)
    assert deep.holds({"depth": 4})
    assert not deep.holds({"depth": 3})
    assert not deep.holds({"depth": None})
    assert And(dart, deep).holds({"booster": "dart", "depth": 9})
    assert not And(dart, deep).holds({"booster": "dart"})
    assert Or(dart, deep).holds({"depth": 9})


def test_rungs_grow_by_the_factor_and_end_with_all_rounds() -> None:
    def rungs(least: int, most: int, factor: int) -> list[int]:
        return Prune("asha", resource="max_iter", least=least, most=most, factor=factor).rungs

    assert rungs(20, 200, 3) == [20, 60, 180, 200]
    assert rungs(10, 90, 3) == [10, 30, 90]
    assert rungs(1, 2, 2) == [1, 2]

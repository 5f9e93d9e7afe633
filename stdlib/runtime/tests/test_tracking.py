"""Entries wait in the spool until a tracker has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlp_runtime import files, formats, tracked
from mlp_runtime.step import Failure
from mlp_runtime.tracking import Spool, open_tracker


def write(folder: Path) -> None:
    """An entry for a tracker whose address is in no variable."""
    folder.mkdir()
    tracking = {"address": "mlflow:$NO_SUCH_SERVER"}
    files.write_json(folder / "entry.json", {"format": formats.TRACKED, "tracking": tracking})


def test_what_cannot_be_told_waits(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for place in range(3):
        with spool.entry(place, "manual__2026-11-27T10:00:00+00:00") as folder:
            write(folder)
    told = spool.tell()
    assert (told.told, told.waiting) == (0, 3)
    assert told.failed == "the variable NO_SUCH_SERVER should hold the address of the MLflow server"


def test_an_entry_that_was_not_finished_is_none(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with pytest.raises(RuntimeError), spool.entry(0, "run") as folder:
        write(folder)
        raise RuntimeError
    assert spool.waiting() == []
    assert list(spool.root.iterdir()) == []


def test_the_same_run_that_tells_again_leaves_one_entry(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for _ in range(2):
        with spool.entry(0, "run") as folder:
            write(folder)
    assert len(spool.waiting()) == 1


def test_keys_tell_runs_and_steps_apart() -> None:
    given = [("p", "r", "s"), ("p", "rs", ""), ("pr", "", "s"), ("p", "r", "")]
    assert len({tracked.key(*names) for names in given}) == len(given)


def test_an_unknown_tracker_is_a_failure() -> None:
    with pytest.raises(Failure, match="no tracker is called comet"):
        open_tracker({"address": "comet:https://example.com"})

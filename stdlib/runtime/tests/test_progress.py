"""A journal outlives its process, and a line that was cut short is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlp_runtime.progress import VARIABLE, Journal


def test_records_are_there_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "deep"))
    first = Journal("tuned")
    first.add({"trial": 0, "value": 0.1})
    first.add({"trial": 1, "value": 0.2})
    del first
    again = Journal("tuned")
    assert again.records == [{"trial": 0, "value": 0.1}, {"trial": 1, "value": 0.2}]
    again.add({"trial": 2})
    assert (tmp_path / "deep/tuned.jsonl").read_text().count("\n") == 3


def test_a_line_that_was_cut_short_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "tuned.jsonl").write_text('{"trial": 0}\n{"trial": 1, "val')
    journal = Journal("tuned")
    assert journal.records == [{"trial": 0}]
    journal.add({"trial": 1})
    assert (tmp_path / "tuned.jsonl").read_text() == '{"trial": 0}\n{"trial": 1}\n'


def test_while_another_writes_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    holder = Journal("tuned")
    holder.add({"trial": 0})
    other = Journal("tuned")
    assert other.records == []
    other.add({"trial": 5})
    assert (tmp_path / "tuned.jsonl").read_text() == '{"trial": 0}\n'


def test_without_a_folder_it_is_memory_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    journal = Journal("tuned")
    journal.add({"trial": 0})
    assert journal.records == [{"trial": 0}]

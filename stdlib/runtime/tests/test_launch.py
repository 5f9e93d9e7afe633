"""Steps whose files somebody else carries, and what is done when all have ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hooks import TOLD, listening

from mlp_runtime import artifacts, files, formats, launch
from mlp_runtime.plans import Plan
from mlp_runtime.step import Failure
from mlp_runtime.stores import LocalStore


def step(name: str, inputs: dict[str, Any], template: str, does: str = "shell") -> dict[str, Any]:
    """A step that runs a command and makes `out`."""
    return {
        "id": name,
        "identity": f"identity-of-{name}",
        "inputs": inputs,
        "outputs": {"out": {"kind": "file", "path": "out.txt"}},
        "params": {},
        "after": [],
        "when": None,
        "resources": {"cpu": 1},
        "spec": {"does": does, "template": template},
    }


def plan() -> dict[str, Any]:
    """Two steps, one after the other, and a channel."""
    made = {"before": {"step": {"step": "step.a", "output": "out"}}}
    return {
        "format": formats.PLAN,
        "pipeline": {"name": "p"},
        "sources": [],
        "steps": [
            step("step.a", {}, "echo hello > {out}"),
            step("step.b", made, "cat {before} {before} > {out} && basename {before} >> {out}"),
        ],
        "notify": [{"channel": "slack", "webhook": "HOOK", "on": ["success", "gate_refused"]}],
    }


def run(folder: Path, **given: Any) -> launch.Run:
    """A run over a store below a folder, for which files are carried."""
    return launch.Run(Plan(plan()), LocalStore(folder / "store"), "r", carried=True, **given)


def carried(folder: Path) -> Path:
    """Run the first step; its file, called as an orchestrator calls it."""
    made = folder / "artifacts" / "deep" / "out"
    assert run(folder, wanted={"out": made}).step("step.a", folder / "a") == 0
    return made


def test_files_are_carried_and_the_store_is_told(tmp_path: Path) -> None:
    made = carried(tmp_path)
    assert made.read_text() == "hello\n"
    end = tmp_path / "artifacts" / "end"
    second = run(tmp_path, given={"before": made}, wanted={"out": end})
    assert second.step("step.b", tmp_path / "b") == 0
    # A file has the name that it has on every target.
    assert end.read_text() == "hello\nhello\nout.txt\n"
    assert not list((tmp_path / "store").rglob("out.txt"))
    [told] = second.told("step.b")["artifacts"]["out"]["artifacts"]
    assert told["metadata"] == {"identity": "identity-of-step.b", "sha256": files.digest(end)}


def test_a_file_that_is_not_what_was_made_is_not_read(tmp_path: Path) -> None:
    made = carried(tmp_path)
    made.write_text("hullo\n")
    with pytest.raises(Failure, match=r"out of step\.a has the digest .* was written as"):
        run(tmp_path, given={"before": made}).step("step.b", tmp_path / "b")


def test_a_step_of_another_build_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    files.write_json(path, plan())
    passed, told = tmp_path / "outputs" / "passed", tmp_path / "outputs" / "told.json"
    given = [
        "step",
        "step.a",
        "--plan",
        str(path),
        "--store",
        f"file://{tmp_path}/store",
        "--carried",
    ]
    given += ["--passed", str(passed), "--told", str(told), "--identity"]
    assert launch.main([*given, "another"]) == 1
    assert "this image holds another build" in capsys.readouterr().err
    assert not passed.exists()
    assert launch.main([*given, "identity-of-step.a"]) == 0
    assert passed.read_text() == "true"
    assert list(json.loads(told.read_text())["artifacts"]) == ["out"]


def test_who_wants_to_know_is_told_how_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = carried(tmp_path)
    run(tmp_path, given={"before": made}).step("step.b", tmp_path / "b")
    last = tmp_path / "store" / "runs" / "p" / "last.json"
    before = len(TOLD)
    with listening() as address:
        monkeypatch.setenv("HOOK", f"{address}/hook")
        # Nobody asked for failures.
        run(tmp_path).ended('{"state": "FAILED"}')
        assert not last.exists()
        run(tmp_path).ended('{"state": "SUCCEEDED"}')
        monkeypatch.setenv("HOOK", f"{address}/broken")
        run(tmp_path).ended('{"state": "SUCCEEDED"}')
    assert "the webhook of HOOK was not told: the server answered 500" in capsys.readouterr().err
    assert [told["text"] for told in TOLD[before:][:1]] == ["p: run r succeeded"]
    assert json.loads(last.read_text())["run"] == "r"


def test_a_gate_that_refused_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = plan() | {"steps": [step("gate.g", {}, "", does="gate")]}
    ended = launch.Run(Plan(record), LocalStore(tmp_path), "r", carried=True)
    for name in (artifacts.REFUSAL, artifacts.RESULT):
        ended.store.write(f"carried/id/identity-of-gate.g/{name}", b"{}")
    with listening() as address:
        monkeypatch.setenv("HOOK", f"{address}/hook")
        ended.ended('{"state": "SUCCEEDED"}')
    assert TOLD[-1] == {"text": "p: run r was refused by gate.g"}

"""The contract of a step: flags, whole outputs, results and exit codes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from mlp_runtime import files, step


@dataclass(frozen=True, kw_only=True)
class Args:
    """Every kind of flag."""

    rows: step.Input
    champion: step.OptionalInput
    out: step.Output
    folder: step.Output
    lambda_: float
    max_iter: int | None
    solver: Literal["auto"] | bool
    layers: list[int]
    seed: step.Seed
    threads: step.Threads


Run = Callable[[Args], step.Result]


def write(args: Args) -> step.Result:
    """A run that goes well."""
    args.out.write_text("whole")
    args.folder.mkdir()
    (args.folder / "part").write_text("whole")
    return step.Result(summary="2 files", metrics={"m": 0.5}, rows={"rows": 3})


def call(folder: Path, run: Run, **changed: str) -> int:
    """Run as a program would; the exit code."""
    given = {
        "rows": "rows.parquet",
        "out": str(folder / "out.json"),
        "folder": str(folder / "folder"),
        "lambda": "1",
        "max-iter": "null",
        "solver": '"auto"',
        "layers": "[1, 2]",
        "seed": "7",
        "threads": "1",
        "result": str(folder / "result.json"),
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    flags = [item for name, value in given.items() for item in (f"--{name}", value)]
    with pytest.raises(SystemExit) as exited:
        step.main(Args, run, flags)
    code = exited.value.code
    return code if isinstance(code, int) else -1


def test_flags_are_typed_by_their_annotations(tmp_path: Path) -> None:
    seen: list[Args] = []

    def look(args: Args) -> step.Result:
        seen.append(args)
        return write(args)

    assert call(tmp_path, look) == 0
    args = seen[0]
    assert (args.rows, args.champion, args.seed, args.threads) == (Path("rows.parquet"), None, 7, 1)
    assert isinstance(args.lambda_, float)
    assert (args.max_iter, args.solver, args.layers) == (None, "auto", [1, 2])
    assert step.parameters(args) == {
        "lambda": 1.0,
        "max_iter": None,
        "solver": "auto",
        "layers": [1, 2],
    }


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"max_iter": "0.5"}, "--max-iter takes int | None, not 0.5"),
        ({"lambda": '"a"'}, '--lambda takes float, not "a"'),
        ({"lambda": "true"}, "--lambda takes float, not true"),
        ({"layers": "[1.5]"}, "--layers takes int, not 1.5"),
        ({"solver": '"other"'}, "--solver takes"),
        ({"lambda": "{"}, "--lambda takes JSON, not '{'"),
    ],
)
def test_wrong_values_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], told: str
) -> None:
    assert call(tmp_path, write, **changed) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_outputs_and_result_are_written(tmp_path: Path) -> None:
    assert call(tmp_path, write) == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result == {
        "format": "mlp-result/v1",
        "outputs": {
            "out": {"path": "out.json", "sha256": files.digest(tmp_path / "out.json")},
            "folder": {"path": "folder", "sha256": files.digest(tmp_path / "folder")},
        },
        "metrics": {"m": 0.5},
        "rows": {"rows": 3},
        "summary": "2 files",
        "warnings": [],
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "out.json", "result.json"]


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    call(tmp_path, write)
    first = (tmp_path / "result.json").read_bytes()
    assert call(tmp_path, write) == 0
    assert (tmp_path / "result.json").read_bytes() == first


def test_nothing_appears_when_a_run_breaks(tmp_path: Path) -> None:
    def breaks(args: Args) -> step.Result:
        args.out.write_text("half")
        raise KeyError("gone")

    flags_failed: list[Exception] = []
    try:
        call(tmp_path, breaks)
    except KeyError as error:
        flags_failed.append(error)
    assert len(flags_failed) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_was_not_written_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def forgets(args: Args) -> step.Result:
        args.out.write_text("x")
        return step.Result(summary="")

    assert call(tmp_path, forgets) == 1
    assert capsys.readouterr().err == "the step wrote no folder\n"
    assert list(tmp_path.iterdir()) == []


def failing(code: int) -> Run:
    """A run that writes one output and fails with a code."""

    def run(args: Args) -> step.Result:
        args.out.write_text("checks")
        raise step.Failure("rows are wrong\nsee above", code=code)

    return run


def test_a_failed_data_check_keeps_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, failing(step.DATA_FAILED)) == 4
    assert capsys.readouterr().err == "rows are wrong\nsee above\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_any_other_failure_keeps_nothing(tmp_path: Path) -> None:
    assert call(tmp_path, failing(step.FAILED)) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_writes_everything_and_exits_with_3(tmp_path: Path) -> None:
    def refuse(args: Args) -> step.Result:
        write(args)
        return step.Result(summary="no", refused=True)

    assert call(tmp_path, refuse) == 3
    assert (tmp_path / "result.json").exists()


def test_warnings_are_told_once_and_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def warns(args: Args) -> step.Result:
        for _ in range(3):
            warnings.warn("did not converge", RuntimeWarning, stacklevel=1)
        return write(args)

    assert call(tmp_path, warns) == 0
    result: dict[str, Any] = json.loads((tmp_path / "result.json").read_text())
    assert result["warnings"] == ["RuntimeWarning: did not converge"]
    assert result["summary"] == "2 files; 1 warning"
    assert capsys.readouterr().err == "RuntimeWarning: did not converge\n"


def test_the_digest_of_a_folder_tells_names_and_contents(tmp_path: Path) -> None:
    def made(name: str, **contents: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        for file, text in contents.items():
            (folder / file).write_text(text)
        return files.digest(folder)

    assert made("a", x="1", y="2") == made("b", y="2", x="1")
    assert made("c", x="1", y="2") != made("d", x="2", y="1")
    assert made("e", x="1") != made("f", z="1")

"""Environments of a plan: made where they are used first, found again, whole or not there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUNTIME = Path(__file__).resolve().parents[1]
DIGEST = "ab" * 32


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build with an environment without packages, and one whose Python nobody has."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(RUNTIME / "mlp_runtime", tmp_path / "mlp_runtime", ignore=ignored)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    environments = {
        "default": {"python": version, "packages": [], "digest": DIGEST},
        "old": {"python": "2.0", "packages": [], "digest": "cd" * 32},
    }
    plan = {"format": "mlp-plan/v1", "environments": environments}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    for name in environments:
        (tmp_path / "environments" / name).mkdir(parents=True)
        (tmp_path / "environments" / name / "requirements.txt").write_text("")
    return tmp_path


def run(build: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start the module as a task does."""
    variables = {**os.environ, "MLPC_CACHE_DIR": str(build / "cache"), "PYTHONPATH": "/nowhere"}
    command = [sys.executable, "-m", "mlp_runtime.environment", *arguments]
    return subprocess.run(
        command, cwd=build, env=variables, capture_output=True, text=True, check=False
    )


def test_what_was_left_half_built_is_made_once_and_python_runs_in_it(build: Path) -> None:
    told = "import sys, mlp_runtime; print(sys.prefix, mlp_runtime.__file__, sys.argv[1:])"
    folder = build / "cache" / "envs" / DIGEST[:16]
    folder.mkdir(parents=True)
    (folder / "half").touch()
    first = run(build, "default", "-c", told, "a b", "'")
    assert first.returncode == 0, first.stderr
    assert first.stdout == f"{folder} {build / 'mlp_runtime' / '__init__.py'} ['a b', \"'\"]\n"
    assert (folder / ".mlpc-ready").read_text() == DIGEST
    assert not (folder / "half").exists()
    (folder / "kept").touch()
    assert run(build, "default", "-c", "raise SystemExit(3)").returncode == 3
    assert (folder / "kept").exists()


def test_what_cannot_be_is_told(build: Path) -> None:
    unknown = run(build, "gpu", "-c", "")
    assert (unknown.returncode, unknown.stderr) == (1, "the plan has no environment gpu\n")
    old = run(build, "old", "-c", "")
    assert (old.returncode, old.stderr) == (1, "there is no python2.0 on the path\n")
    assert not (build / "cache" / "envs" / ("cd" * 8) / ".mlpc-ready").exists()
    assert "usage" in run(build).stderr


def test_an_unlisted_package_is_refused(build: Path) -> None:
    list_of_packages = build / "environments" / "default" / "requirements.txt"
    list_of_packages.write_text("six==1.17.0\n")
    refused = run(build, "default", "-c", "")
    assert refused.returncode == 1
    assert "hash" in refused.stderr
    assert not (build / "cache" / "envs" / DIGEST[:16] / ".mlpc-ready").exists()

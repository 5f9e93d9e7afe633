"""Registries by one interface: a store's, and a real MLflow server's where MLflow is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlp_runtime import files, stores
from mlp_runtime.registries import Registry, open_registry
from mlp_runtime.step import Failure

PROVENANCE: dict[str, Any] = {
    "pipeline": "rides",
    "run": "first",
    "step": "register.m",
    "identity": "a",
    "plan": "p" * 64,
    "commit": "c" * 40,
    "data": {"trips": "d" * 64},
    "registration": {
        "metrics": {"roc_auc": 0.75, "log_loss": None},
        "gate": "release",
        "task": "binary",
        "trainer": "sklearn.logistic_regression",
        "requirements": [{"lines": ["roc_auc 0.75 >= 0.7  passed"]}],
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server over SQLite."""
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("MLflow is not installed here")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    os.environ |= {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, env={**os.environ, "PATH": path}, stdout=log, stderr=log, cwd=folder
        )
        try:
            _wait(process, f"{uri}/health", folder / "log")
            yield uri
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(params=["store", "mlflow"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    """An empty registry of each kind."""
    if request.param == "store":
        return open_registry(None, "m", stores.open_store(f"file://{tmp_path}/store"))
    name = f"m-{tmp_path.name}"
    return open_registry(f"mlflow:{request.getfixturevalue('server')}", name)


def register(registry: Registry, folder: Path, content: str, identity: str) -> int | None:
    """Register a model that holds a text."""
    source = folder / content / identity / "source"
    (source / "code").mkdir(parents=True, exist_ok=True)
    (source / "weights").write_text(content)
    (source / "code" / "a.py").write_text("A = 1\n")
    provenance = {**PROVENANCE, "identity": identity}
    return registry.register("champion", files.digest(source), lambda _: source, provenance)


def holder(registry: Registry) -> int | None:
    """The number of the champion."""
    held = registry.holder("champion")
    return None if held is None else int(held["version"])


def test_versions_are_contents_and_aliases_move(registry: Registry, tmp_path: Path) -> None:
    assert holder(registry) is None
    assert registry.versions() == []
    assert register(registry, tmp_path, "one", "a") == 1
    assert register(registry, tmp_path, "one", "a") is None, "the same step is applied once"
    assert register(registry, tmp_path, "two", "b") == 2
    assert register(registry, tmp_path, "one", "c") == 1, "the same content is the same version"
    assert [item["version"] for item in registry.versions()] == [1, 2]
    assert registry.promote(2, "champion")["version"] == 2
    assert holder(registry) == 2
    with pytest.raises(Failure, match="has no version 9"):
        registry.promote(9, "champion")


def test_rollbacks_go_back_one_by_one(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="has no alias champion"):
        registry.rollback("champion")
    for content, identity in (("one", "a"), ("two", "b"), ("three", "c")):
        register(registry, tmp_path, content, identity)
    assert registry.rollback("champion")["version"] == 2
    assert register(registry, tmp_path, "three", "c") is None, "a run does not undo a rollback"
    assert holder(registry) == 2
    assert registry.rollback("champion")["version"] == 1
    with pytest.raises(Failure, match="has no champion before version 1"):
        registry.rollback("champion")
    assert register(registry, tmp_path, "four", "d") == 4
    assert registry.rollback("champion")["version"] == 1


def test_a_version_comes_back_as_it_was(registry: Registry, tmp_path: Path) -> None:
    register(registry, tmp_path, "one", "a")
    register(registry, tmp_path, "two", "b")
    held = registry.holder("champion")
    assert held is not None
    place = registry.fetch(str(held["digest"]), tmp_path / "fetched")
    assert place is not None
    assert place.name == "v2"
    assert files.digest(place) == held["digest"]
    assert (place / "weights").read_text() == "two"
    assert registry.fetch("0" * 64, tmp_path / "none") is None


def test_those_who_register_at_once_agree(registry: Registry, tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=register, args=(registry, tmp_path, content, identity))
        for content, identity in (("one", "a"), ("one", "b"), ("two", "c"), ("two", "d"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    digests = [item["digest"] for item in registry.versions()]
    assert len(digests) == len(set(digests)) == 2
    assert holder(registry) is not None


def test_mlflow_shows_where_a_version_comes_from(server: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    registry = open_registry(f"mlflow:{server}", "shown")
    register(registry, tmp_path, "one", "a")
    version = MlflowClient(server).get_model_version_by_alias("shown", "champion")
    assert version.tags == {
        "mlp.digest": files.digest(tmp_path / "one" / "a" / "source"),
        "mlp.pipeline": "rides",
        "mlp.run": "first",
        "mlp.step": "register.m",
        "mlp.identity": "a",
        "mlp.plan": "p" * 64,
        "mlp.commit": "c" * 40,
        "mlp.data.trips": "d" * 64,
        "mlp.metric.roc_auc": "0.75",
        "mlp.gate": "release",
        "mlp.task": "binary",
        "mlp.trainer": "sklearn.logistic_regression",
        "mlp.verdict": "roc_auc 0.75 >= 0.7  passed",
    }
    # What somebody moved in MLflow's own pages is seen, and can be rolled back.
    register(registry, tmp_path, "two", "b")
    MlflowClient(server).set_registered_model_alias("shown", "champion", "1")
    assert holder(registry) == 1
    assert registry.rollback("champion")["version"] == 2


def test_the_executor_asks_by_name(server: str, tmp_path: Path) -> None:
    source = tmp_path / "model"
    source.mkdir()
    (source / "weights").write_text("one")

    def ask(*arguments: str, told: str = "") -> Any:
        command = [sys.executable, "-m", "mlp_runtime.registries", "mlflow:$ASKED", *arguments]
        found = subprocess.run(
            command,
            env={**os.environ, "ASKED": server},
            input=told,
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(found.stdout) if found.returncode == 0 else found.stderr.strip()

    assert ask("champion", "asked") is None
    registered = ask("register", "asked", "--folder", str(source), told=json.dumps(PROVENANCE))
    assert registered == {"version": 1, "new": True}
    held = ask("champion", "asked")
    assert held["version"] == 1
    fetched = ask("fetch", "asked", "--digest", held["digest"], "--folder", str(tmp_path / "got"))
    assert Path(fetched) == tmp_path / "got" / "v1"
    assert ask("promote", "asked", "2") == "model `asked` has no version 2"
    assert "no champion before version 1" in ask("rollback", "asked")
    assert [item["version"] for item in ask("versions", "asked")] == [1]


def test_a_server_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Failure, match=r"the registry at http://127\.0\.0\.1:9: "):
        open_registry("mlflow:http://127.0.0.1:9", "m").holder("champion")
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(Failure, match="the variable NOWHERE should hold the address"):
        open_registry("mlflow:$NOWHERE", "m")

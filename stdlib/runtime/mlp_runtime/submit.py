"""Starts a run of a deployed pipeline on the server of an orchestrator and follows it to its end.

`python -m mlp_runtime.submit airflow|prefect NAME --server URL` prints a line for each step that changes
its state. NAME is that of a DAG, or `flow/deployment`. A token, or user and password, come from
`MLP_SERVER_TOKEN`, `MLP_SERVER_USER` and `MLP_SERVER_PASSWORD`. Exit codes are those of `mlpc run`: 3 if
a gate refused, 4 if a step failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlp_runtime.step import Failure

REFUSED = 3
STEP_FAILED = 4

RUNNING, DONE, SKIPPED, FAILED, WAITING = "running", "done", "skipped", "failed", "waiting"


@dataclass(frozen=True)
class Status:
    """How a run stands."""

    over: bool
    failed: bool
    steps: Mapping[str, str]


class Server(ABC):
    """An orchestrator's server."""

    def __init__(self, address: str, *, seconds: float = 60.0) -> None:
        """`seconds`: how long something that must appear is waited for."""
        self.address = address.rstrip("/")
        self.seconds = seconds
        self.token = os.environ.get("MLP_SERVER_TOKEN")

    @abstractmethod
    def start(self, name: str) -> str:
        """Start a run and say under which identifier it is known."""

    @abstractmethod
    def status(self, name: str, run: str) -> Status:
        """How a run stands now."""

    @abstractmethod
    def page(self, name: str, run: str) -> str:
        """Where a person finds the run."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer to a request; fail with what the server says."""
        headers = {"content-type": "application/json"}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                raise Failure(
                    f"{self.address} lets no one in without MLP_SERVER_TOKEN, or MLP_SERVER_USER and "
                    "MLP_SERVER_PASSWORD"
                ) from error
            detail = error.read(2000).decode(errors="replace")
            raise Failure(f"{method} {path}: {error.code} {error.reason}: {detail}") from error
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise Failure(
                f"{self.address} does not answer: {getattr(error, 'reason', error)}"
            ) from error

    def found(self, path: str, what: str) -> Any:
        """The answer of a path as soon as there is one."""
        deadline = time.monotonic() + self.seconds
        while True:
            try:
                return self.call("GET", path)
            except Failure as failure:
                if ": 404 " not in str(failure):
                    raise
                if time.monotonic() > deadline:
                    raise Failure(f"{self.address} knows no {what}: deploy it first") from failure
            time.sleep(1.0)


class Airflow(Server):
    """The stable REST API of Airflow 3."""

    def __init__(self, address: str, *, seconds: float = 60.0) -> None:
        """Sign in, where there is no token."""
        super().__init__(address, seconds=seconds)
        user, password = (os.environ.get(f"MLP_SERVER_{name}") for name in ("USER", "PASSWORD"))
        if self.token is None:
            signed = (
                self.call("GET", "/auth/token")
                if user is None
                else self.call("POST", "/auth/token", {"username": user, "password": password})
            )
            self.token = str(signed["access_token"])

    def start(self, name: str) -> str:
        """Start a run of a DAG, which must not be paused for that."""
        path = f"/api/v2/dags/{urllib.parse.quote(name, safe='')}"
        if self.found(path, f"DAG {name}")["is_paused"]:
            self.call("PATCH", path, {"is_paused": False})
        made = self.call("POST", f"{path}/dagRuns", {"logical_date": None})
        return str(made["dag_run_id"])

    def _path(self, name: str, run: str) -> str:
        dag, run = (urllib.parse.quote(text, safe="") for text in (name, run))
        return f"/api/v2/dags/{dag}/dagRuns/{run}"

    def status(self, name: str, run: str) -> Status:
        """The run and its task instances."""
        path = self._path(name, run)
        state = self.call("GET", path)["state"]
        listed = self.call("GET", f"{path}/taskInstances?limit=1000")["task_instances"]
        words = {"success": DONE, "skipped": SKIPPED, "running": RUNNING}
        words |= {"failed": FAILED, "upstream_failed": SKIPPED}
        steps = {task["task_id"]: words.get(task["state"], WAITING) for task in listed}
        return Status(state in ("success", "failed"), state == "failed", steps)

    def page(self, name: str, run: str) -> str:
        """The run in the web interface."""
        return f"{self.address}/dags/{name}/runs/{run}"


class Prefect(Server):
    """The REST API of Prefect 3."""

    def start(self, name: str) -> str:
        """Start a run of `flow/deployment`."""
        flow, _, deployment = name.partition("/")
        flow, deployment = (urllib.parse.quote(text, safe="") for text in (flow, deployment))
        found = self.found(f"/deployments/name/{flow}/{deployment}", f"deployment {name}")
        made = self.call("POST", f"/deployments/{found['id']}/create_flow_run", {})
        return str(made["id"])

    def status(self, name: str, run: str) -> Status:
        """The flow run and its task runs, of which the last of a name counts."""
        state = self.call("GET", f"/flow_runs/{run}")["state"]
        wanted = {"flow_runs": {"id": {"any_": [run]}}, "sort": "EXPECTED_START_TIME_ASC"}
        steps = {}
        for task in self.call("POST", "/task_runs/filter", wanted):
            kind, word = task["state_type"], task["state_name"]
            steps[str(task["name"]).rpartition("-")[0] or task["name"]] = (
                SKIPPED
                if word in ("Refused", "Skipped")
                else {
                    "COMPLETED": DONE,
                    "RUNNING": RUNNING,
                    "FAILED": FAILED,
                    "CRASHED": FAILED,
                }.get(kind, WAITING)
            )
        over = state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        return Status(over, over and state["type"] != "COMPLETED", steps)

    def page(self, name: str, run: str) -> str:
        """The run in the web interface."""
        return f"{self.address.removesuffix('/api')}/runs/flow-run/{run}"


SERVERS: Mapping[str, type[Server]] = {"airflow": Airflow, "prefect": Prefect}


def follow(server: Server, name: str, *, every: float = 1.0, as_json: bool = False) -> int:
    """Start a run, tell what changes until it is over, and say with which code to exit."""
    run = server.start(name)
    _tell(
        {"run": run, "page": server.page(name, run)},
        f"run {run}: {server.page(name, run)}",
        as_json,
    )
    told: dict[str, str] = {}
    while True:
        status = server.status(name, run)
        for step, state in status.steps.items():
            if told.get(step, WAITING) != state:
                told[step] = state
                _tell({"step": step, "state": state}, f"  {step:<40} {state}", as_json)
        if status.over:
            break
        time.sleep(every)
    refused = not status.failed and SKIPPED in told.values()
    word = "failed" if status.failed else "refused by a gate" if refused else "succeeded"
    _tell({"ended": word}, word, as_json)
    return STEP_FAILED if status.failed else REFUSED if refused else 0


def _tell(record: Mapping[str, str], line: str, as_json: bool) -> None:
    print(json.dumps(record) if as_json else line, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; tell a failure that was expected in words."""
    parser = argparse.ArgumentParser(
        prog="mlp_runtime.submit", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("target", choices=sorted(SERVERS))
    parser.add_argument("name")
    parser.add_argument("--server", required=True, metavar="URL")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        return follow(SERVERS[args.target](args.server), args.name, as_json=args.json)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.code


if __name__ == "__main__":
    sys.exit(main())

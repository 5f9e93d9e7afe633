"""Starts a run of a deployed pipeline on the server of an orchestrator and follows it to its end.

`python -m mlp_runtime.submit airflow|kubeflow|prefect NAME --server URL` prints a line for each step that
changes its state. NAME is that of a DAG, of a pipeline, or `flow/deployment`. Kubeflow is given the
definition of this build, of the entry point that `--entry` names, if it does not have it yet.
`--param NAME=VALUE` gives the run other values of the parameters of its plan. A token, or
user and password, come from `MLP_SERVER_TOKEN`, `MLP_SERVER_USER` and `MLP_SERVER_PASSWORD`. Exit codes are
those of `mlpc run`: 3 if a gate refused, 4 if a step failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlp_runtime import files, parameters, plans
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
    why: str = ""
    """What the server says of a run that failed."""


@dataclass(frozen=True)
class Wanted:
    """What a run is, beyond the name of what is deployed."""

    entry: str | None = None
    store: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


class Server(ABC):
    """An orchestrator's server."""

    def __init__(
        self, address: str, *, seconds: float = 60.0, wanted: Wanted | None = None
    ) -> None:
        """`seconds`: how long something that must appear is waited for."""
        self.address = address.rstrip("/")
        self.seconds = seconds
        self.wanted = wanted or Wanted()
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
        return self.send(method, path, None if body is None else json.dumps(body).encode())

    def send(
        self, method: str, path: str, data: bytes | None, kind: str = "application/json"
    ) -> Any:
        """The JSON answer to a request with a body of some kind."""
        headers = {"content-type": kind}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(
            self.address + path, data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                told = answer.read()
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
        try:
            return json.loads(told)
        except ValueError as error:
            raise Failure(
                f"{method} {path}: the answer is not JSON, but perhaps a page on which people sign in"
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

    def __init__(
        self, address: str, *, seconds: float = 60.0, wanted: Wanted | None = None
    ) -> None:
        """Sign in, where there is no token."""
        super().__init__(address, seconds=seconds, wanted=wanted)
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
        made = self.call(
            "POST", f"{path}/dagRuns", {"logical_date": None, "conf": dict(self.wanted.values)}
        )
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
        steps = {_step(task): words.get(task["state"], WAITING) for task in listed}
        return Status(state in ("success", "failed"), state == "failed", steps)

    def page(self, name: str, run: str) -> str:
        """The run in the web interface."""
        return f"{self.address}/dags/{name}/runs/{run}"


def _step(task: Mapping[str, Any]) -> str:
    """The step of a task instance: those of `train.model.folds` are called `fold_1` and so on, once they start."""
    name, called = str(task["task_id"]), task.get("rendered_map_index")
    if task["map_index"] < 0:
        return name
    return (
        f"{name}[{task['map_index']}]" if called is None else f"{name.rpartition('.')[0]}.{called}"
    )


class Prefect(Server):
    """The REST API of Prefect 3."""

    def start(self, name: str) -> str:
        """Start a run of `flow/deployment`."""
        flow, _, deployment = name.partition("/")
        flow, deployment = (urllib.parse.quote(text, safe="") for text in (flow, deployment))
        found = self.found(f"/deployments/name/{flow}/{deployment}", f"deployment {name}")
        made = self.call(
            "POST",
            f"/deployments/{found['id']}/create_flow_run",
            {"parameters": dict(self.wanted.values)},
        )
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


class Kubeflow(Server):
    """The REST API of Kubeflow Pipelines 2, `v2beta1`."""

    def start(self, name: str) -> str:
        """Start a run of the definition of this build, which becomes a version of the pipeline unless it is one."""
        pipeline, version = self._version(name)
        given = {} if self.wanted.store is None else {"store": self.wanted.store}
        run: dict[str, Any] = {
            "display_name": f"{name} {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())}",
            "experiment_id": self._experiment(self.wanted.settings.get("experiment", name)),
            "pipeline_version_reference": {
                "pipeline_id": pipeline,
                "pipeline_version_id": version,
            },
            "runtime_config": {"parameters": {**given, **self.wanted.values}},
        }
        account = self.wanted.settings.get("service_account")
        if account is not None:
            run["service_account"] = account
        return str(self.call("POST", f"{_API}/runs", run)["run_id"])

    def _version(self, name: str) -> tuple[str, str]:
        """The identifiers of the pipeline and of the version that is this build's definition."""
        path = plans.ROOT / "pipelines" / f"{self.wanted.entry or 'train'}.yaml"
        digest = files.digest(path)[:12]
        found = self._named("pipelines", "pipelines", name, self._space())
        if found is None:
            told = {"name": name, "display_name": name, **self._space()}
            found = self.call("POST", f"{_API}/pipelines", told)
        pipeline = str(found["pipeline_id"])
        version = self._named(f"pipelines/{pipeline}/versions", "pipeline_versions", digest, {})
        if version is None:
            version = self._upload(pipeline, digest, path)
        return pipeline, str(version["pipeline_version_id"])

    def _experiment(self, name: str) -> str:
        found = self._named("experiments", "experiments", name, self._space())
        if found is None:
            told = {"display_name": name, **self._space()}
            found = self.call("POST", f"{_API}/experiments", told)
        return str(found["experiment_id"])

    def _space(self) -> dict[str, str]:
        """The namespace, where the server has one for each team."""
        namespace = self.wanted.settings.get("namespace")
        return {} if namespace is None else {"namespace": namespace}

    def _named(self, path: str, key: str, name: str, space: Mapping[str, str]) -> Any:
        """The only thing of a kind with a name, if there is one."""
        predicate = {"operation": "EQUALS", "key": "display_name", "string_value": name}
        query = {"filter": json.dumps({"predicates": [predicate]}), **space}
        told = self.call("GET", f"{_API}/{path}?{urllib.parse.urlencode(query)}")
        return next(iter(told.get(key, [])), None)

    def _upload(self, pipeline: str, version: str, path: Path) -> Any:
        """Make a definition a version of a pipeline: it is sent as the file of a form."""
        mark = uuid.uuid4().hex
        head = (
            f"--{mark}\r\nContent-Disposition: form-data; "
            f'name="uploadfile"; filename="{path.name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        data = head.encode() + path.read_bytes() + f"\r\n--{mark}--\r\n".encode()
        told = {"name": version, "display_name": version, "pipelineid": pipeline}
        upload = f"{_API}/pipelines/upload_version?{urllib.parse.urlencode(told)}"
        return self.send("POST", upload, data, f"multipart/form-data; boundary={mark}")

    def status(self, name: str, run: str) -> Status:
        """The run and its tasks. What stands behind a gate that refused is never listed, only the graph that holds it."""
        told = self.call("GET", f"{_API}/runs/{urllib.parse.quote(run, safe='')}")
        state = told.get("state")
        over = state in ("SUCCEEDED", "FAILED", "CANCELED")
        listed = told.get("run_details", {}).get("task_details", [])
        tasks = {task.get("display_name"): task.get("state") for task in listed}
        words: dict[str | None, str] = {"SUCCEEDED": DONE, "SKIPPED": SKIPPED, "RUNNING": RUNNING}
        words |= {"FAILED": FAILED, "CANCELED": FAILED, None: SKIPPED if over else WAITING}
        steps = {
            step: SKIPPED
            if tasks.get(f"if-{task}") == "SKIPPED"
            else words.get(tasks.get(task), WAITING)
            for task, step in _tasks(plans.load(plans.entry(self.wanted.entry))).items()
        }
        message = str(told.get("error", {}).get("message", ""))
        why = "it was cancelled" if state == "CANCELED" else message
        return Status(over, over and state != "SUCCEEDED", steps, why)

    def page(self, name: str, run: str) -> str:
        """The run in the web interface."""
        return f"{self.address}/#/runs/details/{run}"


_API = "/apis/v2beta1"


def _tasks(plan: plans.Plan) -> dict[str, str]:
    """The step of each task of Kubeflow, which is called by the step's name in letters, digits and dashes."""
    found: dict[str, str] = {}
    for step in plan.steps:
        plain = re.sub("[^a-z0-9]+", "-", step.lower()).strip("-") or "x"
        numbered = (f"{plain}-{number}" for number in itertools.count(2))
        free = (
            name
            for name in itertools.chain([plain], numbered)
            if name not in found and name not in ("pipeline", "finish")
        )
        found[next(free)] = step
    return found


SERVERS: Mapping[str, type[Server]] = {
    "airflow": Airflow,
    "kubeflow": Kubeflow,
    "prefect": Prefect,
}


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
    why = {"why": status.why} if status.failed and status.why else {}
    _tell({"ended": word, **why}, ": ".join([word, *why.values()]), as_json)
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
    parser.add_argument("--entry", metavar="NAME", help="one of the build's entry points")
    parser.add_argument("--store", metavar="URI", help="the address that the run is given")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args(argv)
    settings = {name: value for name, _, value in (text.partition("=") for text in args.set)}
    try:
        known = plans.load(plans.entry(args.entry)).parameters if args.param else {}
        wanted = Wanted(args.entry, args.store, settings, parameters.given(known, args.param, None))
        server = SERVERS[args.target](args.server, wanted=wanted)
        return follow(server, args.name, as_json=args.json)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.code


if __name__ == "__main__":
    sys.exit(main())

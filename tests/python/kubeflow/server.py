"""The REST API of Kubeflow Pipelines, `v2beta1`, over the local orchestrator of its SDK.

`server.py --python PYTHON --root DIR --token TOKEN` prints its port, then answers until it is ended. What it
is asked and what it answers is checked by the models of `kfp-server-api`, and a field or an argument that they do not have
is an error. Runs are real: the version that was uploaded is run by the SDK, and an image is the folder of its name.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import threading
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kfp_server_api
import run as sdk
import validate
import yaml
from kfp import components, local
from kfp.local import status as states

Json = dict[str, Any]

PLAIN: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "datetime": (str,),
    "object": (dict, list, str, int, float, bool),
}


class Refused(Exception):
    """A request that is not answered, with the code of HTTP."""

    def __init__(self, code: int, message: str) -> None:
        """What the server says."""
        super().__init__(message)
        self.code = code


def check(value: Any, kind: str) -> Any:
    """The value, if it is what a model says; models of the client itself pass over what they do not know."""
    if found := re.fullmatch(r"list\[(.*)\]", kind):
        for item in value:
            check(item, found[1])
    elif found := re.fullmatch(r"dict\(str, (.*)\)", kind):
        for item in value.values():
            check(item, found[1])
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]):
            raise Refused(400, f"{value!r} is no {kind}")
    else:
        model = getattr(kfp_server_api, kind)
        if not model.openapi_types:
            words = {word for name, word in vars(model).items() if name.isupper()}
            if value not in words:
                raise Refused(400, f"{value!r} is no {kind}")
            return value
        fields = {model.attribute_map[name]: type_ for name, type_ in model.openapi_types.items()}
        for name, item in value.items():
            if name not in fields:
                raise Refused(400, f"{kind} has no {name}")
            check(item, fields[name])
    return value


def named(query: Mapping[str, str], items: list[Json]) -> list[Json]:
    """Those that a filter finds."""
    told = check(json.loads(query["filter"]), "V2beta1Filter")
    [predicate] = told["predicates"]
    assert (predicate["operation"], predicate["key"]) == ("EQUALS", "display_name"), predicate
    space = query.get("namespace")
    return [
        item
        for item in items
        if item["display_name"] == predicate["string_value"]
        and item.get("namespace") in (None, space)
    ]


class Service:
    """What the server holds."""

    def __init__(self, given: argparse.Namespace) -> None:
        """Nothing is there yet."""
        self.given = given
        self.pipelines: list[Json] = []
        self.versions: dict[str, list[Json]] = {}
        self.definitions: dict[str, str] = {}
        self.experiments: list[Json] = []
        self.runs: dict[str, Json] = {}
        self.stopped: set[str] = set()
        self.current = ""
        sdk.patch(given)
        self.container = sdk.Handler.run
        sdk.Handler.run = lambda handler: self.contain(handler)

    def make(self, items: list[Json], told: Json, key: str) -> Json:
        """Something new, whose name must be free."""
        if any(item["display_name"] == told["display_name"] for item in items):
            raise Refused(409, f"{told['display_name']} is there already")
        made = {**told, key: str(uuid.uuid4()), "created_at": datetime.now(UTC).isoformat()}
        items.append(made)
        return made

    def pipeline(self, told: Json) -> Json:
        """A new pipeline without a version."""
        if not validate.NAME.fullmatch(told["name"]):
            raise Refused(400, f"{told['name']!r} is no name of a pipeline")
        return self.make(self.pipelines, told, "pipeline_id")

    def version(self, query: Mapping[str, str], data: bytes, kind: str) -> Json:
        """A new version of a pipeline, from the file of a form."""
        message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + data)
        [part] = message.get_payload()
        assert part.get_param("name", header="content-disposition") == "uploadfile"
        text = part.get_payload(decode=True).decode()
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            if found := list(validate.errors(Path(file.name))):
                raise Refused(400, "\n".join(found))
        pipeline = query["pipelineid"]
        told = {
            "pipeline_id": pipeline,
            "name": query["name"],
            "display_name": query["display_name"],
        }
        made = self.make(self.versions.setdefault(pipeline, []), told, "pipeline_version_id")
        self.definitions[made["pipeline_version_id"]] = text
        return made

    def start(self, told: Json) -> Json:
        """A new run, which begins at once."""
        reference = told["pipeline_version_reference"]
        known = self.versions.get(reference["pipeline_id"], [])
        if reference["pipeline_version_id"] not in {item["pipeline_version_id"] for item in known}:
            raise Refused(404, "there is no such version")
        if told["experiment_id"] not in {item["experiment_id"] for item in self.experiments}:
            raise Refused(404, "there is no such experiment")
        details: Json = {"task_details": []}
        made = {**told, "run_id": str(uuid.uuid4()), "state": "PENDING", "run_details": details}
        self.runs[made["run_id"]] = made
        definition = self.definitions[reference["pipeline_version_id"]]
        threading.Thread(target=self.follow, args=(made, definition), daemon=True).start()
        return made

    def task(self, run: Json, name: str, state: str) -> None:
        """Say how a task stands."""
        details: list[Json] = run["run_details"]["task_details"]
        found = next((task for task in details if task["display_name"] == name), None)
        if found is None:
            found = {"run_id": run["run_id"], "task_id": str(uuid.uuid4()), "display_name": name}
            details.append(found)
        found["state"] = state

    def follow(self, run: Json, definition: str) -> None:
        """Run a definition with the SDK."""
        spec = next(iter(yaml.safe_load_all(definition)))
        self.current, self.names = run["run_id"], names(spec)
        run["state"] = "RUNNING"
        for name in ("root", "root-driver"):
            self.task(run, name, "SUCCEEDED")
        local.init(
            runner=local.SubprocessRunner(use_venv=False),
            pipeline_root=self.given.root,
            enable_caching=True,
        )
        ended = "FAILED"
        try:
            components.load_component_from_text(definition)(**run["runtime_config"]["parameters"])
            ended = "SUCCEEDED"
        except RuntimeError as error:
            run["error"] = {"code": 13, "message": str(error)}
        finally:
            # Whatever else is raised goes to the log, and whoever follows the run hears of its end.
            self.end(run, spec, ended)

    def end(self, run: Json, spec: Json, ended: str) -> None:
        """Say how a run ended, and how the tasks stand that nothing was heard of."""
        listed = {task["display_name"] for task in run["run_details"]["task_details"]}
        behind = conditions(spec)
        for name, inside in behind.items():
            ran = any(task in listed for task in inside)
            self.task(run, name, "SUCCEEDED" if ran else "SKIPPED")
        if ended == "SUCCEEDED":
            # What the cache had did not run, and counts as done.
            everything = set(self.names.values()) - {
                task for inside in behind.values() for task in inside
            }
            for name in everything - listed:
                self.task(run, name, "SUCCEEDED")
        run["state"] = "CANCELED" if run["run_id"] in self.stopped else ended

    def contain(self, handler: Any) -> Any:
        """Run a container and say how its task stands."""
        run = self.runs[self.current]
        if self.current in self.stopped:
            return states.Status.FAILURE
        action, step = handler.full_command[3:5]
        task = self.names[step if action == "step" else action]
        self.task(run, f"{task}-driver", "SUCCEEDED")
        self.task(run, task, "RUNNING")
        self.given.build = handler.image
        ended = self.container(handler)
        self.task(run, task, "SUCCEEDED" if ended == states.Status.SUCCESS else "FAILED")
        return ended

    def answer(
        self, method: str, path: str, query: Mapping[str, str], data: bytes, kind: str
    ) -> Any:
        """What is answered to a request, and of which model it is."""
        body = json.loads(data) if data and kind == "application/json" else None
        listing = {"filter", "namespace", "page_size", "page_token", "sort_by"}

        def listed(key: str, items: list[Json]) -> Json:
            found = named(query, items)
            return {key: found, "total_size": len(found)} if found else {}

        def stop(run: str) -> Json:
            self.stopped.add(run)
            return {}

        table: list[tuple[str, str, set[str], str | None, Callable[..., Json], str]] = [
            (
                "GET",
                "pipelines",
                listing,
                None,
                lambda: listed("pipelines", self.pipelines),
                "V2beta1ListPipelinesResponse",
            ),
            (
                "POST",
                "pipelines",
                set(),
                "V2beta1Pipeline",
                lambda: self.pipeline(body),
                "V2beta1Pipeline",
            ),
            (
                "POST",
                "pipelines/upload_version",
                {"name", "display_name", "pipelineid", "description", "tags"},
                None,
                lambda: self.version(query, data, kind),
                "V2beta1PipelineVersion",
            ),
            (
                "GET",
                "pipelines/([^/]+)/versions",
                listing - {"namespace"},
                None,
                lambda pipeline: listed("pipeline_versions", self.versions.get(pipeline, [])),
                "V2beta1ListPipelineVersionsResponse",
            ),
            (
                "GET",
                "experiments",
                listing,
                None,
                lambda: listed("experiments", self.experiments),
                "V2beta1ListExperimentsResponse",
            ),
            (
                "POST",
                "experiments",
                set(),
                "V2beta1Experiment",
                lambda: self.make(self.experiments, body, "experiment_id"),
                "V2beta1Experiment",
            ),
            (
                "POST",
                "runs",
                {"experiment_id"},
                "V2beta1Run",
                lambda: self.start(body),
                "V2beta1Run",
            ),
            (
                "GET",
                "runs",
                listing | {"experiment_id"},
                None,
                lambda: {"runs": list(reversed(self.runs.values()))},
                "V2beta1ListRunsResponse",
            ),
            (
                "GET",
                "runs/([^/:]+)",
                {"experiment_id"},
                None,
                lambda run: self.runs[run],
                "V2beta1Run",
            ),
            ("POST", "runs/([^/:]+):terminate", set(), None, stop, "object"),
        ]
        for known, pattern, arguments, asked, act, told in table:
            found = re.fullmatch(f"/apis/v2beta1/{pattern}", path)
            if known == method and found:
                if unknown := set(query) - arguments:
                    raise Refused(400, f"{path} takes no {sorted(unknown)}")
                if asked is not None:
                    check(body, asked)
                return check(act(*found.groups()), told)
        raise Refused(404, f"there is no {method} {path}")


def names(spec: Json) -> dict[str, str]:
    """The task of each step."""
    executors = spec["deploymentSpec"]["executors"]
    found = {}
    for component in [spec["root"], *spec["components"].values()]:
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            called = spec["components"][task["componentRef"]["name"]]
            if "executorLabel" in called:
                action, step, *_ = executors[called["executorLabel"]]["container"]["args"]
                found[step if action == "step" else action] = name
    return found


def conditions(spec: Json) -> dict[str, list[str]]:
    """The graphs with a condition, and the tasks in each."""
    return {
        name: list(spec["components"][task["componentRef"]["name"]]["dag"]["tasks"])
        for component in spec["components"].values()
        for name, task in component.get("dag", {}).get("tasks", {}).items()
        if "condition" in task.get("triggerPolicy", {})
    }


def handler(service: Service, token: str) -> type[BaseHTTPRequestHandler]:
    """What takes requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply()

        def do_POST(self) -> None:
            self.reply()

        def reply(self) -> None:
            path, _, asked = self.path.partition("?")
            data = self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                if self.headers.get("authorization") != f"Bearer {token}":
                    raise Refused(401, "who are you?")
                query = dict(urllib.parse.parse_qsl(asked, strict_parsing=True)) if asked else {}
                kind = self.headers.get("content-type", "")
                code, told = 200, service.answer(self.command, path, query, data, kind)
            except Refused as refused:
                code, told = (
                    refused.code,
                    check({"code": 3, "message": str(refused)}, "GoogleRpcStatus"),
                )
            text = json.dumps(told).encode()
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def main() -> None:
    """Answer until ended."""
    parser = argparse.ArgumentParser()
    for name in ("python", "root", "token"):
        parser.add_argument(f"--{name}", required=True)
    # Steps run as processes of this machine.
    parser.set_defaults(podman=None)
    given = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Service(given), given.token))
    print(server.server_address[1], flush=True)
    # What steps print goes to where the log goes.
    sdk.os.dup2(2, 1)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())

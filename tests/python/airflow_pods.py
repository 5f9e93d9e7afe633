"""The pods of a Kubernetes API, each run by podman: `airflow_pods.py PORT CLAIM=FOLDER...`.

As much of the API as `KubernetesPodOperator` asks for. A manifest that the client's models do not hold
as it is, with a misspelled field for example, is refused, as is a claim that nobody made. The first
container of a pod runs with its own command, arguments, variables and mounts.
"""

import json
import re
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from kubernetes.client import ApiClient

PORT, *CLAIMS = sys.argv[1:]
FOLDERS = dict(claim.split("=", 1) for claim in CLAIMS)
CLIENT = ApiClient()
PODS = {}
LOCK = threading.Lock()


def now():
    """The time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def podman(*arguments):
    """What podman says."""
    return subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)


def faults(pod):
    """What is wrong with a manifest."""
    read = CLIENT.deserialize(SimpleNamespace(data=json.dumps(pod)), "V1Pod")
    again = CLIENT.sanitize_for_serialization(read)
    return [] if again == pod else [f"the manifest is not what it says: {again} and {pod}"]


def mounts(spec, container):
    """The folders of a container's mounts."""
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in spec.get("volumes") or []
    }
    for mount in container.get("volumeMounts") or []:
        yield f"{FOLDERS[claims[mount['name']]]}:{mount['mountPath']}"


def start(namespace, pod):
    """Run the container of a pod."""
    facts, [container] = pod["metadata"], pod["spec"]["containers"]
    facts |= {"namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
    arguments = ["run", "--detach", "--name", f"{namespace}_{facts['name']}"]
    for variable in container.get("env") or []:
        arguments += ["--env", f"{variable['name']}={variable.get('value', '')}"]
    for mount in mounts(pod["spec"], container):
        arguments += ["--volume", mount]
    arguments += ["--entrypoint", json.dumps(container["command"]), container["image"]]
    ran = podman(*arguments, *container["args"])
    if ran.returncode:
        sys.exit(ran.stderr)
    with LOCK:
        PODS[namespace, facts["name"]] = pod
    return pod


def seen(pod):
    """A pod with its state."""
    facts, [container] = pod["metadata"], pod["spec"]["containers"]
    [found] = json.loads(podman("inspect", f"{facts['namespace']}_{facts['name']}").stdout)
    started = {"startedAt": facts["creationTimestamp"]}
    phase, state = "Running", {"running": started}
    if found["State"]["Status"] in ("exited", "stopped"):
        code = found["State"]["ExitCode"]
        phase = "Failed" if code else "Succeeded"
        reason = "Error" if code else "Completed"
        ended = {"exitCode": code, "reason": reason, "finishedAt": now(), **started}
        state = {"terminated": ended}
    status = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": phase == "Running",
        "restartCount": 0,
        "state": state,
    }
    return pod | {
        "kind": "Pod",
        "apiVersion": "v1",
        "status": {
            "phase": phase,
            "startTime": facts["creationTimestamp"],
            "containerStatuses": [status],
        },
    }


def selected(pod, selector):
    """Whether a pod has the labels that a selector asks for."""
    labels = pod["metadata"].get("labels") or {}
    for term in filter(None, re.split(r",(?![^(]*\))", selector)):
        name, _, value = re.sub(r"[=!]=", "=", term).partition("=")
        if term.startswith("!"):
            fits = name[1:] not in labels
        else:
            fits = (
                name in labels if "=" not in term else (labels.get(name) == value) != ("!=" in term)
            )
        if not fits:
            return False
    return True


class Pods(BaseHTTPRequestHandler):
    """The paths of pods, and what clients ask for besides."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        """Nothing: what pods say is told by their logs."""

    def answer(self, body, code=200, kind="application/json"):
        """Send an answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, code, reason, message=""):
        """Send a refusal."""
        told = {"kind": "Status", "status": "Failure", "reason": reason, "message": message}
        self.answer(told | {"code": code}, code)

    def route(self):
        """Answer a request."""
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if re.fullmatch(r"/api/v1/namespaces/[^/]+/events", parts.path):
            self.answer({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": []})
            return
        path = r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+))?(?:/(log|status))?"
        found = re.fullmatch(path, parts.path)
        if not found:
            self.refuse(404, "NotFound")
            return
        namespace, name, what = found.groups()
        if name is None:
            self.all(namespace, body, asked)
            return
        pod = PODS.get((namespace, name))
        if pod is None:
            self.refuse(404, "NotFound")
        else:
            self.one(pod, what, body, asked)

    def all(self, namespace, body, asked):
        """Make a pod, or list them."""
        if self.command == "POST":
            wrong = faults(body)
            if wrong:
                self.refuse(422, "Invalid", wrong[0])
            else:
                self.answer(seen(start(namespace, body)), 201)
            return
        pods = [pod for (known, _), pod in list(PODS.items()) if known == namespace]
        items = [seen(pod) for pod in pods if selected(pod, asked.get("labelSelector", ""))]
        self.answer({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    def one(self, pod, what, body, asked):
        """Show, mark or delete a pod, or show what it said."""
        facts = pod["metadata"]
        name = f"{facts['namespace']}_{facts['name']}"
        if what == "log":
            if asked.get("follow", "").lower() == "true":
                podman("wait", name)
            times = ["--timestamps"] if asked.get("timestamps", "").lower() == "true" else []
            said = podman("logs", *times, name)
            self.answer((said.stdout + said.stderr).encode(), kind="text/plain")
            return
        if self.command == "PATCH":
            for field in ("labels", "annotations"):
                facts[field] = (facts.get(field) or {}) | (body["metadata"].get(field) or {})
        shown = seen(pod)
        if self.command == "DELETE":
            podman("rm", "--force", name)
            del PODS[facts["namespace"], facts["name"]]
        self.answer(shown)

    do_GET = do_POST = do_PATCH = do_DELETE = route


ThreadingHTTPServer(("127.0.0.1", int(PORT)), Pods).serve_forever()

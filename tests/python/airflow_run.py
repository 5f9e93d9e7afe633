"""Runs DAGs on the server at an address, all at once, and prints how each and its tasks ended.

`airflow_run.py ADDRESS SECONDS DAG...`: fails if it takes longer.
"""

import json
import sys
import time
import urllib.error
import urllib.request

address, seconds, *dags = sys.argv[1:]
deadline = time.monotonic() + float(seconds)


def call(method, path, body=None, token=None):
    """The answer to a request."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wait(what, ask, *arguments):
    """What `ask` gives as soon as it gives something."""
    while True:
        try:
            if (found := ask(*arguments)) is not None:
                return found
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        if time.monotonic() > deadline:
            sys.exit(f"{what} took more than {seconds} s")
        time.sleep(0.5)


token = wait("the server", call, "GET", "/auth/token")["access_token"]
runs = {}
for dag in dags:
    wait(f"reading {dag}", call, "GET", f"/api/v2/dags/{dag}", None, token)
    made = call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None}, token)
    runs[dag] = made["dag_run_id"]


def ended(path):
    """The run at a path if it is over."""
    run = call("GET", path, token=token)
    return run if run["state"] in ("success", "failed") else None


def step(task):
    """The step of a task instance: `train.m.folds` has the instances `fold_1` and so on."""
    if task["map_index"] < 0:
        return task["task_id"]
    return task["task_id"].rpartition(".")[0] + "." + task["rendered_map_index"]


told = {}
for dag, run in runs.items():
    path = f"/api/v2/dags/{dag}/dagRuns/{run}"
    state = wait(dag, ended, path)["state"]
    tasks = call("GET", f"{path}/taskInstances?limit=1000", token=token)["task_instances"]
    told[dag] = {
        "run": run,
        "state": state,
        "tasks": {
            step(task): {
                "state": task["state"],
                "tries": task["try_number"],
                "start": task["start_date"],
                "end": task["end_date"],
            }
            for task in tasks
        },
    }
print(json.dumps(told))

"""Asks a real Prefect server: `run DEPLOYMENT COUNT STORE` starts a deployment over a store and tells how its tasks ended and
what each waited for, once all COUNT of them are recorded; `keys FILE…` tells keys of each file that Prefect ignores.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, get_args

import yaml
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.deployments import run_deployment
from pydantic import BaseModel

LIMIT = 1_800.0
"""Seconds that a run may take."""


def run(name: str, count: int, store: str) -> dict[str, Any]:
    started: FlowRun = run_deployment(name, timeout=0, parameters={"store": store})
    until = time.monotonic() + LIMIT
    with get_client(sync_client=True) as client:
        flow_run, tasks = started, list[TaskRun]()
        while time.monotonic() < until:
            flow_run, tasks = client.read_flow_run(started.id), recorded(client, started)
            ended = flow_run.state is not None and flow_run.state.is_final()
            if ended and len(tasks) == count and all(map(is_settled, tasks)):
                break
            time.sleep(0.5)
        flow = client.read_flow(flow_run.flow_id)
        deployment = client.read_deployment_by_name(name)
    names = {str(task.id): task.name.rsplit("-", 1)[0] for task in tasks}
    return {
        "flow": flow.name,
        "description": deployment.description,
        "pool": deployment.work_pool_name,
        **state(flow_run),
        "tasks": {names[str(task.id)]: described(task, names) for task in tasks},
    }


def recorded(client: SyncPrefectClient, flow_run: FlowRun) -> list[TaskRun]:
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run.id]))
    return client.read_task_runs(flow_run_filter=chosen, limit=200)


def is_settled(task: TaskRun) -> bool:
    return task.state is not None and (task.state.is_final() or task.state.name == "NotReady")


def state(run: FlowRun | TaskRun) -> dict[str, Any]:
    if run.state is None:
        return {"state": None, "type": None, "message": None}
    return {"state": run.state.name, "type": run.state.type.value, "message": run.state.message}


def described(task: TaskRun, names: dict[str, str]) -> dict[str, Any]:
    waited = [found for found in task.task_inputs.get("wait_for", []) if found.input_type == "task_run"]
    return {
        **state(task),
        "needs": sorted(names[str(found.id)] for found in waited),
        "retries": task.empirical_policy.retries,
        "retry_delay": task.empirical_policy.retry_delay,
        "tries": task.run_count,
        "tags": task.tags,
    }


def ignored(model: type[BaseModel], value: object, path: str) -> list[str]:
    """Keys that a model does not have, below a value of it."""
    if not isinstance(value, dict):
        return []
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    found = []
    for key, item in value.items():
        if key not in fields:
            found.append(f"{path}.{key}")
            continue
        models = list(models_of(fields[key].annotation))
        for one in item if isinstance(item, list) else [item]:
            tried = [ignored(inner, one, f"{path}.{key}") for inner in models]
            found += min(tried, key=len, default=[])
    return found


def models_of(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_of(part)]


def keys(file: str) -> list[str]:
    value = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    PrefectYamlModel.model_validate(value)
    return ignored(PrefectYamlModel, value, "")


if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    if action == "run":
        name, count, store = arguments
        print(json.dumps(run(name, int(count), store)))
    else:
        print(json.dumps([keys(file) for file in arguments]))

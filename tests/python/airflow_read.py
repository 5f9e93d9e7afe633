"""Prints what Airflow makes of the DAG files of a folder: errors, serialized DAGs, rendered tasks, seconds.

Nothing is run and no database is asked; what templates say is filled in for a run called `manual__1`.
Of a mapped task there is one rendered task for each instance, called like its step, as are all others.
"""

import copy
import json
import sys
import time
from types import SimpleNamespace

start = time.perf_counter()
try:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    options = {"bundle_name": "tests"}
except ImportError:  # Airflow 2
    from airflow.models.dagbag import DagBag
    from airflow.serialization.serialized_objects import (
        SerializedDAG as DagSerialization,
    )

    options = {"include_examples": False}

ready = time.perf_counter()
bag = DagBag(sys.argv[1], **options)
parsed = time.perf_counter()


class Kept:
    """What Airflow keeps, by any name: `of variable x`, with the password `of connection x`."""

    def __init__(self, kind):
        """Of one kind."""
        self.kind = kind

    def __getattr__(self, name):
        """What has this name."""
        text = f"of {self.kind} {name}"
        return SimpleNamespace(password=text) if self.kind == "connection" else text


variables = Kept("variable")
variables.mlp_store = "file:///variable"
KEPT = {"var": {"value": variables}, "conn": Kept("connection")}
FIELDS = ("bash_command", "env", "environment", "command", "entrypoint", "cpus", "mem_limit")


def rendered(task, index):
    """The templated fields of an instance of a task, filled in, and the pod of one that runs in a pod."""
    instance = SimpleNamespace(map_index=index)
    run = SimpleNamespace(run_type="manual", logical_date=None)
    context = {"run_id": "manual__1", "dag_run": run, "params": {}, "task": task, "ti": instance, **KEPT}
    task.render_template_fields(context)
    said = {name: getattr(task, name, None) for name in FIELDS}
    said["mounts"] = [dict(mount) for mount in getattr(task, "mounts", None) or []]
    said["devices"] = [dict(device) for device in getattr(task, "device_requests", None) or []]
    if hasattr(task, "build_pod_request_obj"):
        from kubernetes.client import ApiClient

        said["pod"] = ApiClient().sanitize_for_serialization(task.build_pod_request_obj())
    if index >= 0:
        template = task.get_template_env().from_string(task.map_index_template)
        said["label"] = template.render(task=task)
    return {name: value for name, value in said.items() if value not in (None, [])}


def instances(task):
    """The instances of a task by the names of their steps; each with its place, and with what is mapped."""
    group = next(iter(task.iter_mapped_task_groups()), None)
    if hasattr(task, "unmap") and hasattr(task, "expand_input"):
        for index, step in enumerate(task.expand_input.value["step"]):
            yield step, task.unmap({"step": step}), index, task.task_id
    elif group is not None:
        for index, steps in enumerate(group._expand_input.value):
            yield steps[task.step._key], copy.copy(task), index, group.group_id
    else:
        yield task.task_id, task, -1, None


def told(dag):
    """All instances of all tasks of a DAG."""
    return {
        step: {"task": task.task_id, "index": index, "mapped": mapped, **rendered(one, index)}
        for task in dag.tasks
        for step, one, index, mapped in instances(task)
    }


dags = {name: DagSerialization.to_dict(dag)["dag"] for name, dag in bag.dags.items()}
tasks = {name: told(dag) for name, dag in bag.dags.items()}
seconds = {"airflow": ready - start, "dags": parsed - ready}
print(json.dumps({"errors": bag.import_errors, "dags": dags, "tasks": tasks, "seconds": seconds}))

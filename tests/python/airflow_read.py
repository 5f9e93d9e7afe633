"""Prints what Airflow makes of the DAG files of a folder: errors, serialized DAGs, rendered tasks, seconds.

Nothing is run and no database is asked; what templates say is filled in for a run called `manual__1`.
"""

import json
import sys
import time

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


def rendered(task):
    """The templated fields of a task, filled in, and the pod of one that runs in a pod."""
    variables = {"value": {"mlp_store": "file:///variable"}}
    task.render_template_fields({"run_id": "manual__1", "var": variables, "task": task})
    said = {
        name: getattr(task, name, None)
        for name in (
            "bash_command",
            "env",
            "command",
            "entrypoint",
            "cpus",
            "mem_limit",
        )
    }
    said["mounts"] = [dict(mount) for mount in getattr(task, "mounts", None) or []]
    if hasattr(task, "build_pod_request_obj"):
        from kubernetes.client import ApiClient

        said["pod"] = ApiClient().sanitize_for_serialization(task.build_pod_request_obj())
    return {name: value for name, value in said.items() if value not in (None, [])}


dags = {name: DagSerialization.to_dict(dag)["dag"] for name, dag in bag.dags.items()}
tasks = {
    name: {task.task_id: rendered(task) for task in dag.tasks} for name, dag in bag.dags.items()
}
seconds = {"airflow": ready - start, "dags": parsed - ready}
print(json.dumps({"errors": bag.import_errors, "dags": dags, "tasks": tasks, "seconds": seconds}))

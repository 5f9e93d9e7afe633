"""Prints what Airflow makes of the DAG files of a folder: errors, serialized DAGs, seconds of its import and of theirs."""

import json
import sys
import time

start = time.perf_counter()
from airflow.dag_processing.dagbag import DagBag  # noqa: E402
from airflow.sdk.definitions._internal.templater import LiteralValue  # noqa: E402
from airflow.serialization.serialized_objects import DagSerialization  # noqa: E402

ready = time.perf_counter()
bag = DagBag(sys.argv[1], bundle_name="tests")
parsed = time.perf_counter()
dags = {name: DagSerialization.to_dict(dag)["dag"] for name, dag in bag.dags.items()}
# Serialization keeps only a printed form of texts that are no templates.
stores = {
    name: sorted(
        {
            value.value
            for task in dag.tasks
            for value in getattr(task, "env", {}).values()
            if isinstance(value, LiteralValue)
        }
    )
    for name, dag in bag.dags.items()
}
print(
    json.dumps(
        {
            "errors": bag.import_errors,
            "dags": dags,
            "stores": stores,
            "seconds": {"airflow": ready - start, "dags": parsed - ready},
        }
    )
)

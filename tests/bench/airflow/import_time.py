"""Prints the seconds of CPU that Airflow takes to read each DAG file, the best of several rounds, Airflow's own start aside."""

import json
import sys
import time

from airflow.dag_processing.dagbag import DagBag

ROUNDS = 7


def seconds(path: str) -> float:
    """One round."""
    started = time.process_time()
    bag = DagBag(path, bundle_name="bench")
    took = time.process_time() - started
    if bag.import_errors or len(bag.dags) != 1:
        sys.exit(f"{path}: {bag.import_errors}")
    return took


paths = sys.argv[1:]
# Taking turns, so that what else the machine does falls on all of them.
rounds = [[seconds(path) for path in paths] for _ in range(ROUNDS)]
print(json.dumps([min(of_path) for of_path in zip(*rounds, strict=True)]))

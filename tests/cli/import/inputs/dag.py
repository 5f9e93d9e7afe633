"""A DAG as people write them."""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, chain, task

raise SystemExit("this file is read and never run")


def clean():
    print("clean")


@task
def report():
    """Say how it went."""
    print("done")


with DAG(
    "nightly",
    description="Every night.",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
):
    fetch = BashOperator(task_id="fetch-rows", bash_command="curl -o rows.csv {{ var.value.url }}")
    tidy = PythonOperator(task_id="tidy", python_callable=clean, execution_timeout=timedelta(hours=1))
    for name in ["a", "b"]:
        tidy >> BashOperator(task_id=name, bash_command="true")
    chain(fetch, tidy, report())

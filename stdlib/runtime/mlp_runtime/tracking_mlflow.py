"""The tracking server of MLflow: a run for each run of the pipeline, and below it one for each step and trial.

A run of MLflow is found again by its tag `mlp.key`, and has the tag `mlp.whole` once everything of it is
there; one that was left half told is deleted and told anew. What a result consists of is sent once:
later runs that found it in the store name the run that holds it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlp_runtime import plans, variables
from mlp_runtime.step import Failure

Json = Mapping[str, Any]

_LONGEST_PARAM, _LONGEST_TAG, _BATCH = 6000, 5000, 100
"""Characters of a value, and values of a request, that every MLflow server takes."""

_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}
"""A server that is down is asked again a few times, not for minutes: the entry can wait."""

_TYPES = {
    "bool": "boolean",
    "int": "long",
    "float": "double",
    "date": "datetime",
    "timestamp": "datetime",
    "bytes": "binary",
}
"""Types of columns as MLflow calls them; others are strings."""


@dataclass(frozen=True)
class MlflowTracker:
    """A server, and the experiment that runs belong to: that of the pipeline's name by default."""

    uri: str
    experiment: str | None = None

    @cached_property
    def _client(self) -> Any:
        quiet = {
            name: value for name, value in variables.FIXED.items() if name.startswith("MLFLOW_")
        }
        for name, value in {**quiet, **_PATIENCE}.items():
            os.environ.setdefault(name, value)
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    def log(self, entry: Json, folder: Path, claim: Callable[[str], str]) -> None:
        """Record an entry, unless it is there already."""
        with self._told():
            experiment = self._experiment(self.experiment or str(entry["pipeline"]))
            parent = self._parent(experiment, entry, claim)
            if "step" not in entry:
                state = {"succeeded": "FINISHED", "refused": "FINISHED", "interrupted": "KILLED"}
                self._client.set_tag(parent, "mlp.outcome", entry["outcome"])
                self._client.set_terminated(parent, state.get(entry["outcome"], "FAILED"))
                return
            held = self._find(experiment, f"tags.`mlp.key` = '{entry['key']}'")
            if held is not None and "mlp.whole" in held.data.tags:
                return
            if held is not None:
                self._forget(experiment, held.info.run_id)
            run = self._create(experiment, str(entry["title"]), entry, parent, _tags(entry))
            self._fill(experiment, run, parent, entry, folder)
            self._client.set_terminated(run)
            self._client.set_tag(run, "mlp.whole", "true")

    def _fill(self, experiment: str, run: str, parent: str, entry: Json, folder: Path) -> None:
        """All that an entry says."""
        self._values(run, entry, entry["params"], _metrics(entry))
        if entry["kind"] != "gate":
            # Beside each other in the table of runs.
            block = str(entry["step"]).partition(".")[2]
            params = {f"{block}.{name}": value for name, value in entry["params"].items()}
            metrics = {f"{block}.{name}": value for name, value in entry["metrics"].items()}
            self._values(parent, entry, params, metrics)
        self._inputs(run, entry)
        for trial in entry["trials"]:
            self._trial(experiment, run, entry, trial)
        made = self._find(
            experiment, f"tags.`mlp.identity` = '{entry['identity']}' and tags.`mlp.files` = 'true'"
        )
        if made is not None:
            self._client.set_tag(run, "mlp.made_by", made.info.run_id)
            return
        for path in sorted(folder.iterdir()):
            if path.is_file():
                self._client.log_artifact(run, str(path))
        if entry["model"] is not None and entry["model"]["example"] is not None:
            self._model(run, entry, folder)
        elif entry["model"] is not None:
            self._client.log_artifacts(run, str(folder / "model"), "model")
        self._client.set_tag(run, "mlp.files", "true")

    def _parent(self, experiment: str, entry: Json, claim: Callable[[str], str]) -> str:
        """The run of MLflow that stands for the pipeline's run."""
        group = f"{entry['pipeline']}/{entry['run']}"
        found = self._find(experiment, f"tags.`mlp.run` = '{_quoted(group)}'")
        if found is not None:
            return claim(str(found.info.run_id))
        name = f"{entry['pipeline']} {entry['run']}"
        made = self._create(experiment, name, entry, None, {"mlp.run": _quoted(group)})
        settled = claim(made)
        if settled != made:
            # Another step of this run was faster.
            self._client.delete_run(made)
        return settled

    def _create(
        self, experiment: str, name: str, entry: Json, parent: str | None, more: Mapping[str, str]
    ) -> str:
        told = {name: entry[name] for name in ("plan", "commit", "owner", "profile", "seed")}
        told["compiler"] = entry["compiler"]
        tags = {f"mlp.{name}": str(value) for name, value in told.items() if value is not None}
        tags |= {"mlflow.source.name": str(entry["pipeline"]), "mlflow.source.type": "JOB"}
        if entry["commit"] is not None:
            tags["mlflow.source.git.commit"] = str(entry["commit"]).removesuffix("+")
        if parent is not None:
            tags["mlflow.parentRunId"] = parent
        begun = int(entry["at"]) - int(1000 * entry.get("seconds", 0))
        tags = {key: value[:_LONGEST_TAG] for key, value in {**tags, **more}.items()}
        run = self._client.create_run(experiment, start_time=begun, tags=tags, run_name=name)
        return str(run.info.run_id)

    def _values(self, run: str, entry: Json, params: Json, metrics: Json) -> None:
        """Parameters and metrics, in requests that the server takes."""
        from mlflow.entities import Metric, Param

        at = int(entry["at"])
        told = [Param(name, _text(value)[:_LONGEST_PARAM]) for name, value in params.items()]
        for few in _batches(told):
            self._client.log_batch(run, params=few)
        measured = [Metric(name, float(value), at, 0) for name, value in metrics.items()]
        for few in _batches(measured):
            self._client.log_batch(run, metrics=few)

    def _inputs(self, run: str, entry: Json) -> None:
        """The data that a result comes from."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        context = "evaluation" if entry["kind"] in ("evaluate", "gate") else "training"
        found = [
            DatasetInput(
                Dataset(
                    name=item["name"],
                    digest=item["sha256"][:32],
                    source_type="local",
                    source=json.dumps({"uri": item["path"]}),
                    schema=json.dumps({"mlflow_colspec": [_column(one) for one in item["schema"]]}),
                ),
                [
                    InputTag("mlflow.data.context", context),
                    InputTag("mlp.sha256", item["sha256"]),
                ],
            )
            for item in entry["datasets"]
        ]
        if found:
            self._client.log_inputs(run, found)

    def _trial(self, experiment: str, run: str, entry: Json, trial: Json) -> None:
        """A trial of a sweep, as a run below that of the sweep."""
        number = trial["number"]
        tags = {
            "mlp.key": f"{entry['key']}.{number}",
            "mlp.trial": str(number),
            "mlp.state": str(trial["state"]),
            "mlp.candidate": str(trial["candidate"]),
            "mlp.step_seed": str(trial["seed"]),
        }
        if "error" in trial:
            tags["mlp.error"] = str(trial["error"])
        made = self._create(experiment, f"trial {number}", entry, run, tags)
        self._values(made, entry, trial["hyperparameters"], trial.get("values", {}))
        failed = trial["state"] == "failed"
        self._client.set_terminated(made, "FAILED" if failed else "FINISHED")

    def _model(self, run: str, entry: Json, folder: Path) -> None:
        """The package as a model of MLflow, which scores rows without any code of the project."""
        import mlflow

        from mlp_runtime import tracking_model

        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(self.uri)
        try:
            with mlflow.start_run(run_id=run):
                told = tracking_model.described(entry, folder)
                mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(Path(tracking_model.__file__)),
                    artifacts={"model": str(folder / "model"), **told.artifacts},
                    code_paths=[str(plans.ROOT / "mlp_runtime")],
                    pip_requirements=entry["environment"]["packages"],
                    signature=told.signature,
                    input_example=told.example,
                    metadata={"mlp.digest": entry["model"]["digest"], "mlp.plan": entry["plan"]},
                )
        finally:
            mlflow.set_tracking_uri(before)

    def _forget(self, experiment: str, run: str) -> None:
        """Delete a run that was left half told, with the trials below it."""
        below = self._client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run}'")
        for one in [*below, None]:
            self._client.delete_run(run if one is None else one.info.run_id)

    def _find(self, experiment: str, filter_: str) -> Any:
        found = self._client.search_runs([experiment], filter_, max_results=1)
        return found[0] if found else None

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        known = self._client.get_experiment_by_name(name)
        if known is None:
            try:
                return str(self._client.create_experiment(name))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Troubles of the server are told in its words, without a traceback."""
        try:
            from mlflow.exceptions import MlflowException
        except ModuleNotFoundError as error:
            raise Failure("MLflow is not in this environment: run `mlpc lock`") from error
        try:
            yield
        except MlflowException as error:
            line = str(error.message).strip().partition("\n")[0]
            raise Failure(f"the tracker at {self.uri}: {line}") from error


def _tags(entry: Json) -> dict[str, str]:
    """What made a step's result."""
    environment = entry["environment"]
    told = {name: entry[name] for name in ("key", "step", "kind", "identity", "step_seed", "fold")}
    told |= {"kept": "true" if entry["kept"] else "false", "summary": entry["summary"]}
    told |= {f"environment.{name}": environment[name] for name in ("name", "python", "digest")}
    if entry["model"] is not None:
        told |= {"model": entry["model"]["digest"], "trainer": entry["model"]["trainer"]}
    return {f"mlp.{name}": str(value) for name, value in told.items() if value is not None}


def _metrics(entry: Json) -> dict[str, Any]:
    rows = {f"rows.{name}": count for name, count in entry["rows"].items()}
    return {**entry["metrics"], **rows}


def _column(item: Json) -> dict[str, Any]:
    kind = _TYPES.get(item["type"], "string")
    return {"type": kind, "name": item["name"], "required": not item["nullable"]}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Text as it may stand in a filter."""
    return text.replace("'", "’")[:_LONGEST_TAG]


def _batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _BATCH):
        yield list(items[start : start + _BATCH])

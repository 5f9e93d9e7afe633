"""What a tracker is told of one step: a folder that holds everything, so that it can be told later too.

`entry.json` holds parameters, metrics, data and what made them; `files` the model, the report, pictures.
The step has ended and nothing of it depends on the tracker, so an entry is the same on every target.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import polars as pl

from mlp_runtime import charts, files, formats, model, package, plans, table
from mlp_runtime.design import Codes, Numbers
from mlp_runtime.plans import Plan, Step
from mlp_runtime.scores import scores_of

Json = Mapping[str, Any]

KINDS = ("train", "sweep", "evaluate", "gate")
"""Steps that are told of whether they measured something or not."""

EXAMPLES = 3
"""Rows that show what a model reads."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A step as it ended."""

    identity: str
    result: Json
    outputs: Mapping[str, Path]
    inputs: Mapping[str, Path] = field(default_factory=dict)
    kept: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Context:
    """The run that a step belongs to."""

    plan: Plan
    run: str
    commit: str | None = None

    def record(self) -> dict[str, Any]:
        """What all entries of a run say."""
        pipeline = self.plan.record["pipeline"]
        return {
            "format": formats.TRACKED,
            "tracking": pipeline["tracking"],
            "pipeline": self.plan.name,
            "run": self.run,
            "owner": pipeline["owner"],
            "profile": pipeline["profile"],
            "seed": pipeline["seed"],
            "commit": self.commit,
            "plan": files.digest(plans.ROOT / "plan.json"),
            "compiler": self.plan.record["compiler"],
            "at": int(time.time() * 1000),
        }


def is_tracked(step: Step, result: Json) -> bool:
    """Whether a tracker is told of a step: it trains, searches, judges or measures."""
    return step.kind in KINDS or bool(result.get("metrics"))


def key(pipeline: str, run: str, step: str = "") -> str:
    """By what a tracker knows an entry again, whatever its names are made of."""
    return hashlib.sha256("\0".join([pipeline, run, step]).encode()).hexdigest()[:32]


def write_run(folder: Path, context: Context, outcome: str) -> None:
    """The entry of the run itself, which comes last."""
    told = {**context.record(), "key": key(context.plan.name, context.run), "outcome": outcome}
    folder.mkdir(parents=True)
    files.write_json(folder / "entry.json", told)


def write_step(folder: Path, context: Context, step: Step, made: Made) -> None:
    """The entry of a step."""
    attached = folder / "files"
    attached.mkdir(parents=True)
    environment = context.plan.record["environments"].get(step.record["environment"], {})
    told = {
        **context.record(),
        "key": key(context.plan.name, context.run, step.id),
        "step": step.id,
        "title": step.record["title"],
        "kind": step.kind,
        "identity": made.identity,
        "kept": made.kept,
        "seconds": made.seconds,
        "step_seed": step.record["seed"],
        "fold": step.record.get("fold"),
        "summary": made.result.get("summary", ""),
        "params": {name: item["value"] for name, item in step.record["params"].items()},
        "defaults": [name for name, item in step.record["params"].items() if item.get("default")],
        "metrics": dict(made.result.get("metrics", {})),
        "rows": dict(made.result.get("rows", {})),
        "environment": {
            "name": step.record["environment"],
            "python": environment.get("python", ""),
            "digest": environment.get("digest", ""),
            "packages": [_requirement(item) for item in environment.get("packages", [])],
        },
        "datasets": list(_datasets(context.plan, step)),
        "trials": _trials(made.outputs.get("trials")),
        "model": _model(attached, made),
    }
    for name, path in made.outputs.items():
        if name != "model" and path.is_file() and path.suffix != ".parquet":
            shutil.copyfile(path, attached / path.name)
    if step.kind == "evaluate":
        _draw(attached, made)
    files.write_json(folder / "entry.json", told)


def _requirement(item: Json) -> str:
    marker = item.get("marker")
    return f"{item['name']}=={item['version']}" + (f" ; {marker}" if marker else "")


def _datasets(plan: Plan, step: Step) -> Iterator[dict[str, Any]]:
    """The files that the step's result comes from, with the schema that they were read by."""
    steps, found, waiting = plan.steps, dict[str, Json](), [step.id]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for reference in steps[name].inputs.values():
            if reference.kind == "source":
                found[str(reference.facts["name"])] = steps[name].spec
        waiting += steps[name].needs()
    for name, spec in sorted(found.items()):
        source = plan.source(name)
        yield {
            "name": name,
            "path": source["path"],
            "sha256": source["sha256"],
            "schema": [
                {
                    "name": item["name"],
                    "type": item["dtype"]["type"],
                    "nullable": item["nullable"],
                }
                for item in spec.get("schema", [])
            ],
        }


def _trials(path: Path | None) -> list[Json]:
    """The trials of a sweep."""
    if path is None:
        return []
    trials: list[Json] = files.read_json(path, format=formats.TRIALS)["trials"]
    return trials


def _model(attached: Path, made: Made) -> dict[str, Any] | None:
    """The model's package and rows as it reads them."""
    folder, rows = made.outputs.get("model"), made.inputs.get("rows")
    if folder is None:
        return None
    shutil.copytree(folder, attached / "model")
    signature = package.signature(folder)
    label = signature["label"]["name"]
    told = {"digest": files.digest(folder), "task": signature["label"]["task"], "example": None}
    told |= {"inputs": signature["inputs"], "trainer": signature["training"]["trainer"]}
    told["hyperparameters"] = signature["training"]["hyperparameters"]
    if rows is not None:
        shown = _examples(table.read(rows).drop(label))
        shown.write_parquet(attached / "model_rows.parquet")
        told["example"] = "model_rows.parquet"
    return told


def _examples(rows: pl.DataFrame) -> pl.DataFrame:
    """A few rows, whole ones if there are any."""
    whole = rows.head(1000).drop_nulls()
    return (whole if whole.height >= EXAMPLES else rows).head(EXAMPLES)


def _draw(attached: Path, made: Made) -> None:
    """Pictures of what a model said of the rows that judge it."""
    predictions, folder = made.outputs.get("predictions"), made.inputs.get("model")
    if predictions is None or folder is None:
        return
    judge = model.load(folder)
    scores = scores_of(table.read(predictions), judge)
    if judge.label.task == "regression":
        true, said = cast(Numbers, scores.truth), cast(Numbers, scores.predicted)
        drawn = {"predicted_and_true": charts.predicted_and_true(true, said)}
    else:
        codes, named = cast(Codes, scores.truth), cast(Codes, scores.predicted)
        drawn = {"confusion": charts.confusion(codes, named, judge.classes)}
    for name, svg in drawn.items():
        text = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        (attached / f"{name}.svg").write_text(text, encoding="utf-8")

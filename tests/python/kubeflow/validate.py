"""Checks definitions for Kubeflow strictly: `validate.py FILE…`, exit code 1 with one line per error.

`PipelineSpec` is parsed as the protobuf message that servers parse, and so are the parts that it keeps untyped:
executors, and what Kubernetes is told of each. What no message can say is checked besides: that whatever is named is
there, and that a task waits for those whose outputs it reads.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,126}[a-z0-9])?")
KINDS = ("parameters", "artifacts")


def errors(path: Path) -> Iterator[str]:
    """What is wrong with a file."""
    documents = list(yaml.safe_load_all(path.read_text()))
    if len(documents) != 2:
        yield f"there are {len(documents)} documents"
        return
    pipeline, platform = documents
    spec = specs.PipelineSpec()
    yield from parsed(pipeline, spec, "PipelineSpec")
    yield from parsed(
        pipeline["deploymentSpec"], specs.PipelineDeploymentConfig(), "deploymentSpec"
    )
    yield from parsed(platform, specs.PlatformSpec(), "PlatformSpec")
    executors = pipeline["deploymentSpec"]["executors"]
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for label, pod in pods.items():
        yield from parsed(pod, kubernetes.KubernetesExecutorConfig(), f"pod of {label}")
    if set(executors) != set(pods):
        yield f"executors and pods differ: {sorted(set(executors) ^ set(pods))}"
    yield from references(spec, executors)


def parsed(document: Any, message: Message, where: str) -> Iterator[str]:
    """Unknown fields, wrong types and wrong words."""
    try:
        json_format.ParseDict(document, message)
    except json_format.ParseError as error:
        yield f"{where}: {error}"


def references(spec: specs.PipelineSpec, executors: dict[str, Any]) -> Iterator[str]:
    """Names of what is not there."""
    if not NAME.fullmatch(spec.pipeline_info.name):
        yield f"{spec.pipeline_info.name!r} is no name of a pipeline"
    used = [component.executor_label for component in spec.components.values()]
    labels = [label for label in used if label]
    if sorted(labels) != sorted(executors):
        yield "executors are not used once each"
    for name in spec.components:
        if not name.startswith("comp-"):
            yield f"{name} has no `comp-` before its name"
    for name, component in {"root": spec.root, **spec.components}.items():
        if component.WhichOneof("implementation") == "dag":
            for task in component.dag.tasks:
                yield from (f"{name}/{task}: {told}" for told in of_task(spec, component, task))


def of_task(spec: specs.PipelineSpec, graph: specs.ComponentSpec, name: str) -> Iterator[str]:
    """What is wrong with a task of a graph."""
    tasks, task = graph.dag.tasks, graph.dag.tasks[name]
    if task.task_info.name != name:
        yield f"it calls itself {task.task_info.name}"
    if task.component_ref.name not in spec.components:
        yield f"there is no {task.component_ref.name}"
        return
    for needed in task.dependent_tasks:
        if needed not in tasks:
            yield f"it waits for {needed}, which is not there"
    component = spec.components[task.component_ref.name]
    for kind in KINDS:
        given = getattr(task.inputs, kind)
        known = getattr(component.input_definitions, kind)
        for key, value in given.items():
            if key not in known:
                yield f"{key} is no input"
            yield from of_source(spec, graph, task, kind, value)
        for key, definition in known.items():
            if key not in given and not definition.is_optional:
                yield f"the input {key} is not given"


def of_source(
    spec: specs.PipelineSpec,
    graph: specs.ComponentSpec,
    task: Any,
    kind: str,
    value: Any,
) -> Iterator[str]:
    """What is wrong with where an input comes from."""
    source = value.WhichOneof("kind")
    if source in ("task_output_parameter", "task_output_artifact"):
        made = getattr(value, source)
        if made.producer_task not in task.dependent_tasks:
            yield f"it reads of {made.producer_task} and does not wait for it"
            return
        key = getattr(made, f"output_{kind.removesuffix('s')}_key")
        producer = spec.components[graph.dag.tasks[made.producer_task].component_ref.name]
        if key not in getattr(producer.output_definitions, kind):
            yield f"{made.producer_task} has no output {key}"
    if source in ("component_input_parameter", "component_input_artifact"):
        key = getattr(value, source)
        if key not in getattr(graph.input_definitions, kind):
            yield f"the graph has no input {key}"


def main() -> int:
    """Tell all errors."""
    found = [f"{path}: {told}" for path in sys.argv[1:] for told in errors(Path(path))]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

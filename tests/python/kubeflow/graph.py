"""Reads definitions for Kubeflow back with its SDK: `graph.py FILE…` writes a list of the steps that they hold, by name."""

from __future__ import annotations

import json
import sys
from typing import Any

from google.protobuf import json_format
from kfp import components

Json = dict[str, Any]


class Reader:
    """The graphs of a pipeline."""

    def __init__(self, spec: Json, platform: Json) -> None:
        """Nothing is found yet."""
        self.components: Json = spec["components"]
        self.executors: Json = spec["deploymentSpec"]["executors"]
        self.pods: Json = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        self.steps: Json = {}

    def step_of(self, component: Json) -> str:
        """The step that a component launches; `finish` for what comes last."""
        action, name, *_ = self.container(component)["args"]
        return str(name if action == "step" else action)

    def container(self, component: Json) -> Json:
        """The container of a component."""
        found: Json = self.executors[component["executorLabel"]]["container"]
        return found

    def read(self, graph: Json, given: Json, waits: list[str], conditions: list[Json]) -> None:
        """Find the steps of a graph; `given` says which output of which step each of its inputs is."""
        tasks: Json = graph["dag"]["tasks"]
        named = {
            name: self.components[task["componentRef"]["name"]] for name, task in tasks.items()
        }

        def made(source: Json) -> Any:
            kind, where = next(iter(source.items()))
            if kind.startswith("componentInput"):
                return given.get(where, where)
            if kind == "taskFinalStatus":
                return kind
            if kind == "runtimeValue":
                return {"value": where["constant"]}
            key = where.get("outputArtifactKey", where.get("outputParameterKey"))
            return {"step": self.step_of(named[where["producerTask"]]), "output": key}

        for name, task in tasks.items():
            inputs = task.get("inputs", {})
            read = {
                kind: {key: made(source) for key, source in inputs.get(kind, {}).items()}
                for kind in ("parameters", "artifacts")
            }
            before = [
                self.step_of(named[other])
                for other in task.get("dependentTasks", [])
                if "dag" not in named[other]
            ]
            trigger = task.get("triggerPolicy", {})
            if "dag" in named[name]:
                behind = list(conditions)
                if condition := trigger.get("condition"):
                    [key] = [
                        key
                        for key in read["parameters"]
                        if condition == f"inputs.parameter_values['{key}'] == true"
                    ]
                    behind.append(read["parameters"][key])
                self.read(
                    named[name],
                    {**read["parameters"], **read["artifacts"]},
                    [*waits, *before],
                    behind,
                )
                continue
            label = named[name]["executorLabel"]
            self.steps[self.step_of(named[name])] = {
                "parameters": read["parameters"],
                "artifacts": read["artifacts"],
                "outputs": {
                    key: output["artifactType"]["schemaTitle"]
                    for key, output in named[name]
                    .get("outputDefinitions", {})
                    .get("artifacts", {})
                    .items()
                },
                "waits": sorted({*waits, *before}),
                "conditions": conditions,
                "retry": task.get("retryPolicy"),
                "cached": task.get("cachingOptions", {}).get("enableCache", False),
                "trigger": trigger.get("strategy"),
                "args": self.container(named[name])["args"],
                "image": self.container(named[name])["image"],
                "resources": self.container(named[name]).get("resources"),
                "env": self.container(named[name]).get("env", []),
                "pod": self.pods[label],
            }


def graph(path: str) -> Json:
    """What a definition holds."""
    loaded = components.load_component_from_file(path)
    spec = json_format.MessageToDict(loaded.pipeline_spec)
    reader = Reader(spec, json_format.MessageToDict(loaded.platform_spec))
    reader.read(spec["root"], {}, [], [])
    store = spec["root"]["inputDefinitions"]["parameters"]["store"]
    return {
        "pipeline": spec["pipelineInfo"],
        "root": spec.get("defaultPipelineRoot"),
        "store": store.get("defaultValue"),
        "steps": reader.steps,
    }


def main() -> None:
    """Read files."""
    json.dump([graph(path) for path in sys.argv[1:]], sys.stdout)


if __name__ == "__main__":
    main()

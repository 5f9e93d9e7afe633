"""A plan as `plan.json` holds it: its steps, how each is called, and which result of an earlier step it means.

A run may be given values of parameters; then the plan is the one that the compiler makes with these values.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from mlp_runtime import files, formats, parameters
from mlp_runtime.step import Failure

Json = Mapping[str, Any]

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the build that this module belongs to."""


@dataclass(frozen=True)
class Reference:
    """Where an input comes from: an output of an earlier step, or something that is settled when a run starts."""

    kind: str
    facts: Json

    @property
    def key(self) -> str:
        """The same for all that read the same: `champion:late_rides:champion`."""
        # Where a registry is says nothing about what it holds: a digest does.
        facts = (str(fact) for name, fact in self.facts.items() if name != "registry")
        return ":".join([self.kind, *facts])


@dataclass(frozen=True)
class Step:
    """One step of a plan."""

    record: Json

    @property
    def id(self) -> str:
        """Its name in the plan."""
        return str(self.record["id"])

    @property
    def identity(self) -> str:
        """Its identity, as long as nothing that it reads is settled only when a run starts."""
        return str(self.record["identity"])

    @property
    def inputs(self) -> dict[str, Reference]:
        """What it reads, by name."""
        return {name: _reference(record) for name, record in self.record["inputs"].items()}

    @property
    def outputs(self) -> dict[str, str]:
        """File or folder of each output, relative to the step's own folder."""
        return {name: str(output["path"]) for name, output in self.record["outputs"].items()}

    @property
    def when(self) -> Reference | None:
        """The verdict without which it does not run."""
        return None if self.record["when"] is None else _reference(self.record["when"])

    @property
    def kind(self) -> str:
        """What it does: `train`, `gate`, `shell`."""
        return str(self.spec["does"])

    @property
    def spec(self) -> Json:
        """What it does, in full."""
        spec: Json = self.record["spec"]
        return spec

    @property
    def threads(self) -> int:
        """Threads that it may use."""
        return int(self.record["resources"]["cpu"])

    def needs(self) -> Iterator[str]:
        """The steps that it comes after."""
        read = [*self.inputs.values(), *([] if self.when is None else [self.when])]
        yield from (str(item.facts["step"]) for item in read if item.kind == "step")
        yield from self.record["after"]

    def command(self, python: str, inputs: Mapping[str, Path], folder: Path) -> list[str]:
        """The command line of its program, whose outputs go to `folder`."""
        if self.kind == "shell":
            return ["/bin/sh", "-c", self._shell(inputs, folder)]
        told = [python, str(ROOT / self.record["program"]["path"])]
        places = {**inputs, **{name: folder / path for name, path in self.outputs.items()}}
        for name, path in places.items():
            told += [_flag(name), str(path)]
        # One argument, so that a negative number is no flag.
        params = self.record["params"].items()
        told += [f"{_flag(name)}={json.dumps(param['value'])}" for name, param in params]
        for name in ("seed", "fold"):
            if self.record.get(name) is not None:
                told += [_flag(name), str(self.record[name])]
        return [*told, "--threads", str(self.threads), "--result", str(folder / "result.json")]

    def _shell(self, inputs: Mapping[str, Path], folder: Path) -> str:
        """Its template, with quoted paths and values in place of names; `{{` is a brace."""
        values = {name: str(path) for name, path in inputs.items()}
        values |= {name: str(folder / path) for name, path in self.outputs.items()}
        values |= {name: _plain(param["value"]) for name, param in self.record["params"].items()}

        def filled(found: re.Match[str]) -> str:
            if found[0] == "{{":
                return "{"
            return shlex.quote(values[found[1]]) if found[1] in values else found[0]

        return re.sub(r"\{\{|\{([^{}]*)\}", filled, str(self.spec["template"]))


@dataclass(frozen=True)
class Plan:
    """What a run does."""

    record: Json
    entry: str = ""

    @property
    def name(self) -> str:
        """The pipeline's name, and that of the entry point where it is not the training."""
        name = str(self.record["pipeline"]["name"])
        return f"{name}.{self.entry}" if self.entry else name

    @property
    def storage(self) -> str:
        """The address of the store that the pipeline names; fail if it names none."""
        storage = self.record["pipeline"].get("storage")
        if storage is None:
            raise Failure(
                "the pipeline has no storage: name a store, as --store s3://bucket/prefix"
            )
        region = storage.get("region")
        return str(storage["uri"]) + (f"?region={region}" if region else "")

    @property
    def steps(self) -> dict[str, Step]:
        """By name, each after those that it needs."""
        return {str(record["id"]): Step(record) for record in self.record["steps"]}

    def step(self, name: str) -> Step:
        """The step of that name; fail if there is none."""
        found = self.steps.get(name)
        if found is None:
            raise Failure(f"the plan has no step {name}")
        return found

    def source(self, name: str) -> Json:
        """A pinned file."""
        found = next((item for item in self.record["sources"] if item["name"] == name), None)
        if found is None:
            raise Failure(f"the plan has no source {name}")
        source: Json = found
        return source

    @property
    def parameters(self) -> Json:
        """What a run may be given, by name."""
        known: Json = self.record.get("parameters", {})
        return known

    def with_values(self, values: Json, scheduled: str | None = None) -> Plan:
        """The plan of a run that is given these values, and is scheduled for a moment: steps and identities as the compiler
        makes them.
        """
        values = dict(values)
        for name, parameter in self.parameters.items():
            if scheduled and parameter.get("scheduled") and name not in values:
                zone = self.record.get("schedule", {}).get("timezone", "UTC")
                values[name] = parameters.day_of(scheduled, zone)
        if not values:
            return self
        defaults = {name: parameter["value"] for name, parameter in self.parameters.items()}
        steps = [_given(record, {**defaults, **values}) for record in self.record["steps"]]
        return Plan({**self.record, "steps": self._identified(steps)}, self.entry)

    def _identified(self, steps: Sequence[Json]) -> list[Json]:
        """The steps with their identities: SHA-256 of the JSON that the compiler writes of all that a result depends on."""
        sources = {item["name"]: item["sha256"] for item in self.record["sources"]}
        known: dict[str, str] = {}
        identified: list[Json] = []

        def made_of(reference: Reference) -> str:
            facts = reference.facts
            if reference.kind == "source":
                return f"source:{sources.get(facts['name'], '')}"
            if reference.kind == "step":
                return f"step:{known.get(facts['step'], '')}:{facts['output']}"
            return reference.key

        for record in steps:
            step = Step(record)
            environment = self.record["environments"].get(record["environment"], {})
            inputs = {name: made_of(reference) for name, reference in step.inputs.items()}
            ingredients = {
                "format": "mlp-identity/v1",
                "step": step.id,
                "program": record["program"]["sha256"],
                "environment": environment.get("digest", ""),
                "params": _sorted({name: item["value"] for name, item in record["params"].items()}),
                "seed": record["seed"],
                **({} if record.get("fold") is None else {"fold": record["fold"]}),
                "cpu": step.threads,
                "inputs": _sorted(inputs),
                "outputs": _sorted(step.outputs),
            }
            known[step.id] = hashlib.sha256(compact(ingredients).encode()).hexdigest()
            identified.append({**record, "identity": known[step.id]})
        return identified

    def settled_when_run(self) -> list[Reference]:
        """All inputs that are settled when a run starts, each once."""
        found = {
            reference.key: reference
            for step in self.steps.values()
            for reference in step.inputs.values()
            if reference.kind not in ("source", "step")
        }
        return list(found.values())

    def read_later(self) -> set[tuple[str, str]]:
        """The steps and outputs that a later run reads."""
        found = (item.facts for item in self.settled_when_run() if item.kind == "previous")
        return {(str(facts["step"]), str(facts["output"])) for facts in found}

    def identities(self, settled: Mapping[str, str]) -> dict[str, str]:
        """The identity of each step in a run for which `settled` holds the digests of what exists, by key."""
        changed: dict[str, str] = {}
        known: dict[str, str] = {}
        for step in self.steps.values():
            parts = []
            for name, reference in step.inputs.items():
                if reference.kind == "step":
                    digest = changed.get(str(reference.facts["step"]))
                else:
                    digest = settled.get(reference.key)
                if digest is not None:
                    parts.append(f"{name}={digest}")
            known[step.id] = step.identity
            if parts:
                text = "\n".join(["mlp-run-identity/v1", step.identity, *parts])
                known[step.id] = changed[step.id] = hashlib.sha256(text.encode()).hexdigest()
        return known


def entry(name: str | None) -> Path:
    """The plan of an entry point of this build, `train` by default."""
    return ROOT / ("plan.json" if name in (None, "train") else f"plans/{name}.json")


def load(path: Path | None = None) -> Plan:
    """The plan of a file, by default that of this build; a file of `plans` is called by its entry point."""
    path = path or entry(None)
    name = path.stem if path.absolute().parent.name == "plans" else ""
    return Plan(files.read_json(path, format=formats.PLAN), name)


def compact(value: Any) -> str:
    """JSON to the byte as the compiler writes it: without spaces, and numbers in its own form."""
    if isinstance(value, Mapping):
        return (
            "{" + ",".join(f"{compact(name)}:{compact(item)}" for name, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    if type(value) is float:
        return _float(value)
    return json.dumps(value, ensure_ascii=False)


def _float(value: float) -> str:
    """The shortest digits that are this number; with an exponent below 1e-5 and from 1e16 on."""
    if value == 0.0 or 1e-5 <= abs(value) < 1e16:
        text = repr(value)
        return format(Decimal(text), "f") if "e" in text else text
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def _sorted(values: Json) -> Json:
    return dict(sorted(values.items()))


def _given(record: Json, values: Json) -> Json:
    """A step's record with what follows from the values of parameters."""
    params = {
        name: {**item, "value": parameters.value_of(item["derived"], values)}
        if "derived" in item
        else item
        for name, item in record["params"].items()
    }
    return {**record, "params": params}


def _reference(record: Json) -> Reference:
    kind, facts = next(iter(record.items()))
    return Reference(kind, facts)


def _flag(name: str) -> str:
    """A `_` at the end of a name only avoids a keyword; names from an imported file have a dot."""
    return "--" + name.rstrip("_").replace("_", "-").replace(".", "-")


def _plain(value: Any) -> str:
    """A value as a shell knows it: text without JSON's quotes, nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)

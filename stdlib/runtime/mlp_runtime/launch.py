"""Runs one step of a plan wherever an orchestrator starts it: the same program with the same arguments as on a laptop.

`python -m mlp_runtime.launch step ID --store URI --run RUN` fetches what the step reads, runs its
program, and keeps what it made under its identity, unless that is there already. `--input NAME=PATH`
and `--output NAME=PATH` take the place of the store where the orchestrator carries files itself; with
`--carried` it carries all of them, and the store only learns what was made. `push` puts the pinned
files of a project into the store before the first run, `finish` records a run whose steps have all
ended well, and tells who wants to know; `sync` tells the tracker what it could not be told before. `--param`, `--params` and `--scheduled` give the run other values of the
plan's parameters: to all of its steps the same. Exit codes are those of steps: 3 is a gate that refused, or a
step behind one; with `--passed FILE` that is written to the file instead.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlp_runtime import files, formats, notify, parameters, plans, stores, variables
from mlp_runtime.artifacts import RESULT, Artifacts
from mlp_runtime.environment import cache
from mlp_runtime.plans import ROOT, Plan, Reference, Step
from mlp_runtime.registries import open_registry
from mlp_runtime.step import FAILED, REFUSED, Failure
from mlp_runtime.stores import ABSENT, Store

if TYPE_CHECKING:
    from mlp_runtime.tracking_store import StoreTracking


@dataclass
class Run:
    """One run of a plan over a store."""

    plan: Plan
    store: Store
    name: str
    project: Path | None = None
    given: Mapping[str, Path] = field(default_factory=dict)
    wanted: Mapping[str, Path] = field(default_factory=dict)
    carried: bool = False

    @cached_property
    def start(self) -> dict[str, dict[str, str]]:
        """What there was when the run started, the same for all of its steps: digests of inputs by key, and the
        identities of the steps of the last run that ended well.
        """
        asked = self.plan.settled_when_run()
        if not asked:
            return {"settled": {}, "last": {}}
        key = f"runs/{self.plan.name}/{self.name}/start.json"
        document = self.store.read(key)
        if document is None:
            last = self._last()
            found = {item.key: digest for item in asked if (digest := self._digest(item, last))}
            start = {"format": formats.RUN, "settled": found, "last": last}
            self.store.write(key, _bytes(start), seen=ABSENT)
            document = self.store.read(key)
        if document is None:
            raise Failure(f"{key} of the store is gone")
        settled: dict[str, dict[str, str]] = json.loads(document.data)
        return settled

    def _last(self) -> dict[str, str]:
        """The identities of the steps of the last run that ended well."""
        document = self.store.read(f"runs/{self.plan.name}/last.json")
        steps: dict[str, str] = {} if document is None else json.loads(document.data)["steps"]
        return steps

    def _digest(self, reference: Reference, last: Mapping[str, str]) -> str | None:
        """The digest of something that is settled now."""
        facts = reference.facts
        if reference.kind == "champion":
            registry = open_registry(facts.get("registry"), facts["model"], self.store)
            version = registry.holder(facts["alias"])
            return None if version is None else str(version["digest"])
        if reference.kind == "previous":
            identity = last.get(facts["step"])
            record = None if identity is None else self.artifacts.result(identity)
            return None if record is None else str(record["outputs"][facts["output"]]["sha256"])
        document = self.store.read(f"delivered/{facts['path']}.json")
        return None if document is None else str(json.loads(document.data)["sha256"])

    def step(self, name: str, folder: Path) -> int:
        """Make what a step makes, or find it; say with which code to exit."""
        step = self.plan.step(name)
        identities = self.plan.identities(self.start["settled"])
        identity = identities[name]
        if step.when is not None and self._refused(step.when, identities):
            print(f"{name}: a gate refused, so nothing is done")
            return REFUSED
        # Where files are carried, whoever carries them knows what there is.
        found = None if self.carried else self.artifacts.result(identity)
        inputs: Mapping[str, Path] = {}
        if found is None:
            inputs = self._inputs(step, identities, folder / "inputs")
            code = _run(step, inputs, folder)
            if code not in (0, REFUSED):
                return code
            self._keep(step, identity, folder, refused=code == REFUSED)
        else:
            code = REFUSED if self.artifacts.refused(identity) else 0
            print(f"{name}: {found['summary']} (kept from before as {identity[:12]})")
        if self.wanted:
            self._hand_over(step, identity, folder)
        if step.kind == "register" and code == 0:
            self._register(step, identities, folder, inputs.get("model") if self.carried else None)
        if step.kind == "predict":
            self._deliver(step, identity, folder)
        self._track(step, identities, folder, inputs, kept=found is not None)
        return code

    def _track(
        self,
        step: Step,
        identities: Mapping[str, str],
        folder: Path,
        inputs: Mapping[str, Path],
        *,
        kept: bool,
    ) -> None:
        """Tell the tracker that the pipeline names; one that does not answer changes nothing about the step."""
        if self.tracking is None:
            return
        identity, outputs = identities[step.id], folder / "outputs"
        result = self.artifacts.known(identity)
        if not self.tracking.wants(step, result):
            return
        if kept:
            outputs = folder / "kept-whole"
            self.artifacts.fetch(identity, step.outputs, outputs)
            inputs = self._inputs(step, identities, folder / "kept-inputs")
        made = {name: outputs / path for name, path in step.outputs.items()}
        self.tracking.step(step, identity, result, made, inputs, kept=kept)

    @cached_property
    def tracking(self) -> StoreTracking | None:
        """Who tells the tracker; nobody of runs that train nothing."""
        if self.plan.entry or "tracking" not in self.plan.record["pipeline"]:
            return None
        # What it takes is loaded only where it is wanted.
        from mlp_runtime.tracking_store import StoreTracking

        return StoreTracking.of(self.store, self.plan, self.name)

    def told(self, name: str) -> dict[str, Any]:
        """What Kubeflow shows of a step's outputs: digests, and numbers of metrics."""
        step = self.plan.step(name)
        identity = self.plan.identities(self.start["settled"])[name]
        record = self.artifacts.known(identity)
        artifacts = {}
        for output, made in record["outputs"].items():
            metadata = {"identity": identity, "sha256": made["sha256"]}
            if step.record["outputs"][output]["kind"] == "metrics":
                metrics = record.get("metrics", {}).items()
                metadata |= {key: value for key, value in metrics if math.isfinite(value)}
            artifacts[output] = {"artifacts": [{"name": output, "metadata": metadata}]}
        return {"artifacts": artifacts}

    @cached_property
    def artifacts(self) -> Artifacts:
        """What finished steps made; what an orchestrator carries, and is only told of, is elsewhere."""
        return Artifacts(self.store, "carried" if self.carried else "store")

    def _keep(self, step: Step, identity: str, folder: Path, *, refused: bool) -> None:
        """Put what a step made into the store, or what is read there of what an orchestrator carries."""
        later = self.plan.read_later()
        told = {name for name in step.outputs if self.carried and (step.id, name) not in later}
        self.artifacts.keep(
            identity, step.outputs, folder / "outputs", refused=refused, told=frozenset(told)
        )

    def digest_of(self, identity: str, output: str) -> str:
        """The digest of an output of a finished step."""
        return str(self.artifacts.known(identity)["outputs"][output]["sha256"])

    def _refused(self, verdict: Reference, identities: Mapping[str, str]) -> bool:
        return self.artifacts.refused(identities[str(verdict.facts["step"])])

    def _inputs(self, step: Step, identities: Mapping[str, str], folder: Path) -> dict[str, Path]:
        """Where each input lies on this machine; what does not exist yet is left out."""
        inputs = {}
        for name, reference in step.inputs.items():
            given = self.given.get(name)
            if given is None:
                path = self._fetch(reference, identities, folder / name)
            else:
                path = self._brought(given, reference, identities, folder / name)
            if path is not None:
                inputs[name] = path
        return inputs

    def _brought(
        self, given: Path, reference: Reference, identities: Mapping[str, str], folder: Path
    ) -> Path:
        """A file that the orchestrator brought, under the name that it has everywhere, if it is what was made."""
        if reference.kind != "step":
            return given
        step, output = str(reference.facts["step"]), str(reference.facts["output"])
        wanted, found = self.digest_of(identities[step], output), files.digest(given)
        if found != wanted:
            raise Failure(
                f"{output} of {step} has the digest {found[:12]} and was written as {wanted[:12]}"
            )
        place = folder / self.plan.step(step).outputs[output]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(given)
        return place

    def _fetch(
        self, reference: Reference, identities: Mapping[str, str], folder: Path
    ) -> Path | None:
        facts, digest = reference.facts, self.start["settled"].get(reference.key)
        if reference.kind == "source":
            return self._source(str(facts["name"]), folder)
        if reference.kind == "step":
            return self.artifacts.fetch_output(identities[facts["step"]], facts["output"], folder)
        if digest is None:
            return None
        if reference.kind == "champion":
            registry = open_registry(facts.get("registry"), facts["model"], self.store)
            return registry.fetch(digest, folder)
        if reference.kind == "previous":
            made = self.start["last"][facts["step"]]
            return self.artifacts.fetch_output(made, facts["output"], folder)
        path = folder / Path(str(facts["path"])).name
        return path if self.store.fetch(f"delivered/{digest}", path, sha256=digest) else None

    def _source(self, name: str, folder: Path) -> Path:
        """A pinned file, of the project if it is here, else of the store."""
        source = self.plan.source(name)
        own = None if self.project is None else self.project / str(source["path"])
        if own is not None and own.is_file() and files.digest(own) == source["sha256"]:
            return own
        path = folder / Path(str(source["path"])).name
        if not self.store.fetch(_source_key(source), path, sha256=source["sha256"]):
            raise Failure(
                f"{source['path']} as mlp.lock pins it is not in the store: push it from the project"
            )
        return path

    def _hand_over(self, step: Step, identity: str, folder: Path) -> None:
        """Put outputs where the orchestrator takes them from."""
        for name, place in self.wanted.items():
            made = folder / "outputs" / step.outputs[name]
            if not made.exists():
                made = self.artifacts.fetch_output(identity, name, folder / "kept" / name)
            place.parent.mkdir(parents=True, exist_ok=True)
            if made.is_dir():
                shutil.copytree(made, place, dirs_exist_ok=True)
            else:
                shutil.copyfile(made, place)

    def _register(
        self, step: Step, identities: Mapping[str, str], folder: Path, model: Path | None
    ) -> None:
        """Make the model that a step registers, which may lie here, the holder of its alias."""
        made = step.inputs["model"].facts
        source, output = identities[str(made["step"])], str(made["output"])

        def place(temporary: Path) -> Path:
            return model or self.artifacts.fetch_output(source, output, temporary)

        provenance = {
            "run": self.name,
            "pipeline": self.plan.name,
            "step": step.id,
            "identity": identities[step.id],
            "plan": files.digest(ROOT / "plan.json"),
            "data": {item["name"]: item["sha256"] for item in self.plan.record["sources"]},
            "commit": os.environ.get("MLP_GIT_COMMIT"),
            "registration": self._registration(step, identities[step.id], folder),
        }
        registry = open_registry(step.spec.get("registry"), str(step.spec["model"]), self.store)
        registry.register(
            str(step.spec["alias"]), self.digest_of(source, output), place, provenance
        )

    def _registration(self, step: Step, identity: str, folder: Path) -> dict[str, Any]:
        """What a register step wrote: metrics, and the verdict that let the model through."""
        made = folder / "outputs" / step.outputs["registration"]
        if not made.exists():
            made = self.artifacts.fetch_output(identity, "registration", folder / "kept")
        registration: dict[str, Any] = files.read_json(made, format=formats.REGISTRATION)
        return registration

    def _deliver(self, step: Step, identity: str, folder: Path) -> None:
        """Make the newest predictions the ones under their name."""
        sha256 = self.digest_of(identity, "predictions")
        made = folder / "outputs" / step.outputs["predictions"]
        if not made.exists():
            made = self.artifacts.fetch_output(identity, "predictions", folder / "kept")
        self.store.upload(f"delivered/{sha256}", made)
        told = {"format": formats.RUN, "sha256": sha256, "identity": identity, "run": self.name}
        self.store.write(f"delivered/{step.spec['output']}.json", _bytes(told))

    def finish(self) -> None:
        """Record the run, all of whose steps must have ended well or stand behind a gate that refused."""
        identities = self.plan.identities(self.start["settled"])
        behind: set[str] = set()
        for step in self.plan.steps.values():
            refused = step.when is not None and self._refused(step.when, identities)
            if refused or behind.intersection(step.needs()):
                behind.add(step.id)
            elif self.artifacts.result(identities[step.id]) is None:
                raise Failure(f"{step.id} has not ended well")
        record = {"format": formats.RUN, "run": self.name, "steps": identities}
        self.store.write(f"runs/{self.plan.name}/{self.name}/finished.json", _bytes(record))
        self.store.write(f"runs/{self.plan.name}/last.json", _bytes(record))
        if self.tracking is not None:
            self.tracking.run("refused" if behind else "succeeded")

    def sync(self) -> None:
        """Tell the tracker of what waits in the store, of all runs."""
        if self.tracking is not None and self.tracking.sync(everything=True) > 0:
            raise Failure("the tracker was not told of everything")

    def ended(self, status: str) -> None:
        """Do what is left when all steps have ended, as the orchestrator says they did, and tell who wants to know."""
        state = str(json.loads(status)["state"])
        if state == "SUCCEEDED":
            self.finish()
        else:
            print(f"the run ended as {state} and is not recorded")
            if self.tracking is not None:
                self.tracking.run("failed")
        identities = self.plan.identities(self.start["settled"])
        gates = [step.id for step in self.plan.steps.values() if step.kind == "gate"]
        refused = [name for name in gates if self.artifacts.refused(identities[name])]
        ending, told = "success", "succeeded"
        if state != "SUCCEEDED":
            ending, told = "failure", "failed"
        elif refused:
            ending, told = "gate_refused", f"was refused by {' and '.join(refused)}"
        message = f"{self.plan.name}: run {self.name} {told}"
        for channel in self.plan.record.get("notify", []):
            if ending in channel["on"]:
                _tell(channel, notify.Told(self.plan.name, self.name, ending, message))

    def push(self) -> None:
        """Put the pinned files of the project into the store."""
        for source in self.plan.record["sources"]:
            key = _source_key(source)
            if self.project is None or next(self.store.keys(key), None) == key:
                continue
            # What a run fetches by itself, it keeps among the user's own files.
            fetched = cache() / "data" / source["sha256"][:32] / Path(source["path"]).name
            path = fetched if source.get("remote") else self.project / source["path"]
            if not path.is_file() or files.digest(path) != source["sha256"]:
                fault = (
                    "was not fetched yet: run the pipeline once"
                    if source.get("remote")
                    else "is not what mlp.lock pins"
                )
                raise Failure(f"{source['path']} {fault}")
            self.store.upload(key, path)
            print(f"pushed {source['path']}")


def _run(step: Step, inputs: Mapping[str, Path], folder: Path) -> int:
    """Run a step's program; its outputs are in `outputs` below `folder`."""
    outputs, current = folder / "outputs", folder / "current"
    for place in (outputs, current):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    surroundings = {**os.environ, **variables.FIXED, "PYTHONPATH": str(ROOT)}
    surroundings |= dict.fromkeys(variables.THREADS, str(step.threads))
    command = step.command(sys.executable, inputs, outputs)
    sys.stdout.flush()
    code = subprocess.run(command, cwd=current, env=surroundings, check=False).returncode
    if step.kind == "shell" and code == 0:
        made = {name: outputs / path for name, path in step.outputs.items()}
        record = {
            "format": formats.RESULT,
            "outputs": {
                name: {"path": path.name, "sha256": files.digest(path)}
                for name, path in made.items()
            },
            "summary": "done",
        }
        files.write_json(outputs / RESULT, record)
    # What a shell says with the code of a gate is no verdict.
    return code if code >= 0 and not (step.kind == "shell" and code == REFUSED) else FAILED


def _source_key(source: Mapping[str, Any]) -> str:
    return f"sources/{source['sha256']}"


def _bytes(value: Any) -> bytes:
    return files.json_text(value).encode()


def _tell(channel: Mapping[str, Any], told: notify.Told) -> None:
    """Tell a channel; the run is over, so that nobody hears it is no failure of it."""
    try:
        notify.tell(channel, told)
    except notify.NotifyError as error:
        print(error, file=sys.stderr)


def _pairs(texts: Sequence[str]) -> dict[str, Path]:
    return {
        name: Path(path).absolute() for name, _, path in (text.partition("=") for text in texts)
    }


def _check_identity(built: Plan, name: str, identity: str | None) -> None:
    """Fail unless a step is the one that the orchestrator means, whatever values the run is given."""
    known = built.step(name).identity
    if identity is not None and identity != known:
        raise Failure(
            f"{name} is {known[:12]} here and {identity[:12]} in the pipeline: this image holds another build"
        )


def _step(run: Run, name: str, *, passed: Path | None, told: Path | None) -> int:
    """Run a step and say what came of it."""
    with tempfile.TemporaryDirectory(prefix="mlp-") as temporary:
        code = run.step(name, Path(temporary))
    if told is not None and code in (0, REFUSED):
        _write(told, files.json_text(run.told(name)))
    if passed is not None and code in (0, REFUSED):
        _write(passed, json.dumps(code == 0))
        return 0
    return code


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; tell a failure that was expected in words."""
    parser = argparse.ArgumentParser(
        prog="mlp_runtime.launch", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("action", choices=["step", "finish", "push", "check", "sync"])
    parser.add_argument("step", nargs="?")
    parser.add_argument("--store", metavar="URI", help="default: the storage of the pipeline")
    parser.add_argument("--run", default="manual", metavar="NAME")
    parser.add_argument("--plan", type=Path, metavar="FILE")
    parser.add_argument("--entry", metavar="NAME", help="one of the build's entry points")
    parser.add_argument("--carried", action="store_true", help="the orchestrator carries files")
    parser.add_argument("--identity", metavar="SHA256", help="which the step must have")
    parser.add_argument("--passed", type=Path, metavar="FILE", help="takes true or false of a gate")
    parser.add_argument("--told", type=Path, metavar="FILE", help="takes what Kubeflow shows")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--params", metavar="JSON", help="values of parameters by name")
    parser.add_argument("--scheduled", metavar="TIME", help="for when the run is scheduled")
    parser.add_argument("--status", metavar="JSON", help="how all steps ended")
    parser.add_argument("--project", type=Path, metavar="DIR")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--output", action="append", default=[], metavar="NAME=PATH")
    args = parser.parse_args(argv)
    try:
        plan = plans.load(plans.entry(args.entry) if args.plan is None else args.plan)
        built = plan
        if args.action in ("step", "finish"):
            values = parameters.given(plan.parameters, args.param, args.params)
            plan = plan.with_values(values, args.scheduled)
        run = Run(
            plan,
            stores.open_store(args.store or plan.storage),
            args.run,
            None if args.project is None else args.project.absolute(),
            _pairs(args.input),
            _pairs(args.output),
            args.carried,
        )
        if args.action == "step":
            if args.step is None:
                parser.error("step needs the name of one")
            _check_identity(built, args.step, args.identity)
            return _step(run, args.step, passed=args.passed, told=args.told)
        if args.action == "finish" and args.status is not None:
            run.ended(args.status)
            return 0
        actions = {"finish": run.finish, "push": run.push, "check": run.store.check}
        (actions | {"sync": run.sync})[args.action]()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.code
    return 0


if __name__ == "__main__":
    sys.exit(main())

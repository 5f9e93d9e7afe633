"""Runs a loop with Kubeflow's SDK: `loops.py` writes JSON, what its tasks made and why a list of them reaches no container.

What decision 0063 rests on: should a new SDK hand lists to containers, this shows it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import run as sdk
from kfp import dsl, local
from kfp.local import executor_output_utils, status


def shell(text: str, *args: object) -> dsl.ContainerSpec:
    """A container that runs a line of the shell."""
    return dsl.ContainerSpec(image="any", command=["sh", "-ec", text], args=list(args))


@dsl.container_component
def rows(out: dsl.Output[dsl.Dataset]) -> dsl.ContainerSpec:
    """Is read by all iterations."""
    return shell("mkdir -p $(dirname $0); echo rows > $0", out.path)


@dsl.container_component
def train(fold: str, data: dsl.Input[dsl.Dataset], out: dsl.Output[dsl.Model]) -> dsl.ContainerSpec:
    """Is done for each item."""
    return shell("mkdir -p $(dirname $2); echo $(cat $1) $0 > $2", fold, data.path, out.path)


@dsl.container_component
def judge(model: dsl.Input[dsl.Model], out: dsl.Output[dsl.Metrics]) -> dsl.ContainerSpec:
    """Reads what the same iteration made."""
    return shell("mkdir -p $(dirname $1); echo $(cat $0) judged > $1", model.path, out.path)


@dsl.container_component
def gather(every: dsl.Input[list[dsl.Metrics]]) -> dsl.ContainerSpec:
    """Reads what all iterations made."""
    return shell("echo $0", every)


@dsl.pipeline(name="loop")
def folds() -> None:
    """A loop."""
    made = rows()
    with dsl.ParallelFor([{"fold": "1"}, {"fold": "2"}]) as item:
        model = train(fold=item.fold, data=made.outputs["out"])
        judge(model=model.outputs["out"])


@dsl.pipeline(name="collected")
def collected() -> None:
    """A loop whose results are read."""
    made = rows()
    with dsl.ParallelFor([{"fold": "1"}, {"fold": "2"}]) as item:
        model = train(fold=item.fold, data=made.outputs["out"])
        judged = judge(model=model.outputs["out"])
    gather(every=dsl.Collected(judged.outputs["out"]))


def refused() -> str:
    """What the SDK says to a container that names the path of a list."""
    try:

        @dsl.container_component
        def path(every: dsl.Input[list[dsl.Metrics]]) -> dsl.ContainerSpec:
            return shell("echo $0", every.path)
    except AttributeError as error:
        return str(error)
    return ""


def contain(handler: sdk.Handler) -> status.Status:
    """Run a container as a process."""
    code = subprocess.run(handler.full_command).returncode
    return status.Status.SUCCESS if code == 0 else status.Status.FAILURE


def main() -> None:
    """Run both."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sdk.Handler.run = contain
    sdk.Handler.validate_image = lambda *_: None
    sdk.Handler.validate_not_container_component = lambda *_: None
    executor_output_utils.get_outputs_for_task = sdk.outputs_for_task
    with tempfile.TemporaryDirectory() as root:
        local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=root)
        folds()
        [run] = Path(root).iterdir()
        made = {
            path.relative_to(run).as_posix(): path.read_text().strip()
            for path in sorted(run.rglob("*"))
            if path.is_file()
        }
        try:
            collected()
            failed = ""
        except Exception as error:
            failed = type(error).__name__
    placeholder = gather.pipeline_spec.deployment_spec["executors"]["exec-gather"]["container"][
        "args"
    ][0]
    json.dump(
        {"made": made, "path": refused(), "placeholder": placeholder, "collected": failed}, answer
    )


if __name__ == "__main__":
    sys.exit(main())

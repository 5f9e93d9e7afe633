"""Runs a definition for Kubeflow with the local orchestrator of its SDK, each container as a process of this machine.

`run.py FILE --build DIR --python PYTHON --root DIR --store URI [--cache]`: `DIR` stands for the image. With `--podman DIR`,
which holds the store, containers run for real, in the images that the definition names. Writes JSON: how the run ended,
the steps whose containers ran with their exit codes, and where artifacts are.

The SDK's own runner of processes takes only functions of Python, and takes an output for made only if the container
described it; a cluster does neither. Both are mended here, as the cluster has it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from kfp import components, local
from kfp.local import executor_output_utils, status, subprocess_task_handler
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

Handler = subprocess_task_handler.SubprocessTaskHandler

RAN: list[dict[str, Any]] = []
"""The containers, in the order in which they ended."""


def arguments() -> argparse.Namespace:
    """What is run, and with what."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--build")
    parser.add_argument("--python")
    parser.add_argument("--podman")
    parser.add_argument("--root", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--cache", action="store_true")
    return parser.parse_args()


def outputs_for_task(
    executor_input: specs.ExecutorInput, component_spec: specs.ComponentSpec
) -> dict[str, Any]:
    """Every output that was declared, with what the container told of it."""
    told = executor_output_utils.load_executor_output(executor_input.outputs.output_file)
    for name, declared in executor_input.outputs.artifacts.items():
        whole = specs.ArtifactList()
        whole.CopyFrom(declared)
        if name in told.artifacts:
            whole.artifacts[0].MergeFrom(told.artifacts[name].artifacts[0])
        told.artifacts[name].CopyFrom(whole)
    found: dict[str, Any] = executor_output_utils.get_outputs_from_executor_output(
        executor_output=told,
        executor_input=executor_input,
        component_spec=component_spec,
    )
    return found


def patch(given: argparse.Namespace) -> None:
    """Let containers run as processes."""

    def run(handler: Any) -> status.Status:
        program, *rest = handler.full_command
        assert program == "python", program
        environment = {**os.environ, **handler.env_vars}
        if given.podman is None:
            environment["PYTHONPATH"] = given.build
            command = [given.python, *rest]
        else:
            # As on Kubernetes, the command takes the place of the image's entry point.
            command = ["podman", "run", "--rm", "--entrypoint", program]
            for folder in (given.root, given.podman):
                command += ["--volume", f"{folder}:{folder}"]
            for variable in handler.env_vars:
                command += ["--env", variable]
            command += [handler.image, *rest]
        code = subprocess.run(command, env=environment, timeout=300).returncode
        action, name = rest[2], rest[3]
        RAN.append({"step": name if action == "step" else action, "code": code})
        return status.Status.SUCCESS if code == 0 else status.Status.FAILURE

    Handler.run = run
    Handler.validate_image = lambda *_: None
    Handler.validate_not_container_component = lambda *_: None
    executor_output_utils.get_outputs_for_task = outputs_for_task


def main() -> None:
    """Run, and say what happened."""
    given = arguments()
    # What steps print goes to where the log goes.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    patch(given)
    pipeline = components.load_component_from_file(given.file)
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=given.root,
        enable_caching=given.cache,
    )
    try:
        pipeline(store=given.store)
        ended = "succeeded"
    except RuntimeError as error:
        print(error, file=sys.stderr)
        ended = "failed"
    folders = [path for path in Path(given.root).iterdir() if path.name != ".kfp_cache"]
    runs = sorted(str(path) for path in folders if path.is_dir())
    json.dump({"ended": ended, "ran": RAN, "runs": runs}, answer)


if __name__ == "__main__":
    main()

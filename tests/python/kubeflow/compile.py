"""Compiles chains of steps with the SDK of Kubeflow Pipelines: `compile.py COUNT…`, one line of seconds per count.

Each step is a container with what a definition of ours has for it: the file of the step before, a retry, limits.
"""

import sys
import tempfile
import time
from pathlib import Path

from kfp import compiler, dsl


@dsl.container_component
def first(out: dsl.Output[dsl.Artifact]) -> dsl.ContainerSpec:
    """Makes a file."""
    return dsl.ContainerSpec(
        image="steps", command=["sh", "-c"], args=["echo hello > $0", out.path]
    )


@dsl.container_component
def other(before: dsl.Input[dsl.Artifact], out: dsl.Output[dsl.Artifact]) -> dsl.ContainerSpec:
    """Copies a file."""
    return dsl.ContainerSpec(image="steps", command=["cp"], args=[before.path, out.path])


def chain(count: int) -> object:
    """A pipeline."""

    @dsl.pipeline(name=f"chain-{count}")
    def pipeline() -> None:
        last = first()
        for _ in range(count - 1):
            last = other(before=last.outputs["out"])
            last.set_retry(2, "1s", 2.0, "60s").set_cpu_limit("1").set_cpu_request("1")

    return pipeline


def main() -> None:
    """Measure building and compiling, without the imports above."""
    for count in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            compiler.Compiler().compile(chain(count), str(Path(folder) / "chain.yaml"))
            print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()

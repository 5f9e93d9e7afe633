"""How the tasks of the flows run steps: each in a process of its own, which is stopped when it takes too long."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import Task, get_run_logger
from prefect.blocks.system import Secret
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Completed

BUILD = Path(__file__).resolve().parents[1]
GATE_REFUSED = 3
CHECK_FAILED = 4

_RUNNING: set[int] = set()


class StepFailed(RuntimeError):
    """A step ended with an exit code that is no success."""


class CheckFailed(StepFailed):
    """A check on data failed, as it would again."""


@dataclass(frozen=True)
class Run:
    """One run of a plan: where its artifacts are kept and what it is called there."""

    plan: str
    store: str
    name: str
    secrets: tuple[str, ...]

    @classmethod
    def here(cls, plan: str, store: str | None, secrets: Sequence[str] = ()) -> Run:
        """The run that this flow run is; `MLP_STORE` says where artifacts are if the parameter does not."""
        place = store or os.environ.get("MLP_STORE")
        if not place:
            raise ValueError(
                "say where artifacts are: the parameter store, or the variable MLP_STORE"
            )
        return cls(plan, place, str(flow_run.get_id()), tuple(secrets))

    def step(self, step: str, *, environment: str, timeout: float | None = None) -> State[bool]:
        """Run a step, or find what it made before; it is skipped behind a gate that refused."""
        return self._run(step, environment, timeout, "Skipped")

    def gate(self, step: str, *, environment: str, timeout: float | None = None) -> State[bool]:
        """Run a gate, whose refusal is no failure."""
        return self._run(step, environment, timeout, "Refused")

    def finish(self, *, environment: str) -> State[bool]:
        """Record the run, all of whose steps have ended well or stand behind a gate that refused."""
        code, said = self._launch(["finish"], environment, None)
        if code != 0:
            raise StepFailed(f"the run cannot be recorded: {said}")
        return Completed(message=said or None, data=True)

    def _run(
        self, step: str, environment: str, timeout: float | None, unless_passed: str
    ) -> State[bool]:
        code, said = self._launch(["step", step], environment, timeout)
        if code == GATE_REFUSED:
            return Completed(name=unless_passed, message=said, data=False)
        if code == CHECK_FAILED:
            raise CheckFailed(f"{step}: {said}")
        if code != 0:
            raise StepFailed(f"{step} ended with exit code {code}: {said}")
        return Completed(message=said, data=True)

    def _launch(
        self, arguments: Sequence[str], environment: str, timeout: float | None
    ) -> tuple[int, str]:
        """The exit code of the launcher and the last line that it printed."""
        command = [*_python(environment), "-m", "mlp_runtime.launch", *arguments]
        command += ["--plan", str(BUILD / self.plan), "--store", self.store, "--run", self.name]
        logger, last, late = get_run_logger(), "", threading.Event()
        with subprocess.Popen(
            command,
            cwd=BUILD,
            env={**os.environ, **_secrets(self.secrets), "PYTHONPATH": str(BUILD)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:

            def stop() -> None:
                late.set()
                _kill(process.pid)

            clock = threading.Timer(timeout or threading.TIMEOUT_MAX, stop)
            clock.daemon = True
            clock.start()
            _RUNNING.add(process.pid)
            try:
                for line in process.stdout or ():
                    last = line.strip() or last
                    logger.info("%s", line.rstrip())
                code = process.wait()
            finally:
                clock.cancel()
                if process.poll() is None:
                    _kill(process.pid)
                _RUNNING.discard(process.pid)
        if late.is_set():
            raise StepFailed(f"{' '.join(arguments)} was stopped after {timeout:g} seconds")
        return code, last


def by_identity(identity: str) -> Callable[[TaskRunContext, dict[str, Any]], str]:
    """A cache key: the step's identity, for the store that the run is over."""

    def key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
        store = hashlib.sha256(parameters["run"].store.encode()).hexdigest()
        return f"{identity}-{store[:16]}"

    return key


def worth_trying(_: Task[Any, Any], __: TaskRun, state: State[Any]) -> bool:
    """Whether a failed step may end otherwise if it is tried again."""
    return not isinstance(state.data, CheckFailed)


def ended(tasks: Mapping[str, PrefectFuture[bool]]) -> State[bool] | list[State[bool]]:
    """How the flow ends: as its tasks did, and as `Refused` if a gate refused and nothing failed."""
    try:
        for task in tasks.values():
            task.wait()
    except BaseException:
        # The flow run is being stopped, and its steps with it.
        for group in tuple(_RUNNING):
            _kill(group)
        raise
    states = {name: task.state for name, task in tasks.items()}
    refused = [name for name, state in states.items() if state.name == "Refused"]
    if refused and all(state.is_completed() for state in states.values()):
        return Completed(name="Refused", message=f"refused by {', '.join(refused)}", data=False)
    return list(states.values())


def _kill(group: int) -> None:
    """End a launcher and the step that it runs."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _python(environment: str) -> list[str]:
    """Python with the packages of an environment: what `MLP_PYTHON_DEFAULT` names for `default`, else one made from its lock."""
    variable = f"MLP_PYTHON_{environment.upper().replace('.', '_')}"
    given = os.environ.get(variable)
    return [given] if given else [sys.executable, "-m", "mlp_runtime.environment", environment]


def _secrets(variables: Sequence[str]) -> dict[str, str]:
    """Variables whose values are in secret blocks: `AWS_SECRET_ACCESS_KEY` is in `aws-secret-access-key`."""
    return {
        variable: str(Secret.load(variable.lower().replace("_", "-")).get())
        for variable in variables
    }

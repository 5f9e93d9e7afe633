"""Trackers of experiments, whichever the program names, behind one interface; and the spool from which they are told.

An entry (`tracked.py`) is first whole in the spool, then told, then removed: whatever stops the telling,
nothing is lost, and a tracker that has an entry already does not take it twice. `python -m
mlp_runtime.tracking log` reads what a run on this machine did; `sync` tells what was left in the spool.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from mlp_runtime import files, formats, plans, tracked
from mlp_runtime.plans import Plan, Step
from mlp_runtime.step import Failure
from mlp_runtime.tracked import Context, Json, Made
from mlp_runtime.tracking_mlflow import MlflowTracker

Claim = Callable[[str], str]
"""Settles which run of a tracker all steps belong to that are told of at the same time."""


class Tracker(Protocol):
    """Where runs are recorded."""

    def log(self, entry: Json, folder: Path, claim: Claim) -> None:
        """Record an entry with its files, unless it is there already."""


def open_tracker(tracking: Json) -> Tracker:
    """The tracker that a plan names."""
    kind, _, place = str(tracking["address"]).partition(":")
    if kind != "mlflow":
        raise Failure(f"no tracker is called {kind}")
    return MlflowTracker(_resolved(place), tracking.get("experiment"))


def _resolved(place: str) -> str:
    """An address, or the one that a variable holds."""
    if not place.startswith("$"):
        return place
    value = os.environ.get(place[1:])
    if not value:
        raise Failure(f"the variable {place[1:]} should hold the address of the MLflow server")
    return value


def alone(run: str) -> str:
    """Nobody else tells of this run."""
    return run


def log(folder: Path, claim: Claim = alone) -> None:
    """Tell the tracker of the entry in a folder; a `Failure` says why it could not be told."""
    entry: Json = files.read_json(folder / "entry.json", format=formats.TRACKED)
    tracker = open_tracker(entry["tracking"])
    try:
        tracker.log(entry, folder / "files", claim)
    except Failure:
        raise
    # Libraries of trackers raise what they like; an entry that cannot be told now is told later.
    except Exception as error:
        line = str(error).strip().partition("\n")[0]
        raise Failure(f"{type(error).__name__}: {line}") from error


@dataclass(frozen=True)
class Told:
    """What came of telling: entries that were told, those that wait, and why they do."""

    told: int
    waiting: int
    failed: str | None


class Spool:
    """Entries that no tracker has been told of yet, in the order in which they were made."""

    def __init__(self, root: Path) -> None:
        """Keep them below `root`."""
        self.root = root

    @contextlib.contextmanager
    def entry(self, place: int, name: str) -> Iterator[Path]:
        """A folder to write an entry to, which is in the spool once it is whole."""
        self.root.mkdir(parents=True, exist_ok=True)
        partial = self.root / f".partial-{os.getpid()}-{place}"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            yield partial
            whole = self.root / f"{quote(name, safe='')}.{place:05}"
            # The same run again, which did not get to tell.
            shutil.rmtree(whole, ignore_errors=True)
            partial.rename(whole)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def waiting(self) -> list[Path]:
        """The entries that are whole."""
        if not self.root.is_dir():
            return []
        return sorted(path for path in self.root.iterdir() if not path.name.startswith("."))

    def tell(self) -> Told:
        """Tell of all of them; two in a row that cannot be told, and the rest waits."""
        count, in_a_row, failed = 0, 0, None
        with self._turn():
            for folder in self.waiting():
                try:
                    log(folder)
                except Failure as failure:
                    failed, in_a_row = str(failure), in_a_row + 1
                    if in_a_row == 2:
                        break
                    continue
                # Told is told, also if this process ends while it removes the files.
                gone = folder.with_name(f".told-{folder.name}")
                folder.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)
                count, in_a_row = count + 1, 0
            return Told(count, len(self.waiting()), failed)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Of two processes that tell, one waits: no entry is told twice."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _log(asked: Json, spool: Spool) -> None:
    """Put what a run did into the spool."""
    plan = plans.load()
    context = Context(plan=plan, run=asked["run"], commit=asked.get("commit"))
    ended = {item["step"]: item for item in asked["steps"]}
    good = ("succeeded", "cached", "refused")
    for place, step in enumerate(plan.steps.values()):
        item = ended.get(step.id)
        if item is None or item["state"] not in good or not tracked.is_tracked(step, item):
            continue
        made = Made(
            identity=item["identity"],
            result=item,
            outputs=_paths(item),
            inputs=_inputs(step, ended, plan, Path(asked["root"])),
            kept=item["state"] == "cached",
            seconds=item["seconds"],
        )
        with spool.entry(place, asked["run"]) as folder:
            tracked.write_step(folder, context, step, made)
    with spool.entry(len(plan.steps), asked["run"]) as folder:
        tracked.write_run(folder, context, asked["outcome"])


def _paths(item: Json) -> dict[str, Path]:
    return {name: Path(path) for name, path in item.get("outputs", {}).items()}


def _inputs(step: Step, ended: Json, plan: Plan, root: Path) -> dict[str, Path]:
    """Where what the step read lies on this machine."""
    found = {}
    for name, reference in step.inputs.items():
        if reference.kind == "step":
            made = _paths(ended.get(str(reference.facts["step"]), {}))
            path = made.get(str(reference.facts["output"]))
        elif reference.kind == "source":
            path = root / str(plan.source(str(reference.facts["name"]))["path"])
        else:
            path = None
        if path is not None and path.exists():
            found[name] = path
    return found


def main() -> None:
    """Do what is asked; say what could not be told, and where it waits."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("verb", choices=["log", "sync"])
    parser.add_argument("--spool", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    spool = Spool(args.spool)
    # What libraries print is no answer.
    with contextlib.redirect_stdout(sys.stderr):
        if args.verb == "log":
            asked: dict[str, Any] = json.load(sys.stdin)
            _log(asked, spool)
        told = spool.tell()
    print(json.dumps(asdict(told)))


if __name__ == "__main__":
    main()

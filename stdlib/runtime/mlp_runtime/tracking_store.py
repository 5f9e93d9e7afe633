"""Tells a tracker of runs over a store: each step as it ends, wherever it runs.

What cannot be told waits in the store below `tracking/`, since the machine that made it may be gone a
moment later, and is told by the next step that ends, or by `launch sync`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from mlp_runtime import artifacts, tracked, tracking
from mlp_runtime.plans import Plan, Step
from mlp_runtime.step import Failure
from mlp_runtime.stores import ABSENT, Store
from mlp_runtime.tracked import Context, Json, Made

_LISTED, _TOLD = ".files.json", ".told"


@dataclass(frozen=True)
class StoreTracking:
    """What one run over a store tells."""

    store: Store
    context: Context

    @classmethod
    def of(cls, store: Store, plan: Plan, run: str) -> StoreTracking:
        """Those of a run."""
        commit = os.environ.get("MLP_GIT_COMMIT")
        return cls(store, Context(plan=plan, run=run, commit=commit))

    def wants(self, step: Step, result: Json) -> bool:
        """Whether the tracker is told of a step."""
        return tracked.is_tracked(step, result)

    def step(
        self,
        step: Step,
        identity: str,
        result: Json,
        outputs: Mapping[str, Path],
        inputs: Mapping[str, Path],
        *,
        kept: bool,
    ) -> None:
        """Tell of a step that has ended."""
        made = Made(identity=identity, result=result, outputs=outputs, inputs=inputs, kept=kept)
        with TemporaryDirectory(prefix="mlp-") as temporary:
            folder = Path(temporary) / "entry"
            tracked.write_step(folder, self.context, step, made)
            self._tell(folder, step.id)

    def run(self, outcome: str) -> None:
        """Tell how the run ended."""
        with TemporaryDirectory(prefix="mlp-") as temporary:
            folder = Path(temporary) / "entry"
            tracked.write_run(folder, self.context, outcome)
            self._tell(folder, "run")

    def sync(self, *, everything: bool = False) -> int:
        """Tell of what waits of this run, or of all; say how many entries still do."""
        waiting = list(self._waiting("tracking/" if everything else f"{self._folder}/"))
        for place, prefix in enumerate(waiting):
            try:
                self._retell(prefix)
            except Failure as failure:
                left = len(waiting) - place
                print(
                    f"warning: {failure}: {left} entries wait in {self.store.address}",
                    file=sys.stderr,
                )
                return left
        return 0

    def _tell(self, folder: Path, name: str) -> None:
        try:
            tracking.log(folder, lambda run: self._claim(run, self._folder))
        except Failure as failure:
            prefix = f"{self._folder}/{quote(name, safe='')}"
            artifacts.upload_tree(self.store, prefix, folder)
            where = f"it waits in {self.store.address}/{prefix}"
            print(
                f"warning: the tracker was not told of {name}: {failure}; {where}", file=sys.stderr
            )
            return
        self.sync()

    def _waiting(self, folder: str) -> Iterator[str]:
        """Entries that are whole and were not told."""
        for key in list(self.store.keys(folder)):
            prefix = key.removesuffix(_LISTED)
            if prefix != key and not self.store.has(prefix + _TOLD):
                yield prefix

    def _retell(self, prefix: str) -> None:
        with TemporaryDirectory(prefix="mlp-") as temporary:
            folder = Path(temporary) / "entry"
            document = self.store.read(prefix + _LISTED)
            if document is None:
                return
            artifacts.fetch_tree(
                self.store, prefix, folder, artifacts.digest_of_list(document.data)
            )
            # It may be of another run, whose claim lies beside it.
            tracking.log(folder, lambda run: self._claim(run, prefix.rpartition("/")[0]))
        self.store.write(prefix + _TOLD, b"")

    @property
    def _folder(self) -> str:
        return f"tracking/{self.context.plan.name}/{quote(self.context.run, safe='')}"

    def _claim(self, run: str, folder: str) -> str:
        """Of steps that end at once, the first says which run of the tracker is that of all."""
        key = f"{folder}/claimed"
        self.store.write(key, run.encode(), seen=ABSENT)
        document = self.store.read(key)
        return run if document is None else document.data.decode()

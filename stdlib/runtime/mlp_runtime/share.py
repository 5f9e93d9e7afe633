"""Shares finished steps of runs through a store: `python -m mlp_runtime.share URI`.

It is asked by lines of JSON on standard input and answers each by a line with the same `id`, in the
order in which answers are known:

    {"id": 1, "do": "find", "identity": "…", "folder": "…", "outputs": {"rows": "rows.parquet"}}
    {"id": 1, "found": true, "refused": false}
    {"id": 2, "do": "keep", "identity": "…", "folder": "…", "outputs": {…}, "refused": false}
    {"id": 2, "kept": true}
    {"id": 3, "failed": "cannot read s3://…", "damaged": false}

It ends with its input.
"""

from __future__ import annotations

import json
import signal
import sys
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

from mlp_runtime import stores
from mlp_runtime.artifacts import Artifacts
from mlp_runtime.step import Failure
from mlp_runtime.stores import Damaged

_AT_ONCE = 4


class Service:
    """Answers requests about one store."""

    def __init__(self, uri: str, answers: TextIO) -> None:
        """Open the store only when something is asked of it."""
        self.uri = uri
        self._answers = answers
        self._lock, self._opening = Lock(), Lock()

    @cached_property
    def _opened(self) -> Artifacts:
        return Artifacts(stores.open_store(self.uri))

    @property
    def artifacts(self) -> Artifacts:
        """What the store holds; it is opened once."""
        with self._opening:
            return self._opened

    def answer(self, request: Mapping[str, Any]) -> None:
        """Do what is asked and say how it went."""
        try:
            told = self._do(request)
        except Failure as failure:
            told = {"failed": str(failure), "damaged": isinstance(failure, Damaged)}
        except Exception as error:
            # A mistake of ours, or a disk that is full: the run goes on without the store.
            traceback.print_exc()
            told = {"failed": f"{self.uri}: {type(error).__name__}", "damaged": False}
        with self._lock:
            print(json.dumps({"id": request["id"], **told}), file=self._answers, flush=True)

    def _do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        identity, outputs = str(request["identity"]), dict(request["outputs"])
        folder = Path(request["folder"])
        if request["do"] == "keep":
            self.artifacts.keep(identity, outputs, folder, refused=bool(request["refused"]))
            return {"kept": True}
        refused = self.artifacts.fetch(identity, outputs, folder)
        return {"found": refused is not None, "refused": refused is True}


def main() -> None:
    """Answer until the input ends."""
    [uri] = sys.argv[1:]
    # Whoever started this is interrupted as well, and ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What libraries print is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    service = Service(uri, answers)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for line in sys.stdin:
            pool.submit(service.answer, json.loads(line))


if __name__ == "__main__":
    main()

"""What a step keeps of work that it has done, so that one that was killed does not do it again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

VARIABLE = "MLP_PROGRESS"


class Journal:
    """Records that outlive the process: one line of JSON each, in a folder that belongs to the step's identity.

    Without such a folder nothing is kept. A line that was cut short by a kill is none.
    """

    def __init__(self, name: str) -> None:
        """Read what is there."""
        folder = os.environ.get(VARIABLE)
        self._path = None if folder is None else Path(folder) / f"{name}.jsonl"
        self.records: list[dict[str, Any]] = []
        if self._path is not None and self._path.exists():
            self._read(self._path)

    def _read(self, path: Path) -> None:
        whole = 0
        for line in path.read_bytes().splitlines(keepends=True):
            try:
                self.records.append(json.loads(line))
            except ValueError:
                break
            if not line.endswith(b"\n"):
                self.records.pop()
                break
            whole += len(line)
        os.truncate(path, whole)

    def cut(self, count: int) -> None:
        """Keep the first `count` records only."""
        self.records = self.records[:count]
        if self._path is not None and self._path.exists():
            lines = self._path.read_bytes().splitlines(keepends=True)
            os.truncate(self._path, sum(len(line) for line in lines[:count]))

    def add(self, record: dict[str, Any]) -> None:
        """Keep a record for good."""
        self.records.append(record)
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write((json.dumps(record, allow_nan=False) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())

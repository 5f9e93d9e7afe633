"""What a step keeps of work that it has done, so that one that was killed does not do it again."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from pathlib import Path
from typing import Any, BinaryIO

VARIABLE = "MLP_PROGRESS"


class Journal:
    """Records that outlive the process: one line of JSON each, in a folder that belongs to the step's identity.

    Without such a folder, or while another process writes there, nothing is kept. A line that was cut
    short by a kill is none.
    """

    def __init__(self, name: str) -> None:
        """Read what is there."""
        self.records: list[dict[str, Any]] = []
        self._turn = threading.Lock()
        folder = os.environ.get(VARIABLE)
        self._file = None if folder is None else _opened(Path(folder) / f"{name}.jsonl")
        if self._file is not None:
            self.records = _read(self._file)

    def add(self, record: dict[str, Any]) -> None:
        """Keep a record for good; several threads may."""
        line = (json.dumps(record, allow_nan=False) + "\n").encode()
        with self._turn:
            self.records.append(record)
            if self._file is not None:
                self._file.write(line)
                self._file.flush()
                os.fsync(self._file.fileno())


def _opened(path: Path) -> BinaryIO | None:
    """The journal, open until the process ends; None while another one holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _read(file: BinaryIO) -> list[dict[str, Any]]:
    """The whole lines; what comes after them is cut off."""
    file.seek(0)
    records, whole = [], 0
    for line in file.readlines():
        if not line.endswith(b"\n"):
            break
        records.append(json.loads(line))
        whole += len(line)
    file.truncate(whole)
    file.seek(0, os.SEEK_END)
    return records

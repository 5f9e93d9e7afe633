"""What finished steps made, in a store: laid out as `.mlp/store` is, so that machines and orchestrators share one.

`store/<first two letters>/<identity>/` holds outputs, and `result.json`, which is written last and says
that all is there. A folder is its files and a list of them beside it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlp_runtime import files, formats
from mlp_runtime.step import Failure
from mlp_runtime.stores import Damaged, Store

RESULT = "result.json"
REFUSAL = ".refused"


@dataclass(frozen=True)
class Artifacts:
    """Results of steps by identity, below a folder of a store."""

    store: Store
    folder: str = "store"

    def place(self, identity: str, name: str) -> str:
        """The key of a file of a finished step."""
        return f"{self.folder}/{identity[:2]}/{identity}/{name}"

    def result(self, identity: str) -> dict[str, Any] | None:
        """What a finished step said about itself."""
        document = self.store.read(self.place(identity, RESULT))
        if document is None:
            return None
        record: dict[str, Any] = json.loads(document.data)
        return record

    def known(self, identity: str) -> dict[str, Any]:
        """What a step said that must have ended."""
        record = self.result(identity)
        if record is None:
            raise Failure(f"the store has no result {identity[:12]}: an earlier step has not ended")
        return record

    def refused(self, identity: str) -> bool:
        """Whether a finished step was a gate that refused."""
        return self.store.has(self.place(identity, REFUSAL))

    def keep(
        self,
        identity: str,
        outputs: Mapping[str, str],
        folder: Path,
        *,
        refused: bool,
        told: frozenset[str] = frozenset(),
    ) -> None:
        """Put what a step made into the store, but for those outputs that are only told of; its result comes last."""
        for name, path in outputs.items():
            made = folder / path
            if name in told:
                continue
            if made.is_dir():
                upload_tree(self.store, self.place(identity, path), made)
            elif made.exists():
                self.store.upload(self.place(identity, path), made)
        if refused:
            self.store.write(self.place(identity, REFUSAL), b"")
        record = files.read_json(folder / RESULT, format=formats.RESULT)
        record["outputs"] = {
            name: {**output, "path": outputs[name]} for name, output in record["outputs"].items()
        }
        self.store.write(self.place(identity, RESULT), files.json_text(record).encode())

    def fetch(self, identity: str, outputs: Mapping[str, str], folder: Path) -> bool | None:
        """Get all that a step made, if it is there, with its result; whether it was a gate that refused."""
        record = self.result(identity)
        if record is None or not outputs.keys() <= record["outputs"].keys():
            return None
        for name, path in outputs.items():
            self._fetch(identity, path, folder / path, record["outputs"][name]["sha256"])
        files.write_json(folder / RESULT, record)
        return self.refused(identity)

    def fetch_output(self, identity: str, output: str, folder: Path) -> Path:
        """An output of a finished step, checked against what the step said that it wrote."""
        record = self.known(identity)["outputs"][output]
        path = folder / str(record["path"])
        self._fetch(identity, record["path"], path, record["sha256"])
        return path

    def _fetch(self, identity: str, name: str, path: Path, sha256: str) -> None:
        """A file or a folder."""
        key = self.place(identity, name)
        if not self.store.fetch(key, path, sha256=sha256):
            fetch_tree(self.store, key, path, sha256)


def upload_tree(store: Store, prefix: str, folder: Path) -> None:
    """A folder: its files, and last a list of them."""
    listed = {name: files.digest(folder / name) for name in files.tree(folder)}
    for name in listed:
        store.upload(f"{prefix}/{name}", folder / name)
    content = files.json_text({"format": formats.HASHES, "files": listed})
    store.write(f"{prefix}.files.json", content.encode())


def fetch_tree(store: Store, prefix: str, folder: Path, sha256: str) -> None:
    """A folder, whole and as it was written, or nothing of it."""
    document = store.read(f"{prefix}.files.json")
    listed: dict[str, str] = {} if document is None else json.loads(document.data)["files"]
    outside = any(".." in PurePosixPath(name).parts or name.startswith("/") for name in listed)
    if outside or files.digest_of(listed.items()) != sha256:
        raise Damaged(
            f"{store.address}/{prefix} is not what was written: run the step again that makes it"
        )
    try:
        for name, digest in listed.items():
            if not store.fetch(f"{prefix}/{name}", folder / name, sha256=digest):
                raise Damaged(
                    f"{store.address}/{prefix}/{name} is gone: run the step again that makes it"
                )
    except Failure:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def digest_of_list(data: bytes) -> str:
    """The digest of a folder by the list of its files."""
    listed: dict[str, str] = json.loads(data)["files"]
    return files.digest_of(listed.items())

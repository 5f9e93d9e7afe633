"""The versions of a model in a store, laid out as the registry of a project is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlp_runtime import files, formats
from mlp_runtime.artifacts import fetch_tree, upload_tree
from mlp_runtime.step import Failure
from mlp_runtime.stores import ABSENT, Store


@dataclass(frozen=True)
class StoreRegistry:
    """The versions of a model in a store, and which of them holds an alias."""

    store: Store
    model: str

    @property
    def _key(self) -> str:
        return f"registry/{self.model}/registry.json"

    def _load(self) -> tuple[dict[str, Any], str]:
        document = self.store.read(self._key)
        if document is None:
            empty: dict[str, Any] = {
                "format": formats.REGISTRY,
                "model": self.model,
                "versions": [],
                "aliases": {},
                "moves": [],
                "applied": {},
            }
            return empty, ABSENT
        return json.loads(document.data), document.tag

    def holder(self, alias: str) -> dict[str, Any] | None:
        """The version that holds an alias."""
        record, _ = self._load()
        number = record["aliases"].get(alias)
        return next((item for item in record["versions"] if item["version"] == number), None)

    def versions(self) -> list[dict[str, Any]]:
        """All of them, by number."""
        versions: list[dict[str, Any]] = self._load()[0]["versions"]
        return versions

    def fetch(self, digest: str, folder: Path) -> Path | None:
        """The folder of a version, which is called by its number."""
        record, _ = self._load()
        version = next((item for item in record["versions"] if item["digest"] == digest), None)
        if version is None:
            return None
        place = folder / f"v{version['version']}"
        fetch_tree(self.store, f"registry/{self.model}/{digest}", place, digest)
        return place

    def register(
        self,
        alias: str,
        digest: str,
        folder: Callable[[Path], Path],
        provenance: Mapping[str, Any],
    ) -> int | None:
        """Add a model as a version, if it is none yet, and move an alias to it; what was applied is not again.

        `folder` says where the model lies, and is given a place for it if it must be fetched.
        """
        identity = provenance["identity"]
        while True:
            record, tag = self._load()
            if record["applied"].get(alias) == identity:
                return None
            version = next((item for item in record["versions"] if item["digest"] == digest), None)
            if version is None:
                with tempfile.TemporaryDirectory() as temporary:
                    place = f"registry/{self.model}/{digest}"
                    upload_tree(self.store, place, folder(Path(temporary)))
                version = {
                    "version": 1 + max((item["version"] for item in record["versions"]), default=0),
                    "digest": digest,
                    "provenance": dict(provenance),
                }
                record["versions"].append(version)
            _move(record, alias, version["version"], "registered")
            record["applied"][alias] = identity
            if self._replace(record, tag):
                print(f"{self.model}: version {version['version']} is the {alias}")
                return int(version["version"])

    def promote(self, version: int, alias: str) -> dict[str, Any]:
        """Move an alias to a version."""
        while True:
            record, tag = self._load()
            found = next((item for item in record["versions"] if item["version"] == version), None)
            if found is None:
                raise Failure(f"model `{self.model}` has no version {version}")
            _move(record, alias, version, "promoted")
            if self._replace(record, tag):
                return dict(found)

    def rollback(self, alias: str) -> dict[str, Any]:
        """Move an alias back to the version that held it before."""
        while True:
            record, tag = self._load()
            held = _held(record, alias)
            if not held:
                raise Failure(f"model `{self.model}` has no alias {alias}")
            if len(held) == 1:
                raise Failure(f"model `{self.model}` has no {alias} before version {held[0]}")
            _move(record, alias, held[-2], "rolled back")
            if self._replace(record, tag):
                return dict(
                    next(item for item in record["versions"] if item["version"] == held[-2])
                )

    def _replace(self, record: Mapping[str, Any], tag: str) -> bool:
        """Write what is known, unless somebody else did meanwhile."""
        return self.store.write(self._key, files.json_text(record).encode(), seen=tag)


def _move(record: dict[str, Any], alias: str, version: int, why: str) -> None:
    if record["aliases"].get(alias) != version:
        record["moves"].append({"alias": alias, "version": version, "why": why})
    record["aliases"][alias] = version


def _held(record: Mapping[str, Any], alias: str) -> list[int]:
    """The versions under an alias, the present one last: each rollback takes the last away."""
    held: list[int] = []
    for move in record["moves"]:
        if move["alias"] != alias:
            continue
        if move["why"] == "rolled back":
            held.pop()
        elif not held or held[-1] != move["version"]:
            held.append(move["version"])
    return held

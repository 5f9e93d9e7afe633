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
from mlp_runtime.stores import ABSENT, Store


@dataclass(frozen=True)
class Registry:
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
        provenance: Mapping[str, str],
    ) -> None:
        """Add a model as a version, if it is none yet, and move an alias to it; what was applied is not again.

        `folder` says where the model lies, and is given a place for it if it must be fetched.
        """
        identity = provenance["identity"]
        while True:
            record, tag = self._load()
            if record["applied"].get(alias) == identity:
                return
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
            record["aliases"][alias] = version["version"]
            record["moves"].append(
                {"alias": alias, "version": version["version"], "why": "registered"}
            )
            record["applied"][alias] = identity
            if self.store.write(self._key, files.json_text(record).encode(), seen=tag):
                print(f"{self.model}: version {version['version']} is the {alias}")
                return

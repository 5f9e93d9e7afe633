"""Registries of models, whichever the program names, behind one interface.

An address is `mlflow:` and the server's own address, or `mlflow:$NAME`, which a variable holds. Without
one, versions are kept in the store of the artifacts. `python -m mlp_runtime.registries ADDRESS VERB MODEL …`
does for the executor, and for `mlpc registry`, what they ask by name; it answers with JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from mlp_runtime import files
from mlp_runtime.registry_mlflow import MlflowRegistry
from mlp_runtime.step import FAILED, Failure
from mlp_runtime.stores import Store
from mlp_runtime.versions import StoreRegistry


class Registry(Protocol):
    """The versions of one model, and which of them hold which alias."""

    def holder(self, alias: str) -> dict[str, Any] | None:
        """The version that holds an alias: its `version` and `digest`."""

    def versions(self) -> list[dict[str, Any]]:
        """All of them, by number."""

    def fetch(self, digest: str, folder: Path) -> Path | None:
        """The folder of a version, below `folder` and called by its number."""

    def register(
        self,
        alias: str,
        digest: str,
        folder: Callable[[Path], Path],
        provenance: Mapping[str, Any],
    ) -> int | None:
        """Add a model as a version, if it is none yet, and move an alias to it.

        None if this very step did so before: then nothing is done, since somebody may have moved the alias
        on purpose.
        """

    def promote(self, version: int, alias: str) -> dict[str, Any]:
        """Move an alias to a version."""

    def rollback(self, alias: str) -> dict[str, Any]:
        """Move an alias back to the version that held it before."""


def open_registry(address: str | None, model: str, store: Store | None = None) -> Registry:
    """The registry at an address, or that of a store."""
    if address is None:
        if store is None:
            raise Failure(f"{model} is registered in a store, and there is none")
        return StoreRegistry(store, model)
    kind, _, place = address.partition(":")
    if kind != "mlflow":
        raise Failure(f"no registry is called {kind}")
    return MlflowRegistry(_resolved(place), model)


def _resolved(place: str) -> str:
    """An address, or the one that a variable holds."""
    if not place.startswith("$"):
        return place
    value = os.environ.get(place[1:])
    if not value:
        raise Failure(f"the variable {place[1:]} should hold the address of the MLflow server")
    return value


def main() -> None:
    """Do what is asked and print what came of it."""
    # What libraries print is no answer.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            answer = _do(_arguments())
        except Failure as failure:
            print(failure, file=sys.stderr)
            sys.exit(FAILED)
    print(json.dumps(answer))


def _do(asked: argparse.Namespace) -> Any:
    registry = open_registry(asked.address, asked.model)
    if asked.verb == "versions":
        return registry.versions()
    if asked.verb == "champion":
        return registry.holder(asked.alias)
    if asked.verb == "fetch":
        place = registry.fetch(asked.digest, asked.folder)
        return None if place is None else str(place)
    if asked.verb == "promote":
        return registry.promote(asked.version, asked.alias)
    if asked.verb == "rollback":
        return registry.rollback(asked.alias)
    provenance = json.load(sys.stdin)
    digest = files.digest(asked.folder)
    is_new = all(item["digest"] != digest for item in registry.versions())
    number = registry.register(asked.alias, digest, lambda _: asked.folder, provenance)
    return None if number is None else {"version": number, "new": is_new}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("address", metavar="ADDRESS")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("versions", "champion", "fetch", "promote", "rollback", "register"):
        one = verbs.add_parser(verb)
        one.add_argument("model")
        if verb not in ("versions", "fetch"):
            one.add_argument("--alias", default="champion")
        if verb == "fetch":
            one.add_argument("--digest", required=True)
        if verb in ("fetch", "register"):
            one.add_argument("--folder", type=Path, required=True)
        if verb == "promote":
            one.add_argument("version", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()

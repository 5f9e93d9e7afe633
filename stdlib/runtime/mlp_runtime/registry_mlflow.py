"""The registry of an MLflow server: versions and aliases are its own, and where a version comes from is told by tags.

A version is its content, as everywhere: its tag `mlp.digest` is the digest of the model's folder. What
MLflow does not keep, the moves of an alias and the step that moved it last, are tags of the model.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlp_runtime import files
from mlp_runtime.step import Failure

_DIGEST = "mlp.digest"
_FOLDER = "model"
_LONGEST = 5000
"""Characters of a tag that every MLflow server takes."""


@dataclass(frozen=True)
class MlflowRegistry:
    """The versions of a model in the registry of a server."""

    uri: str
    model: str

    @cached_property
    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def holder(self, alias: str) -> dict[str, Any] | None:
        """The version that holds an alias."""
        with self._told():
            held = self._aliases().get(alias)
            found = (item for item in self.versions() if item["version"] == held)
            return next(found, None)

    def versions(self) -> list[dict[str, Any]]:
        """Those that were registered from programs, by number."""
        with self._told():
            return sorted(
                (
                    {
                        "version": int(item.version),
                        "digest": item.tags[_DIGEST],
                        "provenance": dict(item.tags),
                        "source": item.source,
                    }
                    for item in self._search()
                    if _DIGEST in item.tags
                ),
                key=lambda item: item["version"],
            )

    def fetch(self, digest: str, folder: Path) -> Path | None:
        """The folder of a version, which is called by its number."""
        from mlflow.artifacts import download_artifacts

        version = self._known(digest)
        if version is None:
            return None
        place = folder / f"v{version['version']}"
        with self._told(), tempfile.TemporaryDirectory() as temporary:
            fetched = download_artifacts(
                artifact_uri=version["source"], dst_path=temporary, tracking_uri=self.uri
            )
            if files.digest(Path(fetched)) != digest:
                raise Failure(
                    f"version {version['version']} of {self.model} at {self.uri} is not what was registered"
                )
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(fetched, place, dirs_exist_ok=True)
        return place

    def register(
        self,
        alias: str,
        digest: str,
        folder: Callable[[Path], Path],
        provenance: Mapping[str, Any],
    ) -> int | None:
        """Add a model as a version, if it is none yet, and move an alias to it; what was applied is not again."""
        identity = str(provenance["identity"])
        with self._told():
            self._ensure()
            if self._tags().get(f"mlp.applied.{alias}") == identity:
                return None
            version = self._known(digest) or self._add(digest, folder, provenance)
            number: int = version["version"]
            self._move(alias, number)
            self._client.set_registered_model_tag(self.model, f"mlp.applied.{alias}", identity)
        print(f"{self.model}: version {number} is the {alias} at {self.uri}")
        return number

    def promote(self, version: int, alias: str) -> dict[str, Any]:
        """Move an alias to a version."""
        with self._told():
            found = next((item for item in self.versions() if item["version"] == version), None)
            if found is None:
                raise Failure(f"model `{self.model}` has no version {version}")
            self._move(alias, version)
            return found

    def rollback(self, alias: str) -> dict[str, Any]:
        """Move an alias back to the version that held it before."""
        with self._told():
            moves = self._moves(alias)
            if not moves:
                raise Failure(f"model `{self.model}` has no alias {alias}")
            if len(moves) == 1:
                raise Failure(f"model `{self.model}` has no {alias} before version {moves[0]}")
            number = moves[-2]
            self._client.set_registered_model_alias(self.model, alias, str(number))
            self._remember(alias, moves[:-1])
            return next(item for item in self.versions() if item["version"] == number)

    def _known(self, digest: str) -> dict[str, Any] | None:
        """The first version with this content."""
        return next((item for item in self.versions() if item["digest"] == digest), None)

    def _search(self) -> list[Any]:
        name = self.model.replace("'", "''")
        found: list[Any] = []
        token = None
        while True:
            page = self._client.search_model_versions(f"name='{name}'", page_token=token)
            found.extend(page)
            token = page.token
            if not token:
                return found

    def _ensure(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self.model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _tags(self) -> dict[str, str]:
        return dict(self._client.get_registered_model(self.model).tags)

    def _aliases(self) -> dict[str, int]:
        from mlflow.exceptions import MlflowException

        try:
            aliases = self._client.get_registered_model(self.model).aliases
        except MlflowException as error:
            # Nothing was registered yet.
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return {}
            raise
        return {alias: int(version) for alias, version in aliases.items()}

    def _moves(self, alias: str) -> list[int]:
        """The versions under an alias, the present one last, whoever moved it there."""
        held = self._aliases().get(alias)
        if held is None:
            return []
        moves: list[int] = json.loads(self._tags().get(f"mlp.moves.{alias}", "[]"))
        return moves if moves and moves[-1] == held else [*moves, held]

    def _move(self, alias: str, version: int) -> None:
        moves = self._moves(alias)
        self._client.set_registered_model_alias(self.model, alias, str(version))
        if not moves or moves[-1] != version:
            self._remember(alias, [*moves, version])

    def _remember(self, alias: str, moves: list[int]) -> None:
        kept = json.dumps(moves[-100:])
        self._client.set_registered_model_tag(self.model, f"mlp.moves.{alias}", kept)

    def _add(
        self, digest: str, folder: Callable[[Path], Path], provenance: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A new version with the model's files, which are artifacts of a run."""
        run = self._client.create_run(
            self._experiment(), run_name=f"register {self.model}", tags={_DIGEST: digest}
        )
        with tempfile.TemporaryDirectory() as temporary:
            self._client.log_artifacts(run.info.run_id, str(folder(Path(temporary))), _FOLDER)
        for name, value in provenance["registration"]["metrics"].items():
            if value is not None:
                self._client.log_metric(run.info.run_id, name, value)
        self._client.set_terminated(run.info.run_id)
        made = self._client.create_model_version(
            self.model,
            source=f"{run.info.artifact_uri}/{_FOLDER}",
            run_id=run.info.run_id,
            tags=tags(digest, provenance),
        )
        known = self._known(digest)
        if known is not None and known["version"] != int(made.version):
            # Somebody registered the same meanwhile: the first one is the version.
            self._client.delete_model_version(self.model, made.version)
            return known
        return {"version": int(made.version), "digest": digest}

    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        name = f"mlp registry {self.model}"
        known = self._client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return str(self._client.get_experiment_by_name(name).experiment_id)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Troubles of the server are told in its words, without a traceback."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            line = str(error.message).strip().partition("\n")[0]
            raise Failure(f"the registry at {self.uri}: {line}") from error


def tags(digest: str, provenance: Mapping[str, Any]) -> dict[str, str]:
    """Where a version comes from, as tags: plan, data, revision, run, gate and why it let the model through."""
    registration = provenance["registration"]
    told = {
        name: provenance[name] for name in ("pipeline", "run", "step", "identity", "plan", "commit")
    }
    told |= {f"data.{name}": value for name, value in provenance["data"].items()}
    told |= {f"metric.{name}": value for name, value in registration["metrics"].items()}
    told |= {name: registration[name] for name in ("gate", "task", "trainer")}
    lines = [line for item in registration["requirements"] for line in item["lines"]]
    told["verdict"] = "\n".join(lines)[:_LONGEST]
    kept = {f"mlp.{name}": str(value) for name, value in told.items() if value not in (None, "")}
    return {_DIGEST: digest, **kept}

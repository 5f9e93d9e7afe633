"""The record by which a registry adds a version; whoever owns the registry applies it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlp_runtime import files, formats, package
from mlp_runtime.step import Failure, Result


def register(
    name: str,
    *,
    alias: str,
    model: Path,
    registration: Path,
    verdict: Path | None = None,
    metrics: Path | None = None,
) -> Result:
    """Check that the verdict lets this very model through, then write the record."""
    package.verify(model)
    digest = files.digest(model)
    signature = package.signature(model)
    checked = None if verdict is None else _checked(verdict, digest)
    report = None if metrics is None else files.read_json(metrics, format=formats.METRICS)
    record: dict[str, Any] = {
        "format": formats.REGISTRATION,
        "model": name,
        "alias": alias,
        "version_digest": digest,
        "gate": None if checked is None else checked["gate"],
        "requirements": [] if checked is None else checked["requirements"],
        "metrics": {} if report is None else report["metrics"],
        "task": signature["label"]["task"],
        "trainer": signature["training"]["trainer"],
        "inputs": [item["name"] for item in signature["inputs"]],
    }
    files.write_json(registration, record)
    return Result(summary=f"{name} {digest[:12]} for the alias {alias}")


def _checked(path: Path, digest: str) -> dict[str, Any]:
    """The verdict, which must be about this model and let it through."""
    verdict: dict[str, Any] = files.read_json(path, format=formats.VERDICT)
    if verdict["model"] != digest:
        raise Failure(f"the verdict of {verdict['gate']} is about another model")
    if not verdict["passed"]:
        raise Failure(f"the gate {verdict['gate']} refused this model")
    return verdict

"""The files of a model folder and their hashes, without loading the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlp_runtime import files, formats
from mlp_runtime.step import Failure


def seal(folder: Path) -> None:
    """Record the hash of every file."""
    hashes = {relative: files.digest(folder / relative) for relative in files.tree(folder)}
    files.write_json(folder / "hashes.json", {"format": formats.HASHES, "files": hashes})


def verify(folder: Path) -> None:
    """Fail unless the folder holds exactly the files it was sealed with."""
    hashes = files.read_json(folder / "hashes.json", format=formats.HASHES)["files"]
    names = [name for name in files.tree(folder) if name != "hashes.json"]
    found = {name: files.digest(folder / name) for name in names}
    changed = sorted(
        name for name in hashes.keys() | found.keys() if hashes.get(name) != found.get(name)
    )
    if changed:
        raise Failure(f"the model in {folder} was changed since it was made: {', '.join(changed)}")


def signature(folder: Path) -> dict[str, Any]:
    """What `signature.json` says."""
    record: dict[str, Any] = files.read_json(folder / "signature.json", format=formats.MODEL)
    return record

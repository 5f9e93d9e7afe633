"""Files and their digests: canonical JSON, SHA-256 of files and folders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def json_text(value: Any) -> str:
    """The one text of `value`: indented, keys in their order, no NaN, a newline at the end."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as canonical JSON."""
    path.write_text(json_text(value), encoding="utf-8", newline="\n")


def read_json(path: Path, *, format: str | None = None) -> Any:
    """Read JSON and, where `format` is given, check that the file says it is of that format."""
    value = json.loads(path.read_text(encoding="utf-8"))
    if format is not None and (not isinstance(value, dict) or value.get("format") != format):
        found = value.get("format") if isinstance(value, dict) else None
        raise ValueError(f"{path} should be {format} but says {found!r}")
    return value


def read_number(path: Path) -> float:
    """The number that a user's step wrote."""
    value = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{path} should hold a number")
    return float(value)


def digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder: over its sorted relative paths and their digests."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return digest_of((relative, digest(path / relative)) for relative in tree(path))


def digest_of_bytes(data: bytes) -> str:
    """SHA-256 of what a file holds."""
    return hashlib.sha256(data).hexdigest()


def digest_of(files: Iterable[tuple[str, str]]) -> str:
    """Digest of a folder, from the relative paths and digests of its files."""
    lines = sorted(f"{relative}\0{sha256}\n" for relative, sha256 in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum((path / relative).stat().st_size for relative in tree(path))


def tree(folder: Path) -> list[str]:
    """Relative paths of the files under `folder`, sorted, with `/`."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )

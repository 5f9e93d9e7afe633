"""Artifacts by key under one address: `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix`.

A file is written once and found under a key that its content decides; whoever reads it checks its
digest. What changes, such as a registry, is replaced only by who has seen what it replaces, so that
of two writers at once one is told to look again.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlp_runtime import files
from mlp_runtime.step import Failure

ABSENT = ""
"""The tag of what is not there."""

_KINDS = {"file": "stores", "s3": "store_s3", "gs": "store_gcs", "az": "store_azure"}


@dataclass(frozen=True)
class Document:
    """Small content, and a tag by which it can be told whether it changed since."""

    data: bytes
    tag: str


class Store(ABC):
    """Objects by key; keys are relative paths with `/`."""

    @abstractmethod
    def read(self, key: str) -> Document | None:
        """The content of a small object, if there is one."""

    @abstractmethod
    def write(self, key: str, data: bytes, *, seen: str | None = None) -> bool:
        """Write a small object; with `seen`, only if its tag is still that one, and say whether it was."""

    @abstractmethod
    def download(self, key: str, path: Path) -> bool:
        """Write an object of any size to a file that does not exist, and say whether there is one."""

    @abstractmethod
    def upload(self, key: str, path: Path) -> None:
        """Write a file of any size."""

    @abstractmethod
    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with a prefix, sorted."""

    @abstractmethod
    def check(self) -> None:
        """Fail with the reason unless it can be read and written and keeps old versions."""

    def fetch(self, key: str, path: Path, *, sha256: str) -> bool:
        """Put an object in its place if it is what was written; say whether there is one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
        try:
            if not self.download(key, partial):
                return False
            found = files.digest(partial)
            if found != sha256:
                raise Failure(
                    f"{key} of the store has the digest {found[:12]} and was written as {sha256[:12]}"
                )
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return True


class LocalStore(Store):
    """A folder, also one that several machines see."""

    def __init__(self, root: Path) -> None:
        """Keep everything below `root`."""
        self.root = root

    def read(self, key: str) -> Document | None:
        """The content of a file."""
        try:
            data = (self.root / key).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None
        return Document(data, hashlib.sha256(data).hexdigest())

    def write(self, key: str, data: bytes, *, seen: str | None = None) -> bool:
        """Replace a file at once; those who look at its tag first take turns."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with _turn(path):
            if seen is not None:
                present = self.read(key)
                if seen != (ABSENT if present is None else present.tag):
                    return False
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(data)
            Path(file.name).replace(path)
        return True

    def download(self, key: str, path: Path) -> bool:
        """Copy a file."""
        try:
            shutil.copyfile(self.root / key, path)
        except (FileNotFoundError, IsADirectoryError):
            return False
        return True

    def upload(self, key: str, path: Path) -> None:
        """Copy a file, which appears whole."""
        place = self.root / key
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".partial-{os.getpid()}-{place.name}")
        shutil.copyfile(path, partial)
        partial.replace(place)

    def keys(self, prefix: str) -> Iterator[str]:
        """Relative paths that begin with a prefix; files on their way and locks are none."""
        folder = self.root / prefix.rpartition("/")[0]
        if not folder.is_dir():
            return
        for name in files.tree(folder):
            key = (folder / name).relative_to(self.root).as_posix()
            hidden = key.rpartition("/")[2].startswith((".partial-", ".lock-"))
            if key.startswith(prefix) and not hidden:
                yield key

    def check(self) -> None:
        """Fail unless the folder can be written to; what is in it is never overwritten."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise Failure(f"the store {self.root} cannot be written: {error.strerror}") from error


def open_store(uri: str) -> Store:
    """The store at an address; fail if it is none."""
    parts = urlsplit(uri)
    if parts.scheme == "file" and not parts.netloc:
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme not in _KINDS or not parts.netloc:
        raise Failure(f"{uri} is no address of a store: file:///folder, s3://…, gs://…, az://…")
    module = importlib.import_module(f"mlp_runtime.{_KINDS[parts.scheme]}")
    store: Store = module.open_store(parts.netloc, unquote(parts.path).strip("/"))
    return store


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Hold the lock beside a file."""
    with path.with_name(f".lock-{path.name}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

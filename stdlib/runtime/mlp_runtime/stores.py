"""Artifacts by key under one address: `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix`.

An address says where, never who: credentials and endpoints are those that the SDK of the server finds
in the environment or on the machine, so no file and no message holds one. `?region=` tells S3 where a
bucket lies.

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from mlp_runtime import files
from mlp_runtime.step import Failure

ABSENT = ""
"""The tag of what is not there."""

_PROBE = ".mlp-check"
_MODULES = {"s3": "store_s3", "gs": "store_gcs", "az": "store_azure"}


@dataclass(frozen=True)
class Document:
    """Small content, and a tag by which it can be told whether it changed since."""

    data: bytes
    tag: str


class Damaged(Failure):
    """What is there is not what was written."""


class Store(ABC):
    """Objects by key; keys are relative paths with `/`. What a server refuses or does not answer is a `Failure`."""

    def __init__(self, address: str) -> None:
        """Keep everything below `address`, which messages name."""
        self.address = address

    def failure(self, action: str, key: str, why: str, mend: str) -> Failure:
        """A failure that says what could not be done where, why, and what to do about it."""
        place = f"{self.address}/{key}" if key else self.address
        return Failure(f"cannot {action} {place}: {why}; {mend}")

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
    def has(self, key: str) -> bool:
        """Whether there is an object."""

    @abstractmethod
    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with a prefix, sorted."""

    @abstractmethod
    def check(self) -> None:
        """Fail with the reason unless it can be read and written and keeps old versions."""

    def probe(self) -> None:
        """Fail unless what is written can be read."""
        self.write(_PROBE, b"mlp")
        found = self.read(_PROBE)
        if found is None or found.data != b"mlp":
            why = "it is not what was just written"
            raise self.failure("read", _PROBE, why, "ask those who run the server")

    def fetch(self, key: str, path: Path, *, sha256: str) -> bool:
        """Put an object in its place if it is what was written; say whether there is one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
        try:
            if not self.download(key, partial):
                return False
            found = files.digest(partial)
            if found != sha256:
                raise Damaged(
                    f"cannot read {self.address}/{key}: it has the digest {found[:12]} and was written as "
                    f"{sha256[:12]}; restore the version before, or run the step again that makes it"
                )
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return True


class LocalStore(Store):
    """A folder, also one that several machines see."""

    def __init__(self, root: Path) -> None:
        """Keep everything below `root`."""
        super().__init__(str(root))
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

    def has(self, key: str) -> bool:
        """Whether there is a file."""
        return (self.root / key).is_file()

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
            why = error.strerror or type(error).__name__
            raise self.failure(
                "use", "", why, "name a folder that this user may write to"
            ) from error


def open_store(uri: str) -> Store:
    """The store at an address; fail if it is none."""
    parts = urlsplit(uri)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Failure(
            "an address of a store holds no credentials: give them by the environment or the machine"
        )
    if parts.scheme == "file" and not parts.netloc:
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme not in _MODULES or not parts.netloc:
        raise Failure(f"{uri} is no address of a store: file:///folder, s3://…, gs://…, az://…")
    try:
        module = importlib.import_module(f"mlp_runtime.{_MODULES[parts.scheme]}")
    except ModuleNotFoundError as error:
        raise Failure(
            f"{parts.scheme}:// needs the package of {error.name}, which this environment does not have: name the "
            "storage in the pipeline and run `mlpc lock`"
        ) from None
    place = Location(parts.netloc, unquote(parts.path).strip("/"), dict(parse_qsl(parts.query)))
    store: Store = module.open_store(place)
    return store


@dataclass(frozen=True)
class Location:
    """An address without its scheme."""

    host: str
    path: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class Prefix:
    """Where in a bucket a store lies."""

    path: str

    def key(self, key: str) -> str:
        """The name of an object in the bucket."""
        return f"{self.path}/{key}" if self.path else key

    def relative(self, name: str) -> str:
        """The key of an object of the bucket."""
        return name[len(self.path) + 1 :] if self.path else name


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Hold the lock beside a file."""
    with path.with_name(f".lock-{path.name}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

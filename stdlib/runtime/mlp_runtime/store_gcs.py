"""A store in a bucket of Google Cloud Storage: `gs://bucket/prefix`.

The client finds credentials in its own places: `GOOGLE_APPLICATION_CREDENTIALS`, what gcloud left, the
service account of the machine. `STORAGE_EMULATOR_HOST` names another server than Google's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError, NotFound, PreconditionFailed, RetryError
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY

from mlp_runtime.stores import Document, Location, Prefix, Store

_PART = 8 << 20
_PATIENCE: dict[str, Any] = {"timeout": (10, 60), "retry": DEFAULT_RETRY.with_timeout(30)}
_TROUBLE = (
    GoogleAPICallError,
    GoogleAuthError,
    RetryError,
    DataCorruption,
    InvalidResponse,
    requests.RequestException,
)
_AGAIN = "try again, and look at the network if it stays so"


class GoogleStore(Store):
    """Objects of a bucket below a prefix."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Talk to the server only when something is asked of it."""
        super().__init__(f"gs://{bucket}/{prefix}".rstrip("/"))
        self.name, self.prefix = bucket, Prefix(prefix)

    @cached_property
    def _client(self) -> storage.Client:
        # A project owns buckets; objects are reached without one.
        return storage.Client(project=os.environ.get("GOOGLE_CLOUD_PROJECT") or "none")

    def read(self, key: str) -> Document | None:
        """The content of an object and its generation."""
        with self._told("read", key):
            blob = self._blob(key)
            try:
                data: bytes = blob.download_as_bytes(**_PATIENCE)
            except NotFound:
                return None
            return Document(data, str(blob.generation))

    def write(self, key: str, data: bytes, *, seen: str | None = None) -> bool:
        """Put an object, if asked for only in place of that generation; 0 is none."""
        conditions = {} if seen is None else {"if_generation_match": int(seen or 0)}
        with self._told("write", key):
            try:
                self._blob(key).upload_from_string(data, **conditions, **_PATIENCE)
            except PreconditionFailed:
                return False
        return True

    def download(self, key: str, path: Path) -> bool:
        """Stream an object to a file, checked against its CRC."""
        with self._told("read", key):
            try:
                self._blob(key).download_to_filename(path, **_PATIENCE)
            except NotFound:
                return False
        return True

    def upload(self, key: str, path: Path) -> None:
        """Put a file in parts that can be resumed; it appears whole."""
        with self._told("write", key):
            blob = self._blob(key)
            blob.chunk_size = _PART
            blob.upload_from_filename(path, **_PATIENCE)

    def has(self, key: str) -> bool:
        """Ask for the description of an object."""
        with self._told("read", key):
            return bool(self._blob(key).exists(**_PATIENCE))

    def keys(self, prefix: str) -> Iterator[str]:
        """List objects, a page at a time."""
        with self._told("list", prefix):
            found = self._client.list_blobs(
                self.name, prefix=self.prefix.key(prefix), fields="items(name),nextPageToken"
            )
            names = [blob.name for blob in found]
        yield from sorted(self.prefix.relative(name) for name in names)

    def check(self) -> None:
        """Fail unless the bucket is there, keeps versions, and can be written and read."""
        with self._told("use", ""):
            bucket = self._client.get_bucket(self.name, **_PATIENCE)
        if not bucket.versioning_enabled:
            raise self.failure(
                "rely on",
                "",
                "the bucket keeps no old versions",
                f"turn versioning on: gcloud storage buckets update gs://{self.name} --versioning",
            )
        self.probe()

    def _blob(self, key: str) -> storage.Blob:
        return self._client.bucket(self.name).blob(self.prefix.key(key))

    @contextmanager
    def _told(self, action: str, key: str) -> Iterator[None]:
        """Turn what the client raises into words of our own: its texts may hold more than they should."""
        try:
            yield
        except _TROUBLE as error:
            raise self.failure(action, key, *_reason(error)) from None


def open_store(place: Location) -> GoogleStore:
    """The store at `gs://bucket/prefix`."""
    return GoogleStore(place.host, place.path)


def _reason(error: Exception) -> tuple[str, str]:
    """Why, and what to do about it."""
    if isinstance(error, DefaultCredentialsError):
        return "there are no credentials", (
            "set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`, or run where a "
            "service account is given"
        )
    if isinstance(error, RetryError) and isinstance(error.cause, Exception):
        return _reason(error.cause)
    if isinstance(error, TransportError | requests.ConnectionError | requests.Timeout):
        return (
            f"the server does not answer ({type(error).__name__})",
            "look at the network and at STORAGE_EMULATOR_HOST, which names a server of your own",
        )
    if isinstance(error, GoogleAuthError):
        return (
            "the credentials are not accepted",
            "renew them, or look at GOOGLE_APPLICATION_CREDENTIALS",
        )
    if isinstance(error, DataCorruption):
        return "it arrived damaged", _AGAIN
    status = error.code if isinstance(error, GoogleAPICallError) else None
    why = (
        f"the server answered {status}"
        if status
        else f"the client gave up ({type(error).__name__})"
    )
    if status in (401, 403):
        return why, (
            "look at the credentials and at what they may do: roles/storage.objectUser, and to look at "
            "versioning storage.buckets.get"
        )
    return why, "create the bucket, or mend its name" if status == 404 else _AGAIN

"""A store in a container of Azure Blob Storage: `az://account/container/prefix`.

Who asks is told by the environment: `AZURE_STORAGE_CONNECTION_STRING`, or `AZURE_STORAGE_KEY` or
`AZURE_STORAGE_SAS_TOKEN`, or whatever `DefaultAzureCredential` finds, such as a managed identity.
`AZURE_STORAGE_SERVICE_ENDPOINT` names another server than Microsoft's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobClient, BlobServiceClient, ContainerClient, ExponentialRetry

from mlp_runtime.step import Failure
from mlp_runtime.stores import ABSENT, Document, Location, Prefix, Store

_PART = 8 << 20
_AGAIN = "try again, and look at the network if it stays so"


class AzureStore(Store):
    """Blobs of a container below a prefix."""

    def __init__(self, account: str, container: str, prefix: str) -> None:
        """Talk to the server only when something is asked of it."""
        super().__init__(f"az://{account}/{container}/{prefix}".rstrip("/"))
        self.account, self.container, self.prefix = account, container, Prefix(prefix)

    @cached_property
    def _client(self) -> ContainerClient:
        settings: dict[str, Any] = {
            "retry_policy": ExponentialRetry(
                initial_backoff=1, increment_base=2, retry_total=2, random_jitter_range=1
            ),
            "connection_timeout": 10,
            "read_timeout": 60,
            "max_single_put_size": _PART,
            "max_block_size": _PART,
            "max_single_get_size": _PART,
            "max_chunk_get_size": _PART,
        }
        text = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
        try:
            if text:
                service = BlobServiceClient.from_connection_string(text, **settings)
            else:
                service = BlobServiceClient(self._endpoint(), credential=_credential(), **settings)
        except ValueError:
            # What is wrong with a connection string is best not printed.
            why = "the connection string or the endpoint of the environment cannot be read"
            mend = "copy AZURE_STORAGE_CONNECTION_STRING anew from the account's access keys"
            raise self.failure("open", "", why, mend) from None
        if text and service.account_name != self.account:
            raise self.failure(
                "open",
                "",
                f"AZURE_STORAGE_CONNECTION_STRING is of the account {service.account_name}",
                "set the one of this account",
            )
        return service.get_container_client(self.container)

    def _endpoint(self) -> str:
        own = os.environ.get("AZURE_STORAGE_SERVICE_ENDPOINT")
        return own or f"https://{self.account}.blob.core.windows.net"

    def read(self, key: str) -> Document | None:
        """The content of a blob and its ETag."""
        with self._told("read", key):
            try:
                found = self._blob(key).download_blob()
            except ResourceNotFoundError as error:
                _only_the_blob(error)
                return None
            return Document(found.readall(), str(found.properties.etag))

    def write(self, key: str, data: bytes, *, seen: str | None = None) -> bool:
        """Put a blob, if asked for only in place of the one with that ETag."""
        conditions: dict[str, Any] = {"overwrite": seen != ABSENT}
        if seen:
            conditions |= {"etag": seen, "match_condition": MatchConditions.IfNotModified}
        with self._told("write", key):
            try:
                self._blob(key).upload_blob(data, **conditions)
            except (ResourceExistsError, ResourceModifiedError):
                if seen is None:
                    raise
                return False
        return True

    def download(self, key: str, path: Path) -> bool:
        """Stream a blob to a file, in parts."""
        with self._told("read", key):
            try:
                found = self._blob(key).download_blob(max_concurrency=2)
            except ResourceNotFoundError as error:
                _only_the_blob(error)
                return False
            with path.open("wb") as file:
                found.readinto(file)
        return True

    def upload(self, key: str, path: Path) -> None:
        """Put a file in blocks, several at once; it appears whole."""
        with self._told("write", key), path.open("rb") as file:
            size = path.stat().st_size
            self._blob(key).upload_blob(
                file, length=size, overwrite=True, max_concurrency=2, validate_content=True
            )

    def has(self, key: str) -> bool:
        """Ask for the properties of a blob."""
        with self._told("read", key):
            return bool(self._blob(key).exists())

    def keys(self, prefix: str) -> Iterator[str]:
        """List blobs, a page at a time."""
        with self._told("list", prefix):
            names = list(self._client.list_blob_names(name_starts_with=self.prefix.key(prefix)))
        yield from sorted(self.prefix.relative(name) for name in names)

    def check(self) -> None:
        """Fail unless the container is there, can be written and read, and says of what is written which version it is."""
        with self._told("use", ""):
            self._client.get_container_properties()
        self.probe()
        with self._told("use", ""):
            # An account that keeps versions gives each blob the name of its version.
            properties = self._blob(".mlp-check").get_blob_properties()
        if properties.version_id is None:
            raise self.failure(
                "rely on",
                "",
                "the account keeps no old versions",
                "turn versioning on: az storage account blob-service-properties update "
                f"--account-name {self.account} --enable-versioning true",
            )

    def _blob(self, key: str) -> BlobClient:
        return self._client.get_blob_client(self.prefix.key(key))

    @contextmanager
    def _told(self, action: str, key: str) -> Iterator[None]:
        """Turn what the client raises into words of our own: its texts may hold more than they should."""
        try:
            yield
        except AzureError as error:
            raise self.failure(action, key, *_reason(error)) from None


def open_store(place: Location) -> AzureStore:
    """The store at `az://account/container/prefix`."""
    container, _, prefix = place.path.partition("/")
    if not container:
        raise Failure(f"az://{place.host} names no container: az://account/container/prefix")
    return AzureStore(place.host, container, prefix)


def _credential() -> Any:
    """Key, signature or identity, whichever the environment holds."""
    given = os.environ.get("AZURE_STORAGE_KEY") or os.environ.get("AZURE_STORAGE_SAS_TOKEN")
    return given or DefaultAzureCredential()


def _only_the_blob(error: ResourceNotFoundError) -> None:
    """Raise what was raised if it is the container that is not there."""
    if error.error_code == "ContainerNotFound":
        raise error


def _reason(error: AzureError) -> tuple[str, str]:
    """Why, and what to do about it."""
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return (
            f"the server does not answer ({type(error).__name__})",
            "look at the name of the account, at AZURE_STORAGE_SERVICE_ENDPOINT and at the network",
        )
    status = error.status_code if isinstance(error, HttpResponseError) else None
    code = getattr(error, "error_code", None)
    if isinstance(error, ClientAuthenticationError) and status is None:
        return "there are no credentials", (
            "set AZURE_STORAGE_CONNECTION_STRING, or run `az login`, or run where a managed identity is given"
        )
    if status is None:
        return f"the client gave up ({type(error).__name__})", _AGAIN
    why = " ".join(str(part) for part in ("the server answered", status, code) if part)
    if status in (401, 403):
        return why, (
            "look at the credentials and at what they may do: the role Storage Blob Data Contributor"
        )
    return why, "create the container, or mend its name" if status == 404 else _AGAIN

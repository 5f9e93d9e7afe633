"""A store in a bucket of S3 or of a server that speaks as S3 does: `s3://bucket/prefix?region=eu-west-1`.

boto3 finds credentials, region and endpoint in its own places: `AWS_*` variables, profiles, the role
of the machine. `AWS_ENDPOINT_URL` names another server than Amazon's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import S3UploadFailedError, TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from mlp_runtime.stores import ABSENT, Document, Location, Prefix, Store

_PART = 8 << 20
_TRANSFER = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=4)
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_MISSING = {"404", "NoSuchKey", "NotFound"}
_LOST = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}


class S3Store(Store):
    """Objects of a bucket below a prefix."""

    def __init__(self, bucket: str, prefix: str, region: str | None) -> None:
        """Talk to the server only when something is asked of it."""
        super().__init__(f"s3://{bucket}/{prefix}".rstrip("/"))
        self.bucket, self.prefix = bucket, Prefix(prefix)
        # Servers of one's own seldom have a name for each bucket.
        style = "path" if any(os.environ.get(name) for name in _ENDPOINTS) else "auto"
        config = Config(
            retries={"mode": "standard", "max_attempts": 4},
            connect_timeout=10,
            read_timeout=60,
            s3={"addressing_style": style},
        )
        with self._told("open", ""):
            self._client: Any = boto3.session.Session().client(
                "s3", region_name=region, config=config
            )

    def read(self, key: str) -> Document | None:
        """The content of an object and its ETag."""
        with self._told("read", key):
            try:
                found = self._client.get_object(**self._at(key))
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            return Document(found["Body"].read(), found["ETag"])

    def write(self, key: str, data: bytes, *, seen: str | None = None) -> bool:
        """Put an object, if asked for only in place of the one with that ETag."""
        conditions = {} if seen is None else {"IfMatch": seen}
        if seen == ABSENT:
            conditions = {"IfNoneMatch": "*"}
        with self._told("write", key):
            try:
                self._client.put_object(**self._at(key), Body=data, **conditions)
            except ClientError as error:
                code = _code(error)
                # One that was deleted meanwhile is not the one that was seen.
                if conditions and (code in _LOST or code in _MISSING):
                    return False
                raise
        return True

    def download(self, key: str, path: Path) -> bool:
        """Get an object in parts, several at once."""
        with self._told("read", key):
            try:
                self._client.download_file(
                    self.bucket, self.prefix.key(key), path, Config=_TRANSFER
                )
            except ClientError as error:
                if _code(error) in _MISSING:
                    return False
                raise
        return True

    def upload(self, key: str, path: Path) -> None:
        """Put an object in parts, several at once; it appears whole."""
        with self._told("write", key):
            self._client.upload_file(path, self.bucket, self.prefix.key(key), Config=_TRANSFER)

    def has(self, key: str) -> bool:
        """Ask for the head of an object."""
        with self._told("read", key):
            try:
                self._client.head_object(**self._at(key))
            except ClientError as error:
                if _code(error) in _MISSING:
                    return False
                raise
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """List objects, a page at a time."""
        with self._told("list", prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix.key(prefix)
            )
            names = [item["Key"] for page in pages for item in page.get("Contents", ())]
        yield from sorted(self.prefix.relative(name) for name in names)

    def check(self) -> None:
        """Fail unless the bucket is there, keeps versions, and can be written and read."""
        with self._told("use", ""):
            self._client.head_bucket(Bucket=self.bucket)
            versioning = self._client.get_bucket_versioning(Bucket=self.bucket).get("Status")
        if versioning != "Enabled":
            raise self.failure(
                "rely on",
                "",
                "the bucket keeps no old versions",
                f"turn versioning on: aws s3api put-bucket-versioning --bucket {self.bucket} "
                "--versioning-configuration Status=Enabled",
            )
        self.probe()

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix.key(key)}

    @contextmanager
    def _told(self, action: str, key: str) -> Iterator[None]:
        """Turn what boto3 raises into words of our own: its texts may hold more than they should."""
        try:
            yield
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            raise self.failure(action, key, *_reason(error)) from None


def open_store(place: Location) -> S3Store:
    """The store at `s3://bucket/prefix`."""
    return S3Store(place.host, place.path, place.options.get("region"))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _reason(error: Exception) -> tuple[str, str]:
    """Why, and what to do about it."""
    if isinstance(error, S3UploadFailedError):
        cause = error.__context__
        return _reason(cause) if isinstance(cause, ClientError) else ("it was cut off", _AGAIN)
    if isinstance(error, ClientError):
        return _answer(error)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "there are no credentials", (
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is given"
        )
    if isinstance(error, NoRegionError):
        return "no region is known", "give the storage a `region`, or set AWS_REGION"
    if isinstance(error, ConnectionError | HTTPClientError):
        return (
            f"the server does not answer ({type(error).__name__})",
            "look at AWS_ENDPOINT_URL, the region and the network",
        )
    return f"the client gave up ({type(error).__name__})", _AGAIN


_AGAIN = "try again, and look at the network if it stays so"


def _answer(error: ClientError) -> tuple[str, str]:
    """What an answer of the server means."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = _code(error)
    why = f"the server answered {status}" + ("" if code == str(status) else f" {code}")
    if code == "NoSuchBucket":
        return why, "create the bucket, or mend its name"
    if status in (401, 403):
        return why, (
            "look at the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, the role) and at what they may do: "
            "s3:GetObject, s3:PutObject, s3:ListBucket, s3:GetBucketVersioning"
        )
    if status == 404:
        return why, "create the bucket, or mend its name"
    if status in (301, 400):
        return why, "look at the region of the bucket and at the clock of this machine"
    return why, _AGAIN

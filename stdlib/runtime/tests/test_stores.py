"""Stores in folders, and addresses; those of servers are tested against servers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mlp_runtime import files
from mlp_runtime.step import Failure
from mlp_runtime.stores import ABSENT, LocalStore, open_store


def test_a_folder_by_its_address(tmp_path: Path) -> None:
    folder = tmp_path / "with a space"
    store = open_store(folder.as_uri())
    store.check()
    assert isinstance(store, LocalStore) and store.root == folder
    assert store.write("a/b", b"1") and store.has("a/b") and not store.has("a")
    assert list(store.keys("a")) == ["a/b"]


def test_a_folder_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("file:kept/here").write("k", b"1")
    assert (tmp_path / "kept/here/k").read_bytes() == b"1"


@pytest.mark.parametrize("uri", ["s3:/bucket", "s3://", "ftp://x/y", "bucket/x", "file://host/x"])
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(Failure, match="is no address of a store"):
        open_store(uri)


@pytest.mark.parametrize("uri", ["s3://user:hunter2@bucket/x", "az://x@account/container"])
def test_an_address_with_credentials_is_not_repeated(uri: str) -> None:
    with pytest.raises(Failure) as caught:
        open_store(uri)
    assert "hunter2" not in str(caught.value)
    assert "holds no credentials" in str(caught.value)


def test_of_writers_at_once_none_is_lost(tmp_path: Path) -> None:
    def count() -> None:
        store, done = LocalStore(tmp_path), 0
        while done < 20:
            seen = store.read("count")
            data = b"0" if seen is None else seen.data
            new = str(int(data) + 1).encode()
            done += store.write("count", new, seen=ABSENT if seen is None else seen.tag)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (tmp_path / "count").read_bytes() == b"80"


def test_what_was_damaged_is_not_read(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    store.write("k", b"wrotten")
    with pytest.raises(Failure, match=r"cannot read .*/store/k: it has the digest .*; restore"):
        store.fetch("k", tmp_path / "k", sha256=files.digest_of_bytes(b"written"))
    assert not (tmp_path / "k").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match=r"cannot use .*/file/store: Not a directory; name a folder"):
        LocalStore(tmp_path / "file/store").check()

"""What every store must do, against the server that the environment names: one run for each kind.

`STORE` is an address in a bucket that keeps versions (or, of a server that cannot, one that does not),
`MISSING` one in a bucket that is not there. `WRONG`, `NOBODY` and `UNREACHABLE` hold variables of the
environment, as JSON, that make the SDK present credentials that are refused, none, or ask a server that
is not there. `SECRETS` are texts that no message may hold.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlp_runtime import files
from mlp_runtime.step import Failure
from mlp_runtime.stores import ABSENT, Document, Store, open_store

MEGABYTE = 1 << 20


@pytest.fixture
def address() -> str:
    """A place of its own for each test."""
    base, mark, query = os.environ["STORE"].partition("?")
    return f"{base}/{uuid.uuid4().hex}{mark}{query}"


@pytest.fixture
def store(address: str) -> Store:
    return open_store(address)


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the variables that another variable lists; `None` takes one away."""

    def set_all(name: str) -> None:
        variables: dict[str, str | None] = json.loads(os.environ[name])
        for variable, value in variables.items():
            if value is None:
                monkeypatch.delenv(variable, raising=False)
            else:
                monkeypatch.setenv(variable, value)

    return set_all


def told(action: Callable[[], object]) -> str:
    """What a failure says; it must hold no secret."""
    with pytest.raises(Failure) as caught:
        action()
    text = str(caught.value)
    for secret in json.loads(os.environ["SECRETS"]):
        assert secret not in text
    # Nor may the exception drag along what the SDK had to say.
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return text


def each_action(store: Store, tmp_path: Path) -> Iterator[Callable[[], object]]:
    """Everything that asks something of the server."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    yield store.check
    yield lambda: store.read("k")
    yield lambda: store.write("k", b"1")
    yield lambda: store.write("k", b"1", seen=ABSENT)
    yield lambda: store.upload("k", path)
    yield lambda: store.download("k", tmp_path / "other")
    yield lambda: list(store.keys("k"))


def test_what_is_written_is_read(store: Store, tmp_path: Path) -> None:
    assert store.read("a/b.json") is None
    assert not store.has("a/b.json")
    assert store.write("a/b.json", b"{}")
    assert store.has("a/b.json")
    document = store.read("a/b.json")
    assert document is not None and document.data == b"{}"
    assert store.write("empty", b"")
    assert store.fetch("empty", tmp_path / "empty", sha256=files.digest_of_bytes(b""))
    assert (tmp_path / "empty").read_bytes() == b""
    assert not store.download("nothing", tmp_path / "nothing")
    assert not store.fetch("nothing", tmp_path / "nothing", sha256="0" * 64)
    assert list(tmp_path.iterdir()) == [tmp_path / "empty"]


def test_names_of_every_kind(store: Store) -> None:
    names = ["a-b", "a/b", "a/b c", "a/é~$&+%20", "a/ひ", "ab", "b"]
    for name in reversed(names):
        store.write(name, name.encode())
    assert list(store.keys("")) == sorted(names)
    assert list(store.keys("a/")) == [name for name in names if name.startswith("a/")]
    for name in names:
        assert store.read(name) == Document(name.encode(), tag(store, name))


def tag(store: Store, key: str) -> str:
    document = store.read(key)
    assert document is not None
    return document.tag


def test_only_who_has_seen_what_is_there_replaces_it(store: Store) -> None:
    assert not store.write("k", b"0", seen=tag_of_another(store))
    assert store.write("k", b"1", seen=ABSENT)
    assert not store.write("k", b"2", seen=ABSENT)
    first = tag(store, "k")
    assert store.write("k", b"3", seen=first)
    assert not store.write("k", b"4", seen=first)
    document = store.read("k")
    assert document is not None and document.data == b"3"


def tag_of_another(store: Store) -> str:
    store.write("another", b"x")
    return tag(store, "another")


def test_of_writers_at_once_none_is_lost(address: str) -> None:
    """Each adds one, again and again, to what it read; so the sum tells whether one overwrote another."""
    rounds, writers = 8, 3
    ready = threading.Barrier(writers)
    lost = [0] * writers

    def count(number: int) -> None:
        own = open_store(address)
        ready.wait()
        done = 0
        while done < rounds:
            seen = own.read("count")
            data = b"0" if seen is None else seen.data
            new = str(int(data) + 1).encode()
            if own.write("count", new, seen=ABSENT if seen is None else seen.tag):
                done += 1
            else:
                lost[number] += 1

    threads = [threading.Thread(target=count, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    document = open_store(address).read("count")
    assert document is not None and int(document.data) == rounds * writers
    assert sum(lost) > 0, "they never met, so nothing was shown"


def test_what_was_damaged_is_not_read(store: Store, tmp_path: Path) -> None:
    store.write("k", b"what was written")
    sha256 = files.digest_of_bytes(b"what was written")
    assert store.fetch("k", tmp_path / "k", sha256=sha256)
    store.write("k", b"what was wrotten")
    text = told(lambda: store.fetch("k", tmp_path / "again", sha256=sha256))
    assert "has the digest" in text and "restore" in text and store.address in text
    assert list(tmp_path.iterdir()) == [tmp_path / "k"]


def test_a_large_file_goes_through_little_memory(address: str, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        for _ in range(100):
            file.write(os.urandom(MEGABYTE))
    command = [sys.executable, __file__, address, str(path), files.digest(path)]
    grown = int(subprocess.run(command, check=True, capture_output=True, timeout=90).stdout)
    assert grown < 64 * MEGABYTE, f"{grown // MEGABYTE} MB for 100"


def there_and_back(address: str, path: Path, sha256: str) -> int:
    """Put a file and get it again; by how many bytes that made the process grow."""
    store = open_store(address)
    store.write("warm", b"x" * 1000)
    store.download("warm", path.with_name("warm"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store.upload("large", path)
    if not store.fetch("large", path.with_name("back"), sha256=sha256):
        raise Failure("it is gone")
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


def test_a_bucket_is_checked(store: Store) -> None:
    if os.environ["VERSIONED"]:
        store.check()
    else:
        assert "keeps no old versions; turn versioning on" in told(store.check)


@pytest.mark.skipif(not os.environ.get("UNVERSIONED"), reason="every bucket is like that")
def test_a_bucket_without_versions_is_told() -> None:
    store = open_store(os.environ["UNVERSIONED"])
    assert "keeps no old versions; turn versioning on" in told(store.check)


def test_a_bucket_that_is_not_there_is_told() -> None:
    text = told(open_store(os.environ["MISSING"]).check)
    assert "404" in text and "create the" in text, text


def test_credentials_that_are_refused_are_told(
    address: str, switch: Callable[[str], None], tmp_path: Path
) -> None:
    switch("WRONG")
    for action in each_action(open_store(address), tmp_path):
        text = told(action)
        assert "look at the credentials" in text or "credentials are not accepted" in text, text


def test_no_credentials_are_told(address: str, switch: Callable[[str], None]) -> None:
    switch("NOBODY")
    store = open_store(address)
    assert "there are no credentials; set " in told(lambda: store.read("k"))


def test_a_server_that_does_not_answer_is_told(address: str, switch: Callable[[str], None]) -> None:
    switch("UNREACHABLE")
    text = told(lambda: open_store(address).read("k"))
    assert "the server does not answer" in text and "network" in text, text


if __name__ == "__main__":
    print(there_and_back(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))

"""A channel is told, or it is said why not; what opens it is in no message."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from hooks import LETTERS, PASSWORD, TOLD, USER, listening, mail

from mlp_runtime import notify

ENDED = notify.Told("späte_züge", "r1", "gate_refused", "späte Züge: refused\ntrain model: no rows")
SLACK = {"channel": "slack", "webhook": "ADDRESS", "on": ["failure"]}
WEBHOOK = {"channel": "webhook", "url": "ADDRESS", "on": ["failure"]}
EMAIL = {
    "channel": "email",
    "to": ["a@example.com", "b@example.com"],
    "from": "mlp@example.com",
    "server": "ADDRESS",
    "on": ["failure"],
}


def told(channel: dict[str, Any], address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell a channel that has this address."""
    monkeypatch.setenv("ADDRESS", address)
    notify.tell(channel, ENDED)


def why_not(
    channel: dict[str, Any], address: str, monkeypatch: pytest.MonkeyPatch, secret: str
) -> str:
    """Why a channel was not told, without what nobody should read."""
    with pytest.raises(notify.NotifyError) as error:
        told(channel, address, monkeypatch)
    assert secret not in str(error.value)
    return str(error.value)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who vouches for servers of these tests."""
    return trustme.CA()


@pytest.fixture
def tls(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ssl.SSLContext]:
    """What a server on this machine shows, trusted as an operating system says it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    yield context


def test_channels_of_the_web(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as address:
        told(SLACK, f"{address}/hook", monkeypatch)
        assert TOLD[-1] == {"text": ENDED.message}
        told(WEBHOOK, f"{address}/hook", monkeypatch)
        assert TOLD[-1] == {
            "pipeline": "späte_züge",
            "run": "r1",
            "ending": "gate_refused",
            "message": ENDED.message,
        }


def test_why_nobody_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as address:
        why = why_not(SLACK, f"{address}/broken", monkeypatch, address)
        assert why == "the webhook of ADDRESS was not told: the server answered 500"
    for wrong in ("http://hooks.example.com/secret", "secret", "ftp://secret"):
        assert "not one of https" in why_not(WEBHOOK, wrong, monkeypatch, "secret")
    here = "http://127.0.0.1:9/secret"
    assert "does not answer" in why_not(SLACK, here, monkeypatch, "secret")
    assert "does not answer" in why_not(SLACK, f"{here} x", monkeypatch, "secret")
    monkeypatch.delenv("ADDRESS")
    with pytest.raises(notify.NotifyError, match="ADDRESS, which holds the webhook's address, is"):
        notify.tell(SLACK, ENDED)
    with pytest.raises(notify.NotifyError, match="no channel pigeon"):
        notify.tell({"channel": "pigeon"}, ENDED)


def test_a_letter_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail() as port:
        told(EMAIL, f"smtp://127.0.0.1:{port}", monkeypatch)
    letter = LETTERS[-1]
    assert letter["text"].startswith("späte Züge: refused\ntrain model: no rows\n\nRun r1")
    assert letter | {"text": ""} == {
        "from": "mlp@example.com",
        "to": ["a@example.com", "b@example.com"],
        "subject": "späte_züge: gate refused",
        "text": "",
        "user": None,
        "tls": False,
    }


def test_a_letter_with_user_and_password(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = quote(PASSWORD, safe="")
    with mail(tls=tls, closed=True) as port:
        told(EMAIL, f"smtp://{USER}:{secret}@localhost:{port}", monkeypatch)
        assert (LETTERS[-1]["user"], LETTERS[-1]["tls"]) == (USER, True)
        wrong = f"smtp://{USER}:{secret}x@localhost:{port}"
        assert "answered 535 to user" in why_not(EMAIL, wrong, monkeypatch, secret)
        assert "answered 530" in why_not(EMAIL, f"smtp://localhost:{port}", monkeypatch, secret)
        # The certificate is for another name.
        other = f"smtp://{USER}:{secret}@127.0.0.1:{port}"
        assert "certificate is not trusted" in why_not(EMAIL, other, monkeypatch, secret)
        monkeypatch.delenv("SSL_CERT_FILE")
        right = f"smtp://{USER}:{secret}@localhost:{port}"
        assert "certificate is not trusted" in why_not(EMAIL, right, monkeypatch, secret)


def test_a_server_that_begins_with_tls(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail(tls=tls, wrapped=True) as port:
        told(EMAIL, f"smtps://localhost:{port}", monkeypatch)
    assert LETTERS[-1]["tls"]


def test_why_no_letter_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail() as port:
        address = f"smtp://127.0.0.1:{port}"
        before = len(LETTERS)
        nobody = EMAIL | {"to": ["nobody@example.com"]}
        why = why_not(nobody, address, monkeypatch, "secret")
        assert why.endswith("was not told: the server refused nobody@example.com (550)")
        assert len(LETTERS) == before
        # Who is there gets it all the same.
        some = EMAIL | {"to": ["a@example.com", "nobody@example.com"]}
        assert "refused nobody@example.com (550)" in why_not(some, address, monkeypatch, "secret")
        assert LETTERS[-1]["to"] == ["a@example.com"]
        # A login needs a server that knows users, and one that others cannot read along.
        login = f"smtp://u:secret@127.0.0.1:{port}"
        assert "answered 535" in why_not(EMAIL, login, monkeypatch, "secret")
    assert "does not answer" in why_not(EMAIL, address, monkeypatch, str(port))
    for wrong in ("secret", "http://secret", "smtp://", "smtp://u:secret@h:x", "smtp://secret:0"):
        assert "not one as smtp://" in why_not(EMAIL, wrong, monkeypatch, "secret")

"""A channel is told, or it is said why not; its address is in no message."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mlp_runtime import notify

TOLD: list[dict[str, str]] = []


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted, unless asked to break."""

    def do_POST(self) -> None:
        """Remember what was said."""
        TOLD.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Where a channel listens."""
    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_channel_is_told(address: str) -> None:
    notify.slack(f"{address}/hook", "späte Züge: failed\ntrain model: no rows")
    assert TOLD[-1] == {"text": "späte Züge: failed\ntrain model: no rows"}


def test_why_nobody_was_told(address: str) -> None:
    with pytest.raises(notify.NotifyError, match="the server answered 500") as told:
        notify.slack(f"{address}/broken", "x")
    assert address not in str(told.value)
    for wrong in ("http://hooks.example.com/secret", "secret", "ftp://secret"):
        with pytest.raises(notify.NotifyError, match="not one of https") as told:
            notify.slack(wrong, "x")
        assert "secret" not in str(told.value)
    with pytest.raises(notify.NotifyError, match="does not answer"):
        notify.slack("http://127.0.0.1:9/secret", "x")

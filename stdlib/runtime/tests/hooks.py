"""Channels that listen on this machine, and what they were told.

Run as a program, it prints their addresses, then a line of JSON for whatever they are told, until its
standard input ends.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

TOLD: list[Any] = []
"""What was posted to channels of this process."""

LETTERS: list[dict[str, Any]] = []
"""The letters that its mail servers took."""

USER, PASSWORD = "mlp", "a p@ss/word"


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted, unless asked to break."""

    def do_POST(self) -> None:
        """Remember what was said."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.hear(json.loads(body))
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def hear(self, told: Any) -> None:
        """Keep what was posted."""
        TOLD.append(told)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Mailbox:
    """Takes letters, but none for `nobody@…`."""

    def __init__(self, hear: Callable[[dict[str, Any]], None] = LETTERS.append) -> None:
        self.hear = hear

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse who is not here."""
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Remember a letter, who brought it, and whether others could read along."""
        letter = message_from_bytes(envelope.content or b"", policy=policy.default)
        body = letter.get_body(("plain", "html"))
        self.hear(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "subject": str(letter["Subject"]),
                "text": "" if body is None else body.get_content().replace("\r\n", "\n"),
                "user": session.auth_data,
                "tls": server.transport.get_extra_info("sslcontext") is not None,
            }
        )
        return "250 OK"


def _allow(server: SMTP, session: Session, envelope: Envelope, way: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword)
    right = known and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=USER if right else None)


@contextmanager
def listening(hook: type[Hook] = Hook) -> Iterator[str]:
    """Where a channel listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Mail(Controller):
    """A mail server on a port that was free."""

    def _trigger_server(self) -> None:
        # Port 0 is known to be another one once it listens.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail(
    mailbox: Mailbox | None = None,
    tls: ssl.SSLContext | None = None,
    *,
    closed: bool = False,
    wrapped: bool = False,
) -> Iterator[int]:
    """The port of a mail server, which offers STARTTLS, or begins with TLS, if it has a certificate; a closed one wants a
    login first.
    """
    controller = _Mail(
        mailbox or Mailbox(),
        hostname="127.0.0.1",
        port=0,
        authenticator=_allow,
        auth_required=closed,
        auth_require_tls=tls is not None,
        require_starttls=tls is not None and not wrapped,
        tls_context=None if wrapped else tls,
        ssl_context=tls if wrapped else None,
    )
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop()


def main() -> None:
    """Listen until nobody wants to know any more."""

    def say(told: Any) -> None:
        print(json.dumps(told), flush=True)

    class Told(Hook):
        def hear(self, told: Any) -> None:
            say({"path": self.path, **told})

    with listening(Told) as hook, mail(Mailbox(say)) as port:
        say({"hook": hook, "mail": f"127.0.0.1:{port}"})
        sys.stdin.read()


if __name__ == "__main__":
    main()

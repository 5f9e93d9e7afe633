"""Tells a channel how a run ended: `python -m mlp_runtime.notify`, with channel and message as JSON on standard input.

What opens a channel is in the variable of the environment that the plan names. It is as good as a
password, so no message of this module holds it.
"""

from __future__ import annotations

import http.client
import json
import os
import smtplib
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

_SECONDS = 20
_HERE = ("127.0.0.1", "localhost", "::1")
_PORTS = {"smtp": 587, "smtps": 465}


class NotifyError(Exception):
    """Why nobody was told."""


@dataclass(frozen=True)
class Told:
    """What a channel is told; a webhook gets these as the texts of a JSON object."""

    pipeline: str
    run: str
    ending: str
    message: str


def tell(channel: Mapping[str, Any], told: Told) -> None:
    """Tell a channel of a plan."""
    known = _CHANNELS.get(channel["channel"])
    if known is None:
        raise NotifyError(f"this runtime knows no channel {channel['channel']}")
    variable = str(channel[known.secret])
    address = os.environ.get(variable)
    if not address:
        raise NotifyError(f"the variable {variable}, which holds {known.holds}, is not set")
    try:
        known.send(address, channel, told)
    except NotifyError as error:
        raise NotifyError(f"the {known.name} of {variable} was not told: {error}") from None


def slack(address: str, _: Mapping[str, Any], told: Told) -> None:
    """Post to the webhook of a Slack channel."""
    _post(address, {"text": told.message})


def webhook(address: str, _: Mapping[str, Any], told: Told) -> None:
    """Post to whoever takes JSON."""
    _post(address, asdict(told))


def email(address: str, channel: Mapping[str, Any], told: Told) -> None:
    """Send a letter by the server at `smtp://USER:PASSWORD@HOST:PORT`, or at `smtps://…`."""
    letter = _letter(str(channel["from"]), [str(name) for name in channel["to"]], told)
    server = _server(address)
    try:
        with _connected(server) as connection:
            if server.username:
                connection.login(unquote(server.username), unquote(server.password or ""))
            refused = connection.send_message(letter)
    except smtplib.SMTPAuthenticationError as error:
        raise NotifyError(f"the server answered {error.smtp_code} to user and password") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise NotifyError(f"the server refused {_refused(error.recipients)}") from None
    except smtplib.SMTPResponseException as error:
        raise NotifyError(f"the server answered {error.smtp_code}") from None
    except smtplib.SMTPNotSupportedError:
        raise NotifyError("the server does not offer what is asked: a login, or STARTTLS") from None
    except ssl.SSLCertVerificationError as error:
        raise NotifyError(
            f"the server's certificate is not trusted: {error.verify_message}"
        ) from None
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise NotifyError(f"the server does not answer: {type(error).__name__}") from None
    if refused:
        raise NotifyError(f"the server refused {_refused(refused)}")


def _refused(answers: Mapping[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{name} ({code})" for name, (code, _) in sorted(answers.items()))


def _letter(sender: str, recipients: Sequence[str], told: Told) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = sender
    letter["To"] = ", ".join(recipients)
    letter["Subject"] = f"{told.pipeline}: {told.ending.replace('_', ' ')}"
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    # Nobody's answer that they are away is wanted.
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(f"{told.message}\n\nRun {told.run} of {told.pipeline}\n")
    return letter


def _server(address: str) -> SplitResult:
    """The parts of the address; it names no part of itself when it is wrong."""
    wrong = NotifyError("the address is not one as smtp://USER:PASSWORD@HOST:PORT")
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise wrong from None
    if parts.scheme not in _PORTS or not host or port == 0:
        raise wrong
    return parts


def _connected(server: SplitResult) -> smtplib.SMTP:
    """A connection that nobody else reads: with TLS, unless the server is this machine and offers none."""
    context = ssl.create_default_context()
    host, port = server.hostname or "", server.port or _PORTS[server.scheme]
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=context)
    connection = smtplib.SMTP(host, port, timeout=_SECONDS)
    try:
        connection.ehlo()
        if connection.has_extn("starttls") or host not in _HERE:
            connection.starttls(context=context)
    except BaseException:
        connection.close()
        raise
    return connection


def _post(address: str, value: Mapping[str, str]) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise NotifyError("the address is not one of https")
    request = urllib.request.Request(
        address,
        data=json.dumps(value).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):
            return
    except urllib.error.HTTPError as error:
        raise NotifyError(f"the server answered {error.code}") from None
    except urllib.error.URLError as error:
        raise NotifyError(f"the server does not answer: {error.reason}") from None
    except (OSError, ValueError, http.client.InvalidURL) as error:
        raise NotifyError(f"the server does not answer: {type(error).__name__}") from None


@dataclass(frozen=True)
class _Channel:
    """A kind of channel: which setting names its variable, what that holds, and how it is told."""

    name: str
    secret: str
    holds: str
    send: Callable[[str, Mapping[str, Any], Told], None]


_CHANNELS = {
    "slack": _Channel("webhook", "webhook", "the webhook's address", slack),
    "email": _Channel("mail server", "server", "the address of the mail server", email),
    "webhook": _Channel("webhook", "url", "the webhook's address", webhook),
}
"""What `notify` of a plan may name."""


def main() -> None:
    """Read, tell; say in one line what went wrong."""
    asked = json.load(sys.stdin)
    try:
        tell(asked["channel"], Told(**asked["told"]))
    except NotifyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

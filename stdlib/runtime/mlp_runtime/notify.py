"""Tells a channel how a run ended: `python -m mlp_runtime.notify VARIABLE`, with the message on standard input.

The address of the webhook is in the variable of the environment. It is as good as a password, so no
message of this module holds it.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

_SECONDS = 20
_HERE = ("127.0.0.1", "localhost", "::1")


class NotifyError(Exception):
    """Why nobody was told."""


def slack(address: str, text: str) -> None:
    """Post a text to the webhook of a Slack channel."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise NotifyError("the address is not one of https")
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(
        address, data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):
            return
    except urllib.error.HTTPError as error:
        raise NotifyError(f"the server answered {error.code}") from None
    except urllib.error.URLError as error:
        raise NotifyError(f"the server does not answer: {error.reason}") from None
    except OSError as error:
        raise NotifyError(f"the server does not answer: {type(error).__name__}") from None


def main() -> None:
    """Read, post; say in one line what went wrong."""
    [variable] = sys.argv[1:]
    address = os.environ.get(variable)
    if not address:
        sys.exit(f"the variable {variable}, which holds the webhook's address, is not set")
    try:
        slack(address, sys.stdin.read())
    except NotifyError as error:
        sys.exit(f"the webhook of {variable} was not told: {error}")


if __name__ == "__main__":
    main()

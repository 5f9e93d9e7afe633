"""A channel is told, or it is said why not; its address is in no message."""

from __future__ import annotations

import pytest
from hooks import TOLD, listening

from mlp_runtime import notify


def test_a_channel_is_told() -> None:
    with listening() as address:
        notify.slack(f"{address}/hook", "späte Züge: failed\ntrain model: no rows")
    assert TOLD[-1] == {"text": "späte Züge: failed\ntrain model: no rows"}


def test_why_nobody_was_told() -> None:
    with (
        listening() as address,
        pytest.raises(notify.NotifyError, match="the server answered 500") as told,
    ):
        notify.slack(f"{address}/broken", "x")
    assert address not in str(told.value)
    for wrong in ("http://hooks.example.com/secret", "secret", "ftp://secret"):
        with pytest.raises(notify.NotifyError, match="not one of https") as told:
            notify.slack(wrong, "x")
        assert "secret" not in str(told.value)
    with pytest.raises(notify.NotifyError, match="does not answer"):
        notify.slack("http://127.0.0.1:9/secret", "x")

"""Runs a user's shell command with the names in it replaced by quoted values."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlp_runtime.step import Failure


def run(command: str, values: Mapping[str, Any]) -> None:
    """Run `command`; fail if it, or any command of a pipe in it, fails."""
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", filled(command, values)], check=False
    )
    if finished.returncode != 0:
        raise Failure(f"the command exited with {finished.returncode}: {command}")


def filled(command: str, values: Mapping[str, Any]) -> str:
    """`command` with each `{name}` replaced by its quoted value; `{{` is a brace."""

    def replace(found: re.Match[str]) -> str:
        if found[0] == "{{":
            return "{"
        name = found[1]
        return shlex.quote(_text(values[name])) if name in values else found[0]

    return re.sub(r"\{\{|\{([A-Za-z_][A-Za-z0-9_]*)\}", replace, command)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, Path | str) else json.dumps(value)

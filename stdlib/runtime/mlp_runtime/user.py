"""Functions in the user's own files, which a build and a model carry in a folder `code`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

# Builds and models are checked file by file, so nothing may write bytecode between their files.
sys.dont_write_bytecode = True

_LOADED: dict[str, str] = {}


def function(near: str | Path, file: str, name: str) -> Callable[..., Any]:
    """The function `name` of the user's `file`, for the generated file `near`."""
    found: Callable[..., Any] = getattr(module(near, file), name)
    return found


def module(near: str | Path, file: str) -> ModuleType:
    """The user's `file` as a module; it may import its neighbours and what lies under `code`."""
    code = folder(Path(near))
    path = code / file
    name = "user_" + file.removesuffix(".py").replace("/", "_").replace("-", "_")
    if name in sys.modules:
        return sys.modules[name]
    for place in (code, path.parent):
        if str(place) not in sys.path:
            sys.path.append(str(place))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    _LOADED[name] = file
    spec.loader.exec_module(made)
    return made


def folder(near: Path) -> Path:
    """The folder `code` that belongs to a generated file: beside it, or beside its folder."""
    beside = near.resolve().parent / "code"
    return beside if beside.is_dir() else beside.parent.parent / "code"


def loaded() -> list[str]:
    """The user's files that were loaded."""
    return sorted(_LOADED.values())

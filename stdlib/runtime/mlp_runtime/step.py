"""The contract of a step: typed flags, outputs that appear whole or not at all, a result.

A step is a program `python steps/X.py --NAME VALUE ... --result PATH`. It declares what it is
given as a frozen dataclass whose annotations say what each flag is, and hands it to `main`:

    @dataclass(frozen=True, kw_only=True)
    class Args:
        rows: step.Input
        model: step.Output
        max_iter: int
        seed: step.Seed
        threads: step.Threads

    if __name__ == "__main__":
        step.main(Args, run)

Parameters come as JSON text and are checked against their annotation. Exit codes: 0 fine, 3 a gate
refused (outputs and result are there), 4 a data check failed (the checks are there), 1 all else.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from mlp_runtime import files, formats, text

FAILED = 1
REFUSED = 3
DATA_FAILED = 4


class Role(Enum):
    """What a flag that is no parameter stands for."""

    INPUT = "input"
    OPTIONAL_INPUT = "optional input"
    OUTPUT = "output"
    SEED = "seed"
    FOLD = "fold"
    THREADS = "threads"


Input = Annotated[Path, Role.INPUT]
OptionalInput = Annotated[Path | None, Role.OPTIONAL_INPUT]
Output = Annotated[Path, Role.OUTPUT]
Seed = Annotated[int, Role.SEED]
Fold = Annotated[int, Role.FOLD]
Threads = Annotated[int, Role.THREADS]

_NUMBERS = (Role.SEED, Role.FOLD, Role.THREADS)

ArgsT = TypeVar("ArgsT")


class Failure(Exception):
    """A failure that was expected and is told in words, without a traceback."""

    def __init__(self, message: str, *, code: int = FAILED) -> None:
        """Say what went wrong and with which code the program exits."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a step reports about its work, beside its outputs."""

    summary: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    refused: bool = False


def main(
    args_type: type[ArgsT],
    run: Callable[[ArgsT], Result],
    argv: Sequence[str] | None = None,
) -> None:
    """Run a step as a program: parse flags, run, put outputs in place, write the result."""
    sys.exit(_main(args_type, run, sys.argv[1:] if argv is None else argv))


def _main(args_type: type[ArgsT], run: Callable[[ArgsT], Result], argv: Sequence[str]) -> int:
    roles = _roles(args_type)
    given, result_path = _parse(args_type, roles, argv)
    outputs = {name: given[name] for name, role in roles.items() if role is Role.OUTPUT}
    partial = {name: _partial(path) for name, path in outputs.items()}
    threads = next((given[name] for name, role in roles.items() if role is Role.THREADS), 1)
    try:
        with _threads(threads), warnings.catch_warnings(record=True) as caught:
            result = run(args_type(**{**given, **partial}))
        _commit(partial, outputs, optional=False)
        told = _tell(caught)
        files.write_json(_partial(result_path), _record(result, outputs, told))
        _partial(result_path).replace(result_path)
    except Failure as failure:
        if failure.code == DATA_FAILED:
            _commit(partial, outputs, optional=True)
        print(failure, file=sys.stderr)
        return failure.code
    finally:
        for path in partial.values():
            _remove(path)
    return REFUSED if result.refused else 0


def _roles(args_type: type[Any]) -> dict[str, Role | Any]:
    """The role, or else the annotation, of each field."""
    hints = get_type_hints(args_type, include_extras=True)
    return {item.name: _role(hints[item.name]) for item in fields(args_type)}


def _role(hint: Any) -> Role | Any:
    found = next(
        (extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Role)), None
    )
    return found or hint


def flag(name: str) -> str:
    """The flag of a field: `max_iter` is `--max-iter`; an ending `_` only avoids a keyword."""
    return "--" + name.rstrip("_").replace("_", "-")


def parameters(args: Any) -> dict[str, Any]:
    """The parameters among what a step was given, by name: for the record."""
    roles = _roles(type(args))
    return {
        name.rstrip("_"): getattr(args, name)
        for name, role in roles.items()
        if not isinstance(role, Role)
    }


def _parse(
    args_type: type[Any], roles: Mapping[str, Any], argv: Sequence[str]
) -> tuple[dict[str, Any], Path]:
    module = sys.modules[args_type.__module__]
    parser = argparse.ArgumentParser(description=module.__doc__, allow_abbrev=False)
    for name, role in roles.items():
        required = role is not Role.OPTIONAL_INPUT
        parser.add_argument(flag(name), dest=name, required=required, metavar=_metavar(role))
    parser.add_argument("--result", dest="result file", required=True, metavar="FILE")
    texts = vars(parser.parse_args(argv))
    result = Path(texts.pop("result file"))
    try:
        return {name: _value(name, roles[name], text) for name, text in texts.items()}, result
    except ValueError as error:
        parser.error(str(error))


def _metavar(role: Any) -> str:
    if role in _NUMBERS:
        return "N"
    return "PATH" if isinstance(role, Role) else "JSON"


def _value(name: str, role: Any, text: str | None) -> Any:
    if text is None:
        return None
    if role in _NUMBERS:
        return int(text)
    if isinstance(role, Role):
        return Path(text)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{flag(name)} takes JSON, not {text!r}") from error
    return _typed(flag(name), role, value)


def _typed(name: str, hint: Any, value: Any) -> Any:
    """`value` as the annotation says; an int is a float where one is asked for."""
    for choice in _choices(hint):
        origin = get_origin(choice)
        if origin is Literal and any(
            value == item and type(value) is type(item) for item in get_args(choice)
        ):
            return value
        if origin is list and isinstance(value, list):
            return [_typed(name, get_args(choice)[0], item) for item in value]
        if origin is dict and isinstance(value, dict):
            return {key: _typed(name, get_args(choice)[1], item) for key, item in value.items()}
        if choice is Any or (isinstance(choice, type) and type(value) is choice):
            return value
    if type(value) is int and float in _choices(hint):
        return float(value)
    raise ValueError(f"{name} takes {_type_name(hint)}, not {json.dumps(value)}")


def _choices(hint: Any) -> tuple[Any, ...]:
    choices = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(NoneType if choice is None else choice for choice in choices)


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Hold numeric libraries to `count` threads, those that are loaded and those to come."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(count))
    if "sklearn" not in sys.modules:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=count):
        yield


def _tell(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """Warnings of libraries, each once, also on standard error."""
    told = list(dict.fromkeys(f"{item.category.__name__}: {item.message}" for item in caught))
    for line in told:
        print(line, file=sys.stderr)
    return told


def _record(result: Result, outputs: Mapping[str, Path], told: list[str]) -> dict[str, Any]:
    noted = f"{result.summary}; {text.count(len(told), 'warning')}"
    return {
        "format": formats.RESULT,
        "outputs": {
            name: {"path": path.name, "sha256": files.digest(path)}
            for name, path in outputs.items()
        },
        "metrics": dict(result.metrics),
        "rows": dict(result.rows),
        "summary": noted if told else result.summary,
        "warnings": told,
    }


def _partial(path: Path) -> Path:
    """Where an output grows until it is whole: beside its place, so that a rename puts it there."""
    return path.with_name(f".partial-{os.getpid()}-{path.name}")


def _commit(partial: Mapping[str, Path], outputs: Mapping[str, Path], *, optional: bool) -> None:
    missing = [name for name, path in partial.items() if not path.exists()]
    if missing and not optional:
        raise Failure(f"the step wrote no {', '.join(missing)}")
    for name, path in partial.items():
        if name not in missing:
            _remove(outputs[name])
            path.replace(outputs[name])


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

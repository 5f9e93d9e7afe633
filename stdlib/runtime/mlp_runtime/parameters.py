"""What a run is given: values of parameters, checked by type and range, and what steps make of them.

Whoever starts a run gives JSON, by name; a person writes `NAME=VALUE` as the language does. A day for which a run is
scheduled stands for the parameters that ask for it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mlp_runtime.step import Failure

Json = Mapping[str, Any]

_WHOLE = range(-(2**63), 2**63)


def given(declared: Json, pairs: Sequence[str], document: str | None) -> dict[str, Any]:
    """The values that a run is given, checked: those of a JSON object, in which null leaves a default, and `NAME=VALUE`."""
    values: dict[str, Any] = {}
    for name, value in _object(document).items():
        if value is not None:
            values[name] = _checked(name, _declared(declared, name), value)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise Failure(f"--param takes NAME=VALUE, not {pair}")
        name = name.strip()
        parameter = _declared(declared, name)
        values[name] = _checked(name, parameter, _spelled(parameter["dtype"]["type"], text.strip()))
    return values


def day_of(moment: str, zone: str) -> str:
    """The day in a zone of the moment for which a run is scheduled: ISO 8601, or the digits that Kubeflow writes."""
    try:
        known = (
            datetime.strptime(moment, "%Y%m%d%H%M%S")
            if re.fullmatch(r"\d{14}", moment)
            else datetime.fromisoformat(moment.replace("Z", "+00:00"))
        )
    except ValueError:
        raise Failure(f"--scheduled takes a moment as 2026-01-31T05:00:00Z, not {moment}") from None
    if known.tzinfo is None:
        known = known.replace(tzinfo=UTC)
    return known.astimezone(ZoneInfo(zone)).date().isoformat()


def value_of(derived: Json, values: Json) -> Any:
    """The value of a step that follows from parameters."""
    value = _formula(derived["formula"], values)
    if derived.get("is_float") and type(value) is int:
        value = float(value)
    _in_range("what follows from the parameters", derived.get("range"), value)
    return value


def names(formula: Json) -> set[str]:
    """The parameters that a formula names."""
    kind, inner = next(iter(formula.items()))
    if kind == "parameter":
        return {str(inner)}
    if kind == "binary":
        return names(inner["left"]) | names(inner["right"])
    if kind == "negative":
        return names(inner)
    return set[str]().union(*map(names, inner)) if kind == "list" else set()


def _object(document: str | None) -> Json:
    if not document:
        return {}
    try:
        values = json.loads(document)
    except json.JSONDecodeError as error:
        raise Failure(f"--params takes a JSON object: {error}") from None
    if not isinstance(values, dict):
        raise Failure("--params takes a JSON object, from names of parameters to values")
    return values


def _declared(declared: Json, name: str) -> Json:
    parameter: Json | None = declared.get(name)
    if parameter is None:
        known = ", ".join(declared) or "none"
        raise Failure(f"no run can be given a parameter {name}: this build takes {known}")
    return parameter


def _spelled(kind: str, text: str) -> Any:
    """What a text spells as a value of a type; what it cannot spell is refused later."""
    if kind in ("string", "category"):
        quoted = len(text) > 1 and text[0] == text[-1] == '"'
        return json.loads(text) if quoted else text
    if kind == "bool":
        return {"true": True, "false": False}.get(text, text)
    digits = text.replace("_", "")
    if re.fullmatch(r"[+-]?\d+", digits):
        return int(digits)
    number = re.fullmatch(r"([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(%?)", digits)
    if number is None:
        return text
    return float(number[1]) / 100.0 if number[2] else float(number[1])


def _checked(name: str, parameter: Json, value: Any) -> Any:
    """The value as the compiler has it; fail if it is of another type or outside the range."""
    kind = parameter["dtype"]["type"]
    what, read = _TYPES[kind]
    found = read(value)
    if found is None:
        raise Failure(f"{name} is {what}, not {json.dumps(value)}")
    levels = parameter["dtype"].get("levels")
    if levels is not None and found not in levels:
        raise Failure(f"{name} is one of {', '.join(levels)}, not {found}")
    _in_range(name, parameter.get("range"), found)
    return found


def _whole(value: Any) -> int | None:
    # JSON of some servers knows no whole numbers.
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value in _WHOLE else None


def _number(value: Any) -> float | None:
    fits = type(value) in (int, float) and math.isfinite(value)
    return float(value) if fits else None


def _day(value: Any) -> str | None:
    try:
        return date.fromisoformat(value).isoformat() if isinstance(value, str) else None
    except ValueError:
        return None


def _instant(value: Any) -> str | None:
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


_TYPES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "bool": ("true or false", lambda value: value if type(value) is bool else None),
    "int": ("a whole number", _whole),
    "float": ("a number", _number),
    "string": ("a text", lambda value: value if type(value) is str else None),
    "category": ("a text", lambda value: value if type(value) is str else None),
    "date": ("a day as 2026-01-31", _day),
    "timestamp": ("an instant as 2026-01-31T05:00:00Z", _instant),
}


def _in_range(what: str, allowed: Json | None, value: Any) -> None:
    if allowed is None or type(value) not in (int, float):
        return
    low, high = allowed["low"], allowed["high"]
    above = low is None or value > low or (allowed["low_closed"] and value == low)
    below = high is None or value < high or (allowed["high_closed"] and value == high)
    if not (above and below):
        raise Failure(f"{what} is in {_range(allowed)}, not {json.dumps(value)}")


def _range(allowed: Json) -> str:
    """As the language writes it: `1..=5`, `0<..<1`."""
    low = "" if allowed["low"] is None else f"{allowed['low']:g}"
    high = "" if allowed["high"] is None else f"{allowed['high']:g}"
    after_low = "" if allowed["low_closed"] or not low else "<"
    before_high = "" if not high else "=" if allowed["high_closed"] else "<"
    return f"{low}{after_low}..{before_high}{high}"


def _formula(formula: Json, values: Json) -> Any:
    kind, inner = next(iter(formula.items()))
    if kind == "parameter":
        return values[inner]
    if kind == "value":
        return inner
    if kind == "list":
        return [_formula(item, values) for item in inner]
    if kind == "negative":
        return _kept(-_formula(inner, values))
    left, right = _formula(inner["left"], values), _formula(inner["right"], values)
    try:
        return _kept(_OPERATORS[inner["operator"]](left, right))
    except ZeroDivisionError:
        raise Failure(
            f"{left} / {right}, which follows from the parameters, has no value"
        ) from None


def _kept(value: Any) -> Any:
    fits = value in _WHOLE if type(value) is int else math.isfinite(value)
    if not fits:
        raise Failure("a number that follows from the parameters is too large")
    return value


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: float(left) / float(right),
}

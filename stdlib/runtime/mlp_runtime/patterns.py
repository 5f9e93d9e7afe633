"""Texts that match a regular expression, for made-up rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MORE = 3
"""How often an open repetition is repeated beyond its least."""

_CLASSES = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_WORD": "abcXYZ019_",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "abc -",
    "CATEGORY_NOT_WORD": " -.",
    "CATEGORY_NOT_SPACE": "abc019",
}


def example(pattern: str, chance: random.Random) -> str:
    """A text that matches in full; where the pattern asks for what can't be made up, one may not."""
    return _sequence(parser.parse(pattern), chance)


def _sequence(parts: Any, chance: random.Random) -> str:
    return "".join(_MAKERS.get(str(kind), _nothing)(argument, chance) for kind, argument in parts)


def _nothing(argument: Any, chance: random.Random) -> str:
    """Positions and what stands around them hold no letters."""
    return ""


def _literal(argument: Any, chance: random.Random) -> str:
    return chr(argument)


def _other(argument: Any, chance: random.Random) -> str:
    return next(letter for letter in "ab" if ord(letter) != argument)


def _any(argument: Any, chance: random.Random) -> str:
    return chance.choice("aZ0 -")


def _among(argument: Any, chance: random.Random) -> str:
    letters = [letter for kind, item in argument for letter in _letters(str(kind), item)]
    if argument and argument[0][0] is codes.NEGATE:
        letters = [letter for letter in "abcXYZ019 -_" if letter not in letters]
    return chance.choice(letters or [""])


def _letters(kind: str, item: Any) -> list[str]:
    if kind == "LITERAL":
        return [chr(item)]
    if kind == "RANGE":
        low, high = item
        return [chr(code) for code in range(low, min(high, low + 64) + 1)]
    return list(_CLASSES.get(str(item), "")) if kind == "CATEGORY" else []


def _repeated(argument: Any, chance: random.Random) -> str:
    least, most, parts = argument
    count = chance.randint(least, min(most, least + MORE))
    return "".join(_sequence(parts, chance) for _ in range(count))


def _group(argument: Any, chance: random.Random) -> str:
    return _sequence(argument[-1], chance)


def _branch(argument: Any, chance: random.Random) -> str:
    return _sequence(chance.choice(argument[1]), chance)


_MAKERS: Mapping[str, Callable[[Any, random.Random], str]] = {
    "LITERAL": _literal,
    "NOT_LITERAL": _other,
    "ANY": _any,
    "IN": _among,
    "MAX_REPEAT": _repeated,
    "MIN_REPEAT": _repeated,
    "SUBPATTERN": _group,
    "ATOMIC_GROUP": lambda argument, chance: _sequence(argument, chance),
    "BRANCH": _branch,
}

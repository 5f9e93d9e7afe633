"""Reads every file of builds as whoever uses it would: `read_builds.py FOLDER…` prints for each folder its files, and of each file
its shape, without its texts, and the texts that hold a marker.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

MARKED = re.compile(r"\bq[a-z]+q")
"""The start of a text of people."""


SHOWN = "columns"
"""What Kubeflow shows of a table; left out there if a text of it holds double braces, which its servers would fill in."""


class Page(HTMLParser):
    """Tags with the names of their attributes, and all text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shape: list[Any] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append([tag, [name for name, _ in attrs]])
        self.texts += [value for _, value in attrs if value is not None]

    def handle_endtag(self, tag: str) -> None:
        self.shape.append(["/", tag])

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def values(value: Any) -> tuple[Any, list[str]]:
    """The shape of plain data, in which texts are one like the other, and those texts."""
    if isinstance(value, str):
        return "text", [value]
    if isinstance(value, dict):
        parts = [(key if not MARKED.search(key) else "text", *values(item)) for key, item in value.items()]
        shape = sorted(([key, shape] for key, shape, _ in parts if key != SHOWN), key=json.dumps)
        return {"map": shape}, [*value, *(text for _, _, texts in parts for text in texts)]
    if isinstance(value, list):
        parts = [values(item) for item in value]
        return sorted((shape for shape, _ in parts), key=json.dumps), [text for _, texts in parts for text in texts]
    return type(value).__name__, []


def python(text: str) -> tuple[Any, list[str]]:
    """A program: docstrings are shown to people, laid out for them, so only their place counts."""
    tree = ast.parse(text)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docs:
                found.append(node.value)
            node.value = "text"
    return ast.dump(tree), found


def documents(text: str) -> tuple[Any, list[str]]:
    return values(list(yaml.safe_load_all(text)))


def page(text: str) -> tuple[Any, list[str]]:
    read = Page()
    read.feed(text)
    read.close()
    return read.shape, ["".join(read.texts)]


def lines(text: str) -> tuple[Any, list[str]]:
    """Lines of a Dockerfile or of a script, whose labels are shown in short: what is in quotes, where nothing is filled in
    there, and digests are one like the other.
    """
    quoted = re.sub(r'"(\\.|[^"\\$])*"', '""', text)
    return re.sub(r"\b[0-9a-f]{12,64}\b", "digest", quoted).split("\n"), []


READERS = {
    ".py": python,
    ".json": lambda text: values(json.loads(text)),
    ".yaml": documents,
    ".toml": lambda text: values(tomllib.loads(text)),
    ".html": page,
    ".svg": page,
    "": lines,
    ".sh": lines,
}
"""By the end of a file's name; what is not here is for people only, as Markdown."""


@cache
def told(ending: str, text: str) -> dict[str, Any]:
    """Shape and marked texts of a file; targets have most files in common."""
    shape, texts = READERS[ending](text)
    return {"shape": json.dumps(shape), "texts": [text for text in texts if MARKED.search(text)]}


def read(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in READERS:
            yield path.relative_to(folder).as_posix(), told(path.suffix, path.read_bytes().decode())


if __name__ == "__main__":
    print(json.dumps([dict(read(Path(folder))) for folder in sys.argv[1:]]))

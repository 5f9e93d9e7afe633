"""Reads documents with a reader of YAML 1.1 and one of 1.2: `texts.py FILE`, a JSON list of documents and their values.

Exit code 1 with one line per document that does not come back as it was.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML


def same(left: Any, right: Any) -> bool:
    """Whether values are equal, types included."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


def main() -> int:
    """Read all of them."""
    readers = {"1.1": yaml.safe_load, "1.2": YAML(typ="safe", pure=True).load}
    code = 0
    for number, (document, value) in enumerate(json.loads(Path(sys.argv[1]).read_text())):
        for version, read in readers.items():
            try:
                found = read(document)
            except Exception as error:
                found = error
            if not same(found, value):
                print(f"{number} by {version}: {document[:500]!r} gives {str(found)[:500]!r}")
                code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())

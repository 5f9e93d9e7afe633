"""Takes one file out of the archive of a package, wheel or source; nothing of it is run.

`python -m mlp_runtime.unpack ARCHIVE MEMBER FILE`. In a source archive all files lie in one folder,
`name-version/`, which is no part of the member's path.
"""

from __future__ import annotations

import difflib
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path


def unpack(archive: Path, member: str, file: Path) -> None:
    """Copy the member's bytes to `file`; fail with the names that are near."""
    if archive.name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as packed:
            names = {_inside(archive, name): name for name in packed.namelist()}
            with (
                packed.open(names[_known(member, names, archive)]) as source,
                file.open("wb") as to,
            ):
                shutil.copyfileobj(source, to)
        return
    with tarfile.open(archive) as unzipped:
        items = {_inside(archive, item.name): item for item in unzipped if item.isfile()}
        source_file = unzipped.extractfile(items[_known(member, items, archive)])
        if source_file is None:
            sys.exit(f"{member} of {archive.name} is no file")
        with source_file, file.open("wb") as to:
            shutil.copyfileobj(source_file, to)


def _inside(archive: Path, name: str) -> str:
    return name if archive.suffix == ".whl" else name.partition("/")[2]


def _known(member: str, names: Mapping[str, object], archive: Path) -> str:
    if member in names:
        return member
    near = difflib.get_close_matches(member, list(names), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    sys.exit(f"{archive.name} holds no {member}{hint}")


if __name__ == "__main__":
    unpack(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))

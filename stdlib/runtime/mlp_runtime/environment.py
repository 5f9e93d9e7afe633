"""Runs Python in an environment of the plan, which is made from its locked packages where it is used first.

`python3 -m mlp_runtime.environment NAME ARGUMENTS` needs no packages and becomes `python ARGUMENTS`
of that environment. It lies where `mlpc run` keeps its own, `<cache>/envs/<digest>`, is built by one
process at a time, and is whole once its marker holds the digest. The cache is `$MLPC_CACHE_DIR`, else
`$XDG_CACHE_HOME/mlpc`, else `~/.cache/mlpc`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mlp_runtime import plans
from mlp_runtime.plans import ROOT
from mlp_runtime.step import Failure

MARKER = ".mlpc-ready"


def cache() -> Path:
    """The folder of the user in which environments are kept."""
    own, shared = os.environ.get("MLPC_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(own).absolute()
    return Path(shared).absolute() / "mlpc" if shared else Path.home() / ".cache" / "mlpc"


def ensure(name: str) -> Path:
    """The interpreter of an environment of the plan, which is built if it is not there."""
    locked = plans.load().record["environments"].get(name)
    if locked is None:
        raise Failure(f"the plan has no environment {name}")
    digest = str(locked["digest"])
    folder = cache() / "envs" / digest[:16]
    if _is_ready(folder, digest):
        return _interpreter(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_ready(folder, digest):
            shutil.rmtree(folder, ignore_errors=True)
            _build(folder, str(locked["python"]), ROOT / "environments" / name / "requirements.txt")
            (folder / MARKER).write_text(digest, encoding="utf-8")
    return _interpreter(folder)


def _is_ready(folder: Path, digest: str) -> bool:
    marker = folder / MARKER
    return marker.is_file() and marker.read_text(encoding="utf-8") == digest


def _interpreter(folder: Path) -> Path:
    return folder / "bin" / "python"


def _build(folder: Path, version: str, requirements: Path) -> None:
    """A virtual environment with these packages and no others: by uv if there is one, else by pip."""
    uv = shutil.which("uv")
    _run(_python(version), "-m", "venv", *(["--without-pip"] if uv else []), str(folder))
    python = str(_interpreter(folder))
    if uv is None:
        installer = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    else:
        installer = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    _run(*installer, "--require-hashes", "--no-deps", "--requirement", str(requirements))


def _python(version: str) -> str:
    """An interpreter of that version: this one, or one on the path."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        raise Failure(f"there is no python{version} on the path")
    return found


def _run(*command: str) -> None:
    sys.stdout.flush()
    code = subprocess.run(command, env=_variables(), check=False).returncode
    if code != 0:
        raise Failure(f"{' '.join(command)} ended with {code}")


def _variables() -> dict[str, str]:
    """What surrounds this process, without what would lead another Python astray."""
    odd = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in os.environ.items() if name not in odd}


def main(argv: Sequence[str]) -> None:
    """Become Python in the environment; tell why that cannot be."""
    if not argv:
        sys.exit("usage: python3 -m mlp_runtime.environment NAME ARGUMENTS")
    name, *arguments = argv
    try:
        python = str(ensure(name))
    except Failure as failure:
        sys.exit(str(failure))
    sys.stdout.flush()
    os.execve(python, [python, *arguments], {**_variables(), "PYTHONPATH": str(ROOT)})


if __name__ == "__main__":
    main(sys.argv[1:])

"""How long a packaged model takes to answer for one row: measured where it runs, so never twice the same."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from mlp_runtime import model, split, table
from mlp_runtime.step import Failure

CALLS = 200
"""Answers that are timed: enough for a percentile."""

WARM_UP = 20
"""Answers before them, in which caches fill."""


def measure(package: Path, *, rows: Path, parts: Path, part: str) -> list[float]:
    """Seconds that each of some single rows of a part took, from columns to answer, the fastest first."""
    held = model.load(package)
    chosen = split.part(table.read(rows), table.read(parts), part)
    if chosen.is_empty():
        raise Failure(f"the part {part} holds no row to measure by")
    answer = held.predict_proba if held.has_probabilities else held.predict
    taken = []
    for index in range(WARM_UP + CALLS):
        row = chosen.slice(index % chosen.height, 1)
        begun = perf_counter()
        answer(row)
        taken.append(perf_counter() - begun)
    return sorted(taken[WARM_UP:])

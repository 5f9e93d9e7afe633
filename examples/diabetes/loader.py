"""Writes the diabetes table that scikit-learn ships (442 patients) as CSV, in its original units."""

from __future__ import annotations

import csv
from pathlib import Path

from sklearn.datasets import load_diabetes


def main(*, table: Path) -> None:
    """Write the table to `table`, one row per patient, in the order of the source."""
    data = load_diabetes(scaled=False)
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*data.feature_names, "target"])
        for row, target in zip(data.data, data.target, strict=True):
            cells = dict(zip(data.feature_names, row, strict=True))
            cells["sex"] = int(cells["sex"])
            writer.writerow([*cells.values(), target])

"""Small pictures as inline SVG; colours come from the page, numbers are rounded."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from mlp_runtime.design import Codes, Numbers
from mlp_runtime.text import number

_CELL = 56
_SIDE = 420
_POINTS = 1000


def confusion(truth: Codes, predicted: Codes, classes: Sequence[str]) -> str:
    """Counts of each true class (rows) by predicted class (columns), shaded by share of the row."""
    size = len(classes)
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (truth, predicted), 1)
    margin = 12 + 7 * max(len(name) for name in classes)
    parts = []
    for row in range(size):
        total = int(counts[row].sum())
        for column in range(size):
            share = int(counts[row, column]) / total if total else 0.0
            x, y = margin + column * _CELL, 44 + row * _CELL
            good = "good" if row == column else "bad"
            parts.append(
                f'<rect class="{good}" x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}"'
                f' rx="4" fill-opacity="{0.06 + 0.74 * share:.3f}"/>'
            )
            middle = f'x="{x + _CELL // 2 - 1}" text-anchor="middle"'
            parts.append(f'<text {middle} y="{y + 26}">{counts[row, column]}</text>')
            parts.append(f'<text {middle} y="{y + 42}" class="faint">{share:.0%}</text>')
    for index, name in enumerate(classes):
        place = index * _CELL + _CELL // 2
        text = escape(name)
        parts.append(
            f'<text x="{margin + place - 1}" y="36" text-anchor="middle" class="axis">{text}</text>'
        )
        parts.append(
            f'<text x="{margin - 8}" y="{48 + place}" text-anchor="end" class="axis">{text}</text>'
        )
    caption = f'<text x="{margin}" y="14" class="faint">predicted (true classes are rows)</text>'
    width = margin + size * _CELL + 90
    return _svg(width, 52 + size * _CELL, "confusion matrix", [caption, *parts])


def predicted_and_true(truth: Numbers, predicted: Numbers) -> str:
    """Predicted against true values, with the line on which they agree."""
    step = max(1, len(truth) // _POINTS)
    low = float(min(truth.min(), predicted.min()))
    high = float(max(truth.max(), predicted.max()))
    span = high - low or 1.0

    def place(value: float) -> float:
        return 40 + (value - low) / span * _SIDE

    bottom = _SIDE + 60
    parts = [
        f'<line class="guide" x1="40" x2="{_SIDE + 40}" y1="{_SIDE + 20}" y2="20"/>',
    ]
    for true, guess in zip(truth[::step], predicted[::step], strict=True):
        x, y = place(float(true)), bottom - place(float(guess))
        parts.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>')
    for x, y, anchor, text in (
        (40, bottom - 16, "start", number(low)),
        (_SIDE + 40, bottom - 16, "end", number(high)),
        (40 + _SIDE // 2, bottom - 16, "middle", "true"),
        (40, 14, "start", "predicted"),
    ):
        parts.append(f'<text class="faint" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>')
    return _svg(_SIDE + 60, bottom, "predicted and true values", parts)


def histogram(values: Numbers, *, bins: int = 31) -> str:
    """How often values occur, zero in the middle."""
    reach = float(np.abs(values).max()) or 1.0
    counts, _ = np.histogram(values, bins=bins, range=(-reach, reach))
    top = int(counts.max())
    width = _SIDE / bins
    parts = []
    for index, count in enumerate(counts):
        height = int(count) / top * 110
        parts.append(
            f'<rect class="good" x="{40 + index * width:.1f}" y="{130 - height:.1f}"'
            f' width="{width - 1.5:.1f}" height="{height:.1f}"/>'
        )
    for x, anchor, text in (
        (40, "start", number(-reach)),
        (40 + _SIDE // 2, "middle", "0"),
        (40 + _SIDE, "end", number(reach)),
    ):
        parts.append(f'<text class="faint" x="{x}" y="148" text-anchor="{anchor}">{text}</text>')
    return _svg(_SIDE + 60, 156, "residuals: predicted minus true", parts)


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>"])

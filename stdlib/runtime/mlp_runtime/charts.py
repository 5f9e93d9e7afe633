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
    longest = max(len(name) for name in classes)
    margin, width = 16 + 8 * longest, max(_CELL, 16 + 8 * longest)
    parts = [_caption(margin, 14, "predicted (rows are true classes)")]
    for index, name in enumerate(classes):
        across, down = margin + index * width + width // 2, 44 + index * _CELL + _CELL // 2
        parts.append(_label(across, 36, "middle", name))
        parts.append(_label(margin - 8, down + 4, "end", name))
        total = int(counts[index].sum())
        for column in range(size):
            count = int(counts[index, column])
            x, y = margin + column * width, 44 + index * _CELL
            kind = "good" if index == column else "bad"
            parts += _shaded(x, y, width, kind, count, count / total if total else 0.0)
    return _svg(margin + size * width, 48 + size * _CELL, "confusion matrix", parts)


def _shaded(x: int, y: int, width: int, kind: str, count: int, share: float) -> list[str]:
    """One cell: a count and its share of the row."""
    middle = x + width // 2 - 1
    return [
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width - 2}" height="{_CELL - 2}" rx="4"'
        f' fill-opacity="{0.05 + 0.45 * share:.3f}"/>',
        _label(middle, y + 25, "middle", str(count)),
        _caption(middle, y + 41, f"{share:.0%}", anchor="middle"),
    ]


def _label(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _caption(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text class="faint" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


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
        parts.append(_caption(x, y, text, anchor=anchor))
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
        parts.append(_caption(x, 148, text, anchor=anchor))
    return _svg(_SIDE + 60, 156, "residuals: predicted minus true", parts)


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>"])

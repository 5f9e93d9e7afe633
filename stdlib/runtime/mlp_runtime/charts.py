"""Small pictures as inline SVG; colours come from the page, numbers are rounded."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from mlp_runtime.design import Codes, Numbers
from mlp_runtime.profile import Bin, ColumnProfile
from mlp_runtime.text import number

_CELL = 56
_SIDE = 420
_POINTS = 1000
_WIDE, _HIGH, _BARS = 320, 80, 32
_LEVELS, _ROW, _NAMES = 10, 20, 120


def confusion(truth: Codes, predicted: Codes, classes: Sequence[str]) -> str:
    """Counts of each true class (rows) by predicted class (columns), shaded by share of the row."""
    size = len(classes)
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (truth, predicted), 1)
    longest = max(len(name) for name in classes)
    margin, width = 16 + 8 * longest, max(_CELL, 16 + 8 * longest)
    parts = [caption(margin, 14, "predicted")]
    for index, name in enumerate(classes):
        across, down = margin + index * width + width // 2, 44 + index * _CELL + _CELL // 2
        parts.append(label(across, 36, "middle", name))
        parts.append(label(margin - 8, down + 4, "end", name))
        total = int(counts[index].sum())
        for column in range(size):
            count = int(counts[index, column])
            x, y = margin + column * width, 44 + index * _CELL
            kind = "good" if index == column else "bad"
            parts += _shaded(x, y, width, kind, count, count / total if total else 0.0)
    return svg(margin + size * width, 48 + size * _CELL, "confusion matrix", parts)


def _shaded(x: int, y: int, width: int, kind: str, count: int, share: float) -> list[str]:
    """One cell: a count and its share of the row."""
    middle = x + width // 2 - 1
    return [
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width - 2}" height="{_CELL - 2}" rx="4"'
        f' fill-opacity="{0.05 + 0.45 * share:.3f}"/>',
        label(middle, y + 25, "middle", str(count)),
        caption(middle, y + 41, f"{share:.0%}", anchor="middle"),
    ]


def label(x: float, y: float, anchor: str, text: str) -> str:
    """A text of users or ours."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def caption(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    """A small, faint text."""
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
        parts.append(caption(x, y, text, anchor=anchor))
    return svg(_SIDE + 60, bottom, "predicted and true values", parts)


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
        parts.append(caption(x, 148, text, anchor=anchor))
    return svg(_SIDE + 60, 156, "residuals: predicted minus true", parts)


def spread(now: ColumnProfile, then: ColumnProfile | None, *, title: str) -> str:
    """Where the middle 98% of a column's numbers lie, as bars; those of earlier ones as an outline."""
    held = [item for item in (now, then) if item is not None and item.bins]
    ends = [_middle(item.bins) for item in held]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    edges = np.linspace(low, high, _BARS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    shares = [_within(item, edges) for item in held]
    top, width = max(float(item.max()) for item in shares) or 1.0, _WIDE / (len(edges) - 1)
    heights = [item / top * _HIGH for item in shares]
    parts = [
        f'<rect class="good" x="{index * width:.1f}" y="{_HIGH - height:.1f}"'
        f' width="{width - 1:.1f}" height="{height:.1f}"/>'
        for index, height in enumerate(heights[0])
    ]
    if len(heights) > 1:
        steps = "".join(
            f" L{index * width:.1f},{_HIGH - height:.1f} L{(index + 1) * width:.1f},{_HIGH - height:.1f}"
            for index, height in enumerate(heights[1])
        )
        parts.append(f'<path class="then" d="M0,{_HIGH}{steps} L{_WIDE},{_HIGH}"/>')
    parts.append(caption(0, _HIGH + 14, number(low)))
    parts.append(caption(_WIDE, _HIGH + 14, number(high), anchor="end"))
    return svg(_WIDE, _HIGH + 20, title, parts)


def _middle(bins: Sequence[Bin]) -> tuple[float, float]:
    """Between which values the middle 98% lie."""
    upto = np.cumsum([item.count for item in bins])
    first, last = np.searchsorted(upto, [0.01 * upto[-1], 0.99 * upto[-1]])
    return bins[int(first)].low, bins[int(last)].high


def _within(profile: ColumnProfile, edges: Numbers) -> Numbers:
    """Which share of the values lies between each two edges, even within each bin of the profile."""
    shares = np.zeros(len(edges) - 1)
    for item in profile.bins:
        if item.high > item.low:
            reach = np.clip((edges - item.low) / (item.high - item.low), 0.0, 1.0)
            shares += np.diff(reach) * item.count
        elif edges[0] <= item.low <= edges[-1]:
            place = int(np.searchsorted(edges, item.low, side="right")) - 1
            shares[min(place, len(shares) - 1)] += item.count
    total: Numbers = shares / profile.present
    return total


def levels(now: ColumnProfile, then: ColumnProfile | None, *, title: str) -> str:
    """The share of the most frequent levels as bars, that of earlier values as a mark."""
    counts, before = dict(now.levels), dict(then.levels) if then is not None else {}
    order = sorted({**before, **counts}, key=lambda level: (-counts.get(level, 0), level))
    parts, place = [], 0
    for level in order[:_LEVELS]:
        share = counts.get(level, 0) / now.present if now.present else 0.0
        earlier = before.get(level, 0) / then.present if then is not None and then.present else None
        parts += _level(place, level, share, earlier)
        place += _ROW
    if len(order) > _LEVELS:
        parts.append(caption(0, place + 13, f"and {len(order) - _LEVELS} more levels"))
        place += _ROW
    return svg(_WIDE, place + 2, title, parts)


def _level(y: int, level: str, share: float, earlier: float | None) -> list[str]:
    """One bar with its name and share."""
    name = level if len(level) <= 16 else level[:15] + "…"
    room = _WIDE - _NAMES - 40
    told = f"{share:.1%}" if earlier is None else f"{share:.1%}, before {earlier:.1%}"
    parts = [
        f"<g><title>{escape(level)}: {told}</title>",
        label(_NAMES - 6, y + 14, "end", name),
        f'<rect class="good" x="{_NAMES}" y="{y + 3}" width="{share * room:.1f}" height="{_ROW - 6}"/>',
        caption(_WIDE, y + 14, f"{share:.1%}", anchor="end"),
    ]
    if earlier is not None:
        x = _NAMES + earlier * room
        parts.append(
            f'<rect class="mark" x="{x - 1:.1f}" y="{y + 1}" width="2" height="{_ROW - 2}"/>'
        )
    return [*parts, "</g>"]


def svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """A picture; its title is read aloud, its parts are SVG."""
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>"])

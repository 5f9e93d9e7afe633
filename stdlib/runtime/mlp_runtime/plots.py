"""Plots of a report as inline SVG: curves of probabilities, intervals, importance. Colours come from the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from sklearn import metrics as sk

from mlp_runtime.charts import caption, label, svg
from mlp_runtime.design import Codes, Numbers
from mlp_runtime.judged import Interval, Weighed
from mlp_runtime.text import number

_SIDE, _LEFT, _TOP = 280, 46, 14
_SERIES = 8
_POINTS = 240
_BINS = 10
_NAMES, _BAR, _ROW = 150, 300, 24

STYLE = """
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: .5rem; } figcaption .faint { font-weight: 400; font-size: 13px; }
svg .axis { stroke: var(--line); fill: none; } svg .curve { fill: none; stroke-width: 2; }
svg .whisker { stroke: var(--good); stroke-width: 2; } svg .dot { fill: var(--good); }
svg .few { opacity: .45; } svg .zero { stroke: var(--faint); }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: .5rem 0 0; padding: 0;
  font-size: 13px; }
ul.key svg { vertical-align: 2px; margin-right: .4rem; }
:root { --s0: #2563a8; --s1: #b8481f; --s2: #2f7d4f; --s3: #7a4fb0; --s4: #9a6b00; --s5: #a8326e; --s6: #177e89;
  --s7: #5f6774; }
@media (prefers-color-scheme: dark) { :root { --s0: #6ea8e6; --s1: #e58a63; --s2: #74c491; --s3: #b79be8;
  --s4: #d9b04a; --s5: #e58ab8; --s6: #62c3cd; --s7: #98a1b3; } }
"""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line over the unit square."""

    name: str
    x: Numbers
    y: Numbers


def sides(
    truth: Codes, chances: Numbers, classes: Sequence[str]
) -> list[tuple[str, Codes, Numbers]]:
    """The positive class, or each of several against the rest, of those that have both sides."""
    chosen = [1] if len(classes) == 2 else range(len(classes))
    found = [(classes[code], (truth == code).astype(np.int64), chances[:, code]) for code in chosen]
    return [(name, own, chance) for name, own, chance in found if 0 < own.sum() < len(own)]


def roc(truth: Codes, chances: Numbers, classes: Sequence[str], weight: Numbers | None) -> str:
    """True positives against false positives."""
    curves = []
    for name, own, chance in sides(truth, chances, classes):
        x, y, _ = sk.roc_curve(own, chance, sample_weight=weight)
        curves.append(Curve(name=f"{name}, area {number(float(sk.auc(x, y)))}", x=x, y=y))
    guide = _guide(0.0, 0.0, 1.0, 1.0)
    return _figure(
        "ROC", "false positive rate", "true positive rate", [guide, *_lines(curves)], curves
    )


def precision_and_recall(
    truth: Codes, chances: Numbers, classes: Sequence[str], weight: Numbers | None
) -> str:
    """Precision against recall."""
    curves = []
    for name, own, chance in sides(truth, chances, classes):
        y, x, _ = sk.precision_recall_curve(own, chance, sample_weight=weight)
        mean = sk.average_precision_score(own, chance, sample_weight=weight)
        told = f"{name}, average precision {number(float(mean))}"
        curves.append(Curve(name=told, x=x[::-1], y=y[::-1]))
    return _figure("Precision and recall", "recall", "precision", _lines(curves), curves)


def calibration(
    truth: Codes, chances: Numbers, classes: Sequence[str], weight: Numbers | None
) -> str:
    """The share that came true of those with about the same probability; points as large as their share of rows."""
    curves, points = [], []
    weights = np.ones(len(truth)) if weight is None else weight
    for index, (name, own, chance) in enumerate(sides(truth, chances, classes)):
        place = np.minimum((chance * _BINS).astype(np.int64), _BINS - 1)
        total = np.bincount(place, weights=weights, minlength=_BINS)
        filled = total > 0.0
        x = np.bincount(place, weights=weights * chance, minlength=_BINS)[filled] / total[filled]
        y = np.bincount(place, weights=weights * own, minlength=_BINS)[filled] / total[filled]
        curves.append(Curve(name=name, x=x, y=y))
        shares = total[filled] / total.sum()
        points += [
            f'<circle cx="{_across(a):.1f}" cy="{_down(b):.1f}" r="{2.0 + 7.0 * float(np.sqrt(s)):.1f}"'
            f' fill="var(--s{index % _SERIES})" fill-opacity=".6"><title>'
            f"{escape(name)}: {a:.1%} predicted, {b:.1%} came true, {s:.1%} of the rows</title></circle>"
            for a, b, s in zip(x, y, shares, strict=True)
        ]
    parts = [_guide(0.0, 0.0, 1.0, 1.0), *_lines(curves), *points]
    return _figure("Calibration", "predicted probability", "share that came true", parts, curves)


def forest(
    title: str, rows: Sequence[tuple[str, float | None, Interval | None, bool]], whole: float | None
) -> str:
    """A value a row with its interval, and a line at that of all rows; pale where rows are few."""
    known = [value for _, value, _, _ in rows if value is not None]
    ends = [end for _, _, interval, _ in rows if interval is not None for end in interval]
    reach = [*known, *ends, *([] if whole is None else [whole])]
    if not known:
        return ""
    low, high = min(reach), max(reach)
    edge = 0.06 * ((high - low) or 1.0)
    low, high = low - edge, high + edge

    def place(value: float) -> float:
        return _NAMES + (value - low) / (high - low) * _BAR

    height = len(rows) * _ROW
    parts = []
    if whole is not None:
        x = place(whole)
        parts.append(f'<line class="guide" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"/>')
        parts.append(
            caption(round(x, 1), height + 14, f"all rows {number(whole)}", anchor="middle")
        )
    for index, (name, value, interval, counts) in enumerate(rows):
        y = index * _ROW + _ROW // 2
        told = number(value) if interval is None else f"{number(value)}, {_told(interval)}"
        parts.append(
            f'<g class="{"many" if counts else "few"}"><title>{escape(name)}: {told}</title>'
        )
        parts.append(label(_NAMES - 10, y + 4, "end", _short(name)))
        if interval is not None:
            start, end = place(interval[0]), place(interval[1])
            parts.append(
                f'<line class="whisker" x1="{start:.1f}" x2="{end:.1f}" y1="{y}" y2="{y}"/>'
            )
        if value is not None:
            parts.append(f'<circle class="dot" cx="{place(value):.1f}" cy="{y}" r="4.5"/>')
            parts.append(caption(_NAMES + _BAR + 10, y + 4, number(value)))
        parts.append("</g>")
    return svg(_NAMES + _BAR + 80, height + 20, title, parts)


def importance(title: str, inputs: Sequence[Weighed]) -> str:
    """A bar for each input, the largest first, with how far it differed."""
    order = sorted(inputs, key=lambda item: (-item.mean, item.name))
    ends = [end for item in order for end in _reach(item)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    span = (high - low) or 1.0

    def place(value: float) -> float:
        return _NAMES + (value - low) / span * _BAR

    zero, parts = place(0.0), []
    for index, item in enumerate(order):
        y, end = index * _ROW, place(item.mean)
        parts.append(f"<g><title>{escape(item.name)}: {number(item.mean)}</title>")
        parts.append(label(_NAMES - 10, y + 16, "end", _short(item.name)))
        kind = "good" if item.mean >= 0.0 else "bad"
        parts.append(
            f'<rect class="{kind}" x="{min(zero, end):.1f}" y="{y + 5}" width="{abs(end - zero):.1f}"'
            f' height="{_ROW - 10}" rx="2"/>'
        )
        if item.spread is not None:
            start, stop = (place(value) for value in _reach(item))
            parts.append(
                f'<line stroke="var(--ink)" x1="{start:.1f}" x2="{stop:.1f}" y1="{y + 12}" y2="{y + 12}"/>'
            )
        parts.append(caption(_NAMES + _BAR + 10, y + 16, number(item.mean)))
        parts.append("</g>")
    height = len(order) * _ROW
    parts.append(f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height}"/>')
    return svg(_NAMES + _BAR + 80, height + 4, title, parts)


def _reach(item: Weighed) -> tuple[float, float]:
    spread = item.spread or 0.0
    return item.mean - spread, item.mean + spread


def _told(interval: Interval) -> str:
    return f"{number(interval[0])} to {number(interval[1])}"


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:19] + "…"


def _across(x: float) -> float:
    return _LEFT + x * _SIDE


def _down(y: float) -> float:
    return _TOP + (1.0 - y) * _SIDE


def _guide(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line class="guide" x1="{_across(x1):.1f}" y1="{_down(y1):.1f}"'
        f' x2="{_across(x2):.1f}" y2="{_down(y2):.1f}"/>'
    )


def _lines(curves: Iterable[Curve]) -> list[str]:
    return [_line(curve, index) for index, curve in enumerate(curves)]


def _line(curve: Curve, index: int) -> str:
    """A line through no more points than can be told apart."""
    places = np.arange(len(curve.x))
    if len(places) > _POINTS:
        places = np.unique(np.linspace(0, len(places) - 1, _POINTS).round().astype(np.int64))
    path = " ".join(
        f"{_across(float(curve.x[i])):.1f},{_down(float(curve.y[i])):.1f}" for i in places
    )
    return f'<polyline class="curve" stroke="var(--s{index % _SERIES})" points="{path}"/>'


def _figure(
    title: str, across: str, down: str, parts: Sequence[str], curves: Sequence[Curve]
) -> str:
    """A unit square with its axes, and what each colour is."""
    bottom, right = _TOP + _SIDE, _LEFT + _SIDE
    frame = [f'<rect class="axis" x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}"/>']
    for step in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _across(step), _down(step)
        if 0.0 < step < 1.0:
            frame.append(
                f'<path class="axis" d="M{x:.1f},{_TOP}V{bottom}M{_LEFT},{y:.1f}H{right}"/>'
            )
        frame.append(caption(round(x, 1), bottom + 16, f"{step:g}", anchor="middle"))
        frame.append(caption(_LEFT - 6, round(y + 4, 1), f"{step:g}", anchor="end"))
    frame.append(caption(_LEFT + _SIDE // 2, bottom + 34, across, anchor="middle"))
    turn, middle = f"rotate(-90 12 {_TOP + _SIDE // 2})", _TOP + _SIDE // 2
    frame.append(
        f'<text class="faint" x="12" y="{middle}" text-anchor="middle" transform="{turn}">{down}</text>'
    )
    told = f"{title}: {'; '.join(curve.name for curve in curves)}"
    drawn = svg(right + 12, bottom + 40, told, [*frame, *parts])
    keys = "".join(
        f'<li><svg width="18" height="4" aria-hidden="true"><rect width="18" height="4" rx="2"'
        f' fill="var(--s{index % _SERIES})"/></svg>{escape(curve.name)}</li>'
        for index, curve in enumerate(curves)
    )
    return figure(title, f'{drawn}<ul class="key">{keys}</ul>')


def figure(title: str, content: str, *, note: str = "") -> str:
    """A picture with its caption; `content` is HTML."""
    told = f' <span class="faint">{escape(note)}</span>' if note else ""
    return f"<figure><figcaption>{escape(title)}{told}</figcaption>{content}</figure>"

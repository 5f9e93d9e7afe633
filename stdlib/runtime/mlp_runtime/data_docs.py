"""A page about one dataset: what its columns are, what they hold, what was expected of them and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from mlp_runtime import charts
from mlp_runtime.checks import Outcome
from mlp_runtime.page import Html, document, table
from mlp_runtime.profile import ColumnProfile, Profile
from mlp_runtime.schema import Column, Schema
from mlp_runtime.text import count, number, shown

_STYLE = """
.verdict, .whole { white-space: nowrap; } .verdict { font-weight: 600; } .held { color: var(--good); }
.failed, .warned { color: var(--bad); } .scroll { overflow-x: auto; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
.columns section { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; min-width: 0; }
.columns h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
.columns p { font-size: 13px; overflow-wrap: anywhere; } ul { margin: 0; padding-left: 1.1rem; }
svg .then { fill: none; stroke: var(--bad); stroke-width: 1.5; }
svg .mark { fill: var(--bad); }
.key { display: inline-block; width: .8rem; height: .8rem; margin: 0 .3rem; vertical-align: -1px; }
.key.now { background: var(--good); } .key.before { border: 2px solid var(--bad); box-sizing: border-box; }
"""


def write(
    path: Path,
    schema: Schema,
    outcomes: Sequence[Outcome],
    *,
    present: Profile | None,
    reference: Profile | None = None,
    previous: Profile | None = None,
) -> None:
    """Write the page."""
    earlier = {"the reference": reference, "the run before": previous}
    text = page(schema, outcomes, present, {key: one for key, one in earlier.items() if one})
    path.write_text(text, encoding="utf-8", newline="\n")


def page(
    schema: Schema,
    outcomes: Sequence[Outcome],
    present: Profile | None,
    earlier: Mapping[str, Profile],
) -> str:
    """The page as text. A picture compares with the first of the earlier profiles, by what they are called, that it can."""
    body = [
        f"<main>\n<h1>{escape(schema.dataset)}</h1>",
        f'<p class="faint">{escape(_summary(schema, outcomes, present))}</p>',
        "<h2>Expectations</h2>",
        f'<div class="scroll" tabindex="0">{_expectations(outcomes)}</div>',
        "<h2>Columns</h2>",
    ]
    if earlier:
        body.append(
            f'<p class="faint"><span class="key now"></span>now'
            f' <span class="key before"></span>{escape(", else ".join(earlier))}</p>'
        )
    sections = [_column(column, schema, present, earlier) for column in schema.columns]
    body.append(f'<div class="columns">\n{"".join(sections)}</div>\n</main>')
    return document(f"{schema.dataset}: data docs", body, style=_STYLE)


def _summary(schema: Schema, outcomes: Sequence[Outcome], present: Profile | None) -> str:
    failed = sum(not item.passed and item.fails for item in outcomes)
    warned = sum(not item.passed and not item.fails for item in outcomes)
    parts = [
        *([] if present is None else [count(present.rows, "row")]),
        count(len(schema.columns), "column"),
        count(len(outcomes), "expectation"),
        f"{failed} failed" if failed else "none failed",
        *([count(warned, "warning")] if warned else []),
    ]
    return ", ".join(parts)


def _expectations(outcomes: Sequence[Outcome]) -> str:
    heads = ["verdict", "expectation", "measured", "rows", "if not met", "where"]
    return table(heads, [_expectation(item) for item in outcomes])


def _expectation(item: Outcome) -> Sequence[Any]:
    measured = "" if item.measured is None else _measured(item.measured)
    told = measured if item.note is None else f"{measured} {item.note}".strip()
    return (
        _verdict(item),
        Html(f"<code>{escape(item.text)}</code>"),
        told,
        Html(_rows(item)),
        Html(f'<span class="whole">{"stops the run" if item.fails else "warns"}</span>'),
        item.origin or "",
    )


def _measured(value: Any) -> str:
    return number(value) if isinstance(value, float) else shown(value)


def _verdict(item: Outcome) -> Html:
    kind, mark, word = ("held", "✓", "met")
    if not item.passed:
        kind, mark, word = ("failed", "✗", "failed") if item.fails else ("warned", "!", "warning")
    return Html(
        f'<span class="verdict {kind}"><span aria-hidden="true">{mark} </span>{word}</span>'
    )


def _rows(item: Outcome) -> str:
    """How many rows do not meet it, and the first of them."""
    if not item.count:
        return ""
    rows = []
    for example in item.examples:
        values = ", ".join(f"{name} {shown(value)}" for name, value in example["values"].items())
        rows.append(f"<li>row {example['row']}: {escape(values)}</li>")
    more = item.count - len(item.examples)
    rows += [f"<li>and {more} more</li>"] if more > 0 and rows else []
    listed = f"<ul>{''.join(rows)}</ul>" if rows else ""
    return f"{count(item.count, 'row')}{listed}"


def _column(
    column: Column, schema: Schema, present: Profile | None, earlier: Mapping[str, Profile]
) -> str:
    now = None if present is None else present.columns.get(column.name)
    lines = [f"<h3>{escape(column.name)}</h3>", _faint(_declared(column, schema))]
    if now is not None:
        lines.append(_faint(_held(now, hidden=bool(column.tags))))
        lines.append(_picture(column, now, earlier))
    return f"<section>\n{''.join(lines)}\n</section>\n"


def _faint(text: str) -> str:
    return f'<p class="faint">{escape(text)}</p>'


def _declared(column: Column, schema: Schema) -> str:
    """What the schema says of a column."""
    roles = [
        *(["key"] if column.name in schema.key else []),
        *(["the row's time"] if column.name == schema.timestamp else []),
    ]
    return ", ".join(
        [
            column.kind + ("?" if column.nullable else ""),
            *([f"in {column.within}"] if column.within is not None else []),
            *([f"one of {', '.join(column.levels)}"] if column.levels is not None else []),
            *([f"matches {column.matches}"] if column.matches is not None else []),
            *(["unique"] if column.unique else []),
            *roles,
            *([f"read from {column.source}"] if column.source is not None else []),
            *(f"@{tag}" for tag in column.tags),
        ]
    )


def _held(now: ColumnProfile, *, hidden: bool) -> str:
    """What a column holds."""
    parts = [f"{now.null_rate:.2%} null" if now.nulls else "no nulls"]
    if now.kind == "number" and not hidden:
        if now.bins:
            parts.append(f"{number(now.bins[0].low)} to {number(now.bins[-1].high)}")
        if now.mean is not None:
            parts.append(f"mean {number(now.mean)}")
        if now.std is not None:
            parts.append(f"standard deviation {number(now.std)}")
    if now.kind == "level" and not hidden:
        more = f" and {now.other} values of others" if now.other else ""
        parts.append(count(len(now.levels), "level") + more)
    return ", ".join(parts)


def _picture(column: Column, now: ColumnProfile, earlier: Mapping[str, Profile]) -> str:
    if column.tags:
        return _faint("its values are not shown, because of its tag")
    found = [
        (called, one.columns[column.name])
        for called, one in earlier.items()
        if column.name in one.columns
    ]
    called, then = found[0] if found else ("", None)
    title = f"{column.name} now" if then is None else f"{column.name} now and in {called}"
    if now.kind == "number" and now.bins:
        return charts.spread(now, then, title=title)
    if now.kind == "level" and now.levels:
        return charts.levels(now, then, title=title)
    return ""

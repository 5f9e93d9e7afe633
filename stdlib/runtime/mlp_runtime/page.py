"""Pages for people: one file, readable offline, light or dark, the same bytes each time. All text is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from mlp_runtime.text import number

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --faint: #5f6774; --line: #d9dde5; --paper: #fff;
  --good: #2563a8; --bad: #b8481f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8f0; --faint: #98a1b3; --line: #343b4a; --paper: #151922; --good: #6ea8e6;
    --bad: #e58a63; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p { margin: .3rem 0; } .faint { color: var(--faint); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .28rem 1.4rem .28rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { font-weight: 600; color: var(--faint); } td.n { text-align: right; }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
svg text.faint { font-size: 11px; fill: var(--faint); } svg .good { fill: var(--good); }
svg .bad { fill: var(--bad); } svg .guide { stroke: var(--faint); stroke-dasharray: 4 4; }
svg .point { fill: var(--good); fill-opacity: .45; }
"""


@dataclass(frozen=True)
class Html:
    """Text that is HTML already; what it was made from has been escaped."""

    text: str


@dataclass(frozen=True)
class Measured:
    """A metric's value in a table: all with the same digits, so that columns can be read down."""

    value: float | None


def document(title: str, body: Sequence[str], *, style: str = "") -> str:
    """A whole page; `body` is HTML."""
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style>"
    )
    text = "\n".join(body)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{text}\n</body></html>\n'


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; numbers stand to the right."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "\n".join(f"<tr>{''.join(_cell(item) for item in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _cell(value: Any) -> str:
    if isinstance(value, Html):
        return f"<td>{value.text}</td>"
    if isinstance(value, Measured):
        text = "undefined" if value.value is None else f"{value.value:.4f}"
        return f'<td class="n">{text}</td>'
    if isinstance(value, float):
        return f'<td class="n">{number(value)}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="n">{value}</td>'
    text = value if isinstance(value, str) else json.dumps(value)
    return f"<td>{escape(text)}</td>"

"""Data docs: one page, escaped, whole without the network, silent about tagged values."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl

from mlp_runtime import checks, data_docs, distances, profile
from mlp_runtime.schema import Bounds, Column, Schema

NASTY = "<script>alert('x')</script>&\""

SCHEMA = Schema(
    dataset=NASTY,
    columns=[
        Column("amount", "float", nullable=True, within=Bounds(low=0.0)),
        Column("kind", "category", source=NASTY),
        Column("email", "string", tags=["pii"]),
        Column("age", "int", tags=["sensitive"]),
        Column("of_tag", "category", tags=["sensitive"]),
        Column("paid", "bool"),
    ],
    key=["email"],
)

ROWS = pl.DataFrame(
    {
        "__row__": list(range(40)),
        "amount": [None, *(float(index) for index in range(39))],
        "kind": [NASTY, *(["a", "b", "c"] * 13)],
        "email": [f"person{index}@secret.example" for index in range(40)],
        "age": [7654321 + index for index in range(40)],
        "of_tag": ["secret level"] * 40,
        "paid": [True, False] * 20,
    }
)

EXPECTATIONS = [
    checks.Rows(
        "amount < 3",
        pl.col("amount") < 3,
        columns=["amount", "kind", "email", "age"],
        origin="m.mlp:3",
    ),
    checks.Rows(NASTY, pl.col("kind") != NASTY, columns=["kind"], fails=False),
    checks.Distance(
        "drift(amount, against: reference) < 0.2",
        distances.drift,
        pl.col("measured") < 0.2,
        column="amount",
        against="reference",
    ),
    checks.Distance(
        "drift(kind, against: previous) < 0.2",
        distances.drift,
        pl.col("measured") < 0.2,
        column="kind",
        against="previous",
    ),
]


class Reader(HTMLParser):
    """Collects what could reach out, run, or be left open."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        self.tags.add(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href", "onload", "onclick")]
        if tag not in ("meta", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """A tag closes: the last one that was opened."""
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag without content."""
        self.tags.add(tag)


def written(tmp_path: Path, *, reference: bool = True) -> str:
    """The page of `ROWS`, compared with twice as much."""
    earlier = profile.of(ROWS.with_columns(pl.col("amount") * 2), SCHEMA) if reference else None
    found = checks.check(ROWS, EXPECTATIONS, SCHEMA, reference=earlier)
    path = tmp_path / "data_docs.html"
    data_docs.write(path, SCHEMA, found, present=profile.of(ROWS, SCHEMA), reference=earlier)
    return path.read_text(encoding="utf-8")


def test_the_page_is_whole_and_reaches_nowhere(tmp_path: Path) -> None:
    text = written(tmp_path)
    reader = Reader()
    reader.feed(text)
    assert reader.open == [] and reader.links == []
    assert {"main", "h1", "table", "svg", "title"} <= reader.tags
    assert not reader.tags & {"script", "link", "img", "iframe"}
    assert "url(" not in text and "http" not in text
    assert "alert('x')</script>" not in text and "&lt;script&gt;" in text


def test_each_expectation_is_told_with_its_rows(tmp_path: Path) -> None:
    text = written(tmp_path)
    assert "40 rows, 6 columns, 4 expectations, 2 failed, 1 warning" in text
    for part in ("amount &lt; 3", "36 rows", "row 5: amount 3, kind", "and 31 more", "m.mlp:3"):
        assert part in text, part
    assert text.count('class="verdict failed"') == 2
    assert text.count('class="verdict warned"') == 1
    assert "no previous run to compare with yet" in text


def test_tagged_values_are_nowhere(tmp_path: Path) -> None:
    text = written(tmp_path)
    assert "secret" not in text and "76543" not in text
    assert "email (hidden), age (hidden)" in text
    assert text.count("its values are not shown") == 3
    assert "@pii" in text


def test_pictures_compare_where_there_is_something_to_compare_with(tmp_path: Path) -> None:
    compared, alone = written(tmp_path), written(tmp_path, reference=False)
    assert "amount now and in the reference" in compared
    assert len(re.findall('<path class="then"', compared)) == 1
    assert 'class="then"' not in alone and "<title>amount now</title>" in alone
    assert compared == written(tmp_path)


def test_nothing_at_all_can_be_shown(tmp_path: Path) -> None:
    empty = ROWS.clear()
    path = tmp_path / "data_docs.html"
    data_docs.write(path, SCHEMA, [], present=profile.of(empty, SCHEMA))
    assert "0 rows, 6 columns, 0 expectations, none failed" in path.read_text()

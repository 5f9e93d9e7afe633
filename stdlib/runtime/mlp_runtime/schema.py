"""What a dataset's columns are declared to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import polars as pl
from polars._typing import PolarsDataType

Kind = Literal[
    "bool",
    "int",
    "float",
    "decimal",
    "string",
    "category",
    "date",
    "timestamp",
    "duration",
    "bytes",
    "image",
    "vector",
    "list",
]

PHYSICAL: Mapping[Kind, PolarsDataType] = {
    "bool": pl.Boolean(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "string": pl.String(),
    "category": pl.String(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
    "duration": pl.Duration("us"),
    "bytes": pl.Binary(),
    "image": pl.Binary(),
    "vector": pl.List(pl.Float64),
}
"""How kinds are stored that need no more to be said.

Categories are text; what they may hold is checked, not encoded.
"""


PICTURES: Mapping[str, tuple[int, bytes]] = {
    "PNG": (0, b"\x89PNG\r\n\x1a\n"),
    "JPEG": (0, b"\xff\xd8\xff"),
    "GIF": (0, b"GIF8"),
    "WebP": (8, b"WEBP"),
    "BMP": (0, b"BM"),
    "TIFF": (0, b"II*\x00"),
    "TIFF of another order": (0, b"MM\x00*"),
}
"""How files of pictures begin: at which byte, with what."""


def is_picture(value: pl.Expr) -> pl.Expr:
    """Whether bytes begin as the file of a picture does."""
    found = [value.bin.slice(at, len(start)) == pl.lit(start) for at, start in PICTURES.values()]
    return pl.any_horizontal(found)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Allowed numbers; a missing bound is infinite."""

    low: float | None = None
    high: float | None = None
    low_closed: bool = True
    high_closed: bool = True

    def __str__(self) -> str:
        """As the language writes it."""
        low = "" if self.low is None else f"{self.low:g}{'' if self.low_closed else '<'}"
        high = "" if self.high is None else f"{'=' if self.high_closed else '<'}{self.high:g}"
        return f"{low}..{high}"

    def outside(self, value: pl.Expr) -> pl.Expr:
        """Whether a value lies outside; null does not."""
        outside = pl.lit(False)
        if self.low is not None:
            outside |= value < self.low if self.low_closed else value <= self.low
        if self.high is not None:
            outside |= value > self.high if self.high_closed else value >= self.high
        return outside.fill_null(False)


@dataclass(frozen=True)
class Wide:
    """Columns of the source that make one vector: the numbers of first and last, the kind of each."""

    first: int
    last: int
    item: Kind


@dataclass(frozen=True)
class Column:
    """One declared column. `source` is its name in the source where that differs.

    In the source's name of a wide one, `{}` stands for the number. `item` says what a list holds, `digits` and `scale`
    how many digits a decimal has, and how many of them after the point, `size` how many numbers
    a vector has.
    """

    name: str
    kind: Kind
    source: str | None = field(default=None, kw_only=True)
    nullable: bool = field(default=False, kw_only=True)
    levels: Sequence[str] | None = field(default=None, kw_only=True)
    within: Bounds | None = field(default=None, kw_only=True)
    matches: str | None = field(default=None, kw_only=True)
    unique: bool = field(default=False, kw_only=True)
    format: str | None = field(default=None, kw_only=True)
    epoch: Literal["s", "ms", "us"] | None = field(default=None, kw_only=True)
    flag: tuple[Any, Any] | None = field(default=None, kw_only=True)
    digits: int = field(default=38, kw_only=True)
    scale: int = field(default=0, kw_only=True)
    size: int | None = field(default=None, kw_only=True)
    item: Column | None = field(default=None, kw_only=True)
    wide: Wide | None = field(default=None, kw_only=True)
    tags: Sequence[str] = field(default=(), kw_only=True)

    @property
    def source_name(self) -> str:
        """Its name in the source."""
        return self.name if self.source is None else self.source

    @property
    def physical(self) -> PolarsDataType:
        """How it is stored."""
        if self.kind == "decimal":
            return pl.Decimal(self.digits, self.scale)
        if self.kind == "list":
            return pl.List(pl.String() if self.item is None else self.item.physical)
        return PHYSICAL[self.kind]

    @property
    def parts(self) -> list[Column]:
        """The columns of the source that it is read from: itself, or one per number."""
        if self.wide is None:
            return [self]
        return [
            replace(
                self,
                name=f"{self.name}[{place}]",
                kind=self.wide.item,
                source=self.source_name.replace("{}", str(place)),
                wide=None,
            )
            for place in range(self.wide.first, self.wide.last + 1)
        ]


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A dataset's columns, its key, its time, and the zone of times without an offset."""

    dataset: str
    columns: Sequence[Column]
    key: Sequence[str] = ()
    timestamp: str | None = None
    timezone: str | None = None

    @property
    def parts(self) -> list[Column]:
        """The columns of the source, in order."""
        return [part for column in self.columns for part in column.parts]

    @property
    def hidden(self) -> frozenset[str]:
        """Columns with a tag: their values are shown nowhere."""
        return frozenset(column.name for column in self.columns if column.tags)

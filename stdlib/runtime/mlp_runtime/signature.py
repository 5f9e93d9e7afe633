"""What a model reads and what it predicts, as the features module declares it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Task = Literal["binary", "multiclass", "regression"]
InputKind = Literal["bool", "int", "float", "category", "vector"]

TRUE_AND_FALSE = ("false", "true")


@dataclass(frozen=True)
class Input:
    """One column that the model reads, with the source columns it is made from.

    `levels` of an open category are those of the training part, set when a model is trained.
    """

    name: str
    kind: InputKind
    nullable: bool = field(default=False, kw_only=True)
    sources: Sequence[str] = field(default=(), kw_only=True)
    levels: Sequence[str] | None = field(default=None, kw_only=True)

    def record(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "name": self.name,
            "kind": self.kind,
            "nullable": self.nullable,
            "sources": list(self.sources),
            "levels": None if self.levels is None else list(self.levels),
        }


@dataclass(frozen=True)
class Label:
    """What is predicted. `levels` are the classes in order, where they are known."""

    name: str
    task: Task
    levels: Sequence[str] | None = field(default=None, kw_only=True)

    def record(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "name": self.name,
            "task": self.task,
            "levels": None if self.levels is None else list(self.levels),
        }


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The border of a model."""

    inputs: Sequence[Input]
    label: Label

    def record(self) -> dict[str, Any]:
        """As it is stored."""
        return {"inputs": [item.record() for item in self.inputs], "label": self.label.record()}

    @classmethod
    def of(cls, record: dict[str, Any]) -> Signature:
        """From its record."""
        return cls(
            inputs=[Input(**item) for item in record["inputs"]], label=Label(**record["label"])
        )

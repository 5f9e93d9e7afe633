"""Decides whether a model may go on: requirements over a report's numbers, with evidence."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from mlp_runtime import evaluate, files, formats, resampling
from mlp_runtime.quantity import (
    Champion,
    Evidence,
    Latency,
    Measured,
    Metric,
    NoChampion,
    Quantity,
    Undefined,
    both,
    where,
)
from mlp_runtime.resampling import Sample
from mlp_runtime.step import Failure, Result
from mlp_runtime.text import number

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Whether a requirement holds in one case; the line is for people, and what is `kept` is always the same."""

    held: bool
    line: str
    kept: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Requirement:
    """One line of a gate: `left compare right`, as written in `text`; `confidence` says how sure that must be."""

    text: str
    left: Quantity
    compare: str
    right: Quantity
    origin: str | None = None
    confidence: float | None = None

    def judge(self, evidence: Evidence) -> list[Finding]:
        """Whether it holds, for each slice that it speaks of, with a line that says why."""
        try:
            pairs = self._pairs(evidence)
            if self.confidence is None:
                return [self._plain(left, right) for left, right in pairs]
            return self._sure(pairs, evidence, self.confidence)
        except NoChampion:
            return [Finding(held=True, line=f"{self.text}  passed: no champion yet")]
        except Undefined as reason:
            return [Finding(held=False, line=f"{self.text}  refused: {reason}")]

    def _pairs(self, evidence: Evidence) -> list[tuple[Measured, Measured]]:
        return [
            (left, right)
            for left in self.left.readings(evidence)
            for right in self.right.readings(evidence)
        ]

    def _plain(self, left: Measured, right: Measured) -> Finding:
        held = _COMPARE[self.compare](left.value, right.value)
        outcome = "passed" if held else "refused"
        line = f"{left.told} {self.compare} {right.told}  {outcome}"
        if left.fleeting or right.fleeting:
            return Finding(held=held, line=line, kept=f"{self.text}  {outcome}")
        return Finding(held=held, line=line, evidence=_evidence(left, right))

    def _sure(
        self, pairs: Sequence[tuple[Measured, Measured]], evidence: Evidence, confidence: float
    ) -> list[Finding]:
        """By McNemar's test where that is the question, else by drawing samples."""
        if evidence.rows is None:
            raise Failure(f"{self.text}: the gate was given no rows to draw from")
        if (
            isinstance(self.left, Metric)
            and self.right == Champion(self.left.name)
            and self.compare == ">"
        ):
            alone = evidence.rows.right_alone(self.left.name)
            if alone is not None:
                return [self._by_mcnemar(*pairs[0], alone, confidence)]
        drawn = self._drawn(evidence)
        return [
            self._by_samples(left, right, drawn.get(where(left, right), []), confidence)
            for left, right in pairs
        ]

    def _by_mcnemar(
        self, left: Measured, right: Measured, alone: tuple[int, int], confidence: float
    ) -> Finding:
        chance = resampling.mcnemar(*alone)
        held = chance <= 1 - confidence
        told = (
            f"{alone[0]} rows are right here alone and {alone[1]} with the champion alone, "
            f"p {number(chance)}"
        )
        return Finding(
            held=held,
            line=self._told(left, right, held, told),
            evidence={
                **_evidence(left, right),
                "test": "McNemar",
                "right_alone": alone[0],
                "champion_right_alone": alone[1],
                "p": chance,
            },
        )

    def _by_samples(
        self, left: Measured, right: Measured, differences: Sequence[float], confidence: float
    ) -> Finding:
        # A sample that leaves a metric undefined does not speak for the model.
        share = sum(_COMPARE[self.compare](item, 0.0) for item in differences) / resampling.DRAWS
        held = share >= confidence
        more: dict[str, Any] = {
            "test": "paired bootstrap",
            "samples": resampling.DRAWS,
            "share": share,
        }
        if differences:
            low, high = np.quantile(differences, [1 - confidence, confidence])
            more |= {"difference": left.value - right.value, "low": float(low), "high": float(high)}
        return Finding(
            held=held,
            line=self._told(left, right, held, f"so in {share:.1%} of {resampling.DRAWS} samples"),
            evidence={**_evidence(left, right), **more},
        )

    def _told(self, left: Measured, right: Measured, held: bool, why: str) -> str:
        outcome = "passed" if held else f"refused, {self.confidence:.4g} is asked for"
        return f"{left.told} {self.compare} {right.told}  {outcome}: {why}"

    def _drawn(self, evidence: Evidence) -> dict[str | None, list[float]]:
        """Left less right in each sample that defines both, by slice."""
        names = both(self.left.names(), self.right.names())
        columns = sorted(set().union(*names.values()))
        judged = {
            column: [
                item["value"]
                for item in evidence.report["slices"][column]
                if item["rows"] >= evidence.min_rows
            ]
            for column in columns
        }
        found: dict[str | None, list[float]] = {}
        rows = evidence.rows
        for report, champion in () if rows is None else rows.draws(sorted(names), judged):
            try:
                pairs = self._pairs(replace(evidence, report=report, champion=champion, min_rows=0))
            except Undefined:
                continue
            for left, right in pairs:
                found.setdefault(where(left, right), []).append(left.value - right.value)
        return found


def decide(
    name: str,
    requirements: Sequence[Requirement],
    *,
    metrics: Path,
    verdict: Path,
    min_rows: int,
    champion: evaluate.Champion | None = None,
    sample: Sample | None = None,
    latencies: Sequence[float] = (),
    model_size: int = 0,
    ages: Mapping[str, timedelta | None] | None = None,
) -> Result:
    """Judge every requirement, write the verdict, and say whether the gate refuses."""
    report = files.read_json(metrics, format=formats.METRICS)
    evidence = Evidence(
        report=report,
        champion=None if champion is None else champion.record,
        min_rows=min_rows,
        latencies=latencies,
        model_size=model_size,
        ages=ages or {},
        rows=None
        if sample is None
        else sample.beside(None if champion is None else champion.judged),
    )
    judged = [(item, item.judge(evidence)) for item in requirements]
    passed = all(finding.held for _, findings in judged for finding in findings)
    record = {
        "format": formats.VERDICT,
        "gate": name,
        "passed": passed,
        "requirements": [_record(item, findings) for item, findings in judged],
        "report": report["report"],
        "rows": report["rows"],
        "model": report["model"],
        "champion": None if champion is None else champion.record["model"],
    }
    files.write_json(verdict, record)
    return Result(
        summary=_summary([findings for _, findings in judged]),
        metrics={**_numbers(report), **_fleeting(requirements, evidence)},
        refused=not passed,
    )


def _record(requirement: Requirement, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "text": requirement.text,
        "confidence": requirement.confidence,
        "passed": all(finding.held for finding in findings),
        "lines": [finding.kept or finding.line for finding in findings],
        "evidence": [dict(finding.evidence) for finding in findings if finding.evidence],
        "origin": requirement.origin,
    }


def _evidence(left: Measured, right: Measured) -> dict[str, Any]:
    place = where(left, right)
    told = {} if place is None else {"slice": place}
    return {**told, "left": left.value, "right": right.value}


def _fleeting(requirements: Sequence[Requirement], evidence: Evidence) -> dict[str, float]:
    """What is measured anew each time: it is told with the step's result, and no verdict holds it."""
    sides = [side for item in requirements for side in (item.left, item.right)]
    return {
        f"latency_p{side.share * 100:.0f}": side.readings(evidence)[0].value
        for side in sides
        if isinstance(side, Latency)
    }


def _summary(judged: Sequence[Sequence[Finding]]) -> str:
    """How many requirements hold, what was measured just now, and the lines of those that do not hold."""
    held = sum(all(finding.held for finding in findings) for findings in judged)
    told = [
        finding.line
        for findings in judged
        for finding in findings
        if not finding.held or finding.kept is not None
    ]
    return "; ".join([f"{held} of {len(judged)} requirements hold", *told])


def _numbers(report: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in report["metrics"].items() if value is not None}

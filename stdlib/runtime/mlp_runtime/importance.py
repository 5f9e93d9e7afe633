"""How much each input matters to a model: what is lost on the rows that judge when its values are shuffled.

What an input gives the estimator, be it several columns, is shuffled as one; nothing is fitted again. Each input
has draws of its own by a seed of the plan. Of inputs that tell the same, each alone seems to matter little.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np
import polars as pl

from mlp_runtime import design
from mlp_runtime.design import Numbers
from mlp_runtime.judged import Importance, Judged, Weighed
from mlp_runtime.model import Model, chances_of, codes_of, values_of
from mlp_runtime.scores import Metric, Scores
from mlp_runtime.step import Failure


def by_permutation(judged: Judged, rows: pl.DataFrame, *, repeats: int, seed: int) -> Importance:
    """What the report's first metric loses, a mean over `repeats`."""
    model, metric = judged.model, judged.metrics[0]
    base = judged.values[metric.name]
    if base is None:
        raise Failure(f"{metric.name} is undefined on these rows, so inputs can't be weighed by it")
    sign = 1.0 if metric.better == "higher" else -1.0
    truth, weights = judged.truth, design.weights(rows, model.features.WEIGHT)
    weighed = []
    for number, (name, shuffled) in enumerate(_shuffled(model, rows, repeats, seed), start=1):
        losses = []
        for matrix in shuffled:
            value = _scores(model, metric, matrix, truth, weights).measure([metric])[metric.name]
            if value is None:
                raise Failure(
                    f"{metric.name} is undefined once input {number}, {name}, is shuffled"
                )
            losses.append(sign * (base - value))
        spread = statistics.stdev(losses) if repeats > 1 else None
        weighed.append(Weighed(name=name, mean=statistics.fmean(losses), spread=spread))
    return Importance(method="permutation", of=metric.name, count=repeats, inputs=weighed)


def _shuffled(
    model: Model, rows: pl.DataFrame, repeats: int, seed: int
) -> Iterator[tuple[str, Iterator[Numbers]]]:
    """For each input the matrix of all with that one shuffled, again and again: it is changed in place."""
    inputs = model.signature.inputs
    blocks = design.blocks(model.features.transform(rows, model.transform), inputs)
    matrix = np.ascontiguousarray(np.hstack(blocks))
    start = 0
    for index, (item, block) in enumerate(zip(inputs, blocks, strict=True)):
        columns = slice(start, start + block.shape[1])
        generator = np.random.default_rng([seed, index])
        yield item.name, _orders(matrix, columns, block, generator, repeats)
        matrix[:, columns] = block
        start = columns.stop


def _orders(
    matrix: Numbers, columns: slice, block: Numbers, generator: np.random.Generator, repeats: int
) -> Iterator[Numbers]:
    for _ in range(repeats):
        matrix[:, columns] = block[generator.permutation(len(block))]
        yield matrix


def _scores(
    model: Model,
    metric: Metric,
    matrix: Numbers,
    truth: Numbers | design.Codes,
    weights: Numbers | None,
) -> Scores:
    """Only what the metric reads is predicted."""
    if metric.needs == "probability":
        chances = chances_of(model.estimator, matrix)
        return Scores(truth=truth, predicted=truth, probabilities=chances, weights=weights)
    is_number = model.label.task == "regression"
    predicted = (
        values_of(model.estimator, matrix) if is_number else codes_of(model.estimator, matrix)
    )
    return Scores(truth=truth, predicted=predicted, probabilities=None, weights=weights)

"""How much each input matters to single predictions: Shapley values, a mean of their sizes.

A value is by how much an input moves a prediction, over orders in which inputs become known; what is not known
yet is taken from other rows. They are estimated through the model's answers alone, so any model will do.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import shap

from mlp_runtime import design
from mlp_runtime.design import Numbers
from mlp_runtime.judged import Importance, Judged, Weighed
from mlp_runtime.model import chances_of, values_of

_BACKGROUND = 50


def values(judged: Judged, rows: pl.DataFrame, *, sample: int, seed: int) -> Importance:
    """Of so many of the rows that judge; of a vector the sum over its numbers, of several classes the mean."""
    model = judged.model
    inputs = model.signature.inputs
    blocks = design.blocks(model.features.transform(rows, model.transform), inputs)
    matrix = np.ascontiguousarray(np.hstack(blocks))
    generator = np.random.default_rng(seed)
    explained = _chosen(matrix, sample, generator)
    background = _chosen(matrix, _BACKGROUND, generator)

    def answer(given: Numbers) -> Numbers:
        if not model.has_probabilities:
            return values_of(model.estimator, given)
        chances = chances_of(model.estimator, given)
        return chances[:, 1] if chances.shape[1] == 2 else chances

    explainer = shap.PermutationExplainer(
        answer, shap.maskers.Independent(background, max_samples=_BACKGROUND), seed=seed % 2**32
    )
    found = explainer(explained, max_evals=2 * matrix.shape[1] + 1, silent=True)
    sizes = _sizes(np.asarray(found.values, dtype=np.float64), [b.shape[1] for b in blocks])
    return Importance(
        method="shap",
        of="probability" if model.has_probabilities else model.label.name,
        count=len(explained),
        inputs=[
            Weighed(name=item.name, mean=float(size))
            for item, size in zip(inputs, sizes, strict=True)
        ],
    )


def _chosen(matrix: Numbers, count: int, generator: np.random.Generator) -> Numbers:
    """So many rows, in their order; all where there are no more."""
    if len(matrix) <= count:
        return matrix
    return matrix[np.sort(generator.choice(len(matrix), size=count, replace=False))]


def _sizes(found: Numbers, widths: list[int]) -> Numbers:
    """The mean size of each input's values, from row by column, or row by column by class."""
    by_class = found.reshape(found.shape[0], found.shape[1], -1)
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    sizes: Numbers = np.abs(np.add.reduceat(by_class, starts, axis=1)).mean(axis=(0, 2))
    return sizes

"""Words that tell whose article it is rather than what it is about.

An outlet that writes mostly of one topic teaches its own name, its authors and its habits as words
of that topic. They help on its own articles and mislead on all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CERTAIN = 60
"""Chi-square from which a word tells its source."""

FEWEST_TEXTS_OF_A_WORD = 20
"""A word in fewer texts can hardly reach it."""


def tell_the_source(
    counts: csr_matrix,
    frequency: NDArray[np.int64],
    labels: NDArray[np.int64],
    sources: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The features which depend on the source, given the topic, more than the other way round.

    `counts` has a row for each text; `labels` and `sources` are numbers from 0 on.
    """
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - comes with scikit-learn

    topics, outlets = int(labels.max()) + 1, int(sources.max()) + 1
    if outlets < 2:  # noqa: PLR2004 - one outlet: nothing to tell apart
        return np.zeros(0, np.int64)
    looked_at = np.flatnonzero(frequency >= FEWEST_TEXTS_OF_A_WORD)
    there = csr_matrix((np.ones_like(counts.data), counts.indices, counts.indptr), counts.shape)
    cells = labels * outlets + sources
    rows = np.arange(len(labels))
    member = csr_matrix(
        (np.ones(len(rows), np.float32), (rows, cells)), (len(rows), topics * outlets)
    )
    table = (member.T @ there[:, looked_at]).toarray().reshape(topics, outlets, -1)
    sizes = np.bincount(cells, minlength=topics * outlets).reshape(topics, outlets)
    by_source = _dependence(table, sizes)
    by_topic = _dependence(table.transpose(1, 0, 2), sizes.T)
    return looked_at[by_source >= np.maximum(CERTAIN, by_topic)]


def _dependence(table: NDArray[np.float32], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Chi-square of each feature and the second axis, summed over the first."""
    found = np.zeros(table.shape[2])
    for texts, size in zip(table, sizes, strict=True):
        here = size > 0
        if np.count_nonzero(here) < 2:  # noqa: PLR2004 - nothing to compare
            continue
        observed, number = texts[here].astype(np.float64), size[here, None]
        expected = number * (observed.sum(axis=0) / number.sum())
        some = (expected > 0) & (expected < number)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = (observed - expected) ** 2 * (1 / expected + 1 / (number - expected))
        found += np.where(some, part, 0).sum(axis=0)
    return found

"""Terms -> one row of weights an article, frozen at its arrival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from service.curate.stories.terms import SPACE, Ids, Terms, Weights

KEPT = (64, 64, 32, 24)
"""How many terms of each block are kept: its heaviest."""

WIDTH = sum(KEPT)
EDGES = tuple(int(edge) for edge in np.cumsum((0, *KEPT)))
"""Where each block begins in a row, and the row's end."""

SHARES = (0.15, 0.35, 0.35, 0.15)
"""How much each block says of how alike two articles are."""

HALVED_AFTER = 200_000
"""Articles; then what was seen counts half, so that the words of a time wear off."""


@dataclass(frozen=True, slots=True)
class TermRow:
    """`ids` and `weights`: WIDTH each, the blocks one after the other, padded by weight 0."""

    ids: Ids
    weights: Weights


class Frequencies:
    """In how many articles each term stood; what is rare says more."""

    def __init__(self) -> None:
        self._seen = np.zeros(SPACE, np.float32)
        self._articles = 0

    def add(self, terms: Terms) -> None:
        """Count an article in, before its row is made."""
        if self._articles >= HALVED_AFTER:
            self._seen *= 0.5
            self._articles //= 2
        self._articles += 1
        for ids, _times in terms.blocks:
            self._seen[ids] += 1

    def row(self, terms: Terms) -> TermRow:
        """(1 + ln tf) * idf of the heaviest terms, each block of length sqrt(its share)."""
        row_ids, row_weights = np.zeros(WIDTH, np.uint32), np.zeros(WIDTH, np.float32)
        for block, (ids, times) in enumerate(terms.blocks):
            if not len(ids):
                continue
            weights = (1 + np.log(times)) * np.log1p(self._articles / self._seen[ids])
            kept = np.argsort(-weights, kind="stable")[: KEPT[block]]
            heaviest = weights[kept]
            length = float(np.sqrt(heaviest @ heaviest))
            begin = EDGES[block]
            row_ids[begin : begin + len(kept)] = ids[kept]
            row_weights[begin : begin + len(kept)] = heaviest * (SHARES[block] ** 0.5 / length)
        return TermRow(row_ids, row_weights)

"""Which articles share a heavy term with a new one: an index of bounded lists."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

LONGEST = 256
"""Articles that are looked at under one term: the newest."""

Slots = npt.NDArray[np.int64]


class Postings:
    """Term -> the slots of the articles that have it among their heaviest, oldest first."""

    def __init__(self) -> None:
        # A term that one article has, as most have it, is kept as a bare number.
        self._slots: dict[int, int | array[int]] = {}

    def add(self, slot: int, terms: Iterable[int]) -> None:
        for term in terms:
            there = self._slots.get(term)
            if there is None:
                self._slots[term] = slot
            elif isinstance(there, int):
                self._slots[term] = array("i", (there, slot))
            else:
                there.append(slot)
                if len(there) >= 2 * LONGEST:
                    del there[:LONGEST]

    def remove(self, slot: int, terms: Iterable[int]) -> None:
        """Forget a slot, with the terms that it was added with."""
        for term in terms:
            there = self._slots.get(term)
            if there == slot:
                del self._slots[term]
            elif isinstance(there, array) and slot in there:
                there.remove(slot)
                if not there:
                    del self._slots[term]

    def near(self, terms: Iterable[int], weights: Iterable[float], most: int) -> Slots:
        """The slots that share most weight with these terms, best first, ties to the lowest."""
        found, shares = [], []
        for term, weight in zip(terms, weights, strict=True):
            there = self._slots.get(term)
            if there is None:
                continue
            newest = [there] if isinstance(there, int) else there[-LONGEST:]
            found.append(np.asarray(newest, np.int64))
            shares.append(np.full(len(newest), weight * weight))
        if not found:
            return np.zeros(0, np.int64)
        slots, where = np.unique(np.concatenate(found), return_inverse=True)
        scores = np.bincount(where, np.concatenate(shares))
        best: Slots = slots[np.argsort(-scores, kind="stable")[:most]]
        return best

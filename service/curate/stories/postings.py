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
        found, lengths, shares = array("i"), [], []
        for term, weight in zip(terms, weights, strict=True):
            there = self._slots.get(term)
            if there is None:
                continue
            if isinstance(there, int):
                found.append(there)
                lengths.append(1)
            else:
                newest = there[-LONGEST:]
                found.extend(newest)
                lengths.append(len(newest))
            shares.append(weight * weight)
        every = np.frombuffer(found, np.int32)
        return _best(every, np.repeat(np.array(shares, np.float64), lengths), most)


def _best(every: npt.NDArray[np.int32], shares: npt.NDArray[np.float64], most: int) -> Slots:
    """The slots whose shares are the most in sum, best first, ties to the lowest slot."""
    slots = np.sort(every)
    slots = slots[np.flatnonzero(np.diff(slots, prepend=-1))]
    scores = np.bincount(every, shares)[slots]
    if len(slots) > most:
        last = len(slots) - most
        best = np.flatnonzero(scores >= np.partition(scores, last)[last])
        slots, scores = slots[best], scores[best]
    chosen: Slots = slots[np.argsort(-scores, kind="stable")[:most]].astype(np.int64)
    return chosen

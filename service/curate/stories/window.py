"""The articles that new ones are compared with: their rows, side by side in memory."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from service.curate.stories.guard import Looks, other_names, repeats, template_only
from service.curate.stories.postings import Postings, Slots
from service.curate.stories.terms import (
    MOST_DOCUMENTS,
    MOST_FIGURES,
    MOST_IN_TITLE,
    SPACE,
    SPECIFIC,
    WORDS,
    Ids,
    Terms,
    Weights,
)
from service.curate.stories.vectors import EDGES, SHARES, WIDTH, TermRow

POSTED = 24
"""Terms under which an article is found, its heaviest."""

FEWEST_WORDS = 4
"""So many words a short text shares with what tells the same event: "Giáo dục" alone is a subject.
How rare the words are cannot tell where a site has seen a dozen articles."""

LONG_WORDS, SHORT_POWER, LEAST_TRUST = 300, 0.10, 0.8
"""A text of fewer words, the title's counted three times, says less of what it is about: a summary
of two sentences shares a country and a minister with another event. Its likenesses count for less,
down to LEAST_TRUST."""

MOST_PAIRS = 50_000
"""Comparisons that are remembered: some 8 MB at most, next to nothing without a flood."""

FIRST_ROOM = 1024

_COLUMNS = (
    "_ids", "_weights", "_title_figures", "_documents", "_figures", "_formulas", "_days", "_trust",
)  # fmt: skip

_SHARES = np.array(SHARES, np.float32)

Similarities = npt.NDArray[np.float64]


class StoryWindow:
    """Slot -> what is kept of an article. A slot is free for another one after `remove`."""

    def __init__(self, *, guard: float, decay: float) -> None:
        """`guard`: what is left of a likeness by template only. `decay`: lost a day, see `like`."""
        self._guard, self._decay = guard, decay
        self._ids = np.zeros((FIRST_ROOM, WIDTH), np.uint32)
        self._weights = np.zeros((FIRST_ROOM, WIDTH), np.float32)
        self._title_figures = np.zeros((FIRST_ROOM, MOST_IN_TITLE), np.uint32)
        self._documents = np.zeros((FIRST_ROOM, MOST_DOCUMENTS), np.uint32)
        self._figures = np.zeros((FIRST_ROOM, MOST_FIGURES), np.uint32)
        self._formulas = np.zeros((FIRST_ROOM, 2), np.uint32)
        self._days = np.zeros(FIRST_ROOM, np.float64)
        self._trust = np.zeros(FIRST_ROOM, np.float64)
        self._free = list(range(FIRST_ROOM - 1, -1, -1))
        self._postings = Postings()
        self._dense = np.zeros(SPACE, np.float32)
        self._newest: tuple[int, list[int], list[float]] = -1, [], []  # a slot and where it stands
        self._pairs: defaultdict[int, dict[int, float]] = defaultdict(dict)
        self._remembered = 0

    def add(self, row: TermRow, terms: Terms, days: float) -> int:
        """The slot that the article has now. `days`: when it arrived, counted from any one day."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._ids[slot], self._weights[slot] = row.ids, row.weights
        _fill(self._title_figures[slot], terms.title_figures)
        _fill(self._documents[slot], terms.documents)
        _fill(self._figures[slot], terms.figures)
        self._formulas[slot], self._days[slot] = terms.formula, days
        self._trust[slot] = _trust(terms)
        self._newest = slot, *self._posted(slot)
        self._postings.add(slot, self._newest[1])
        return slot

    def remove(self, slot: int) -> None:
        self._postings.remove(slot, self._posted(slot)[0])
        self._free.append(slot)
        for other in self._pairs.pop(slot, {}):
            self._pairs[other].pop(slot, None)

    def near(self, slot: int, most: int) -> Slots:
        """Other slots that may be like this one, at most so many, the likeliest first."""
        newest, terms, weights = self._newest
        if slot != newest:
            terms, weights = self._posted(slot)
        found = self._postings.near(terms, weights, most + 1)
        others: Slots = found[found != slot]
        return others[:most]

    def like(self, slot: int, others: Slots) -> Similarities:
        """How much alike the article and each of the others are, 0 to 1.

        Beyond a day apart each further day takes `decay` off, down to half. The shorter of two
        texts says how much their likeness counts.
        """
        ones = np.full(len(others), slot, np.int64)
        return self._judged(ones, others, self._products(slot, others))

    def _products(self, slot: int, others: Slots) -> Weights:
        """Weight times weight where the two share a term: the others' terms, a row each."""
        own = self._ids[slot]
        self._dense[own] = self._weights[slot]
        products: Weights = self._dense[self._ids[others]]
        products *= self._weights[others]
        self._dense[own] = 0
        return products

    def _judged(self, ones: Slots, others: Slots, products: Weights) -> Similarities:
        """The same of pairs, one beside the other, with the products of their terms."""
        blocks = np.add.reduceat(products, EDGES[:-1], axis=1)
        likeness: Similarities = blocks.sum(axis=1, dtype=np.float64)
        blocks /= _SHARES
        other = other_names(self._formulas[ones], self._formulas[others])
        last = EDGES[WORDS + 1] - 1  # it has a weight where all places for words are taken
        short = np.flatnonzero(
            (self._weights[ones, last] == 0) | (self._weights[others, last] == 0)
        )
        if len(short):
            words = np.count_nonzero(products[short, : last + 1], axis=1)
            other[short] |= words < FEWEST_WORDS
        repeated = np.flatnonzero(repeats(blocks) & ~other)
        if len(repeated):
            looks = self._looks(ones[repeated]), self._looks(others[repeated])
            other[repeated] = template_only(blocks[repeated], *looks)
        likeness[other] *= self._guard
        apart = np.abs(self._days[others] - self._days[ones])
        likeness *= np.maximum(1 - self._decay * np.maximum(apart - 1, 0), 0.5)
        likeness *= np.minimum(self._trust[others], self._trust[ones])
        return likeness

    def among(self, slots: Slots) -> Similarities:
        """The same of each two of these articles, a row each. What was compared is remembered.

        A flood of like articles has the same ones grouped anew with each that comes.
        """
        if self._remembered > MOST_PAIRS:
            self._pairs.clear()
            self._remembered = 0
        every = slots.tolist()
        fresh = [
            (slot, [other for other in every[number:] if other not in self._pairs[slot]])
            for number, slot in enumerate(every)
        ]
        self._compare([(slot, others) for slot, others in fresh if others])
        return np.array([[self._pairs[slot][other] for other in every] for slot in every])

    def _compare(self, fresh: list[tuple[int, list[int]]]) -> None:
        """Remember how much alike each article and its others are, all in one go."""
        if not fresh:
            return
        ones = np.repeat([slot for slot, _ in fresh], [len(others) for _, others in fresh])
        others = np.concatenate([np.array(others, np.int64) for _, others in fresh])
        products = [self._products(slot, np.array(others, np.int64)) for slot, others in fresh]
        alike = self._judged(ones, others, np.concatenate(products))
        for slot, other, much in zip(ones.tolist(), others.tolist(), alike.tolist(), strict=True):
            self._pairs[slot][other] = self._pairs[other][slot] = much
        self._remembered += len(others)

    def _looks(self, slots: Slots) -> Looks:
        return Looks(
            self._title_figures[slots],
            self._documents[slots],
            self._figures[slots],
            self._ids[slots, EDGES[SPECIFIC] :],
        )

    def _posted(self, slot: int) -> tuple[list[int], list[float]]:
        weights = self._weights[slot]
        heaviest = np.argsort(-weights, kind="stable")[:POSTED]
        heaviest = heaviest[weights[heaviest] > 0]
        return self._ids[slot, heaviest].tolist(), weights[heaviest].tolist()

    def _grow(self) -> None:
        room = len(self._days)
        for name in _COLUMNS:
            old = getattr(self, name)
            new = np.zeros((2 * room, *old.shape[1:]), old.dtype)
            new[:room] = old
            setattr(self, name, new)
        self._free.extend(range(2 * room - 1, room - 1, -1))


def _trust(terms: Terms) -> float:
    share: float = (float(terms.blocks[WORDS][1].sum()) / LONG_WORDS) ** SHORT_POWER
    return min(1.0, max(LEAST_TRUST, share))


def _fill(row: Ids, values: Ids) -> None:
    row[:] = 0
    row[: len(values)] = values

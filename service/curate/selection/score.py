"""How high a story stands for somebody's topics: a product of parts, each with a name. Pure.

Two stories' scores keep their ratio as time goes by, since both halve in the same time: a list
that was ordered stays in order, and a page need not be made anew because it is later now. A review
looks back: there nothing counts for being new, but what went on for days stands higher.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from math import exp2, log2

from service.curate.selection.standing import Standing

IN_HEADLINE = 1.5
"""A headline that has the topic's own words stands so much higher than one that has not."""

LEAST_SHARE = 0.5
"""What is left of a story's score where next to nothing of it is in somebody's topics."""


@dataclass(frozen=True, slots=True)
class StoryScore:
    """The parts of a score; `total` is their product.

    `outlets`: 1 for one, 2 for two, 3 for four independent outlets. `new`: 1 for what has just come
    out, half of it after each half-life; 1 in a review. `weight`: the highest of the sources that
    tell it. `headline`: IN_HEADLINE or 1. `topics`: from LEAST_SHARE to 1, by how much of it is in
    the topics that were asked for. `lasted`: in a review 1 for what was told on one day, 2 for two,
    3 for four days; None in a list of news.
    """

    outlets: float
    new: float
    weight: float
    headline: float
    topics: float
    lasted: float | None = None

    @property
    def total(self) -> float:
        lasted = 1.0 if self.lasted is None else self.lasted
        return self.outlets * self.new * self.weight * self.headline * self.topics * lasted


def score(one: Standing, topics: Container[str]) -> StoryScore:
    """The score of a story for somebody who follows these topics."""
    inside, whole, named = 0, one.elsewhere, False
    for name, place in one.topics.items():
        whole += place.articles
        if name in topics:
            inside += place.articles
            named = named or place.headline
    share = inside / whole if whole else 1.0
    looks_back = one.days is not None
    return StoryScore(
        outlets=1 + log2(one.outlets),
        new=1.0 if looks_back else exp2(-max(0.0, one.age_s) / one.half_life_s),
        weight=one.weight,
        headline=IN_HEADLINE if named else 1.0,
        topics=LEAST_SHARE + (1 - LEAST_SHARE) * share,
        lasted=1 + log2(max(1, one.days)) if one.days is not None else None,
    )

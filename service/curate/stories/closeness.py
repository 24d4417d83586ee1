"""How close each article of a story is to the others, as judging measures it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import fmean

import numpy as np

from service.curate.stories.engine import EPOCH, StorySettings
from service.curate.stories.terms import Terms
from service.curate.stories.vectors import Frequencies
from service.curate.stories.window import StoryWindow


def closeness(
    members: Sequence[tuple[Terms, datetime]],
    others: Iterable[Terms],
    settings: StorySettings | None = None,
) -> list[float | None]:
    """For each of `members`, with when it arrived, how alike it is to the rest on average, 0 to 1.

    `others`: articles of the same days, which tell how rare words are. None: it is alone.
    """
    settings = settings or StorySettings()
    frequencies = Frequencies()
    for terms in others:
        frequencies.add(terms)
    for terms, _at in members:
        frequencies.add(terms)
    window = StoryWindow(guard=settings.guard, decay=settings.decay)
    slots = np.array(
        [
            window.add(frequencies.row(terms), terms, (at - EPOCH) / timedelta(days=1))
            for terms, at in members
        ],
        np.int64,
    )
    return [
        fmean(window.like(int(slot), slots[slots != slot]).tolist()) if len(slots) > 1 else None
        for slot in slots
    ]

"""How alike one article is to each of some others, measured as stories are judged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np

from service.curate.stories.engine import StorySettings
from service.curate.stories.terms import Terms
from service.curate.stories.vectors import Frequencies
from service.curate.stories.window import StoryWindow

_DAY = timedelta(days=1)


def likeness(
    one: tuple[Terms, datetime],
    others: Sequence[tuple[Terms, datetime]],
    beside: Iterable[Terms],
    settings: StorySettings,
) -> list[float]:
    """From 0 to 1 for each of the others. An article goes with when it arrived, aware.

    `beside`: articles of the same days, which tell how rare each word is. The judge knew more of
    them, so that its own figure was a little different.
    """
    if not others:
        return []
    frequencies = Frequencies()
    for terms in beside:
        frequencies.add(terms)
    every = [one, *others]
    for terms, _ in every:
        frequencies.add(terms)
    window = StoryWindow(guard=settings.guard, decay=settings.decay)
    slots = [window.add(frequencies.row(terms), terms, (at - one[1]) / _DAY) for terms, at in every]
    return [float(much) for much in window.like(slots[0], np.array(slots[1:], np.int64))]

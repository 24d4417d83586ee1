"""How alike some articles are to one another, measured as stories are judged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np

from service.curate.stories.engine import StorySettings
from service.curate.stories.grouping import Matrix
from service.curate.stories.terms import Terms
from service.curate.stories.vectors import Frequencies
from service.curate.stories.window import StoryWindow

_DAY = timedelta(days=1)


def likeness(
    articles: Sequence[tuple[Terms, datetime]],
    beside: Iterable[Terms],
    settings: StorySettings,
) -> Matrix:
    """From 0 to 1, a row and a column an article, each of which goes with when it arrived, aware.

    `beside`: articles of the same days, which tell how rare each word is. The judge knew more of
    them, so that its own figure was a little different.
    """
    frequencies = Frequencies()
    for terms in beside:
        frequencies.add(terms)
    for terms, _ in articles:
        frequencies.add(terms)
    window = StoryWindow(guard=settings.guard, decay=settings.decay)
    slots = np.array(
        [
            window.add(frequencies.row(terms), terms, (at - articles[0][1]) / _DAY)
            for terms, at in articles
        ],
        np.int64,
    )
    return np.array([window.like(int(slot), slots) for slot in slots])

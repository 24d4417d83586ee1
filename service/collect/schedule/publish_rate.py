"""A source's own rhythm, learned from when its news were published. Pure.

Items that come together count as one piece of news; what counts is the gap from one to the next.
Where a source gives no times, the time at which we saw its news stands for them.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

BURST = timedelta(minutes=15)
"""What is published within it is one piece of news: nobody needs to ask between its items."""

LOOK_BACK = 20
"""Pieces of news from which a first document teaches the rhythm."""

LEARN = 0.2
"""How far one new gap moves the usual one. In logarithms, so that a night is not ten mornings."""

FORGET = 0.02
"""How far one ordinary gap shortens the memory of the longest: a weekend is kept for a week."""

PATIENCE = 1.5
"""Of the longest gap: a source that is silent for longer no longer publishes at that rate."""


@dataclass(frozen=True, slots=True)
class PublishRate:
    """What a source's news have taught: the usual gap between them, the longest one, the last.

    Seconds; None = not known yet.
    """

    usual_gap_s: int | None = None
    longest_gap_s: int | None = None
    last_news_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the silence up to `now` is what the source is used to."""
        if self.last_news_at is None or self.longest_gap_s is None:
            return False
        return (now - self.last_news_at).total_seconds() <= PATIENCE * self.longest_gap_s


def learn(rate: PublishRate, published: Sequence[datetime], new: int, now: datetime) -> PublishRate:
    """After a document with `new` entries that were not known.

    `published`: the times of its entries, in any order; those of entries that were known may be
    among them. Times that come with every fetch anew teach nothing, since nothing is new.
    """
    if not new:
        return rate
    times = sorted(min(at, now) for at in published)
    last = rate.last_news_at
    if last is None:
        news = _news(times)[-LOOK_BACK:]
        gaps = [_seconds(*pair) for pair in itertools.pairwise(news)]
        if not gaps:
            return PublishRate(last_news_at=news[-1] if news else now)
        return PublishRate(round(statistics.median(gaps)), round(max(gaps)), news[-1])
    later = [at for at in times if at - last > BURST][-new:] or [now]
    for at in _news(later):
        if at - last > BURST:
            rate = _after(rate, _seconds(last, at))
            last = at
    return replace(rate, last_news_at=max(last, times[-1] if times else last))


def _after(rate: PublishRate, gap_s: float) -> PublishRate:
    pace, lull = rate.usual_gap_s or gap_s, rate.longest_gap_s or gap_s
    pace = math.exp((1 - LEARN) * math.log(pace) + LEARN * math.log(gap_s))
    lull = gap_s if gap_s >= lull else lull - FORGET * (lull - gap_s)
    return PublishRate(max(round(pace), 1), round(lull), rate.last_news_at)


def _news(times: Sequence[datetime]) -> list[datetime]:
    """The beginning of each burst. `times` are sorted."""
    news: list[datetime] = []
    for at in times:
        if not news or at - news[-1] > BURST:
            news.append(at)
    return news


def _seconds(before: datetime, after: datetime) -> float:
    return (after - before).total_seconds()

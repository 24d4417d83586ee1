"""The job that marks stories as hot, after they were judged and before anything is shown.

    feeds are marked stale ──> stories that came lately ──> hot, or not any more

It looks only when something has come in, and only at what came lately: its cost follows from how
much comes in within `[hot] within`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.config.schema import Settings
from service.config.sections import Hot
from service.curate.selection import reading
from service.curate.selection.hot import can_be_hot, heated_at
from service.curate.selection.reading import KnownStories
from service.store.content import hot_stories, stale_feeds, versions
from service.store.core.database import Store

SLACK = timedelta(hours=1)
"""What was first told a little before, and is told by others only now."""

RECHECKED = timedelta(days=7)
"""For so long a hot story may turn out to be two: judges and admins split what is young."""


@dataclass(frozen=True, slots=True)
class Marked:
    """How many stories have become hot, and how many are it no more."""

    hot: int = 0
    cooled: int = 0


def mark(store: Store, settings: Settings, now: datetime) -> Marked:
    """Mark what has become hot. A story that was split and is told by too few is hot no more."""
    if not can_be_hot(settings):
        return Marked()
    since = now - settings.hot.within - SLACK
    with store.read() as connection:
        if not stale_feeds.marked(connection):
            return Marked()
        was = hot_stories.lately(connection, now - RECHECKED)
        ids = {*was, *hot_stories.told_by_many(connection, since, settings.hot.outlets)}
        known = reading.read(connection, ids, settings.source)
    heated = {one: _heated(known, one, settings.hot) for one in ids}
    recent = now - settings.hot.within
    hot = [one for one in ids - was if (at := heated[one]) is not None and at >= recent]
    cooled = [one for one in was if heated[one] is None]
    if hot or cooled:
        with store.write() as connection:
            feeds = hot_stories.heat(connection, hot, now) | hot_stories.cool(connection, cooled)
            versions.raise_(connection, [versions.STORIES])  # before topics: the order of all
            stale_feeds.mark(connection, {*feeds, stale_feeds.EVERYTHING, stale_feeds.HOT}, now)
    return Marked(len(hot), len(cooled))


def _heated(known: KnownStories, story_id: int, hot: Hot) -> datetime | None:
    first: dict[object, datetime] = {}
    for one in known.facts[story_id].told_by:  # in the order of time
        first.setdefault(known.owners[one.source_id], one.at)
    return heated_at(first.values(), hot.outlets, hot.within)

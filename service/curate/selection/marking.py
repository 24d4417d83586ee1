"""The job that marks stories as hot, after they were judged and before anything is shown.

    feeds are marked stale ──> stories that came lately ──> hot, or not any more

It looks only when something has come in, and only at that: its cost follows from what came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.config.schema import Settings
from service.config.sections import Hot
from service.curate.selection import reading
from service.curate.selection.hot import heated_at
from service.curate.selection.reading import KnownStories
from service.store.content import entries, hot_stories, stale_feeds, versions
from service.store.content.hot_stories import SeenRows
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


class HotMarker:
    """One process's memory of how far it has looked. It has looked at nothing yet."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._seen: SeenRows | None = None
        self._regrouped = 0

    def run(self, store: Store, settings: Settings, now: datetime) -> Marked:
        """Mark what has become hot; what too few tell any more, since it was split, is it no more.

        With other settings than before, the first time, and after stories became one or were
        parted, it looks at all that came within `[hot] within`, else at what came since.
        Raises StoreError.
        """
        hot = settings.hot
        if len(settings.source) < hot.outlets:
            return Marked()
        with store.read() as connection:
            if not stale_feeds.marked(connection):
                return Marked()
            regrouped = versions.one(connection, versions.REGROUPED)
            same = settings is self._settings and regrouped == self._regrouped
            at = hot_stories.now_at(connection)
            if self._seen is None or not same:
                came = hot_stories.told_since(connection, now - hot.within - SLACK)
            else:
                came = hot_stories.told_after(connection, self._seen)
            was = hot_stories.lately(connection, now - RECHECKED)
            many = hot_stories.told_by_many(connection, came, hot.outlets)
            known = reading.read(connection, was | many, settings.source)
        heated = {one: _heated(known, one, hot) for one in known.facts}
        recent = now - hot.within
        new = [one for one in many if (heat := heated[one]) is not None and heat >= recent]
        cooled = [one for one in was if heated[one] is None]
        if new or cooled:
            with store.write() as connection:
                entries.queue(connection)  # versions are raised twice, as admission does
                feeds = hot_stories.heat(connection, new, now)
                feeds |= hot_stories.cool(connection, cooled)
                versions.raise_(connection, [versions.STORIES])
                stale_feeds.mark(connection, {*feeds, stale_feeds.EVERYTHING, stale_feeds.HOT}, now)
        self._settings, self._seen, self._regrouped = settings, at, regrouped
        return Marked(len(new), len(cooled))


def _heated(known: KnownStories, story_id: int, hot: Hot) -> datetime | None:
    first: dict[object, datetime] = {}
    for one in known.facts[story_id].told_by:  # in the order of time
        first.setdefault(known.owners[one.source_id], one.at)
    return heated_at(first.values(), hot.outlets, hot.within)

"""The marks that say which published feeds must be built anew.

The mark is the truth after a crash; the kick that goes with it is only the wake-up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, select, true

from service.store.content import versions
from service.store.core.bulk import Many, Statement
from service.store.core.kicks import Kick, kick
from service.store.core.statements import upsert
from service.store.tables import stale_feed

EVERYTHING = "all"
"""The feed of all topics. A topic of this name is refused."""

HOT = "hot"
"""The feed of hot stories. A topic of this name is refused too."""


_TICK = timedelta(microseconds=1)


def _marking(connection: Connection) -> Statement:
    values = {
        name: bindparam(name, type_=stale_feed.c[name].type) for name in ("feed", "marked_at")
    }
    statement = upsert(connection, stale_feed).values(values)
    return statement.on_conflict_do_update(
        index_elements=["feed"], set_={"marked_at": statement.excluded.marked_at}
    )


_MARK = Many(_marking)
_MARKED = select(stale_feed)


def mark(connection: Connection, feeds: Iterable[str], now: datetime) -> None:
    """Mark feeds (topic ids, EVERYTHING, HOT) as needing a build; their pages show otherwise.

    A job that marks in several transactions has one `now` for all: each mark is later than the one
    that stands, or who builds just then would take off what it has not read.
    """
    feeds = set(feeds)
    versions.raise_(connection, feeds)  # holds off who marks the same, until the transaction ends
    before = marked(connection) if feeds else {}
    rows = [
        {"feed": feed, "marked_at": max(now, before[feed] + _TICK) if feed in before else now}
        for feed in sorted(feeds)
    ]
    if rows:
        kick(connection, Kick.FEEDS)
        _MARK(connection, rows)


def mark_listed(connection: Connection, topics: Iterable[str], now: datetime) -> None:
    """The same for topics whose lists look otherwise, and for what lists them all; if any do."""
    feeds = set(topics)
    if feeds:
        mark(connection, {*feeds, EVERYTHING}, now)


def marked(connection: Connection) -> dict[str, datetime]:
    """Feed -> its mark."""
    return {row.feed: row.marked_at for row in connection.execute(_MARKED)}


def clear(
    connection: Connection, feed: str, marked_at: datetime, version: int | None = None
) -> None:
    """Take the mark off, unless a newer one has been set meanwhile.

    `version`: of the feed (`versions.one`) before its stories were read. Who marks raises it: by
    that a mark is known which was set anew at the same instant, after others took this one off.
    """
    same = and_(stale_feed.c.feed == feed, stale_feed.c.marked_at == marked_at)
    still = true() if version is None else versions.is_still(feed, version)
    connection.execute(delete(stale_feed).where(same, still))

"""Kicks: what a transaction made true, told at its commit to whoever goes on with it.

A kick is a courtesy. What is to be done stands in rows which each job looks for by itself; a kick
that is lost costs the time until its next look.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

_INFO = "bantin_kicks"


class Kick(Enum):
    """What became true. The value names the jobs that look for it."""

    FEEDS = ("publish", "digests")
    """A published feed is stale: articles came, went, or changed."""

    BY_HAND = ("publish",)
    """An admin has put articles into other stories: the page must show it."""

    SUBSCRIPTIONS = ("digests",)
    """A subscription begins, or has its cuts at other times; an editor let an edition go."""

    MAIL = ("mail",)
    """A message is planned."""

    SOURCES = ("collect",)
    """Many sources are due: whoever collects as well, and has nothing to do, may take some."""

    DELIVERED = ("delivered",)
    """A hub has brought a document."""


Listener = Callable[[frozenset[Kick]], None]
"""Told after a commit, on the thread that committed, of each kind that happened in it."""


def kick(connection: Connection, what: Kick) -> None:
    """Tell it at the commit of this transaction; twice is once, and never if it is undone."""
    connection.info.setdefault(_INFO, set()).add(what)


def taken(connection: Connection) -> frozenset[Kick]:
    """What the transaction has told so far. It is forgotten: connections are used again."""
    return frozenset(connection.info.pop(_INFO, ()))


def defer(connection: Connection, kicks: frozenset[Kick]) -> bool:
    """Put the jobs of other processes that go on with it into the queue, within the transaction.

    For PostgreSQL with the engine's tables. Nothing where no process with the role for it has been
    seen for a day, since nobody would take them. They are told with the commit. What stands in the
    way of the queue costs the kick, and nothing of the transaction. Returns whether it went well.
    """
    jobs = sorted({(name, one.name) for one in kicks for name in one.value})
    names, told = [name for name, _ in jobs], [one for _, one in jobs]
    try:
        with connection.begin_nested():
            connection.execute(_DEFER, {"names": names, "kicks": told})
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        structlog.get_logger("bantin").warning("a kick is lost", error=str(error.orig))
        return False
    return True


def has_queue(connection: Connection) -> bool:
    """Whether the engine's tables are there."""
    return connection.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is not None


# It is the last statement of its transaction, so nothing else has this limit on waiting for a lock.
_DEFER = text(r"""
    SELECT procrastinate_defer_jobs_v1(array_agg(
        ROW(name, name, 0, NULL, NULL, jsonb_build_object('kick', kick), NULL)
        \:\:procrastinate_job_to_defer_v1))
    FROM (SELECT set_config('lock_timeout', '200ms', true)) AS patience,
        unnest(CAST(:names AS text[]), CAST(:kicks AS text[])) AS told (name, kick)
    WHERE EXISTS (
        SELECT FROM running_process
        WHERE seen_at > now() - interval '1 day'
        AND role IN ('all',
            CASE WHEN told.name IN ('digests', 'mail') THEN 'mail' ELSE 'collect' END,
            CASE WHEN told.name = 'publish' THEN 'mail' END))
""")

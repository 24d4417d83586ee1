"""Kicks: what a transaction made true, told at its commit to whoever goes on with it.

A kick is a courtesy. What is to be done stands in rows which each job looks for by itself; a kick
that is lost costs the time until its next look.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from sqlalchemy import Connection, text

_INFO = "bantin_kicks"


class Kick(Enum):
    """What became true. The value names the jobs that look for it."""

    FEEDS = ("publish", "digests")
    """A published feed is stale: articles came, went, or changed."""

    SUBSCRIPTIONS = ("digests",)
    """A subscription begins, or has its cuts at other times."""

    MAIL = ("mail",)
    """A message is planned."""

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


def defer(connection: Connection, kicks: frozenset[Kick]) -> None:
    """Put the jobs of other processes that go on with it into the queue, within the transaction.

    For PostgreSQL with the engine's tables. Nothing where no process of many has been seen for a
    day, since nobody would take them. They are told with the commit.
    """
    jobs = sorted({(name, one.name) for one in kicks for name in one.value})
    names, told = [name for name, _ in jobs], [one for _, one in jobs]
    connection.execute(_DEFER, {"names": names, "kicks": told})


def has_queue(connection: Connection) -> bool:
    """Whether the engine's tables are there."""
    return connection.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is not None


_DEFER = text(r"""
    SELECT procrastinate_defer_jobs_v1(array_agg(
        ROW(name, name, 0, NULL, NULL, jsonb_build_object('kick', kick), NULL)
        \:\:procrastinate_job_to_defer_v1))
    FROM unnest(CAST(:names AS text[]), CAST(:kicks AS text[])) AS told (name, kick)
    WHERE EXISTS (SELECT FROM running_process WHERE seen_at > now() - interval '1 day')
""")

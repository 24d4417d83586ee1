"""Dead sources: whose site is to be searched for another address, and what was found there.

A suggestion is shown and nothing else; it is gone when the source works again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, or_, select, update

from service.store.sources.pauses import awake
from service.store.sources.polling_queue import LEASE
from service.store.tables import source as s
from service.store.tables import source_poll as t


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another address on a dead source's site. `newest`: ISO 8601 in UTC, None = not known."""

    kind: str
    url: str
    title: str
    entries: int
    newest: str | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """A source to search for: its id in the TOML, the TOML's address, where it was fetched."""

    id: int
    name: str
    url: str
    address: str
    searched_at: datetime | None


def wanting(
    connection: Connection, now: datetime, *, dead_before: datetime, sought_before: datetime,
    failures: int,
) -> list[Dead]:  # fmt: skip
    """Sources dead since then and not searched for since; the longest unsought first.

    `failures`: in a row at least, except where the server said that it is gone for good. Not those
    whose publisher asked for time, nor paused ones.
    """
    address = t.c.moved_url
    statement = (
        select(s.c.id, s.c.name, s.c.url, address, t.c.searched_at)
        .join(t, t.c.source_id == s.c.id)
        .where(
            s.c.retired_at.is_(None),
            awake(now),
            or_(t.c.held_until.is_(None), t.c.held_until <= now),
            or_(
                t.c.gone_at.is_not(None),
                and_(t.c.dead_since <= dead_before, t.c.failures >= failures),
            ),
            or_(t.c.searched_at.is_(None), t.c.searched_at <= sought_before),
        )
        .order_by(t.c.searched_at.is_not(None), t.c.searched_at, s.c.id)
    )
    rows = connection.execute(statement)
    return [
        Dead(row.id, row.name, row.url, row.moved_url or row.url, row.searched_at) for row in rows
    ]


def claim(
    connection: Connection, wanted: Sequence[Dead], owner: str, now: datetime, until: datetime
) -> list[Dead]:
    """Take them for a search, until the lease ends: meanwhile they are not polled either.

    Not one that was claimed, or searched for, since `wanting` was asked. `owner`: one start of one
    process.
    """
    mine = []
    for one in wanted:
        as_before = t.c.searched_at.is_not_distinct_from(one.searched_at)
        if LEASE.claim(connection, owner, now, until, t.c.source_id == one.id, as_before).first():
            mine.append(one)
    return mine


def suggest(
    connection: Connection, dead: Dead, owner: str, now: datetime, found: Iterable[Suggestion]
) -> bool:
    """The search is over: keep what was found, nothing included, and give the source back.

    False: it is not dead any more, has another address, or is not this owner's any more.
    """
    stands = exists().where(s.c.id == t.c.source_id, s.c.url == dead.url)
    still = LEASE.mine(owner, [dead.id]), stands, t.c.failures > 0
    told = [asdict(one) for one in found]
    kept = connection.execute(update(t).where(*still).values(suggestions=told or None))
    LEASE.release(connection, owner, [dead.id], {"searched_at": now})
    return kept.rowcount == 1


def suggestions_in(stored: Any) -> tuple[Suggestion, ...]:
    """What the column holds."""
    return tuple(Suggestion(**one) for one in stored or ())

"""Destinations that put mail off: what one machine was answered there, none tries for a while.

Each is a domain, or the first domain of a large provider (mail.domains).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from service.store.core.statements import upsert
from service.store.tables import slow_domain

HELD_FOR = timedelta(seconds=40)
"""Less than the shortest back-off: the first of those that were put off to come back asks again."""

LONGEST = timedelta(minutes=15)
"""Where it refuses us: nothing changes there before somebody has mended it."""

_KEPT = timedelta(days=1)

# Made once: each run of mail asks.
_KNOWN = select(
    slow_domain.c.domain,
    slow_domain.c.for_readers,
    slow_domain.c.answer,
    slow_domain.c.held_until,
).where(slow_domain.c.held_until > bindparam("since"))
_FORGET = delete(slow_domain).where(slow_domain.c.domain == bindparam("of"))


@dataclass(frozen=True, slots=True)
class SlowDomain:
    """`answer`: to the last of several. `for_readers` False: strangers alone met it.

    `held`: nobody tries it now; False: the time is over, and nothing was taken since. `lasts`: for
    how long, from when it is noted.
    """

    domain: str
    for_readers: bool
    answer: str
    held: bool = True
    lasts: timedelta = HELD_FOR


@dataclass(frozen=True, slots=True)
class RestingDestination:
    """A destination that readers' mails wait for, until when, and what it answered."""

    name: str
    answer: str
    until: datetime


def note(connection: Connection, one: SlowDomain, now: datetime) -> None:
    """Nobody tries it for a while. Needs a write transaction.

    Old ones are deleted past what another process writes just now: two that each wrote what the
    other is about to delete would wait for each other for ever (PostgreSQL).
    """
    row = upsert(connection, slow_domain).values(
        domain=one.domain,
        for_readers=one.for_readers,
        answer=one.answer,
        held_until=now + one.lasts,
    )
    new = {name: row.excluded[name] for name in ("for_readers", "answer", "held_until")}
    connection.execute(row.on_conflict_do_update(index_elements=["domain"], set_=new))
    key = slow_domain.c.domain
    old = select(key).where(slow_domain.c.held_until < now - _KEPT).order_by(key)
    connection.execute(delete(slow_domain).where(key.in_(old.with_for_update(skip_locked=True))))


def forget(connection: Connection, domain: str) -> None:
    """It takes mail. Needs a write transaction."""
    connection.execute(_FORGET, {"of": domain})


def known(connection: Connection, now: datetime) -> list[SlowDomain]:
    """Those that nobody tries now, and those that have taken nothing since that was so."""
    rows = connection.execute(_KNOWN, {"since": now - _KEPT})
    return [
        SlowDomain(row.domain, row.for_readers, row.answer, held=row.held_until > now)
        for row in rows
    ]


def resting(connection: Connection, now: datetime) -> list[RestingDestination]:
    """Where readers' mails wait now, by name."""
    c = slow_domain.c
    rows = connection.execute(
        select(c.domain, c.answer, c.held_until)
        .where(c.held_until > now, c.for_readers)
        .order_by(c.domain)
    )
    return [RestingDestination(*row) for row in rows]

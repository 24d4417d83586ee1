"""What a hub means for how a source is polled: `source.pushed_until`, and when it is not to be.

While a hub brings a source's news, the source is polled at its ceiling alone (collect/schedule).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from service.store.sources import poll_state
from service.store.sources.poll_state import PollState
from service.store.sources.polling_queue import LEASE, ClaimedSource
from service.store.tables import source
from service.store.tables import websub as t


def hold(connection: Connection, source_id: int) -> None:
    """Lock a source's row until the transaction ends (PostgreSQL).

    Whoever writes to it and to its subscription takes it first, as a poll does: two that met half
    way would wait for each other. Not its key: a subscription that is written to twice in one
    transaction looks at that (the foreign key), and has its own row locked already.
    """
    row = select(source.c.id).where(source.c.id == source_id)
    connection.execute(row.with_for_update(key_share=True))


def push(connection: Connection, source_id: int, until: datetime | None) -> None:
    """A hub brings its news until then; None: it is not relied on."""
    connection.execute(update(source).where(source.c.id == source_id).values(pushed_until=until))


def record_delivered(connection: Connection, one: ClaimedSource, known: PollState) -> None:
    """What a hub brought is stored, and the claim given back.

    It says nothing of the document behind the source's own address.
    """
    s = source.c
    mine = LEASE.mine(one.owner, [one.id]) & (s.url == one.url)
    told = {**poll_state.values(known), **LEASE.given_back}
    connection.execute(update(source).where(mine).values(told))


def missed(connection: Connection, source_id: int, now: datetime) -> bool:
    """A poll found news. True: the hub, alive since the last poll, has brought nothing since then.

    It is not relied on from now on, until it delivers again.
    """
    last = select(source.c.last_ok_at).where(source.c.id == source_id).scalar_subquery()
    silent = or_(t.c.delivered_at.is_(None), t.c.delivered_at <= last)
    done = connection.execute(
        update(t)
        .where(
            t.c.source_id == source_id, t.c.leaving_since.is_(None), t.c.alive_since < last, silent
        )
        .values(missed_at=now)
    )
    if done.rowcount == 0:
        return False
    push(connection, source_id, None)
    return True


@dataclass(frozen=True, slots=True)
class Silent:
    """A source whose news no hub brings any more, by the columns of its row."""

    next_poll_at: datetime
    last_ok_at: datetime | None
    failures: int
    interval_s: int | None
    fresh_s: int | None
    every_s: int | None
    skips: int | None
    held_until: datetime | None


def fall_back(connection: Connection, source_id: int, plan: Callable[[Silent], datetime]) -> None:
    """Poll a source in its own rhythm again. `plan` says when, never later than planned."""
    s = source.c
    columns = (s[field.name] for field in fields(Silent))
    row = connection.execute(select(*columns).where(s.id == source_id)).one()
    silent = Silent(*row)
    at = min(plan(silent), silent.next_poll_at)
    connection.execute(
        update(source).where(s.id == source_id).values(pushed_until=None, next_poll_at=at)
    )


def wake(connection: Connection, source_id: int, now: datetime, gap: timedelta) -> None:
    """Poll a source as soon as its last poll is `gap` ago: something is said to be new there."""
    s = source.c
    row = connection.execute(
        select(s.next_poll_at, s.last_tried_at, s.held_until, s.failures).where(s.id == source_id)
    ).one_or_none()
    if row is None or row.failures:
        return  # it is tried again in its own time
    at = max(now, row.last_tried_at + gap) if row.last_tried_at else now
    at = max(at, row.held_until) if row.held_until else at
    if at < row.next_poll_at:
        connection.execute(update(source).where(s.id == source_id).values(next_poll_at=at))

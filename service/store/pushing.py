"""What a hub means for how a source is polled: `source.pushed_until`, and when it is not to be.

While a hub brings a source's news, the source is polled at its ceiling alone (collect/schedule).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from service.store import manners
from service.store.manners import Manners
from service.store.sources import Claimed
from service.store.tables import source
from service.store.tables import websub as t

LONGEST_REST = timedelta(days=1)
"""How long a publisher's wish for rest holds back a source whose hub falls silent."""

HOUR = timedelta(hours=1)
"""Between two polls of a source whose rhythm is not known."""


def push(connection: Connection, source_id: int, until: datetime | None) -> None:
    """A hub brings its news until then; None: it is not relied on."""
    connection.execute(update(source).where(source.c.id == source_id).values(pushed_until=until))


def record_delivered(connection: Connection, one: Claimed, known: Manners) -> None:
    """What a hub brought is stored, and the claim given back.

    It says nothing of the document behind the source's own address.
    """
    s = source.c
    mine = (s.id == one.id, s.lease_owner == one.owner, s.url == one.url)
    free = {"lease_owner": None, "lease_until": None}
    connection.execute(update(source).where(*mine).values(**manners.values(known), **free))


def missed(connection: Connection, source_id: int, now: datetime) -> bool:
    """A poll found news. True: the hub, alive since the last poll, has brought nothing since then.

    It is not relied on from now on, until it delivers again.
    """
    last = select(source.c.last_ok_at).where(source.c.id == source_id).scalar_subquery()
    silent = or_(t.c.delivered_at.is_(None), t.c.delivered_at <= last)
    done = connection.execute(
        update(t)
        .where(
            t.c.source_id == source_id, t.c.leaving_since.is_(None), t.c.alive_since <= last, silent
        )
        .values(missed_at=now)
    )
    if done.rowcount == 0:
        return False
    push(connection, source_id, None)
    return True


def fall_back(connection: Connection, source_ids: Iterable[int], now: datetime) -> None:
    """No hub brings these sources' news: they are polled in their own rhythm, counted from now on.

    What their publishers ask for is not undercut.
    """
    ids = sorted(set(source_ids))
    s = source.c
    rows = connection.execute(
        select(s.id, s.next_poll_at, s.last_ok_at, s.interval_s, s.fresh_s, s.every_s).where(
            s.id.in_(ids)
        )
    ).all()
    for row in rows:
        rest = min(timedelta(seconds=max(row.fresh_s or 0, row.every_s or 0)), LONGEST_REST)
        own = timedelta(seconds=row.interval_s) if row.interval_s else HOUR
        at = max(now, (row.last_ok_at or now) + max(own, rest))
        connection.execute(
            update(source)
            .where(s.id == row.id)
            .values(pushed_until=None, next_poll_at=min(at, row.next_poll_at))
        )


def wake(connection: Connection, source_id: int, now: datetime, gap: timedelta) -> None:
    """Poll a source as soon as its last poll is `gap` ago: something is said to be new there."""
    s = source.c
    row = connection.execute(
        select(s.next_poll_at, s.last_tried_at).where(s.id == source_id)
    ).one_or_none()
    if row is None:
        return
    at = max(now, row.last_tried_at + gap) if row.last_tried_at else now
    if at < row.next_poll_at:
        connection.execute(update(source).where(s.id == source_id).values(next_poll_at=at))

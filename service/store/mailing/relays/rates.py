"""Moments to send at, which all processes take from one row a rate: none is given out twice.

A process takes as many as it has mails in hand, one after the other and evenly spaced, and holds no
lock while it uses them up. What it does not use (it died, or was late) is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    between,
    bindparam,
    case,
    or_,
    select,
    update,
)

from service.store.core.lease import FURTHEST
from service.store.core.statements import upsert
from service.store.tables import mail_rate

LONGEST_QUEUE = timedelta(minutes=30)
"""A mail that waits for its destination looks again after so long at most."""

_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MANY = 1000
"""More moments than this are never taken ahead: a row that says so had a clock that was ahead."""

_row = mail_rate.c


def take(
    connection: Connection,
    name: str,
    begin: datetime,
    rate: float,
    number: int,
    within: timedelta | None = None,
) -> datetime | None:
    """Take `number` moments, 1 / `rate` seconds apart, the first one not before `begin`.

    Returns the first one. None: it would come later than `within` after `begin`; then none is
    taken. Moments that lie further ahead than can be were taken by a clock that was ahead, or at
    another rate: they count as free. Needs a write transaction.
    """
    values = {
        "begin": _us(begin),
        "furthest": _furthest(begin, rate),
        "lot": round(number * _SECOND / rate),
        "latest": _us(begin + within) if within is not None else _furthest(begin, rate),
    }
    end = connection.scalar(_take(connection), {"name": name, **values})
    return None if end is None else _EPOCH + timedelta(microseconds=end - values["lot"])


def queue(connection: Connection, name: str, now: datetime, rate: float) -> datetime:
    """About when a moment will be free for one more mail that waits. Takes none.

    Each mail that asks is told the next, and LONGEST_QUEUE from now where the queue is longer: it
    stands behind those who are told theirs by then. What a queue cannot be so far ahead was told by
    a clock that was. `take` has been called before. Needs a write transaction.
    """
    row = connection.execute(
        select(_row.taken_us, _row.queued_us).where(_row.name == name).with_for_update()
    ).one()
    gap = round(_SECOND / rate)
    end = _us(now + LONGEST_QUEUE)
    is_queue = row.taken_us <= row.queued_us <= _us(now + LONGEST_QUEUE + FURTHEST) + gap
    told = row.queued_us if is_queue else row.taken_us
    if told > end:
        return now + LONGEST_QUEUE
    connection.execute(update(mail_rate).where(_row.name == name).values(queued_us=told + gap))
    return _EPOCH + timedelta(microseconds=told)


def _take(connection: Connection) -> Executable:
    begin, furthest, lot, latest = (
        bindparam(name, type_=BigInteger) for name in ("begin", "furthest", "lot", "latest")
    )
    known = between(_row.taken_us, begin, furthest)
    row = upsert(connection, mail_rate).values(
        name=bindparam("name"), taken_us=begin + lot, queued_us=0
    )
    return row.on_conflict_do_update(
        index_elements=["name"],
        set_={"taken_us": case((known, _row.taken_us), else_=begin) + lot},
        where=or_(_row.taken_us <= latest, _row.taken_us > furthest),
    ).returning(_row.taken_us)


def _us(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _furthest(now: datetime, rate: float) -> int:
    return _us(now + FURTHEST) + round(_MANY * _SECOND / rate)

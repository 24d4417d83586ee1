"""What is due in the mail queue, in which order: three lanes, each walked along its index."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    union_all,
)

from service.model import DeliveryState
from service.store.core.column_types import UtcDateTime
from service.store.core.lease import FURTHEST
from service.store.mailing.deliveries import LEASE, of_digest
from service.store.tables import attempt, delivery


class Lane(StrEnum):
    """The queue of a delivery. What was tried itself waits behind the others."""

    TRANSACTIONAL = "transactional"
    NEWS = "news"
    AGAIN = "again"


TRIED = exists().where(attempt.c.delivery_id == delivery.c.id)
"""It was tried itself: what was only put off with all others has no attempt of its own."""

_TRANSACTIONAL, _NEWS = 0, 1
_GROUPS = {
    Lane.TRANSACTIONAL: ((_TRANSACTIONAL, False),),
    Lane.NEWS: ((_NEWS, False),),
    Lane.AGAIN: ((_NEWS, True), (_TRANSACTIONAL, True)),
}
"""Lane -> priority, and whether it was tried, in the order in which they are taken."""


@dataclass(frozen=True, slots=True)
class DueMail:
    """What is due of one digest or, None, of all.

    `groups`: (priority, place in _DUE), tried or not.
    """

    digest_name: str | None
    groups: frozenset[tuple[int, int]]


def there(connection: Connection, now: datetime, digest_name: str | None) -> DueMail:
    """What is due. Most claims find nothing, which this statement tells."""
    asked, _ = _QUEUES[digest_name is not None]
    values = {"now": now, "furthest": now + FURTHEST, "digest": digest_name}
    found = connection.execute(asked, values)
    return DueMail(digest_name, frozenset((row[0], row[1]) for row in found))


def candidates(
    connection: Connection, now: datetime, limit: int, mail: DueMail, lanes: Sequence[Lane]
) -> list[int]:
    """Ids in the order to take them. One small ordered query a group: each walks the index."""
    values = {"now": now, "furthest": now + FURTHEST, "digest": mail.digest_name}
    _, queues = _QUEUES[mail.digest_name is not None]
    ids: list[int] = []
    groups = [group for lane in lanes for group in _GROUPS[lane]]
    for (priority, tried), due in itertools.product(groups, range(len(_DUE))):
        if len(ids) >= limit:
            return ids
        if (priority, due) in mail.groups:
            waiting = queues[priority, tried, due]
            ids += connection.execute(waiting, {**values, "room": limit - len(ids)}).scalars()
    return ids


def due_now(
    now: Any, furthest: Any = None, state: ColumnElement[str] = delivery.c.state
) -> tuple[ColumnElement[bool], ...]:
    """What may be taken; instants or parameters, as in `Lease.free`. `state`: or BY_ROW.

    A planned edition is due by having been planned: `--at` may have dated it into the future. A
    transactional mail waits for its time: a flood of sign-ups is spread over hours
    (audience.signup_hours).
    """
    on_time = or_(delivery.c.expires_at.is_(None), delivery.c.expires_at > now)
    claimed, planned, deferred = (
        state == one.value
        for one in (DeliveryState.CLAIMED, DeliveryState.PLANNED, DeliveryState.DEFERRED)
    )
    return (
        and_(claimed, LEASE.free(now, furthest), on_time),
        and_(planned, or_(delivery.c.priority == _NEWS, delivery.c.next_try_at <= now), on_time),
        and_(deferred, delivery.c.next_try_at <= now, on_time),
    )


_DUE = due_now(bindparam("now", type_=UtcDateTime), bindparam("furthest", type_=UtcDateTime))


def _there(of: ColumnElement[bool]) -> CompoundSelect[int, int]:
    """Which (priority, place in _DUE) have anything, tried or not: an index entry each."""
    return union_all(
        *(
            select(literal_column(str(priority), Integer), literal_column(str(due), Integer)).where(
                exists().where(delivery.c.priority == priority, _DUE[due], of)
            )
            for priority, due in itertools.product((_TRANSACTIONAL, _NEWS), range(len(_DUE)))
        )
    )


def _waiting(
    priority: int, due: ColumnElement[bool], of: ColumnElement[bool], *, tried: bool
) -> Select[int]:
    """The first of a group, the longest waiting first, without what others are taking just now.

    All mails of an edition wait since the same instant. If they were to come by their ids as well,
    each claim on PostgreSQL would sort all of them: a hundred thousand for twenty.
    """
    return (
        select(delivery.c.id)
        .where(due, delivery.c.priority == priority, TRIED if tried else ~TRIED, of)
        .order_by(delivery.c.next_try_at)
        .limit(bindparam("room", type_=Integer))
        .with_for_update(skip_locked=True, of=delivery)
    )


_QUEUES = {
    of_one: (
        _there(of),
        {
            (priority, tried, place): _waiting(priority, due, of, tried=tried)
            for groups in _GROUPS.values()
            for priority, tried in groups
            for place, due in enumerate(_DUE)
        },
    )
    for of_one, of in ((False, of_digest(None)), (True, of_digest(bindparam("digest"))))
}
"""Whether of one digest -> what tells which are there, and the query of each group."""

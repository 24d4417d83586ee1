"""Who is still to be told that something was taken back, and which mail tells it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection, Select, and_, bindparam, case, func, or_, select, update

from service.store.core.arrays import RowUpdate
from service.store.core.bulk import among_given, lots
from service.store.tables import (
    correction,
    digest,
    recall,
    subscriber,
    subscription,
    suppression,
)

ALONE_AFTER = timedelta(hours=22)
"""A correction waits so long for an edition; then a mail of its own has two hours to arrive within
the day that Vietnam's Decree 147/2024 gives."""

TOLD_FOR = timedelta(days=30)
"""Who could not be told for so long, being paused or gone, is not told any more."""

_IS_WAITING = and_(
    correction.c.delivery_id.is_(None),
    recall.c.undone_at.is_(None),
    recall.c.recalled_at > bindparam("since"),
)


@dataclass(frozen=True, slots=True)
class DueCorrections:
    """A reader whom no edition has told of these recalls in time, and where to write to."""

    subscriber_id: int
    subscription_id: int
    language: str | None
    digest: str
    recalls: tuple[int, ...]


def waiting(
    connection: Connection, subscribers: Iterable[int], now: datetime
) -> dict[int, tuple[int, ...]]:
    """Subscriber -> recalls that it is still to be told of, the oldest first."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for some in lots(sorted(set(subscribers))):
        asked = {"of": some, "since": now - TOLD_FOR}
        for row in connection.execute(_waiting(connection.dialect.name), asked):
            found[row.subscriber_id].append(row.recall_id)
    return {one: tuple(ids) for one, ids in found.items()}


@cache
def _waiting(dialect: str) -> Select[int, int]:
    """Made once: each batch of a plan asks, and mostly nobody waits."""
    return (
        select(correction.c.subscriber_id, correction.c.recall_id)
        .join(recall, recall.c.id == correction.c.recall_id)
        .where(among_given(correction.c.subscriber_id, "of", dialect), _IS_WAITING)
        .order_by(correction.c.recall_id)
    )


def carried(connection: Connection, delivery_id: int, subscriber: int, ids: Iterable[int]) -> None:
    """This mail tells it. The reader's row is locked, or nobody else plans."""
    connection.execute(
        update(correction)
        .where(
            correction.c.subscriber_id == subscriber,
            correction.c.recall_id.in_(list(ids)),
            correction.c.delivery_id.is_(None),
        )
        .values(delivery_id=delivery_id)
    )


_CARRIED = RowUpdate(correction, ["subscriber_id", "recall_id"], ["delivery_id"], {})


def carried_all(connection: Connection, mails: Iterable[tuple[int, int, tuple[int, ...]]]) -> None:
    """The same of many: delivery, subscriber, recalls. All of these wait, and are locked."""
    _CARRIED(connection, [(who, one, mail) for mail, who, ids in mails for one in ids])


def due(connection: Connection, now: datetime, limit: int = 500) -> list[DueCorrections]:
    """Who waits no longer for an edition, each with a live subscription to write to.

    By the one that told it, else by another. Who has paused, left or must not be written to waits.
    """
    barred = select(suppression.c.address_key).where(
        suppression.c.address_key == subscriber.c.address_key
    )
    rows = connection.execute(
        select(
            correction.c.subscriber_id,
            correction.c.recall_id,
            subscription.c.id,
            subscriber.c.language,
            digest.c.name,
        )
        .join(recall, recall.c.id == correction.c.recall_id)
        .join(subscriber, subscriber.c.id == correction.c.subscriber_id)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .join(digest, digest.c.id == subscription.c.digest_id)
        .where(
            _IS_WAITING,
            correction.c.alone_at <= now,
            subscriber.c.address.is_not(None),
            subscription.c.ended_at.is_(None),
            subscription.c.starts_at.is_not(None),
            or_(subscription.c.paused_until.is_(None), subscription.c.paused_until <= now),
            digest.c.retired_at.is_(None),
            ~barred.exists(),
        )
        .order_by(
            correction.c.subscriber_id,
            case((subscription.c.id == correction.c.subscription_id, 0), else_=1),
            subscription.c.id,
            correction.c.recall_id,
        )
        .limit(limit * 10),
        {"since": now - TOLD_FOR},
    ).all()
    found: dict[int, DueCorrections] = {}
    for row in rows:
        known = found.get(row.subscriber_id)
        if known is None:
            if len(found) == limit:
                break
            ids: tuple[int, ...] = ()
            known = DueCorrections(row.subscriber_id, row.id, row.language, row.name, ids)
        if row.recall_id not in known.recalls:
            recalls = (*known.recalls, row.recall_id)
            known = DueCorrections(
                known.subscriber_id, known.subscription_id, known.language, known.digest, recalls
            )
        found[row.subscriber_id] = known
    return list(found.values())


def lock(connection: Connection, subscribers: Iterable[int]) -> None:
    """Nobody plans for these readers until the transaction ends. In one order, as all do."""
    rows = select(subscriber.c.id).where(subscriber.c.id.in_(list(subscribers)))
    connection.execute(rows.order_by(subscriber.c.id).with_for_update()).all()


@dataclass(frozen=True, slots=True)
class CorrectionCounts:
    """Readers of one recall: whom a mail has told, or is on its way to; who waits."""

    told: int
    waiting: int


def counts(connection: Connection, recalls: Iterable[int]) -> dict[int, CorrectionCounts]:
    """Recall -> how many readers were to be told."""
    found: dict[int, CorrectionCounts] = {}
    for some in lots(recalls):
        found |= dict.fromkeys(some, CorrectionCounts(0, 0))
        rows = connection.execute(
            select(
                correction.c.recall_id,
                func.count(correction.c.delivery_id).label("told"),
                func.count().label("all"),
            )
            .where(correction.c.recall_id.in_(some))
            .group_by(correction.c.recall_id)
        )
        found |= {row.recall_id: CorrectionCounts(row.told, row.all - row.told) for row in rows}
    return found


def of_reader(connection: Connection, subscriber_id: int, recall_id: int) -> int | bool | None:
    """The mail that tells a reader of a recall; None: it waits; False: it is not to be told."""
    row = connection.execute(
        select(correction.c.delivery_id).where(
            correction.c.subscriber_id == subscriber_id, correction.c.recall_id == recall_id
        )
    ).one_or_none()
    return False if row is None else row.delivery_id

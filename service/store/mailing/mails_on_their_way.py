"""Mails that wait for two people who become one: none tells what the other one was told.

What else it was to tell is released, so that the next edition tells it. One whose body may have
left is not here: its `told` rows stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, and_, exists, or_, select, update

from service.model import DeliveryKind, DeliveryState
from service.store.mailing.deliveries import LEASE
from service.store.mailing.release import forget_parts, release
from service.store.tables import correction, delivery, subscription, told

_S = DeliveryState
_NEWS = delivery.c.kind.in_((DeliveryKind.EDITION.value, DeliveryKind.WELCOME.value))
_ALONE = delivery.c.kind == DeliveryKind.REPORT.value
"""What tells a reader of recalls and of nothing else, where one says that it does."""
_WAITING = delivery.c.state.in_(tuple(one.value for one in (_S.PLANNED, _S.CLAIMED, _S.DEFERRED)))
_NEVER = tuple(one.value for one in (_S.SUPPRESSED, _S.REJECTED, _S.EXPIRED))
_SAID = "the reader was told by another address, which is the same person now"


def lock(connection: Connection, people: Sequence[int]) -> None:
    """Those that wait for these people, until the transaction ends."""
    theirs = select(subscription.c.id).where(subscription.c.subscriber_id.in_(people))
    connection.execute(
        select(delivery.c.id)
        .where(delivery.c.subscription_id.in_(theirs), or_(_NEWS, _ALONE), _WAITING)
        .order_by(delivery.c.id)
        .with_for_update()
    ).all()


def told_already(connection: Connection, stays: int, goes: int) -> list[int]:
    """The mails that wait for either and tell what the other one was shown.

    What was only counted in "N more" stops none. Where both wait for one, that of who goes is among
    them.
    """
    of_goes = connection.scalars(_twice(goes, stays)).all()
    of_stays = connection.scalars(_twice(stays, goes, but=of_goes)).all()
    return sorted({*of_goes, *of_stays})


def corrected_already(connection: Connection, stays: int, goes: int) -> list[int]:
    """The mails that wait for either and tell nothing but recalls, one that the other is told of.

    An edition that tells it as well goes on its way: its news would wait for the next one.
    """
    of_goes = connection.scalars(_corrected(goes, stays)).all()
    of_stays = connection.scalars(_corrected(stays, goes, but=of_goes)).all()
    return sorted({*of_goes, *of_stays})


def stop(connection: Connection, ids: Iterable[int], now: datetime) -> None:
    """Suppress and release them. One that may have arrived before is held, and told all the same.

    Call it when both are one as far as subscriptions go.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return
    mine = and_(delivery.c.id.in_(wanted), _WAITING)
    held = {"state": _S.UNCERTAIN.value, "reply": _SAID, **LEASE.ended}
    connection.execute(update(delivery).where(mine, delivery.c.resends > 0).values(held))
    gone = {"state": _S.SUPPRESSED.value, "settled_at": now, "reply": _SAID, **LEASE.ended}
    stopped = connection.scalars(
        update(delivery).where(mine).values(gone).returning(delivery.c.id)
    ).all()
    release(connection, stopped)
    untold = update(correction).where(correction.c.delivery_id.in_(stopped))
    connection.execute(untold.values(delivery_id=None))  # by those that were to go alone, too
    forget_parts(connection, stopped)


def _twice(who: int, other: int, but: Sequence[int] = ()) -> Select[int]:
    known = told.alias("known")
    shared = exists().where(
        known.c.subscriber_id == other,
        known.c.shown,
        known.c.scope == told.c.scope,
        known.c.article_id == told.c.article_id,
        known.c.delivery_id.not_in(but),
    )
    return (
        select(delivery.c.id)
        .distinct()
        .join(told, told.c.delivery_id == delivery.c.id)
        .where(told.c.subscriber_id == who, _NEWS, _WAITING, shared)
    )


def _corrected(who: int, other: int, but: Sequence[int] = ()) -> Select[int]:
    known, its = correction.alias("known"), delivery.alias("its")
    shared = exists().where(
        known.c.subscriber_id == other,
        known.c.recall_id == correction.c.recall_id,
        known.c.delivery_id.not_in(but),
        its.c.id == known.c.delivery_id,
        its.c.state.not_in(_NEVER),
    )
    return (
        select(delivery.c.id)
        .distinct()
        .join(correction, correction.c.delivery_id == delivery.c.id)
        .where(correction.c.subscriber_id == who, _ALONE, _WAITING, shared)
    )

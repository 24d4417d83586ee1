"""Mails that belong to one subscription alone: confirm, welcome, change. No edition stands behind.

A transactional mail is a delivery with a segment of its own, so that it is sent, retried and
accounted for exactly as an edition's mail is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select, true, update

from service.model import DeliveryKind, DeliveryState, Parts
from service.store.core.kicks import Kick, kick
from service.store.mailing import deliveries, segments
from service.store.mailing.deliveries import NewDelivery
from service.store.mailing.message_parts import pack
from service.store.mailing.segments import Segment
from service.store.tables import delivery, segment, subscriber, subscription

SIGNUP_KINDS = (DeliveryKind.CONFIRM, DeliveryKind.CHANGE)
"""What a sign-up may cause: "was it you?", or "you get it already" to whoever has confirmed."""

_APART = {"counted": "apart"}
_IS_APART = segment.c.stories["counted"].as_string() == _APART["counted"]

_NEVER_LEFT = (DeliveryState.SUPPRESSED, DeliveryState.EXPIRED)


def plan(
    connection: Connection,
    *,
    kind: DeliveryKind,
    subscription_id: int,
    message_id: str,
    parts: Parts,
    language: str,
    now: datetime,
    expires_at: datetime | None,
    due_at: datetime | None = None,
    apart: bool = False,
) -> int:
    """Queue a transactional mail, dated and due at `due_at`; None = at once.

    Returns the delivery's id.

    `message_id` must have been made from that same instant (mail/message.py). `apart`: it counts
    among its own, and not among those that sign-ups cause (`apart_of`).
    """
    own = Segment(
        edition_id=None,
        hash=hashlib.sha256(message_id.encode()).digest(),
        language=language,
        stories=_APART if apart else {},
        parts=pack(parts),
    )
    mail = NewDelivery(
        subscription_id=subscription_id,
        segment_id=segments.put(connection, own),
        kind=kind,
        message_id=message_id,
        dated_at=due_at or now,
        due_at=due_at,
        expires_at=expires_at,
    )
    return deliveries.add(connection, [mail], now)[0]


def plan_alike(
    connection: Connection,
    *,
    kind: DeliveryKind,
    message_ids: Mapping[int, str],
    parts: Parts,
    language: str,
    now: datetime,
) -> list[int]:
    """Queue one mail to many, due at once, with one segment for all of them.

    `message_ids`: subscription -> of its mail, made from `now`. Returns the deliveries' ids in this
    order.
    """
    first = min(message_ids.values())
    own = Segment(None, hashlib.sha256(first.encode()).digest(), language, {}, pack(parts))
    segment_id = segments.put(connection, own)
    mails = [
        NewDelivery(subscription_id, segment_id, kind, message_id, dated_at=now)
        for subscription_id, message_id in message_ids.items()
    ]
    return deliveries.add(connection, mails, now)


def bring_forward(
    connection: Connection,
    *,
    kind: DeliveryKind,
    subscription_id: int,
    message_id: str,
    due_at: datetime,
    expires_at: datetime,
) -> bool:
    """Date a mail that waits for a later hour anew, to go out at `due_at`. False: none waits.

    `message_id` must have been made from that same instant (mail/message.py).
    """
    moved = connection.execute(
        update(delivery)
        .where(
            delivery.c.subscription_id == subscription_id,
            delivery.c.kind == kind.value,
            delivery.c.state == DeliveryState.PLANNED.value,
            delivery.c.tries == 0,
            delivery.c.next_try_at > due_at,
            delivery.c.dated_at > due_at,
        )
        .values(message_id=message_id, dated_at=due_at, next_try_at=due_at, expires_at=expires_at)
        .returning(delivery.c.id)
    ).all()
    if moved:
        kick(connection, Kick.MAIL)
    return bool(moved)


def signups_of(
    connection: Connection,
    subscriber_id: int,
    since: datetime,
    kinds: Sequence[DeliveryKind] = SIGNUP_KINDS,
) -> int:
    """Transactional mails that forms caused to one person since then, for whichever digest.

    Those that never left do not count: nobody was bothered.
    """
    return _signups(connection, subscription.c.subscriber_id == subscriber_id, since, kinds)


def apart_of(connection: Connection, subscriber_id: int, since: datetime) -> int:
    """The mails to one person since then that count apart: with a link to their own page."""
    whose = and_(subscription.c.subscriber_id == subscriber_id, _IS_APART)
    return _count(connection, whose, since, SIGNUP_KINDS)


def apart_of_mailbox(connection: Connection, mailbox_key: bytes, since: datetime) -> int:
    """The same, to all addresses that lead into one mailbox."""
    whose = and_(subscriber.c.mailbox_key == mailbox_key, _IS_APART)
    return _count(connection, whose, since, SIGNUP_KINDS)


def signups_of_mailbox(connection: Connection, mailbox_key: bytes, since: datetime) -> int:
    """The mails of `signups_of`, to all addresses that lead into one mailbox."""
    return _signups(connection, subscriber.c.mailbox_key == mailbox_key, since)


def _signups(
    connection: Connection,
    whose: ColumnElement[bool],
    since: datetime,
    kinds: Sequence[DeliveryKind] = SIGNUP_KINDS,
) -> int:
    return _count(connection, and_(whose, func.coalesce(~_IS_APART, true())), since, kinds)


def _count(
    connection: Connection,
    whose: ColumnElement[bool],
    since: datetime,
    kinds: Sequence[DeliveryKind],
) -> int:
    found = connection.scalar(_COUNTED.where(whose), {"kinds": kinds, "since": since})
    return found or 0


_COUNTED = (
    select(func.count())
    .select_from(delivery.join(subscription).join(subscriber).join(segment))
    .where(
        delivery.c.kind.in_(bindparam("kinds", expanding=True)),
        delivery.c.created_at > bindparam("since"),
        delivery.c.state.not_in(_NEVER_LEFT),
    )
)
"""Each sign-up asks several times."""

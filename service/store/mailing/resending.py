"""Uncertain mails that are planned again by themselves, where `mail.uncertain` is "resend".

They keep Message-ID and Date, as with `bantin deliveries resend` (docs/decisions/015). An
uncertain mail keeps its owner's name while it waits, and until somebody claims it: its late 250
comes first, and then nothing is sent again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    String,
    Update,
    and_,
    bindparam,
    case,
    exists,
    literal,
    null,
    or_,
    select,
    update,
)

from service.model import DeliveryState
from service.store.core.bulk import lots
from service.store.core.column_types import UtcDateTime
from service.store.mailing.deliveries import LEASE, in_order, of_digest
from service.store.recalled.mails import PUT_OFF, REMADE_WITHIN
from service.store.tables import delivery, stale_segment

AFTER = timedelta(minutes=15)
"""How long it waits: longer than its owner waits for the last answer (mail.relay: ten minutes)."""

MOST = 3
"""How often one mail is planned again; after that it is held, until somebody plans it by hand."""

_UNCERTAIN = delivery.c.state == DeliveryState.UNCERTAIN.value


def becomes_uncertain(now: datetime, *, again: bool) -> dict[str, Any]:
    """The columns of a delivery that becomes uncertain now. `again`: the policy is "resend"."""
    if not again:
        return {"resend_at": None}
    later = literal(now + AFTER, UtcDateTime())
    return {"resend_at": case((delivery.c.resends < MOST, later), else_=null())}


def plan_those(connection: Connection, *wanted: ColumnElement[bool], now: datetime) -> list[int]:
    """Plan uncertain deliveries again, by whosever word, and count it. Returns which.

    Locked first, in the order of all who settle: a recall that has them meanwhile is waited for,
    and only a statement that begins after it sees that their segment is to be made anew.
    """
    asked = select(delivery.c.id).where(_UNCERTAIN, *wanted).order_by(delivery.c.id)
    ids = list(connection.scalars(asked.with_for_update()))
    for some in lots(ids):
        connection.execute(
            update(delivery)
            .where(delivery.c.id.in_(some))
            .values(**_planned(now), resends=delivery.c.resends + 1)
        )
    return ids


def _planned(now: datetime) -> dict[str, Any]:
    """One that shows what was taken back is put off until it is made anew: it has no parts."""
    stale = exists().where(stale_segment.c.segment_id == delivery.c.segment_id)
    planned, deferred = DeliveryState.PLANNED.value, DeliveryState.DEFERRED.value
    later, at_once = (literal(at, UtcDateTime()) for at in (now + REMADE_WITHIN, now))
    return {
        "state": case((stale, deferred), else_=planned),
        **LEASE.ended,
        "next_try_at": case((stale, later), else_=at_once),
        "reply": case((stale, PUT_OFF), else_=delivery.c.reply),
        "resend_at": None,
        "back_off_until": None,
    }


def _waits(digest_name: str | BindParameter[str] | None) -> ColumnElement[bool]:
    return and_(_UNCERTAIN, delivery.c.resend_at.is_not(None), of_digest(digest_name))


@cache
def _holding(*, of_one: bool) -> Update:
    """Made once: each run of mail asks for it, and hardly ever finds any."""
    waiting = _waits(bindparam("digest", type_=String) if of_one else None)
    return update(delivery).where(in_order(waiting)).values(resend_at=None)


def plan_again(
    connection: Connection, now: datetime, digest_name: str | None, *, again: bool
) -> int:
    """Plan again whatever has waited long enough. Returns how many.

    What is too late to be news is held instead, and so is everything unless `again`: a policy that
    was changed to "hold" holds.
    """
    if not again:
        connection.execute(_holding(of_one=digest_name is not None), {"digest": digest_name})
        return 0
    waiting = _waits(digest_name)
    late, due = delivery.c.expires_at <= now, delivery.c.resend_at <= now
    # All at once: two statements that lock in order, one after the other, lock in none.
    both = select(delivery.c.id).where(waiting, or_(late, due)).order_by(delivery.c.id)
    connection.execute(both.with_for_update()).all()
    connection.execute(update(delivery).where(in_order(waiting, late)).values(resend_at=None))
    on_time = or_(delivery.c.expires_at.is_(None), delivery.c.expires_at > now)
    return len(plan_those(connection, waiting, on_time, due, now=now))

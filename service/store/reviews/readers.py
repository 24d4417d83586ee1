"""How many people an edition is for that has not gone yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, exists, func, or_, select

from service.store.audience.cut_times import PEOPLE, READING
from service.store.tables import delivery, edition, subscriber, subscription, suppression


def due_readers(connection: Connection, digest_id: int, cadence: str, cut_at: datetime) -> int:
    """Who waits for this cut and is neither paused nor suppressed, or has got its mail.

    Whether it has anything to tell them is only known when it is planned.
    """
    barred = exists().where(suppression.c.address_key == subscriber.c.address_key)
    paused = and_(subscription.c.paused_until.is_not(None), subscription.c.paused_until > cut_at)
    served = exists().where(
        delivery.c.subscription_id == subscription.c.id, delivery.c.edition_id == edition.c.id
    )
    waits = and_(
        subscription.c.digest_id == digest_id,
        READING,
        subscription.c.rule.startswith(f"{cadence}|", autoescape=True),
        subscription.c.next_cut_at <= cut_at,
        ~paused,
        ~barred,
    )
    mine = (
        edition.c.digest_id == digest_id,
        edition.c.cadence == cadence,
        edition.c.cut_at == cut_at,
    )
    found = connection.scalar(
        select(func.count(subscription.c.id.distinct()))
        .select_from(PEOPLE)
        .join(edition, edition.c.digest_id == subscription.c.digest_id)
        .where(*mine, or_(waits, served))
    )
    return found or 0

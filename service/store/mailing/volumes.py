"""How many mails go to the domains of the readers' addresses."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, select

from service.model import DeliveryState
from service.store.audience.cut_times import READING
from service.store.mailing.deliveries import BY_ROW
from service.store.tables import delivery, edition, subscriber, subscription

_LATEST = timedelta(days=8)
"""After its cut hardly a mail of an edition goes out. Deliveries are kept for years, and nothing
leads to those of a day but their editions."""


def accepted_since(connection: Connection, since: datetime) -> Counter[str]:
    """Domain of the address, in lower case -> mails of editions that relays took since then."""
    recent = select(edition.c.id).where(edition.c.cut_at >= since - _LATEST)
    return _count(
        connection,
        select(subscriber.c.address)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .join(delivery, delivery.c.subscription_id == subscription.c.id)
        .where(
            delivery.c.edition_id.in_(recent),
            BY_ROW.in_([DeliveryState.ACCEPTED.value]),
            delivery.c.settled_at >= since,
            subscriber.c.address.is_not(None),
        ),
    )


def readers(connection: Connection) -> Counter[str]:
    """The same -> addresses there that get mail, each counted once."""
    reading = select(subscription.c.subscriber_id).where(READING)
    return _count(
        connection,
        select(subscriber.c.address).where(
            subscriber.c.id.in_(reading), subscriber.c.address.is_not(None)
        ),
    )


def _count(connection: Connection, addresses: Select[tuple[str]]) -> Counter[str]:
    """Counted here: the two databases cut texts at different functions."""
    counts: Counter[str] = Counter()
    for (address,) in connection.execute(addresses):
        counts[str(address).rpartition("@")[2].lower()] += 1
    return counts

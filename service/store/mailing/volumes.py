"""How many mails go to the domains of the readers' addresses."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, Select, select

from service.model import DeliveryState
from service.store.audience.cut_times import READING
from service.store.tables import delivery, subscriber, subscription


def accepted_since(connection: Connection, since: datetime) -> Counter[str]:
    """Domain of the address, in lower case -> mails that relays took since this instant."""
    return _count(
        connection,
        select(subscriber.c.address)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .join(delivery, delivery.c.subscription_id == subscription.c.id)
        .where(
            delivery.c.state == DeliveryState.ACCEPTED.value,
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

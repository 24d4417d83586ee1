"""How many mails and readers each domain of addresses has."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from service.model import DeliveryState
from service.store import tables as t
from service.store.mailing import volumes
from tests.mail import stock

PEOPLE = ["a@gmail.com", "B@GMail.com", '"x@y"@gmail.com', "c@example.vn", "d@example.vn"]


def test_what_was_taken_since_then_is_counted_by_domain(any_store, now):
    made = stock.fill(any_store, now, PEOPLE)
    with any_store.ledger() as connection:
        assert volumes.accepted_since(connection, now - timedelta(days=1)) == {}
        for delivery, ago in zip(made.deliveries, (0, 23, 24, 25, 1), strict=True):
            state = DeliveryState.ACCEPTED if delivery != made.deliveries[4] else "rejected"
            connection.execute(
                update(t.delivery)
                .where(t.delivery.c.id == delivery)
                .values(state=str(state), settled_at=now - timedelta(hours=ago))
            )
        found = volumes.accepted_since(connection, now - timedelta(days=1))
        assert found == {"gmail.com": 3}


def test_who_reads_is_counted_once_and_who_has_left_is_not(any_store, now):
    made = stock.fill(any_store, now, PEOPLE)
    stock.fill(any_store, now, PEOPLE[:1], digest="other")
    with any_store.ledger() as connection:
        assert volumes.readers(connection) == {"gmail.com": 3, "example.vn": 2}
        connection.execute(
            update(t.subscription)
            .where(t.subscription.c.id.in_(made.subscriptions[2:4]))
            .values(ended_at=now, ended_reason="page")
        )
        connection.execute(
            update(t.subscriber).where(t.subscriber.c.address == PEOPLE[4]).values(address=None)
        )
        assert volumes.readers(connection) == {"gmail.com": 2}

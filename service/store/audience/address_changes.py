"""Changes of address that wait for the yes of the new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from service.store.tables import address_change, subscription


@dataclass(frozen=True, slots=True)
class AddressChange:
    """`subscriber_id` wants the address of `new_subscriber_id`.

    `subscription_id` is the new address's, which the mail with the token hangs on. Once the change
    is made both are one person.
    """

    token: str
    subscriber_id: int
    new_subscriber_id: int
    subscription_id: int
    asked_at: datetime


def put(
    connection: Connection, token: str, subscriber_id: int, subscription_id: int, now: datetime
) -> None:
    """Note the change; what this person had asked for before counts no more."""
    drop(connection, subscriber_id)
    connection.execute(
        insert(address_change).values(
            token=token, subscriber_id=subscriber_id, subscription_id=subscription_id, asked_at=now
        )
    )


def find(connection: Connection, token: str) -> AddressChange | None:
    """The change of this token; None: it was forgotten or replaced, or there was none."""
    row = connection.execute(
        select(address_change, subscription.c.subscriber_id.label("new_subscriber_id"))
        .join(subscription, subscription.c.id == address_change.c.subscription_id)
        .where(address_change.c.token == token)
    ).one_or_none()
    return None if row is None else AddressChange(**row._asdict())


def drop(connection: Connection, subscriber_id: int, but: str | None = None) -> None:
    """Forget what this person asked for, and what others asked for with their address.

    `but`: the token of a change that is kept; None: none is.
    """
    theirs = select(subscription.c.id).where(subscription.c.subscriber_id == subscriber_id)
    connection.execute(
        delete(address_change).where(
            (address_change.c.subscriber_id == subscriber_id)
            | address_change.c.subscription_id.in_(theirs),
            address_change.c.token != (but or ""),
        )
    )


def prune(connection: Connection, before: datetime) -> None:
    """Delete what was asked for before this instant: its link works no more."""
    connection.execute(delete(address_change).where(address_change.c.asked_at <= before))

"""What happened to a subscription, when and why. Append-only: `why` needs that day's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from service.store.tables import subscription_event


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a subscription's history. `detail` is JSON; instants in it are ISO 8601 UTC."""

    at: datetime
    what: str
    detail: dict[str, Any]


def record(
    connection: Connection,
    subscription_id: int,
    now: datetime,
    what: str,
    detail: Mapping[str, object],
) -> None:
    """Write one line. Nothing ever changes or deletes it."""
    connection.execute(
        insert(subscription_event).values(
            subscription_id=subscription_id, at=now, what=what, detail=dict(detail)
        )
    )


def of_subscription(connection: Connection, subscription_id: int) -> list[Event]:
    """Its history, oldest first."""
    rows = connection.execute(
        select(subscription_event.c.at, subscription_event.c.what, subscription_event.c.detail)
        .where(subscription_event.c.subscription_id == subscription_id)
        .order_by(subscription_event.c.id)
    )
    return [Event(row.at, row.what, dict(row.detail)) for row in rows]

"""What happened to a subscription, when and why. Append-only: `why` needs that day's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from service.store.core.bulk import Copied
from service.store.tables import subscription_event


def record(
    connection: Connection,
    subscription_id: int,
    now: datetime,
    what: str,
    detail: Mapping[str, object],
) -> None:
    """Write one line. Nothing ever changes or deletes it.

    `detail` is JSON; instants in it are ISO 8601 UTC.
    """
    line = {"subscription_id": subscription_id, "happened_at": now, "what": what}
    connection.execute(_RECORD, {**line, "detail": dict(detail)})


def record_all(
    connection: Connection,
    now: datetime,
    what: str,
    lines: Sequence[tuple[int, Mapping[str, object]]],
) -> None:
    """The same for many subscriptions: each with its detail."""
    _RECORD_ALL(
        connection,
        [
            {"subscription_id": row_id, "happened_at": now, "what": what, "detail": dict(detail)}
            for row_id, detail in lines
        ],
    )


_RECORD = insert(subscription_event)
_RECORD_ALL = Copied(subscription_event, "subscription_id", "happened_at", "what", "detail")


def newest(connection: Connection) -> int:
    """The last line of all; 0: there is none."""
    return connection.scalar(select(func.max(subscription_event.c.id))) or 0

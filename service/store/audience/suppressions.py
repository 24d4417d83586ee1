"""Addresses that must not be written to, by key: a row outlives the address itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, literal, select

from service.store.core import facts
from service.store.core.bulk import inserting, lots
from service.store.core.statements import upsert
from service.store.tables import subscriber, suppression
from service.text import mailboxes

UNSUBSCRIBED, BOUNCED = "unsubscribed", "bounced"
BLOCKLISTED, COMPLAINED = "blocklisted", "complained"
"""Reasons that lists of other services give. Only who unsubscribed may sign up again."""


def reason(connection: Connection, address_key: bytes) -> str | None:
    """Why this address must not be written to; None if it may."""
    return connection.execute(
        select(suppression.c.reason).where(suppression.c.address_key == address_key)
    ).scalar()


def among(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, str]:
    """Key -> why, of those keys whose address must not be written to."""
    found: dict[bytes, str] = {}
    for some in lots(keys):
        rows = connection.execute(
            select(suppression.c.address_key, suppression.c.reason).where(
                suppression.c.address_key.in_(some)
            )
        )
        found.update((row.address_key, row.reason) for row in rows)
    return found


def barred(connection: Connection, addresses: Sequence[str]) -> tuple[str, ...]:
    """Those of these addresses that must not be written to, in their order."""
    secret = facts.known_secret(connection)
    if secret is None:
        return ()
    keys = {one: mailboxes.key(secret, one) for one in addresses}
    gone = among(connection, keys.values())
    return tuple(one for one in addresses if keys[one] in gone)


def add(connection: Connection, address_key: bytes, why: str, now: datetime, evidence: str) -> None:
    """Write to it no more. The first reason stands: it is the one that explains the silence.

    Only `unsubscribed` gives way to any other, for a yes would lift it.
    """
    row = upsert(connection, suppression).values(
        address_key=address_key, reason=why, suppressed_at=now, evidence=evidence
    )
    connection.execute(
        row.on_conflict_do_update(
            index_elements=[suppression.c.address_key],
            set_={"reason": why, "suppressed_at": now, "evidence": evidence},
            where=and_(suppression.c.reason == UNSUBSCRIBED, literal(why != UNSUBSCRIBED)),
        )
    )


def lift(connection: Connection, subscriber_id: int) -> None:
    """The person has said yes: that they had unsubscribed counts no more. Other reasons stand."""
    key = select(subscriber.c.address_key).where(subscriber.c.id == subscriber_id)
    connection.execute(
        delete(suppression).where(
            suppression.c.address_key == key.scalar_subquery(),
            suppression.c.reason == UNSUBSCRIBED,
        )
    )


def add_all(connection: Connection, now: datetime, rows: Sequence[tuple[bytes, str, str]]) -> None:
    """The same for many: key, reason, evidence."""
    _ADD_ALL(
        connection,
        [
            {"address_key": key, "reason": why, "suppressed_at": now, "evidence": evidence}
            for key, why, evidence in rows
        ],
    )


_ADD_ALL = inserting(
    suppression, "address_key", "reason", "suppressed_at", "evidence", unless="address_key"
)

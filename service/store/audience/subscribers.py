"""Addresses and the people behind them. An address can be forgotten, its key stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Row, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from service.store.core.bulk import Copied, inserting, lots
from service.store.core.statements import upsert_for
from service.store.tables import subscriber, subscription, suppression


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person as stored. `address` is None once forgotten; language and zone None: the site's."""

    id: int
    address_key: bytes
    address: str | None
    language: str | None
    zone: str | None
    created_at: datetime


_BY_KEY = select(subscriber).where(subscriber.c.address_key == bindparam("key"))


def by_key(connection: Connection, address_key: bytes) -> Subscriber | None:
    """The subscriber with this address; None if nobody ever had it."""
    row = connection.execute(_BY_KEY, {"key": address_key}).one_or_none()
    return None if row is None else _read(row)


def by_keys(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, Subscriber]:
    """Key -> who has this address, of those keys that anybody has or had."""
    found: dict[bytes, Subscriber] = {}
    for some in lots(keys):
        rows = connection.execute(select(subscriber).where(subscriber.c.address_key.in_(some)))
        found.update((row.address_key, _read(row)) for row in rows)
    return found


@dataclass(frozen=True, slots=True)
class NewSubscriber:
    """A person to be inserted; the columns of `subscriber`."""

    address_key: bytes
    mailbox_key: bytes
    address: str
    language: str | None
    created_at: datetime


def add_all(connection: Connection, new: Sequence[NewSubscriber]) -> None:
    """Insert people who are not known; whoever another process was faster with stays."""
    rows = [{name: getattr(one, name) for name in _NEW} for one in new]
    try:
        with connection.begin_nested():
            _COPY_ALL(connection, rows)
    except IntegrityError:
        _ADD_ALL(connection, rows)


_NEW = tuple(field.name for field in fields(NewSubscriber))
_COPY_ALL = Copied(subscriber, *_NEW)
_ADD_ALL = inserting(subscriber, *_NEW, unless="address_key")


def _read(row: Row[Any]) -> Subscriber:
    return Subscriber(row.id, row.address_key, row.address, row.language, row.zone, row.created_at)


def put(
    connection: Connection,
    address_key: bytes,
    mailbox_key: bytes,
    address: str,
    now: datetime,
    *,
    language: str | None = None,
    zone: str | None = None,
) -> Subscriber:
    """Find the person, or make one; a forgotten address is known again. Locks the row.

    `language` and `zone` fill what was empty and overwrite what they say anew.
    """
    row = {
        "address_key": address_key, "mailbox_key": mailbox_key, "address": address,
        "language": language, "zone": zone, "created_at": now,
    }  # fmt: skip
    connection.execute(_putting(connection.dialect.name), row)
    found = by_key(connection, address_key)
    assert found is not None
    return found


@cache
def _putting(dialect: str) -> Insert:
    row = upsert_for(dialect, subscriber)
    return row.on_conflict_do_update(
        index_elements=["address_key"],
        set_={
            # As it was typed first: only case can differ under one key.
            "address": func.coalesce(subscriber.c.address, row.excluded.address),
            "mailbox_key": row.excluded.mailbox_key,
            "language": func.coalesce(row.excluded.language, subscriber.c.language),
            "zone": func.coalesce(row.excluded.zone, subscriber.c.zone),
        },
    )


def prefer(connection: Connection, subscriber_id: int, **values: str | None) -> None:
    """Set the person's `language` or `zone`, None = the site's; without any it does nothing."""
    if values:
        connection.execute(
            update(subscriber).where(subscriber.c.id == subscriber_id).values(**values)
        )


def forget(connection: Connection, subscriber_id: int) -> None:
    """Take the address away. The key stays, so that nobody is told twice who comes back."""
    connection.execute(
        update(subscriber).where(subscriber.c.id == subscriber_id).values(address=None)
    )


def readers(connection: Connection) -> int:
    """How many people get mail: live, confirmed, not suppressed, each counted once.

    Publishers are told so in the User-Agent. Who reads our feeds is not counted: that could only be
    known by remembering who asks for them.
    """
    written_to = subscriber.c.address_key.not_in(select(suppression.c.address_key))
    statement = (
        select(func.count(subscription.c.subscriber_id.distinct()))
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(subscription.c.ended_at.is_(None), subscription.c.starts_at.is_not(None), written_to)
    )
    return int(connection.execute(statement).scalar() or 0)

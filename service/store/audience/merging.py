"""One person takes another one's address, and both are one from then on.

The one who changes stays, with subscriptions, history and ledger; the other one's come along. The
row that is left over takes the old address's key, without an address: it is nobody's, until
somebody signs up with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select, update

from service.store.core.bulk import lots
from service.store.core.statements import upsert
from service.store.mailing import mails_on_their_way
from service.store.tables import (
    correction,
    former_address,
    subscriber,
    subscription,
    suppression,
    told,
)


def lock(connection: Connection, people: Iterable[int]) -> None:
    """Nobody else changes anything of these people until the transaction ends; in one order.

    Their mails come first, as senders have it, who lock a reader when they release a mail.
    """
    people = sorted(people)
    mails_on_their_way.lock(connection, people)
    connection.execute(
        select(subscriber.c.id)
        .where(subscriber.c.id.in_(people))
        .order_by(subscriber.c.id)
        .with_for_update()
    ).all()


def succeed(connection: Connection, ended: int, successor: int) -> None:
    """The links of an ended subscription lead to this one from now on."""
    connection.execute(
        update(subscription).where(subscription.c.id == ended).values(successor=successor)
    )


def merge(connection: Connection, stays: int, goes: int, now: datetime) -> None:
    """Give `stays` the address of `goes` and all that it has. Both must be locked.

    Of one digest at most one of the two may have a live subscription. What either was told in a
    scope both were told from now on, and shown what either was shown; a mail on its way to one that
    tells once more what the other was shown, or nothing but a recall that the other one is told of,
    is stopped.
    """
    rows = connection.execute(
        select(subscriber.c.id, subscriber.c.address_key, subscriber.c.mailbox_key,
               subscriber.c.address)
        .where(subscriber.c.id.in_([stays, goes]))
    ).all()  # fmt: skip
    found = {row.id: row for row in rows}
    old, new = found[stays], found[goes]
    waiting = [
        *mails_on_their_way.told_already(connection, stays, goes),
        *mails_on_their_way.corrected_already(connection, stays, goes),
    ]
    connection.execute(
        update(subscription).where(subscription.c.subscriber_id == goes).values(subscriber_id=stays)
    )
    mails_on_their_way.stop(connection, waiting, now)
    _told(connection, stays, goes)
    _corrections(connection, stays, goes)
    _former(connection, stays, goes, old.address_key, new.address_key, now)
    _set(connection, goes, address_key=secrets.token_bytes(32), address=None, mailbox_key=None)
    _set(
        connection, stays,
        address_key=new.address_key, mailbox_key=new.mailbox_key, address=new.address,
    )  # fmt: skip
    _set(connection, goes, address_key=old.address_key, mailbox_key=old.mailbox_key)


def _told(connection: Connection, stays: int, goes: int) -> None:
    known = told.alias("known")
    same = and_(known.c.scope == told.c.scope, known.c.article_id == told.c.article_id)
    # A recall asks who was shown it: that row stays, rather than one which only counts it.
    shown = exists().where(same, known.c.subscriber_id == goes, known.c.shown)
    connection.execute(delete(told).where(told.c.subscriber_id == stays, ~told.c.shown, shown))
    twice = exists().where(same, known.c.subscriber_id == stays)
    connection.execute(delete(told).where(told.c.subscriber_id == goes, twice))
    connection.execute(update(told).where(told.c.subscriber_id == goes).values(subscriber_id=stays))


def _corrections(connection: Connection, stays: int, goes: int) -> None:
    """What was taken back is told once, where both were to be told: by a mail that says it."""
    other = correction.alias()
    same = other.c.recall_id == correction.c.recall_id
    said = exists().where(same, other.c.subscriber_id == goes, other.c.delivery_id.is_not(None))
    waits = and_(correction.c.subscriber_id == stays, correction.c.delivery_id.is_(None))
    connection.execute(delete(correction).where(waits, said))
    both = exists().where(same, other.c.subscriber_id == stays)
    mine = correction.c.subscriber_id == goes
    connection.execute(update(correction).where(mine, ~both).values(subscriber_id=stays))
    connection.execute(delete(correction).where(mine))


def _former(
    connection: Connection, stays: int, goes: int, old: bytes, new: bytes, now: datetime
) -> None:
    """Addresses of either before are those of the one; the new one is none of them."""
    f = former_address.c
    theirs = connection.execute(
        select(f.address_key, f.left_at).where(f.subscriber_id == goes)
    ).all()
    connection.execute(delete(former_address).where(f.subscriber_id == goes))
    connection.execute(delete(former_address).where(f.subscriber_id == stays, f.address_key == new))
    for key, left_at in [*((row.address_key, row.left_at) for row in theirs), (old, now)]:
        if key == new:
            continue
        row = upsert(connection, former_address).values(
            address_key=key, subscriber_id=stays, left_at=left_at
        )
        connection.execute(
            row.on_conflict_do_update(
                index_elements=["address_key", "subscriber_id"], set_={"left_at": left_at}
            )
        )


def _set(connection: Connection, subscriber_id: int, **values: object) -> None:
    connection.execute(update(subscriber).where(subscriber.c.id == subscriber_id).values(**values))


def former_keys(connection: Connection, people: Iterable[int]) -> dict[int, tuple[bytes, ...]]:
    """Person -> the keys of the addresses that they had before; who had none is absent."""
    found: dict[int, tuple[bytes, ...]] = {}
    f = former_address.c
    for some in lots(people):
        rows = connection.execute(
            select(f.subscriber_id, f.address_key)
            .where(f.subscriber_id.in_(some))
            .order_by(f.left_at.desc())
        )
        for who, key in rows:
            found[who] = (*found.get(who, ()), key)
    return found


def suppressions_of(people: Iterable[int]) -> ColumnElement[bool]:
    """Of the table suppression: the rows of these people's addresses, and of those they left.

    What was suppressed after somebody had left an address is theirs only while nobody else has, or
    has had, that address: its next owner's is none of their business.
    """
    some = list(people)
    f, later, owner = former_address.c, former_address.alias().c, subscriber.alias().c
    taken = exists().where(owner.address_key == f.address_key, owner.address.is_not(None)) | (
        exists().where(later.address_key == f.address_key, later.left_at > f.left_at)
    )
    left = exists().where(
        f.subscriber_id.in_(some),
        f.address_key == suppression.c.address_key,
        (suppression.c.suppressed_at <= f.left_at) | ~taken,
    )
    current = select(subscriber.c.address_key).where(subscriber.c.id.in_(some))
    return suppression.c.address_key.in_(current) | left


def left_at(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, datetime]:
    """Key -> when its owner changed to another address, of those that were left."""
    found: dict[bytes, datetime] = {}
    f = former_address.c
    for some in lots(keys):
        rows = connection.execute(
            select(f.address_key, f.left_at).where(f.address_key.in_(some)).order_by(f.left_at)
        )
        found.update((row.address_key, row.left_at) for row in rows)
    return found


def moved_since(connection: Connection, people: Iterable[int], since: datetime) -> set[int]:
    """Who of these changed their address after this instant."""
    f = former_address.c
    rows = connection.execute(
        select(f.subscriber_id).where(f.subscriber_id.in_(list(people)), f.left_at > since)
    )
    return set(rows.scalars())

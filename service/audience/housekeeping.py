"""What time does to subscriptions: sign-ups nobody confirmed, digests that left the TOML."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from service.audience import forgetting, records
from service.audience.signup import LINK_LASTS
from service.errors import StoreError
from service.model import EndedReason
from service.store.audience import address_changes, signup_hours, subscriptions
from service.store.audience.subscriptions import Subscription
from service.store.core.database import Connection, Store

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("bantin")

REMOVED_LASTS = timedelta(days=7)
"""A digest put back within this time goes on as if it had never been away."""


def run(store: Store, now: datetime) -> int:
    """All of it. Returns how many subscriptions ended. Run twice, the second finds nothing."""
    with store.write() as connection:
        signup_hours.prune(connection, now - timedelta(days=2))
        address_changes.prune(connection, now - LINK_LASTS)
    return expire_unconfirmed(store, now) + end_removed(store, now)


def erase_freed_pages(store: Store, now: datetime, zone: str) -> None:
    """At night, after all else: write over what freed pages may tell of who was forgotten.

    A file that is too large for the room left, or never at rest, keeps nothing else from its work.
    """
    try:
        why = None if forgetting.erase_freed_pages(store, now, zone) else "it was busy"
    except StoreError as error:
        why = str(error)
    if why is not None:
        _log.warning("freed pages may tell who was forgotten: not written over", error=why)


def expire_unconfirmed(store: Store, now: datetime) -> int:
    """End sign-ups whose link has lapsed. An address that never said yes is forgotten with it."""
    with store.write() as connection:
        lapsed = subscriptions.unconfirmed(connection, now - LINK_LASTS)
        forgetting.take_away(connection, _strangers(connection, lapsed))
        return records.ended(
            connection, lapsed, now, EndedReason.NOT_CONFIRMED, how="the link lapsed"
        )


def end_removed(store: Store, now: datetime) -> int:
    """End what hangs on digests that have been gone for a week."""
    with store.write() as connection:
        left = subscriptions.of_removed_digests(connection, now - REMOVED_LASTS)
        return records.ended(
            connection, left, now, EndedReason.DIGEST_REMOVED, how="the digest left the TOML"
        )


def _strangers(connection: Connection, lapsed: Iterable[Subscription]) -> dict[int, bytes]:
    """Subscriber id -> address key, of those who have nothing else and never had."""
    gone = {one.id: one for one in lapsed}
    found: dict[int, bytes] = {}
    for person, key in {one.subscriber_id: one.address_key for one in gone.values()}.items():
        others = subscriptions.of_person(connection, person)
        if not any(one.confirmed or (one.live and one.id not in gone) for one in others):
            found[person] = key
    return found

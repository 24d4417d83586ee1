"""Goodbye, what may be wanted instead, and coming back.

The token in the link is the permission: it never expires, and everything here may be said twice.
The delivery queue looks at the subscription again before each mail, so an end holds from now on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.audience import choices, records
from service.audience.departures import BY_THE_OWNER
from service.audience.records import What
from service.audience.tokens import is_token
from service.config.schema import Settings
from service.errors import UsageError
from service.model import Cadence, EndedReason
from service.store.audience import subscriptions
from service.store.audience.subscriptions import Subscription
from service.store.core.database import Connection, Store

PAUSE = timedelta(days=30)

REGRET = timedelta(days=7)
"""Who comes back within this time goes on as if nothing had happened; later is a new beginning,
for nobody wants the news of a year in one mail."""


def find(store: Store, token: str) -> Subscription | None:
    """The subscription of a link, live or ended. None: no such link."""
    if not is_token(token):
        return None
    with store.read() as connection:
        return subscriptions.by_token(connection, token)


def is_gone(found: Subscription) -> bool:
    """Whether its address was deleted: its links lead nowhere for good.

    Also where somebody has signed up with that address since: old links must not tell that.
    """
    deleted = found.address is None and not found.live
    return deleted or found.ended_reason == EndedReason.FORGOTTEN


def unsubscribe(
    store: Store, now: datetime, token: str, how: EndedReason, said: str = "link in a mail"
) -> Subscription | None:
    """End this subscription only; with EndedReason.ALL all of the person's. None: no such link.

    Where the person was forgotten nothing ends: whoever comes back has other links.
    `said`: what is noted of how that was asked for.
    """
    if not is_token(token):
        return None
    with store.ledger() as connection:
        found = subscriptions.held(connection, token)
        if found is None or is_gone(found):
            return found
        ending = [found]
        if how is EndedReason.ALL:
            ending = subscriptions.of_person(connection, found.subscriber_id)
        records.ended(connection, ending, now, how, how=said)
        return subscriptions.by_token(connection, token)


def monthly_instead(
    store: Store, settings: Settings, now: datetime, token: str
) -> Subscription | None:
    """Once a month from now on. Raises UsageError where the digest does not allow it."""
    with store.ledger() as connection:
        found = _live(connection, token)
        if found is None or found.cadence == Cadence.MONTHLY:
            return found
        if not may_be_monthly(settings, found):
            raise UsageError(f"{found.digest} does not come monthly")
        return records.changed(
            connection,
            found,
            now,
            What.CHANGED,
            how="monthly instead of goodbye",
            cadence=Cadence.MONTHLY.value,
        )


def pause(store: Store, now: datetime, token: str) -> Subscription | None:
    """No mail for 30 days. None: no such link, or it has ended."""
    with store.ledger() as connection:
        found = _live(connection, token)
        if found is None:
            return None
        return records.changed(
            connection,
            found,
            now,
            What.PAUSED,
            how="pause instead of goodbye",
            paused_until=now + PAUSE,
        )


def may_be_monthly(settings: Settings, found: Subscription) -> bool:
    """Whether "once a month instead" can be offered."""
    digest = settings.digest.get(found.digest)
    if digest is None or found.cadence == Cadence.MONTHLY:
        return False
    return Cadence.MONTHLY in choices.cadences(digest)


def may_come_back(found: Subscription) -> bool:
    """Whether undo can be offered: it was the person who ended it."""
    return not found.live and found.ended_reason in BY_THE_OWNER and found.address is not None


def undo(store: Store, now: datetime, token: str) -> Subscription | None:
    """Take a goodbye back: the same subscription goes on, and all that ended with it by "all".

    None: no such link, or it was not the person who ended it.
    """
    if not is_token(token):
        return None
    with store.ledger() as connection:
        found = subscriptions.held(connection, token)
        if found is None or found.live:
            return found
        if not may_come_back(found):
            return None
        for one in _ended_with(connection, found):
            _restore(connection, one, now)
        return subscriptions.by_token(connection, token)


def _live(connection: Connection, token: str) -> Subscription | None:
    found = subscriptions.held(connection, token) if is_token(token) else None
    return found if found is not None and found.live and found.confirmed else None


def _ended_with(connection: Connection, found: Subscription) -> list[Subscription]:
    if found.ended_reason != EndedReason.ALL:
        return [found]
    of_person = subscriptions.of_person(connection, found.subscriber_id)
    return [
        one
        for one in of_person
        if one.ended_reason == EndedReason.ALL and one.ended_at == found.ended_at
    ]


def _restore(connection: Connection, found: Subscription, now: datetime) -> None:
    assert found.ended_at is not None
    if subscriptions.live_in(connection, found.subscriber_id, found.digest) is not None:
        return  # they signed up anew meanwhile: that one goes on
    records.changed(
        connection,
        found,
        now,
        What.RESTORED,
        how="undo",
        ended_at=None,
        ended_reason=None,
        **_window(connection, found, now),
    )


def _window(connection: Connection, found: Subscription, now: datetime) -> dict[str, object]:
    """From where it goes on. A mail that the goodbye held back is reached back for."""
    if found.ended_at is None or found.starts_at is None or found.covered_to is None:
        return {}
    if now - found.ended_at > REGRET:
        return {"starts_at": now, "covered_to": now, "next_cut_at": None, "rule": None}
    held = subscriptions.released_from(connection, found, found.ended_at)
    if held is None:
        return {}
    return {"covered_to": max(found.starts_at, min(found.covered_to, held))}

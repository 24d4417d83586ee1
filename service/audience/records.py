"""Writing a subscription and its history together, so that neither goes without the other.

Every function needs a write transaction of the caller. Each event keeps the settings of that day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from service.model import EndedReason
from service.store.audience import subscription_events, subscriptions
from service.store.audience.subscriptions import Subscription
from service.store.core.database import Connection
from service.store.core.kicks import Kick, kick


class What(StrEnum):
    """What happened to a subscription, as its history says."""

    SIGNED_UP = "signed_up"
    ASKED_AGAIN = "asked_again"
    CONFIRMED = "confirmed"
    ADDED = "added"
    CHANGED = "changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    RESTORED = "restored"
    MOVED = "moved"
    INVITED = "invited"


def changed(
    connection: Connection,
    before: Subscription,
    now: datetime,
    what: What,
    *,
    how: str,
    **values: object,
) -> Subscription:
    """Set columns and write the line. `how`: by which page or command. Returns the new state."""
    subscriptions.change(connection, before.id, **values)
    if what not in (What.SIGNED_UP, What.ASKED_AGAIN):
        kick(connection, Kick.SUBSCRIPTIONS)
    after = subscriptions.by_token(connection, before.token)
    assert after is not None
    subscription_events.record(connection, after.id, now, what, {"how": how, **after.preferences})
    return after


def ended(
    connection: Connection,
    found: Iterable[Subscription],
    now: datetime,
    reason: EndedReason,
    *,
    how: str,
) -> int:
    """End those that are live. Returns how many: ended twice is ended once."""
    known = {one.id: one for one in found}
    gone = subscriptions.end(connection, known, now, reason)
    for row_id in gone:
        detail = {"how": how, "reason": reason, **known[row_id].preferences}
        subscription_events.record(connection, row_id, now, What.ENDED, detail)
    return len(gone)


def forgotten(connection: Connection, found: Iterable[Subscription], now: datetime) -> None:
    """What had ended before its person was forgotten: its links lead nowhere from now on either.

    Else an old link would act on what they sign up for once they come back.
    """
    for one in found:
        if not one.live and one.ended_reason != EndedReason.FORGOTTEN:
            subscriptions.change(connection, one.id, ended_reason=EndedReason.FORGOTTEN.value)
            detail = {"how": "forget", "reason": EndedReason.FORGOTTEN, **one.preferences}
            subscription_events.record(connection, one.id, now, What.ENDED, detail)

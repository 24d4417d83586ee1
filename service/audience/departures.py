"""Finds people who left by themselves and are not to be added again by an older list. Pure.

The rows of what has ended say it, not a suppression: that would also bar the person's own way back.
A later yes of theirs undoes it, and so does a list that dates their sign-up after the goodbye.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from service.model import EndedReason
from service.store.audience.subscriptions import SubscriptionState

BY_THE_OWNER = frozenset(
    {EndedReason.ONE_CLICK, EndedReason.PAGE, EndedReason.ALL, EndedReason.UNDONE}
)
"""Goodbyes that nobody but the mailbox's owner can say."""

_OWN_WISH = BY_THE_OWNER | {EndedReason.FORGOTTEN}
_TO_ALL = frozenset({EndedReason.ALL, EndedReason.FORGOTTEN})
"""Goodbyes to every digest, also to those that the person never had."""


@dataclass(frozen=True, slots=True)
class Departure:
    """When somebody left, and how; None: they read on at another address."""

    at: datetime
    reason: EndedReason | None

    def said(self, zone: str) -> str:
        """What happened on which day, in this zone: "unsubscribed on 2026-11-24"."""
        what = "was forgotten" if self.reason is EndedReason.FORGOTTEN else "unsubscribed"
        if self.reason is None:
            what = "changed to another address"
        return f"{what} on {self.at.astimezone(ZoneInfo(zone)):%Y-%m-%d}"


def departure(
    standings: Iterable[SubscriptionState],
    digest: str,
    signed_up_at: datetime | None,
    now: datetime,
    moved_at: datetime | None = None,
) -> Departure | None:
    """Why this person must not be made a reader of the digest; None: they may.

    `standings` are all that they have and had, oldest first. `signed_up_at` is when a list says
    that they asked for it: it counts only between the goodbye and now. `moved_at` is when the owner
    of the address changed to another one.
    """
    left = None if moved_at is None else Departure(moved_at, None)
    for one in standings:
        ours = one.digest == digest
        reason = None if one.ended_reason is None else EndedReason(one.ended_reason)
        if one.ended_at is not None and reason in (_OWN_WISH if ours else _TO_ALL):
            if left is None or one.ended_at >= left.at:
                left = Departure(one.ended_at, reason)
        elif ours and one.confirmed and left is not None and one.created_at >= left.at:
            left = None
    if left is not None and signed_up_at is not None and left.at < signed_up_at <= now:
        return None
    return left

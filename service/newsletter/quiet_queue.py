"""Holds back what is still in the queue when it gets quiet: a slow relay must not mail at night.

Cuts fall outside of quiet times, so such a mail was planned before and came no further. It is held
a little while at a time, by every run: so no mail waits for a hold that nobody would end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.newsletter import rules
from service.store.core.database import Store
from service.store.mailing import deliveries

HELD_FOR = timedelta(minutes=25)
"""Less than the longest back-off of mail, beyond which a time to try again looks wrong
(docs/decisions/005)."""

RENEWED = timedelta(minutes=10)
"""A hold that ends within this is put off again."""


def hold_back(store: Store, now: datetime, digest: str | None = None) -> int:
    """Hold them; returns how many. `digest`: of this one alone.

    Mails that were planned in the quiet time itself are left alone: somebody asked for them by
    hand.
    """
    with store.read() as connection:
        waiting = deliveries.rules_of_waiting(connection, digest)
    held = 0
    for text in waiting:
        quiet = rules.read(text).quiet_at(now)
        if quiet is None:
            continue
        begin, end = quiet
        with store.ledger() as connection:
            held += deliveries.hold_back(
                connection,
                text,
                planned_before=begin,
                due_before=min(now + RENEWED, end),
                until=min(now + HELD_FOR, end),
                reason=f"held back: it is quiet there until {end:%Y-%m-%d %H:%M}Z",
            )
    return held

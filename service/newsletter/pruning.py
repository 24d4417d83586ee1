"""What the ledger may forget: what was told so long ago that no edition reaches back to it.

`told` is kept for twice the longest cadence of its scope, at least 35 days.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from service.config.schema import Settings
from service.newsletter import rules
from service.store.core.database import Store
from service.store.mailing import release, told

LEAST_KEPT = timedelta(days=35)


def prune(store: Store, settings: Settings, now: datetime) -> int:
    """Forget it, in small transactions. Returns how many deliveries' rows went.

    With it go the rendered parts of settled editions that two senders have left to each other.
    """
    kept = spans(settings, now)
    gone = 0
    for scope, span in kept.items():
        gone += _prune(store, now - span, scope, kept.keys())
    longest = max(kept.values(), default=LEAST_KEPT)
    with store.ledger() as connection:  # no mail of an edition is on its way for longer
        release.forget_parts_since(connection, now - longest)
    return gone + _prune(store, now - longest, None, kept.keys())


def spans(settings: Settings, now: datetime) -> dict[str, timedelta]:
    """Scope -> how long what was told in it is kept."""
    kept: dict[str, timedelta] = {}
    for digest in settings.digest.values():
        for rhythm in (digest.cadence, *(digest.cadences or ())):
            schedule = rules.schedule(digest, rhythm, None, None, settings.zone)
            following = schedule.next_cut(now)
            period = schedule.next_cut(following) - following
            span = max(2 * period, LEAST_KEPT, kept.get(digest.scope, LEAST_KEPT))
            kept[digest.scope] = span
    return kept


def _prune(store: Store, before: datetime, scope: str | None, known: AbstractSet[str]) -> int:
    """Each transaction goes on where the one before it ended: other scopes' rows stay between."""
    gone, after = 0, 0
    while True:
        with store.ledger() as connection:
            some, far = told.prune(connection, before, scope=scope, known=known, after=after)
        gone += some
        if far is None:
            return gone
        after = far

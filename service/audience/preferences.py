"""What a subscriber may set: topics, cadence, hour, a pause. One page, one Save."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.audience import choices, records
from service.audience.records import What
from service.audience.tokens import is_token
from service.config.schema import Settings
from service.errors import UsageError
from service.store.audience import subscriptions
from service.store.audience.subscriptions import Subscription
from service.store.core.database import Store


@dataclass(frozen=True, slots=True)
class Preferences:
    """A choice as stored: `topics`, `hour` None = the digest's own, `paused_until` None = none."""

    cadence: str
    topics: tuple[str, ...] | None
    hour: str | None
    paused_until: datetime | None


def save(
    store: Store, settings: Settings, now: datetime, token: str, wanted: Preferences
) -> Subscription | None:
    """Keep the choice. None: no such link, or the subscription is not active.

    Raises UsageError for a cadence that the digest has not. Another rhythm has another next cut:
    the newsletter sees that at its next tick, by the rule that it keeps with the old one. Both stay
    here: without them the change would pass for a beginning, and a cut before it would be due.
    Where the window stands does not move, so that a change of rhythm loses nothing.
    """
    if not is_token(token):
        return None
    with store.ledger() as connection:
        found = subscriptions.held(connection, token)
        if found is None or not found.live or not found.confirmed:
            return None
        _check(settings, found, wanted)
        values = _differences(found, wanted, now)
        if not values:
            return found
        what = _what(found, values, now)
        return records.changed(connection, found, now, what, how="preferences", **values)


def _check(settings: Settings, found: Subscription, wanted: Preferences) -> None:
    digest = settings.digest.get(found.digest)
    if digest is None:
        raise UsageError(f"{found.digest} is not sent any more")
    if wanted.cadence not in choices.cadences(digest):
        raise UsageError(f"{found.digest} does not come {wanted.cadence!r}")


def _differences(found: Subscription, wanted: Preferences, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {}
    if wanted.topics != found.topics:
        values["topics"] = None if wanted.topics is None else list(wanted.topics)
    if (wanted.cadence, wanted.hour) != (found.cadence, found.hour):
        values |= {"cadence": wanted.cadence, "hour": wanted.hour}
    paused = found.paused_until if is_paused(found, now) else None
    if wanted.paused_until != paused:
        values["paused_until"] = wanted.paused_until
    return values


def _what(found: Subscription, values: dict[str, object], now: datetime) -> What:
    if set(values) != {"paused_until"}:
        return What.CHANGED
    return What.RESUMED if is_paused(found, now) and values["paused_until"] is None else What.PAUSED


def is_paused(found: Subscription, now: datetime) -> bool:
    """Whether no mail goes out at `now`."""
    return found.paused_until is not None and found.paused_until > now

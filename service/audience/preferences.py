"""What a subscriber may set, on one page with one Save.

For each digest topics, cadence, hour and a pause; for all of them zone and language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.audience import choices, records
from service.audience.people import zones
from service.audience.records import What
from service.audience.tokens import is_token
from service.config.schema import Settings
from service.errors import UsageError
from service.store.audience import subscribers, subscriptions
from service.store.audience.subscriptions import Subscription
from service.store.core.database import Connection, Store

_HOW = "preferences"


@dataclass(frozen=True, slots=True)
class Preferences:
    """A choice as stored: `topics`, `hour` None = the digest's own, `paused_until` None = none."""

    cadence: str
    topics: tuple[str, ...] | None
    hour: str | None
    paused_until: datetime | None


@dataclass(frozen=True, slots=True)
class PersonalChoice:
    """What holds for all digests of one address: an IANA zone and a language, None = the site's."""

    zone: str | None
    language: str | None


def of_address(store: Store, token: str) -> list[Subscription]:
    """All that the person behind this link reads: the link's own first, then oldest first.

    Empty: no such link, or its own subscription is not active.
    """
    if not is_token(token):
        return []
    with store.read() as connection:
        found = subscriptions.by_token(connection, token)
        return [] if found is None else _active(connection, found)


def save(
    store: Store,
    settings: Settings,
    now: datetime,
    token: str,
    wanted: Mapping[str, Preferences],
    person: PersonalChoice | None = None,
) -> Subscription | None:
    """Keep the choice: digest -> what is wanted of it; who is not named stays as they are.

    `person` None: zone and language stay. Returns the link's own subscription; None: no such link,
    or that subscription is not active. All is kept, or nothing.

    Raises UsageError for a cadence that the digest has not, for a digest that this person does not
    read, and for an unknown zone. Another rhythm has another next cut: the newsletter sees that at
    its next tick, by the rule that it keeps with the old one. Both stay here: without them the
    change would pass for a beginning, and a cut before it would be due. Where the window stands
    does not move, so that a change of rhythm loses nothing.
    """
    if not is_token(token):
        return None
    with store.ledger() as connection:
        own = subscriptions.held(connection, token)
        active = [] if own is None else _active(connection, own)
        if own is None or not active:
            return None
        reads = {one.digest: one for one in active}
        for digest, chosen in wanted.items():
            if digest not in reads:
                raise UsageError(f"{digest} is not among what this address gets")
            _check(settings, reads[digest], chosen)
        moved = person is not None and _keep(connection, own, person)
        for digest, found in reads.items():
            values = _differences(found, wanted[digest], now) if digest in wanted else {}
            what = _what(found, values, now) if values else What.CHANGED
            if moved:
                values |= {"zone": None}  # the person's own counts from now on, for each of them
                what = What.CHANGED
            if values:
                records.changed(connection, found, now, what, how=_HOW, **values)
        return subscriptions.by_token(connection, token)


def _active(connection: Connection, own: Subscription) -> list[Subscription]:
    if not (own.live and own.confirmed):
        return []
    theirs = subscriptions.of_person(connection, own.subscriber_id)
    others = [one for one in theirs if one.live and one.confirmed and one.id != own.id]
    return [own, *others]


def _keep(connection: Connection, own: Subscription, person: PersonalChoice) -> bool:
    """Write what holds for all. Whether the zone is another one, so that every rhythm is."""
    if person.zone is not None and person.zone not in zones():
        raise UsageError(f"there is no time zone {person.zone!r}")
    moved = person.zone != own.zone
    values = {"zone": person.zone} if moved else {}
    if person.language != own.language:
        values["language"] = person.language
    subscribers.prefer(connection, own.subscriber_id, **values)
    return moved


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

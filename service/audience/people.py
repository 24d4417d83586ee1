"""Adding subscribers by hand. Lists are in audience.lists, forgetting in audience.forgetting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from zoneinfo import available_timezones

from service.audience import address as addresses
from service.audience import choices, records
from service.audience.confirm import PreviousCut, begin
from service.audience.departures import departure
from service.audience.records import What
from service.audience.tokens import new_token
from service.config.schema import Settings
from service.errors import UsageError
from service.store.audience import merging, subscribers, subscriptions, suppressions
from service.store.audience.subscriptions import Subscription
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.text import mailboxes
from service.text.unknown_name import no_such

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


class Added(StrEnum):
    """What became of one line."""

    ADDED = "added"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Person:
    """One line of a list or of the command. `topics` empty and None elsewhere: the digest's own.

    `signed_up_at`: when they asked for it, as a list says; None: it does not say.
    """

    address: str
    digest: str
    cadence: str | None = None
    topics: tuple[str, ...] = ()
    hour: str | None = None
    zone: str | None = None
    language: str | None = None
    evidence: str | None = None
    signed_up_at: datetime | None = None


def add(
    store: Store,
    settings: Settings,
    now: datetime,
    address: str,
    digest: str,
    *,
    previous_cut: PreviousCut,
    cadence: str | None = None,
    topics: Sequence[str] | None = None,
    hour: str | None = None,
    zone: str | None = None,
    language: str | None = None,
    evidence: str | None = None,
    again: bool = False,
) -> Added:
    """A subscription that is active at once; no mail is sent. Whoever is active stays as they are.

    None, and no topics, mean the digest's own. Raises UsageError for an unknown digest,
    topic, cadence, hour or zone, for what is not an address, for one that must not be written to,
    and, unless `again`, for whoever has left themselves.
    """
    try:
        addresses.normal(address)
    except ValueError as error:
        raise UsageError(f"{address!r} is not an address: {error}") from error
    wanted = Person(address, digest, cadence, tuple(topics or ()), hour, zone, language, evidence)
    checked = check(settings, wanted)
    with store.write() as connection:
        return put(connection, settings, now, checked, previous_cut, again=again)


def check(settings: Settings, person: Person) -> Person:
    """The same with everything in its stored form. Raises UsageError."""
    return Checker(settings).check(person)


class Checker:
    """Checks people one after another; preferences that many have alike are looked at once."""

    _REMEMBERED = 1000

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[Person, Person] = {}

    def check(self, person: Person) -> Person:
        """The same with everything in its stored form. Raises UsageError."""
        preferences = replace(person, address="", evidence=None, signed_up_at=None)
        found = self._known.get(preferences)
        try:
            if found is None:
                found = self._stored_form(preferences)
                if len(self._known) >= self._REMEMBERED:
                    self._known.clear()
                self._known[preferences] = found
            address = addresses.normal(person.address)
        except ValueError as error:
            raise UsageError(str(error)) from error
        return replace(
            found,
            address=address,
            evidence=person.evidence or None,
            signed_up_at=person.signed_up_at,
        )

    def _stored_form(self, preferences: Person) -> Person:
        digest = self._settings.digest.get(preferences.digest)
        if digest is None:
            raise UsageError(no_such("digest", preferences.digest, self._settings.digest))
        cadence = choices.choose_cadence(
            digest, preferences.cadence or choices.first_cadence(digest)
        )
        offered = choices.topics(self._settings, digest)
        topics = choices.choose_topics(offered, preferences.topics) if preferences.topics else None
        return replace(
            preferences,
            cadence=cadence,
            topics=topics or (),
            hour=choices.choose_hour(cadence, preferences.hour),
            zone=_zone(preferences.zone),
            language=_language(preferences.language),
        )


def put(
    connection: Connection,
    settings: Settings,
    now: datetime,
    person: Person,
    previous_cut: PreviousCut,
    *,
    again: bool,
) -> Added:
    """Write one checked person. Needs a write transaction.

    Raises UsageError when suppressed, and, unless `again`, for whoever has left themselves.
    """
    secret = facts.secret(connection)
    address_key = mailboxes.key(secret, person.address)
    reason = suppressions.reason(connection, address_key)
    if reason is not None:
        raise UsageError(f"{person.address} must not be written to: {reason}")
    row = subscribers.put(
        connection,
        address_key,
        mailboxes.mailbox_key(secret, person.address),
        person.address,
        now,
        language=person.language,
    )
    found = subscriptions.live_in(connection, row.id, person.digest)
    if found is not None and found.confirmed:
        return Added.ALREADY
    left = departure(
        subscriptions.standings(connection, [row.id]).get(row.id, ()),
        person.digest,
        person.signed_up_at,
        now,
        merging.left_at(connection, [address_key]).get(address_key),
    )
    if left is not None and not again:
        raise UsageError(
            f"{person.address} {left.said(settings.zone)}; with --again they are added all the same"
        )
    if found is None:
        found = _insert(connection, row.id, person, now)
    subscriptions.change(connection, found.id, **_preferences(person))
    found = subscriptions.by_token(connection, found.token)
    assert found is not None
    columns = begin(settings, found, now, previous_cut)
    records.changed(connection, found, now, What.ADDED, how="added by an admin", **columns)
    return Added.ADDED


def _insert(
    connection: Connection, subscriber_id: int, person: Person, now: datetime
) -> Subscription:
    token = new_token()
    assert person.cadence is not None
    subscriptions.add(
        connection,
        subscriber_id=subscriber_id,
        digest_name=person.digest,
        token=token,
        now=now,
        cadence=person.cadence,
    )
    found = subscriptions.by_token(connection, token)
    assert found is not None
    return found


def _preferences(person: Person) -> dict[str, object]:
    return {
        "cadence": person.cadence,
        "topics": list(person.topics) or None,
        "hour": person.hour,
        "zone": person.zone,
        "evidence": person.evidence,
    }


def _language(tag: str | None) -> str | None:
    if tag and _LANGUAGE.fullmatch(tag) is None:
        raise ValueError(f"{tag!r} is not a language; write one such as vi or en-GB")
    return tag or None


def _zone(name: str | None) -> str | None:
    if not name:
        return None
    if name not in zones():
        raise ValueError(f"no time zone {name!r}; write one such as Asia/Ho_Chi_Minh")
    return name


@cache
def zones() -> frozenset[str]:
    """Names of the IANA database. Read once: the system keeps six hundred files of them."""
    return frozenset(available_timezones())

"""Many people at once: what `people.put` does for one, for a batch of lines in few statements.

    keys ─> suppressed? ─> known? ─> insert who is new ─> left? ─> insert what is missing ─> history

Whoever needs more than an insert (an unconfirmed sign-up that becomes active, a forgotten address
that is known again, a language) takes the way of one person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.audience import people
from service.audience.confirm import PreviousCut, begins
from service.audience.departures import departure
from service.audience.people import Person
from service.audience.records import What
from service.audience.tokens import new_token
from service.config.schema import Settings
from service.store.audience import (
    merging,
    subscribers,
    subscription_events,
    subscriptions,
    suppressions,
)
from service.store.audience.subscribers import NewSubscriber, Subscriber
from service.store.audience.subscriptions import NewSubscription
from service.store.core import facts
from service.store.core.database import Connection
from service.text import mailboxes


@dataclass(frozen=True, slots=True)
class SuppressedAddress:
    """Nobody may write to this address. `evidence` says whose word it is, without the address."""

    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a line wants for its address, which is in its normal form."""

    line: int
    address: str
    what: Person | SuppressedAddress


@dataclass(slots=True)
class BulkReport:
    """What became of a batch. `refused`, `left_out` (they had left): line -> why."""

    added: int = 0
    already: int = 0
    barred: int = 0
    refused: list[tuple[Wanted, str]] = field(default_factory=list)
    left_out: list[tuple[Wanted, str]] = field(default_factory=list)


def put(
    connection: Connection,
    settings: Settings,
    now: datetime,
    wanted: Sequence[Wanted],
    previous_cut: PreviousCut,
    *,
    again: bool,
) -> BulkReport:
    """Write a batch of checked lines. Needs a write transaction.

    Whoever has left themselves (audience.departures) is left out, unless `again`.
    Within a batch a suppression counts for all lines of its address, whichever comes first.
    """
    done = BulkReport()
    secret = facts.secret(connection)
    keys = [mailboxes.key(secret, one.address) for one in wanted]
    done.barred = bar(connection, now, wanted, keys)
    reasons = suppressions.among(connection, keys)
    lines: list[tuple[bytes, Wanted, Person]] = []
    for key, one in zip(keys, wanted, strict=True):
        if not isinstance(one.what, Person):
            continue
        if key in reasons:
            done.refused.append((one, f"must not be written to: {reasons[key]}"))
        else:
            lines.append((key, one, one.what))
    known = subscribers.by_keys(connection, [key for key, _, _ in lines])
    fresh = _insert_people(connection, secret, now, lines, known)
    known |= subscribers.by_keys(connection, fresh)
    moved = merging.left_at(connection, known)
    standings = subscriptions.standings(connection, [who.id for who in known.values()])
    live = {
        (who, one.digest): one.confirmed
        for who, theirs in standings.items()
        for one in theirs
        if one.ended_at is None
    }
    new: list[NewSubscription] = []
    for key, one, person in lines:
        who = known[key]
        confirmed = live.get((who.id, person.digest))
        had = standings.get(who.id, ())
        left = departure(had, person.digest, person.signed_up_at, now, moved.get(key))
        if left and not (confirmed or again):
            done.left_out.append((one, f"{left.said(settings.zone)}, left out"))
            continue
        is_plain = fresh.get(key, who.address and "") == (person.language or "")
        if confirmed:
            done.already += 1
        elif confirmed is None and is_plain:
            new.append(_new(settings, now, who.id, person, previous_cut))
            done.added += 1
        else:
            people.put(connection, settings, now, person, previous_cut, again=True)
            done.added += 1
        live[who.id, person.digest] = True
    _insert(connection, now, new)
    return done


def bar(
    connection: Connection, now: datetime, wanted: Sequence[Wanted], keys: Sequence[bytes]
) -> int:
    """Suppress the addresses of lines that say so; `keys` are those of the lines. How many."""
    barred = [
        (key, one.what)
        for key, one in zip(keys, wanted, strict=True)
        if isinstance(one.what, SuppressedAddress)
    ]
    suppressions.add_all(
        connection, now, [(key, what.reason, what.evidence) for key, what in barred]
    )
    return len(barred)


def _insert_people(
    connection: Connection,
    secret: bytes,
    now: datetime,
    lines: Sequence[tuple[bytes, Wanted, Person]],
    known: Mapping[bytes, Subscriber],
) -> dict[bytes, str]:
    """Insert who is not known yet. Returns their keys, with the language that each was given."""
    fresh: dict[bytes, str] = {}
    rows = []
    for key, one, person in lines:
        if key in known or key in fresh:
            continue
        fresh[key] = person.language or ""
        box = mailboxes.mailbox_key(secret, one.address)
        rows.append(NewSubscriber(key, box, one.address, person.language, now))
    subscribers.add_all(connection, rows)
    return fresh


def _new(
    settings: Settings,
    now: datetime,
    subscriber_id: int,
    person: Person,
    previous_cut: PreviousCut,
) -> NewSubscription:
    assert person.cadence is not None
    digest = settings.digest[person.digest]
    starts = begins(
        digest, digest.scope, person.cadence, person.hour, person.zone, now, previous_cut
    )
    return NewSubscription(
        subscriber_id=subscriber_id,
        digest=person.digest,
        token=new_token(),
        cadence=person.cadence,
        hour=person.hour,
        zone=person.zone,
        topics=person.topics or None,
        evidence=person.evidence,
        created_at=now,
        starts_at=starts,
    )


def _insert(connection: Connection, now: datetime, new: Sequence[NewSubscription]) -> None:
    ids = subscriptions.add_all(connection, new)
    subscription_events.record_all(
        connection,
        now,
        What.ADDED,
        [
            (row_id, {"how": "added by an admin", **one.preferences})
            for row_id, one in zip(ids, new, strict=True)
        ],
    )

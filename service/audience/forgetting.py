"""Taking a person out of the store: the address, and whatever repeats it.

A key stays (an HMAC of the address), so that who comes back is not told twice, and who bounced is
not written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from service.audience import address as addresses
from service.audience import records
from service.mail.outbox import Outbox
from service.model import EndedReason
from service.store.audience import address_changes, subscribers, subscriptions, traces
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.store.core.secure_delete import erase, rewrite
from service.store.reviews import reviews
from service.text import mailboxes
from service.text.mailboxes import folded

_NIGHT = range(1, 5)
"""Hours of the clock."""

_APART, _DAY = timedelta(hours=20), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`known`: somebody had the address. `erased`: no byte of it is left in the database's files.

    False where other processes read or wrote all the time: forgetting again tries again, and so
    does the night's job.
    """

    known: bool
    erased: bool


@dataclass(frozen=True, slots=True)
class TakenOut:
    """`known`: somebody had the address. `words`: what may still stand in freed pages.

    `noted`: what `facts.FREED_PAGES` is since then; None where it was there before, for others.
    """

    known: bool
    words: tuple[str, ...]
    noted: str | None


def forget(store: Store, now: datetime, address: str, outbox: Outbox) -> Forgotten:
    """Take an address out of the store, its files and the outbox. Raises ValueError for no address.

    What is queued for it is suppressed and released when its turn comes, for nobody is left to
    send it to. What was forgotten before is looked through once more. Raises StoreError; what is
    not erased then is left to the job.
    """
    taken = take_out(store, now, address, outbox)
    erased = erase(store, taken.words)
    if erased and taken.noted is not None:
        _nothing_is_left(store, taken.noted)
    return Forgotten(taken.known, erased)


def take_out(store: Store, now: datetime, address: str, outbox: Outbox) -> TakenOut:
    """The same without the file's freed pages: a page cannot wait until all of it is searched.

    They are left to a job (`erase_freed_pages`). ValueError as above.
    """
    wanted = addresses.normal(address)
    known, written, noted = False, wanted, None
    keys: list[str] = []
    with store.ledger() as connection:
        address_key = mailboxes.key(facts.secret(connection), wanted)
        person = subscribers.by_key(connection, address_key)
        if person is not None:
            known, written = person.address is not None, person.address or wanted
            all_of_them = subscriptions.of_person(connection, person.id)
            take_away(connection, {person.id: address_key})
            records.ended(connection, all_of_them, now, EndedReason.FORGOTTEN, how="forget")
            records.forgotten(connection, all_of_them, now)
            reviews.forget(connection, {wanted, written})
            noted = _note(connection, now)
            keys = [one.partition("@")[0] for one in traces.message_ids(connection, person.id)]
    for key in keys:
        outbox.remove(key)
    words = {wanted, written, folded(wanted), addresses.readable(wanted)}
    return TakenOut(known, tuple(sorted(words)), noted)


def erase_freed_pages(store: Store, now: datetime, zone: str) -> bool:
    """Write the file anew if somebody was forgotten since. To be called once an hour.

    It does so in the zone's night, once at most, since all who write wait meanwhile; by day only
    what has waited for a day, because nothing runs at night. False: it was busy, and the next night
    tries again. Raises StoreError.
    """
    with store.read() as connection:
        kept = facts.several(connection, facts.FREED_PAGES, facts.ERASE_TRIED)
    noted = kept.get(facts.FREED_PAGES)
    if noted is None or not _is_due(noted, kept.get(facts.ERASE_TRIED), now, zone):
        return True
    with store.ledger() as connection:
        facts.put(connection, facts.ERASE_TRIED, now.isoformat())
    if not rewrite(store):
        return False
    _nothing_is_left(store, noted)
    return True


def _is_due(noted: str, tried: str | None, now: datetime, zone: str) -> bool:
    if tried and timedelta() <= now - datetime.fromisoformat(tried) < _APART:
        return False
    waited = now - datetime.fromisoformat(noted.split(maxsplit=1)[0])
    return now.astimezone(ZoneInfo(zone)).hour in _NIGHT or waited >= _DAY


def _note(connection: Connection, now: datetime) -> str | None:
    """Freed pages may say who it was. Returns the note, None where there was one before."""
    before = facts.get(connection, facts.FREED_PAGES)
    at = now.isoformat()
    noted = f"{before.split(maxsplit=1)[0] if before else at} {at}"
    facts.put(connection, facts.FREED_PAGES, noted)
    return None if before else noted


def _nothing_is_left(store: Store, noted: str) -> None:
    with store.ledger() as connection:
        if facts.get(connection, facts.FREED_PAGES) == noted:  # else somebody came meanwhile
            facts.forget(connection, facts.FREED_PAGES)


def take_away(connection: Connection, people: Mapping[int, bytes]) -> None:
    """Empty all columns in which these people's addresses stand, or how they said yes.

    `people`: subscriber id -> address key. Nothing may have been written of them before
    (store.audience.traces).
    """
    traces.redact(connection, people)
    for subscriber_id in sorted(people):
        subscribers.forget(connection, subscriber_id)
        address_changes.drop(connection, subscriber_id)
        for one in subscriptions.of_person(connection, subscriber_id):
            subscriptions.change(connection, one.id, evidence=None, signup_hash=None)

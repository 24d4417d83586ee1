"""Taking a person out of the store: the address, and whatever repeats it.

A key stays (an HMAC of the address), so that who comes back is not told twice, and who bounced is
not written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`known`: somebody had the address. `erased`: no byte of it is left in the database's files.

    False where other processes read or wrote all the time: forgetting again tries again.
    """

    known: bool
    erased: bool


def forget(store: Store, now: datetime, address: str, outbox: Outbox) -> Forgotten:
    """Take an address out of the store, its files and the outbox. Raises ValueError for no address.

    What is queued for it is suppressed and released when its turn comes, for nobody is left to
    send it to. What was forgotten before is looked through once more.
    """
    known, words = take_out(store, now, address, outbox, erases_later=False)
    erased = erase(store, words)
    return Forgotten(known, erased)


def take_out(
    store: Store, now: datetime, address: str, outbox: Outbox, *, erases_later: bool = True
) -> tuple[bool, tuple[str, ...]]:
    """The same without the file's freed pages: a page cannot wait until all of it is searched.

    `erases_later`: a job does it within hours (`erase_freed_pages`). Returns whether somebody had
    the address, and the words that may still stand there. ValueError as above.
    """
    wanted = addresses.normal(address)
    known, written = False, wanted
    keys: list[str] = []
    with store.ledger() as connection:
        address_key = mailboxes.key(facts.secret(connection), wanted)
        person = subscribers.by_key(connection, address_key)
        if person is not None:
            known, written = person.address is not None, person.address or wanted
            all_of_them = subscriptions.of_person(connection, person.id)
            take_away(connection, {person.id: address_key})
            records.ended(connection, all_of_them, now, EndedReason.FORGOTTEN, how="forget")
            reviews.forget(connection, {wanted, written})
            if erases_later:
                facts.put(connection, facts.FREED_PAGES, now.isoformat())
            keys = [one.partition("@")[0] for one in traces.message_ids(connection, person.id)]
    for key in keys:
        outbox.remove(key)
    words = {wanted, written, folded(wanted), addresses.readable(wanted)}
    return known, tuple(sorted(words))


def erase_freed_pages(store: Store) -> bool:
    """Write the file anew if somebody was forgotten since. False: it was busy; call it again."""
    with store.read() as connection:
        since = facts.get(connection, facts.FREED_PAGES)
    if since is None:
        return True
    if not rewrite(store):
        return False
    with store.ledger() as connection:
        if facts.get(connection, facts.FREED_PAGES) == since:  # else somebody came meanwhile
            facts.forget(connection, facts.FREED_PAGES)
    return True


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

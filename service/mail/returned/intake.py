"""Takes in returned mail: whose key fits gets a row, and what it says is acted upon.

A bounce after acceptance is a row of its own; the delivery stays accepted (docs/decisions/071).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from service.config.schema import Settings
from service.mail import relay_answers
from service.mail.returned import complaints, return_path, soft
from service.mail.returned.model import ReturnedKind, ReturnedMail, ReturnedRecipient
from service.mail.returned.opened import OpenedMail
from service.mail.returned.return_path import ReturnKey, ReturnPaths
from service.store.audience import suppressions
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.store.mailing import returned_mail
from service.store.mailing.returned_mail import NewReturned, SentDelivery
from service.text import mailboxes
from service.text.redaction import without_addresses


class ReturnedAction(StrEnum):
    """What came of a returned mail."""

    SUPPRESS = "suppress"  # nothing is sent to the address any more
    COUNT = "count"  # a soft bounce, which counts towards that
    KNOWN = "known"  # said of this delivery before
    REFUSED = "refused"  # no key fits: it may be forged
    NONE = "none"  # there is nothing to do
    NOTE = "note"  # it could not be read, which a row says


def paths_of(store: Store, settings: Settings) -> ReturnPaths | None:
    """Makes the return path of each message; None: none is configured. Raises StoreError."""
    if settings.mail.bounces is None:
        return None
    with store.read() as connection:
        secret = facts.known_secret(connection)
    if secret is None:
        with store.write() as connection:
            secret = facts.secret(connection)
    return ReturnPaths.below(settings.mail.bounces.address, secret)


def asks_for(mail: ReturnedMail) -> ReturnedAction:
    """What the mail asks for, as far as its key fits."""
    said = mail.recipients
    if mail.kind is ReturnedKind.UNREAD:
        return ReturnedAction.NOTE
    if mail.kind is ReturnedKind.COMPLAINT:
        wanted = complaints.asks_for_silence(mail.feedback)
        return ReturnedAction.SUPPRESS if wanted else ReturnedAction.NONE
    if mail.kind is not ReturnedKind.BOUNCE or (said and not any(one.failed for one in said)):
        return ReturnedAction.NONE
    hard = any(one.hard for one in said)
    return ReturnedAction.SUPPRESS if hard else ReturnedAction.COUNT


def take(
    store: Store, now: datetime, mails: Sequence[OpenedMail], *, dry_run: bool = False
) -> list[ReturnedAction]:
    """Act on returned mails, in one transaction. Returns what came of each. Raises StoreError.

    `dry_run`: only what would come of each by itself; nothing is written.
    """
    if dry_run:
        with store.read() as connection:
            return _take(connection, now, mails, dry_run=True)
    with store.ledger() as connection:
        return _take(connection, now, mails, dry_run=False)


def _take(
    connection: Connection, now: datetime, mails: Sequence[OpenedMail], *, dry_run: bool
) -> list[ReturnedAction]:
    secret = facts.known_secret(connection)
    wanted = {key.delivery_id for one in mails for key in one.keys}
    sent = returned_mail.sent(connection, wanted) if secret else {}
    actions: list[ReturnedAction] = []
    said: list[tuple[int, NewReturned]] = []
    for place, one in enumerate(mails):
        action = asks_for(one.mail)
        of = None if secret is None else _whose(secret, one.keys, sent)
        if action is not ReturnedAction.NONE and of is None:
            action = ReturnedAction.REFUSED
        actions.append(action)
        if of is not None and action is not ReturnedAction.NONE:
            said.append((place, _said(secret or b"", one.mail, of)))
    barred: dict[bytes, NewReturned] = {}
    # Deliveries first, then suppressions, each in one order: that of a sender which settles.
    for place, new in sorted(said, key=lambda one: (one[1].of.id, one[1].kind)):
        actions[place] = _act(connection, now, new, dry_run=dry_run)
        if actions[place] is ReturnedAction.SUPPRESS:
            known = barred.get(new.of.address_key)
            if known is None or _why(known) == suppressions.UNSUBSCRIBED:
                barred[new.of.address_key] = new  # any reason goes before a mere wish
    if not dry_run:
        for key, new in sorted(barred.items()):
            evidence = f"returned: {new.status} {new.reason}".strip()
            suppressions.add(connection, key, _why(new), now, evidence)
    return actions


def _whose(
    secret: bytes, keys: Sequence[ReturnKey], sent: dict[int, SentDelivery]
) -> SentDelivery | None:
    """The delivery whose key it brings; None: there is none, so that nothing is believed."""
    for key in keys:
        of = sent.get(key.delivery_id)
        for whose in () if of is None else (of.address_key, *of.former):
            if of is not None and return_path.fits(secret, key, of.message_id, whose):
                return replace(of, address_key=whose)  # it says something of that address alone
    return None


def _said(secret: bytes, mail: ReturnedMail, of: SentDelivery) -> NewReturned:
    """The row for what the mail says of this delivery.

    An address that is another one than ours was forwarded to, or is a member of a list behind it:
    that this one is dead makes a soft bounce, for ours may have got the mail all the same.
    """
    if mail.kind is ReturnedKind.UNREAD:
        return NewReturned(of, mail.kind.value, hard=False, status="", reason=mail.why[:300])
    ours = [one for one in mail.recipients if _is(secret, one, of.address_key)]
    about = _worst(ours or list(mail.recipients))
    if mail.kind is ReturnedKind.COMPLAINT:
        feedback = without_addresses(relay_answers.clean(mail.feedback))[:64]
        return NewReturned(of, mail.kind.value, hard=True, status="", reason=feedback)
    if about is None:
        return NewReturned(of, mail.kind.value, hard=False, status="", reason="")
    reason = without_addresses(relay_answers.clean(about.reason))
    hard = about.hard and bool(ours)
    kind = returned_mail.ABOUT_US if about.about_us and not hard else mail.kind.value
    return NewReturned(of, kind, hard=hard, status=about.status, reason=reason)


def _is(secret: bytes, one: ReturnedRecipient, address_key: bytes) -> bool:
    try:
        return mailboxes.key(secret, one.address) == address_key
    except UnicodeError:  # half of a character
        return False


def _worst(recipients: list[ReturnedRecipient]) -> ReturnedRecipient | None:
    return max(recipients, key=lambda one: (one.hard, one.failed), default=None)


def _act(
    connection: Connection, now: datetime, said: NewReturned, *, dry_run: bool
) -> ReturnedAction:
    """Write the row, and tell what follows of it."""
    if not dry_run and not returned_mail.add(connection, said, now):
        return ReturnedAction.KNOWN
    if dry_run and returned_mail.is_known(connection, said):
        return ReturnedAction.KNOWN
    if said.kind == returned_mail.ABOUT_US:
        return ReturnedAction.NONE
    if said.kind == returned_mail.UNREAD:
        return ReturnedAction.NOTE
    if not said.hard:
        since = now - soft.REMEMBERED
        counted = returned_mail.soft_bounces(connection, said.of.address_key, since)
        if not soft.is_too_much([*counted, now], now):
            return ReturnedAction.COUNT
    return ReturnedAction.SUPPRESS


def _why(said: NewReturned) -> str:
    if said.kind == ReturnedKind.BOUNCE.value:
        return suppressions.BOUNCED
    return (
        suppressions.UNSUBSCRIBED if said.reason == complaints.OPT_OUT else suppressions.COMPLAINED
    )

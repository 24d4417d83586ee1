"""A change of address, which both addresses confirm.

The old one asks on a page behind a link that was mailed to it, the new one says yes by a link that
is mailed there; then subscriptions, history and ledger go along.

    asked ─> the same address ─────────> said at once
          ─> suppressed ───────────────> no mail, the same page
          ─> free, left, subscribed ───> a mail there ─> yes ─> both are one person

Suppressions stay with their address, and so does what comes back of mail that was on its way. Who
has read at the new address is one with who changes: nobody is told twice, and every link works on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.audience import mails, records, tokens
from service.audience.caps import Caps
from service.audience.records import What
from service.audience.signup import LINK_LASTS
from service.audience.tokens import is_token
from service.config.schema import Settings
from service.mail.personal import move_path
from service.model import DeliveryKind, EndedReason
from service.render.engine import Renderer
from service.render.site_facts import base_url
from service.store.audience import (
    address_changes,
    merging,
    signup_hours,
    subscribers,
    subscriptions,
    suppressions,
)
from service.store.audience.address_changes import AddressChange
from service.store.audience.subscriptions import Subscription
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.text import mailboxes

_HOW = "change of address"
_CAPS = Caps()


class MoveAsked(StrEnum):
    """What the page says. It never depends on whose the new address is."""

    CHECK_MAIL = "check_mail"
    SAME = "same"
    FULL = "full"
    GONE = "gone"


class MoveState(StrEnum):
    """Where the link in the mail to the new address leads."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    ASK = "ask"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Moving:
    """`subscription` is one of who changes, before the yes with the old address, then with the new.

    `to` is the new address; both are None where the link is unknown.
    """

    standing: MoveState
    subscription: Subscription | None = None
    to: str | None = None


def ask(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    found: Subscription,
    address: str,
    token: Callable[[], str] = tokens.new_token,
    caps: Caps = _CAPS,
) -> MoveAsked:
    """Ask the new address, a normal form, for its yes.

    `found` is of who asks, behind a signed link. What was asked for before counts no more.
    Raises TemplateError.
    """
    link = token()
    language = mails.language_for(settings, renderer, found.language)
    parts = renderer.mail(
        "move",
        language,
        link=base_url(settings) + move_path(link),
        days=LINK_LASTS.days,
        digest=found.digest_title,
    )
    with store.ledger() as connection:
        secret = facts.secret(connection)
        address_key = mailboxes.key(secret, address)
        box = mailboxes.mailbox_key(secret, address)
        known = subscribers.by_key(connection, address_key)
        merging.lock(connection, {found.subscriber_id} | ({known.id} if known else set()))
        own = subscriptions.by_token(connection, found.token)
        if own is None or own.address is None or own.subscriber_id != found.subscriber_id:
            return MoveAsked.GONE
        if own.address_key == address_key:
            return MoveAsked.SAME
        counters = caps.counters(secret, address)
        due_at = signup_hours.due(connection, counters, now, signup_hours.LONGEST_QUEUE)
        if due_at is None:
            return MoveAsked.FULL
        if suppressions.reason(connection, address_key) not in (None, suppressions.UNSUBSCRIBED):
            return MoveAsked.CHECK_MAIL
        person = subscribers.put(connection, address_key, box, address, now)
        if not caps.may_write(connection, person.id, box, now):
            if known is None or known.address is None:
                subscribers.forget(connection, person.id)  # nothing would end and take it along
            return MoveAsked.CHECK_MAIL
        anchor = _anchor(connection, own, person.id, now)
        address_changes.put(connection, link, own.subscriber_id, anchor.id, now)
        kind = DeliveryKind.CHANGE if anchor.confirmed else DeliveryKind.CONFIRM
        mails.plan(connection, settings, secret, kind, anchor.id, parts, language, now, due_at)
        signup_hours.count(connection, counters, due_at)
    return MoveAsked.CHECK_MAIL


def _anchor(
    connection: Connection, own: Subscription, subscriber_id: int, now: datetime
) -> Subscription:
    """What the mail hangs on: the new address's own subscription, else an unconfirmed one.

    Like a sign-up it ends when nobody says yes, and its address is forgotten with it.
    """
    live = subscriptions.live_in(connection, subscriber_id, own.digest)
    if live is not None:
        return live
    made = tokens.new_token()
    subscriptions.add(
        connection,
        subscriber_id=subscriber_id,
        digest_name=own.digest,
        token=made,
        now=now,
        cadence=own.cadence,
        evidence=_HOW,
    )
    added = subscriptions.by_token(connection, made)
    assert added is not None
    return records.changed(connection, added, now, What.SIGNED_UP, how=_HOW)


def find(store: Store, now: datetime, token: str) -> Moving:
    """Where the link in the mail leads. It writes nothing."""
    if not is_token(token):
        return Moving(MoveState.UNKNOWN)
    with store.read() as connection:
        change = address_changes.find(connection, token)
        return Moving(MoveState.UNKNOWN) if change is None else _standing(connection, change, now)


def confirm(store: Store, now: datetime, token: str, evidence: str) -> Moving:
    """The yes of the new address. `evidence`: by which page and from where.

    It goes when they are forgotten: the history, which is for good, has no network address.
    Said twice it is done once: the second time it says so again.
    """
    if not is_token(token):
        return Moving(MoveState.UNKNOWN)
    with store.ledger() as connection:
        asked = address_changes.find(connection, token)
        if asked is None:
            return Moving(MoveState.UNKNOWN)
        merging.lock(connection, {asked.subscriber_id, asked.new_subscriber_id})
        change = address_changes.find(connection, token)
        if change is None:
            return Moving(MoveState.UNKNOWN)
        made = change.new_subscriber_id == change.subscriber_id
        if not made and change.new_subscriber_id != asked.new_subscriber_id:
            return Moving(MoveState.UNKNOWN)
        standing = _standing(connection, change, now)
        if standing.standing is not MoveState.ASK or standing.subscription is None:
            return standing
        _become_one(connection, change, now)
        for one in subscriptions.of_person(connection, change.subscriber_id):
            if one.live and one.confirmed:
                said = f"{one.evidence}; {evidence}" if one.evidence else evidence
                records.changed(connection, one, now, What.MOVED, how=_HOW, evidence=said)
        own = subscriptions.by_token(connection, standing.subscription.token)
        return Moving(MoveState.DONE, own, standing.to)


def _standing(connection: Connection, change: AddressChange, now: datetime) -> Moving:
    theirs = subscriptions.of_person(connection, change.subscriber_id)
    active = [one for one in theirs if one.live and one.confirmed] or theirs
    there = subscriptions.of_person(connection, change.new_subscriber_id)
    anchor = next((one for one in there if one.id == change.subscription_id), None)
    if not active or active[0].address is None or anchor is None or anchor.address is None:
        return Moving(MoveState.UNKNOWN)
    if change.new_subscriber_id == change.subscriber_id:
        if not (active[0].live and active[0].confirmed):
            return Moving(MoveState.UNKNOWN)
        return Moving(MoveState.DONE, active[0], anchor.address)
    barred = suppressions.reason(connection, anchor.address_key)
    late = change.asked_at + LINK_LASTS <= now or not anchor.live
    if late or barred not in (None, suppressions.UNSUBSCRIBED):
        return Moving(MoveState.EXPIRED, active[0], anchor.address)
    return Moving(MoveState.ASK, active[0], anchor.address)


def _become_one(connection: Connection, change: AddressChange, now: datetime) -> None:
    stays, goes = change.subscriber_id, change.new_subscriber_id
    suppressions.lift(connection, goes)
    mine = {one.digest: one for one in subscriptions.of_person(connection, stays) if one.live}
    for one in subscriptions.of_person(connection, goes):
        own = mine.get(one.digest)
        if not one.live or own is None:
            continue
        # Of two the one that was confirmed goes on; of two such, that of who changes.
        kept, ends = (one, own) if one.confirmed and not own.confirmed else (own, one)
        records.ended(connection, [ends], now, EndedReason.ADMIN, how="two addresses became one")
        merging.succeed(connection, ends.id, kept.id)
    address_changes.drop(connection, stays, but=change.token)
    address_changes.drop(connection, goes, but=change.token)
    merging.merge(connection, stays, goes, now)

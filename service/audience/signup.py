"""Signing up: whoever the address belongs to, the page says the same and one mail goes out a day.

    a request ─> of nobody yet, or ended ─> a new subscription, unconfirmed ─┐
           ─> unconfirmed ─────────────> the latest request counts ──────────┼─> one mail a day
           ─> active ──────────────────> nothing changes ─────────────────┘
           ─> unsubscribed elsewhere ──> as if ended; the yes lifts the suppression
           ─> suppressed otherwise ────> nothing, and no mail

The mail is a delivery like any other: planned here, sent when the queue is drained. How many may go
out stands in `audience.caps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service.audience import choices, mails, records
from service.audience.caps import Caps
from service.audience.records import What
from service.audience.tokens import new_token
from service.config.schema import Settings
from service.errors import UsageError
from service.model import DeliveryKind, EndedReason, Parts
from service.render.engine import Renderer
from service.store.audience import signup_hours, subscribers, subscriptions, suppressions
from service.store.audience.subscribers import Subscriber
from service.store.audience.subscriptions import Subscription
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.store.mailing import transactional
from service.text import mailboxes
from service.text.unknown_name import no_such

LINK_LASTS = timedelta(days=7)
"""How long a confirmation link works; then the sign-up ends and its address is forgotten."""

_HOW = "sign-up page"

_MAILS = {DeliveryKind.CONFIRM: "confirm", DeliveryKind.CHANGE: "already"}
"""Kind -> template. Who has confirmed already is told so, with the link to the preferences."""


class SignupOutcome(StrEnum):
    """What the page says. It never depends on whose address it was."""

    CHECK_MAIL = "check_mail"
    FULL = "full"


_CAPS = Caps()


@dataclass(frozen=True, slots=True)
class SignupRequest:
    """What a person asked for. `address` is a normal form, `topics` None = the digest's own.

    `evidence` says how consent was given, `cookie_hash` (None: no cookie) lets one click confirm.
    `language`: of the reader, None = the site's.
    """

    address: str
    digest: str
    cadence: str
    topics: tuple[str, ...] | None
    evidence: str
    cookie_hash: bytes | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class SignedUp:
    """`planned`: a mail waits to be sent. `due_at`: when one may go out, None = `outcome` FULL.

    It tells nothing of the address: where none is planned it says when one would be due.
    """

    outcome: SignupOutcome
    planned: bool
    due_at: datetime | None


def sign_up(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    request: SignupRequest,
    caps: Caps = _CAPS,
) -> SignedUp:
    """Take the request; plan the mail that asks for a yes. Raises TemplateError, UsageError.

    Both mails are rendered before anything is known: how long it takes tells nothing either.
    """
    if request.digest not in settings.digest:
        raise UsageError(no_such("digest", request.digest, settings.digest))
    language = request.language or settings.site.language
    drafts = {
        name: _render(settings, renderer, request.digest, name, language)
        for name in _MAILS.values()
    }
    with store.ledger() as connection:
        secret = facts.secret(connection)
        counters = caps.counters(secret, request.address)
        due_at = signup_hours.due(connection, counters, now, signup_hours.LONGEST_QUEUE)
        if due_at is None:
            return SignedUp(SignupOutcome.FULL, planned=False, due_at=None)
        address_key = mailboxes.key(secret, request.address)
        reason = suppressions.reason(connection, address_key)
        if reason not in (None, suppressions.UNSUBSCRIBED):
            return SignedUp(SignupOutcome.CHECK_MAIL, planned=False, due_at=due_at)
        box = mailboxes.mailbox_key(secret, request.address)
        person = subscribers.put(connection, address_key, box, request.address, now)
        _speak(connection, person, request)
        found = subscriptions.live_in(connection, person.id, request.digest)
        asks = found is None or not found.confirmed or reason is not None
        kinds = (DeliveryKind.CONFIRM,) if asks else transactional.SIGNUP_KINDS
        may_write = caps.may_write(connection, person.id, box, now, kinds)
        if reason is not None and found is not None and found.confirmed and may_write:
            records.ended(connection, [found], now, EndedReason.ADMIN, how="unsubscribed elsewhere")
            found = None  # it gets no mail any more: they are asked anew
        if found is None:
            found = _begin(connection, person.id, request, now, new_token())
        elif not found.confirmed:
            found = _begin_again(connection, found, request, now, mailed=may_write)
        elif may_write:
            records.changed(connection, found, now, What.ASKED_AGAIN, how=_HOW)
        if may_write:
            kind = DeliveryKind.CHANGE if found.confirmed else DeliveryKind.CONFIRM
            parts = drafts[_MAILS[kind]]
            mails.plan(connection, settings, secret, kind, found.id, parts, language, now, due_at)
            signup_hours.count(connection, counters, due_at)
        elif not found.confirmed and mails.hurry(connection, settings, secret, found.id, due_at):
            signup_hours.count(connection, counters, due_at)
        return SignedUp(SignupOutcome.CHECK_MAIL, planned=may_write, due_at=due_at)


def _render(
    settings: Settings, renderer: Renderer, digest: str, template: str, language: str
) -> Parts:
    title = choices.digest_title(settings, settings.digest[digest])
    return renderer.mail(template, language, digest=title, days=LINK_LASTS.days)


def _speak(connection: Connection, person: Subscriber, request: SignupRequest) -> None:
    """Keep the language of the request.

    Who has said yes once chooses theirs in the preferences: nobody else's sign-up changes it.
    """
    if person.language == request.language:
        return
    if not any(one.confirmed for one in subscriptions.of_person(connection, person.id)):
        subscribers.prefer(connection, person.id, language=request.language)


def _begin(
    connection: Connection, subscriber_id: int, request: SignupRequest, now: datetime, token: str
) -> Subscription:
    subscriptions.add(
        connection,
        subscriber_id=subscriber_id,
        digest_name=request.digest,
        token=token,
        now=now,
        cadence=request.cadence,
        topics=_as_stored(request),
        evidence=request.evidence,
        signup_hash=request.cookie_hash,
    )
    added = subscriptions.by_token(connection, token)
    assert added is not None
    return records.changed(connection, added, now, What.SIGNED_UP, how=_HOW)


def _begin_again(
    connection: Connection,
    found: Subscription,
    request: SignupRequest,
    now: datetime,
    *,
    mailed: bool,
) -> Subscription:
    """The latest request counts. The week of its link begins anew only with a new mail."""
    return records.changed(
        connection,
        found,
        now,
        What.SIGNED_UP,
        how=_HOW,
        cadence=request.cadence,
        topics=_as_stored(request),
        evidence=request.evidence,
        signup_hash=request.cookie_hash,
        **({"created_at": now} if mailed else {}),
    )


def _as_stored(request: SignupRequest) -> list[str] | None:
    return None if request.topics is None else list(request.topics)

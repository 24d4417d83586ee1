"""Mails an edition under review to its editors, each with a link of their own, once.

It is the mail as a reader would get it who follows all topics, with a few lines above it. A copy
that an editor asks for has none.

    seat: an editor's mails are deliveries as all others, so they need a subscription. Who reads the
    digest has one; another editor gets one that was never confirmed: no news is sent by it, and it
    ends a week after the last review.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape

import structlog

from service.config.schema import Digest, Settings
from service.errors import TemplateError, UsageError
from service.mail import personal
from service.mail.addresses import envelope
from service.mail.message import review_message_id
from service.mail.personal import NOBODYS_TOKEN, TransactionalComposer
from service.model import DeliveryKind, Parts
from service.newsletter.review.whole import WholeEdition, whole
from service.render.engine import Renderer
from service.render.marks import fill
from service.store.audience import subscribers, subscriptions, suppressions
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.store.mailing import editions, transactional
from service.store.mailing.recipients import Recipient
from service.store.recalled import marks
from service.store.reviews import reviews
from service.store.reviews.reviews import EditionReview, ReviewLink
from service.text import mailboxes

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("bantin")

LEAST_TRIED = timedelta(hours=1)
"""A mail to an editor is tried for so long, however soon the edition goes."""

WAITS_TRIED = timedelta(days=1)
"""The same where the edition waits for a word."""

SEAT = "editor of the digest (configuration)"
"""How the subscription of an editor came about who has none."""


@dataclass(frozen=True, slots=True)
class ReviewInvitation:
    """What the template of the mail is given as `review`. `page`: the path of the editor's page.

    `goes_at`: its hour. `required`: without a word it waits.
    """

    page: str
    goes_at: datetime
    required: bool


def editors_of(digest: Digest) -> tuple[str, ...]:
    """The addresses of a digest's editors in their normal form, each once."""
    return tuple(dict.fromkeys(envelope(one).address for one in digest.editors))


def ask(
    store: Store, settings: Settings, renderer: Renderer, now: datetime, only: str | None = None
) -> dict[str, str]:
    """Mail every editor who has no link yet. Edition -> why it could not be rendered."""
    failed: dict[str, str] = {}
    with store.read() as connection:
        waiting = [
            (review, missing)
            for review in reviews.open_ones(connection, only)
            if (missing := _unasked(connection, settings, review))
        ]
    for review, addresses in waiting:
        try:
            for address in addresses:
                _ask(store, settings, renderer, now, review, address)
            with store.ledger() as connection:
                editions.can_be_rendered(connection, review.edition_id)
        except TemplateError as error:
            failed[f"{review.digest} {review.cadence} {review.cut_at:%Y-%m-%dT%H:%MZ}"] = str(error)
            with store.ledger() as connection:
                editions.fail(connection, review.edition_id, str(error))
    return failed


def copy(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    review: EditionReview,
    link: ReviewLink,
    number: int,
) -> bool:
    """Plan the mail as readers get it, to this editor. False: nothing is left to tell.

    `number`: the first copy is 1.
    """
    seen = whole(connection, settings, renderer, review)
    parts = seen.parts()
    if parts is None:
        return False
    _plan(connection, settings, now, review, link, seen, parts, number)
    return True


def token_of(secret: bytes, review: EditionReview, address: str) -> str:
    """The token of an editor's link: nobody can make it without the secret of the store."""
    values = (str(review.digest_id), review.cadence, review.cut_at.isoformat(), address)
    text = "\x1f".join(("review", *values)).encode()
    return hmac.digest(secret, text, "sha256").hex()[:32]


def _unasked(connection: Connection, settings: Settings, review: EditionReview) -> list[str]:
    digest = settings.digest.get(review.digest)
    if digest is None or digest.review is None:
        return []
    known = {one.address for one in reviews.links(connection, review.edition_id)}
    return [one for one in editors_of(digest) if one not in known]


def _ask(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    review: EditionReview,
    address: str,
) -> None:
    """One commit: the link, and the delivery that brings it."""
    with store.ledger() as connection:
        marks.hold_off(connection)
        found = reviews.of_edition(connection, review.edition_id, lock=True)
        if found is None or not found.open:
            return
        token = token_of(facts.secret(connection), found, address)
        link = ReviewLink(token, found.edition_id, address, now)
        if not reviews.add_link(connection, link):
            return
        if suppressions.barred(connection, [address]):
            _log.warning(
                "an editor of an edition must not be written to: the address is suppressed",
                digest=found.digest,
                cut=found.cut_at.isoformat(),
            )
        invitation = ReviewInvitation(personal.review_path(token), found.cut_at, found.required)
        try:
            seen = whole(
                connection,
                settings,
                renderer,
                found,
                beside={"review": invitation},
                template="review",
            )
        except UsageError:  # the digest has just left
            return
        parts = seen.parts()
        if parts is not None:
            _plan(connection, settings, now, found, link, seen, parts, 0)


def _plan(
    connection: Connection,
    settings: Settings,
    now: datetime,
    review: EditionReview,
    link: ReviewLink,
    seen: WholeEdition,
    parts: Parts,
    number: int,
) -> None:
    subscription = _seat(connection, settings, review, link.address, now)
    as_nobody = Recipient(
        subscription_id=None,
        address=link.address,
        token=NOBODYS_TOKEN,
        subscribed_at=now,
        topics=None,
        digest=review.digest,
        digest_title=seen.title,
    )
    values = TransactionalComposer(settings).values(as_nobody, seen.language)
    least = WAITS_TRIED if review.required else LEAST_TRIED
    transactional.plan(
        connection,
        kind=DeliveryKind.REPORT,
        subscription_id=subscription,
        message_id=review_message_id(
            facts.secret(connection), personal.host(settings), token=link.token, number=number
        ),
        parts=_filled(parts, values),
        language=seen.language,
        now=now,
        expires_at=max(review.cut_at, now + least),
    )


def _filled(parts: Parts, values: Mapping[str, str]) -> Parts:
    """The parts without marks: what would be a reader's own is nobody's."""
    safe = {name: escape(value) for name, value in values.items()}
    return replace(
        parts,
        subject=fill(parts.subject, values),
        text=fill(parts.text, values),
        html=fill(parts.html, safe),
    )


def _seat(
    connection: Connection, settings: Settings, review: EditionReview, address: str, now: datetime
) -> int:
    """The subscription that an editor's mails go by."""
    secret = facts.secret(connection)
    key = mailboxes.key(secret, address)
    box = mailboxes.mailbox_key(secret, address)
    person = subscribers.put(connection, key, box, address, now)
    found = subscriptions.live_in(connection, person.id, review.digest)
    if found is not None:
        if found.evidence == SEAT:
            subscriptions.change(connection, found.id, created_at=now)
        return found.id
    text = f"seat\x1f{review.digest_id}\x1f{now.isoformat()}\x1f{address}".encode()
    return subscriptions.add(
        connection,
        subscriber_id=person.id,
        digest_name=review.digest,
        token=hmac.digest(secret, text, "sha256").hex()[:32],
        now=now,
        cadence=settings.digest[review.digest].cadence,
        evidence=SEAT,
    )
